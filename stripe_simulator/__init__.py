"""A stateful stand-in for Stripe's API that anyone can run without keys. See README.md."""

from .errors import ConnectionLost
from .simulator import Simulator

__all__ = ["ConnectionLost", "Simulator"]
