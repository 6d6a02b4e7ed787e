"""Facts about the simulated clock."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import stripe

from stripe_simulator import Simulator

from .conftest import library
from .stories import DAY, HOUR, a_hold, a_payment


def test_the_clock_ticks_like_the_real_one_at_an_offset(sim: Simulator) -> None:
    assert sim.clock.now() == pytest.approx(time.time(), abs=1)
    sim.clock.advance(3 * DAY)
    assert sim.clock.now() == pytest.approx(time.time() + 3 * DAY, abs=1)
    sim.clock.set(1_800_000_000)
    assert sim.clock.now() == pytest.approx(1_800_000_000, abs=1)


def test_objects_carry_the_simulated_time(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.clock.set(2_000_000_000)
    hold = a_hold(client)
    assert hold.created == pytest.approx(2_000_000_000, abs=2)


def test_what_falls_due_happens_in_order_each_at_its_own_time(sim: Simulator, client: stripe.StripeClient) -> None:
    week = a_hold(client)
    refunded = a_payment(client, "pm_card_pendingRefund")
    client.v1.refunds.create({"payment_intent": refunded.id})
    short = a_hold(client, off_session=True)
    last = sim.events_since(None)[-1]
    sim.clock.advance(30 * DAY)
    told = [
        (event["type"], event["data"]["object"].get("payment_intent"), event["created"] - last["created"])
        for event in sim.events_since(last["id"])
    ]
    assert [type for type, _, _ in told] == [
        *("refund.updated", "charge.refund.updated"),
        *("charge.expired", "payment_intent.canceled", "charge.expired", "payment_intent.canceled"),
    ]
    assert [intent for _, intent, _ in told][2::2] == [short.id, week.id]
    assert told[2][2] == pytest.approx(4 * DAY + 18 * HOUR, abs=2)
    assert told[4][2] == pytest.approx(7 * DAY, abs=2)


def test_a_clock_set_back_undoes_nothing_and_still_delivers(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    sim.clock.advance(8 * DAY)
    sim.clock.set(time.time())
    assert client.v1.payment_intents.retrieve(hold.id).status == "canceled"
    assert sim.deliver(lambda *_: 200) == len(sim.events_since(None))


def test_money_becomes_available_after_two_days(sim: Simulator, client: stripe.StripeClient) -> None:
    paid = a_payment(client, expand=["latest_charge.balance_transaction"])
    moved = paid.latest_charge.balance_transaction
    assert moved.status == "pending"
    sim.clock.advance(2 * DAY + 1)
    assert client.v1.balance_transactions.retrieve(moved.id).status == "available"


def test_the_offset_and_the_timers_survive_a_restart(tmp_path: Path) -> None:
    database = str(tmp_path / "stripe.db")
    first = Simulator(database)
    hold = a_hold(library(first))
    first.clock.advance(DAY)
    first.close()
    second = Simulator(database)
    assert second.clock.now() == pytest.approx(time.time() + DAY, abs=2)
    second.clock.advance(6 * DAY)
    assert library(second).v1.payment_intents.retrieve(hold.id).cancellation_reason == "expired"
    second.close()


def test_advancing_backwards_is_refused(sim: Simulator) -> None:
    with pytest.raises(ValueError, match="forward"):
        sim.clock.advance(-1)
