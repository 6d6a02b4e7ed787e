"""`python -m tests.simulator.conformance` renews the list of known parameters and the README's table."""

from .generated import renew

renew()
