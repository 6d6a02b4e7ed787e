"""A simulator can be put back to a moment, as often as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest
import stripe

from stripe_simulator import Simulator

from .in_process import InProcessClient
from .stories import DAY, a_hold

OURS = {"api": "http://127.0.0.1:12111"}


def test_what_came_after_a_snapshot_never_was(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    told = sim.events_since(None)
    before = sim.snapshot()
    for _ in range(2):
        client.v1.payment_intents.capture(hold.id, options={"idempotency_key": "one"})
        a_hold(client)
        sim.restore(before)
        assert client.v1.payment_intents.retrieve(hold.id).status == "requires_capture"
        assert [intent.id for intent in client.v1.payment_intents.list().data] == [hold.id]
        assert sim.events_since(None) == told
        canceled = client.v1.payment_intents.cancel(hold.id, options={"idempotency_key": "one"})
        assert canceled.status == "canceled"  # the key is as free as it was
        sim.restore(before)


def test_the_clock_goes_back_too_and_what_was_due_is_due_again(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    before, then = sim.snapshot(), sim.clock.now()
    for _ in range(2):
        sim.clock.advance(8 * DAY)
        assert client.v1.payment_intents.retrieve(hold.id).status == "canceled"
        sim.restore(before)
        assert sim.clock.now() == pytest.approx(then, abs=5)
        assert client.v1.payment_intents.retrieve(hold.id).status == "requires_capture"


def test_faults_on_order_are_forgotten(sim: Simulator, client: stripe.StripeClient) -> None:
    before = sim.snapshot()
    sim.faults.add("rate_limit_429", count=None)
    sim.restore(before)
    assert a_hold(client).status == "requires_capture"


def test_a_snapshot_can_be_brought_back_elsewhere_and_outlives_a_process(
    sim: Simulator, client: stripe.StripeClient, tmp_path: Path
) -> None:
    hold = a_hold(client)
    kept = str(tmp_path / "stripe.db")
    elsewhere = Simulator(kept)
    elsewhere.restore(sim.snapshot())
    elsewhere.close()
    again = Simulator(kept)
    there = stripe.StripeClient("sk_test_1", base_addresses=OURS, http_client=InProcessClient(again))
    assert there.v1.payment_intents.retrieve(hold.id).status == "requires_capture"
    assert there.v1.accounts.retrieve_current().id == client.v1.accounts.retrieve_current().id
    again.close()
