"""The truth list: what is believed of Stripe's behaviour, each fact one function, run here or against Stripe itself.

`python -m stripe_simulator.facts --key sk_test_…` runs the list against a sandbox of Stripe's; without a key, against
a simulator of its own. This package is the one that imports the official `stripe` library: it is a client of the
simulator, no part of it.
"""

from __future__ import annotations

from . import cards, connect, deliveries, disputes, errors, events, holds, idempotency, signatures
from .registry import FACTS, Fact, Mark
from .world import Unlike, World

__all__ = ["FACTS", "Fact", "Mark", "Unlike", "World", "modules"]

modules = (signatures, holds, events, cards, errors, idempotency, disputes, connect, deliveries)
