"""Measurements: `python -m bench NAME` runs the module of that name."""
