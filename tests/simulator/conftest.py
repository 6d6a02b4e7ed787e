"""A simulator of its own for every test, and the official library pointed at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe

from stripe_simulator import Simulator

from .conformance.witness import Witness, event_problems
from .in_process import InProcessClient

stripe.enable_telemetry = False

WEBHOOK_URL = "http://localhost/webhooks/stripe"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    simulator = Simulator(":memory:", webhook_url=WEBHOOK_URL, webhook_secret="whsec_test")
    yield simulator
    told = simulator.events_since(None)
    simulator.close()
    assert sorted({line for event in told for line in event_problems(event)}) == []


@pytest.fixture(scope="session")
def witness() -> Witness:
    return Witness()


@pytest.fixture(autouse=True)
def conforming(request: pytest.FixtureRequest, witness: Witness) -> Iterator[None]:
    """Every request taken and every object answered in a test is one that the official library knows."""
    Simulator.watchers.append(witness)
    yield
    Simulator.watchers.remove(witness)
    assert witness.take() == []


@pytest.fixture
def client(sim: Simulator) -> stripe.StripeClient:
    return library(sim)


def library(sim: Simulator, key: str = "sk_test_platform", **options: object) -> stripe.StripeClient:
    """The official client, calling a simulator in this process."""
    return stripe.StripeClient(
        key, base_addresses={"api": "http://127.0.0.1:12111"}, http_client=InProcessClient(sim), **options
    )
