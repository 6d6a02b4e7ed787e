"""The hall: one function is one thing that happens. Only here are transactions committed."""
