"""Rooms: one module, one outside service."""
