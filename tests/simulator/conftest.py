"""A simulator of its own for every test, and the official library pointed at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe

from stripe_simulator import Simulator

from .in_process import InProcessClient

stripe.enable_telemetry = False

WEBHOOK_URL = "http://localhost/webhooks/stripe"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    simulator = Simulator(":memory:", webhook_url=WEBHOOK_URL, webhook_secret="whsec_test")
    yield simulator
    simulator.close()


@pytest.fixture
def client(sim: Simulator) -> stripe.StripeClient:
    return library(sim)


def library(sim: Simulator, key: str = "sk_test_platform", **options: object) -> stripe.StripeClient:
    """The official client, calling a simulator in this process."""
    return stripe.StripeClient(
        key, base_addresses={"api": "http://127.0.0.1:12111"}, http_client=InProcessClient(sim), **options
    )
