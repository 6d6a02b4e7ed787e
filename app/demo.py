"""Sample data."""


def load() -> bool:
    return False
