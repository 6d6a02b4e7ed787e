"""Facts about time passing: renewals, periods, trials and the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator
from stripe_simulator.resources.billing_cycle import boundary, end_of_period

from .billing_stories import (
    a_plan,
    a_subscription,
    again,
    day,
    latest_invoice,
    moment,
    period,
    since,
    somebody,
    to_the_renewal,
    types,
)
from .conftest import library
from .stories import DAY, HOUR, events_of
from .test_billing import PAID


def test_each_period_brings_an_invoice_that_is_paid_an_hour_later(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    start, end = period(subscription)
    last = sim.events_since(None)[-1]["id"]
    sim.clock.set(end + 1)
    assert since(sim, last) == [("invoice.created", end), ("customer.subscription.updated", end)]
    draft = latest_invoice(client, subscription)
    assert (draft.status, draft.number, draft.billing_reason) == ("draft", None, "subscription_cycle")
    assert (draft.period_start, draft.period_end) == (start, end)
    assert (draft.automatically_finalizes_at, draft.next_payment_attempt) == (end + HOUR, end + HOUR)
    fresh = again(client, subscription)
    line = draft.lines.data[0].period
    assert period(fresh) == (line.start, line.end)
    assert line.start == end
    last = sim.events_since(None)[-1]["id"]
    sim.clock.set(end + HOUR + 1)
    assert since(sim, last) == [(type, end + HOUR) for type in ("invoice.finalized", *PAID)]
    paid = latest_invoice(client, subscription)
    assert (paid.id, paid.status, paid.attempt_count, paid.auto_advance) == (draft.id, "paid", 1, False)
    assert again(client, subscription).status == "active"


def test_a_year_of_months_is_thirteen_paid_invoices(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    sim.clock.advance(366 * DAY)
    invoices = client.v1.invoices.list({"subscription": subscription.id, "limit": 100}).data
    assert [invoice.status for invoice in invoices] == ["paid"] * 13
    assert sorted(invoice.number[-4:] for invoice in invoices) == [f"{number:04d}" for number in range(1, 14)]
    assert len(client.v1.charges.list({"limit": 100}).data) == 13


@pytest.mark.parametrize(
    ("start", "every", "count", "ends"),
    [
        ((2027, 1, 31), "month", 1, ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]),
        ((2028, 1, 31), "month", 1, ["2028-02-29", "2028-03-31", "2028-04-30"]),
        ((2027, 12, 30), "month", 1, ["2028-01-30", "2028-02-29", "2028-03-30"]),
        ((2028, 2, 29), "year", 1, ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ((2027, 11, 30), "month", 3, ["2028-02-29", "2028-05-30"]),
        ((2027, 3, 27), "week", 2, ["2027-04-10", "2027-04-24"]),
        ((2027, 2, 27), "day", 3, ["2027-03-02", "2027-03-05"]),
    ],
)
def test_periods_keep_the_anchors_day(
    sim: Simulator, client: stripe.StripeClient, start: tuple[int, int, int], every: str, count: int, ends: list[str]
) -> None:
    sim.clock.set(moment(*start))
    plan = a_plan(client, every=every, count=count)
    subscription = a_subscription(client, items=[{"price": plan.id}])
    seen = []
    for _ in ends:
        seen.append(day(period(subscription)[1]))
        to_the_renewal(sim, subscription)
        subscription = again(client, subscription)
    assert seen == ends
    assert day(subscription.billing_cycle_anchor) == day(moment(*start))


@pytest.mark.parametrize("every", ["day", "week", "month", "year"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_periods_follow_each_other_without_gap(every: str, count: int) -> None:
    anchor = int(moment(2028, 1, 31))
    start = anchor
    for number in range(1, 60):
        assert end_of_period(anchor, every, count, start) == boundary(anchor, every, count, number)
        assert start < (start := boundary(anchor, every, count, number))


def test_cancel_at_period_end_ends_it_then(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    end = period(subscription)[1]
    leaving = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert (leaving.status, leaving.cancel_at, leaving.cancel_at_period_end) == ("active", end, True)
    assert leaving.cancellation_details.reason == "cancellation_requested"
    last = sim.events_since(None)[-1]["id"]
    sim.clock.set(end - 1)
    assert again(client, subscription).status == "active"
    sim.clock.set(end + 2 * DAY)
    assert since(sim, last) == [("customer.subscription.deleted", end)]
    ended = again(client, subscription)
    assert (ended.status, ended.ended_at, ended.canceled_at) == ("canceled", end, leaving.canceled_at)
    assert len(client.v1.invoices.list({"subscription": subscription.id}).data) == 1


def test_cancel_at_period_end_can_be_taken_back(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client, cancel_at_period_end=True)
    assert subscription.cancel_at == period(subscription)[1]
    stays = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert (stays.cancel_at, stays.canceled_at, stays.cancellation_details.reason) == (None, None, None)
    to_the_renewal(sim, subscription)
    assert again(client, subscription).status == "active"


def test_a_trial_costs_nothing_until_it_ends(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client, trial_period_days=14)
    assert (subscription.status, subscription.trial_end) == ("trialing", subscription.created + 14 * DAY)
    assert period(subscription) == (subscription.trial_start, subscription.trial_end)
    assert subscription.billing_cycle_anchor == subscription.trial_end
    free = latest_invoice(client, subscription)
    assert (free.status, free.total, free.lines.data[0].description) == ("paid", 0, "Trial period for Mentoring")
    assert client.v1.charges.list().data == []
    last = sim.events_since(None)[-1]["id"]
    sim.clock.set(subscription.trial_end + HOUR + 1)
    told = since(sim, last)
    assert told[0] == ("customer.subscription.trial_will_end", subscription.trial_end - 3 * DAY)
    assert [type for type, _ in told[1:]] == [
        *("invoice.created", "customer.subscription.updated", "invoice.finalized", *PAID)
    ]
    assert again(client, subscription).status == "active"
    assert latest_invoice(client, subscription).amount_paid == 2000


def test_a_short_trial_warns_at_once(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client, trial_end=int(sim.clock.now()) + DAY)
    sim.clock.advance(1)
    assert types(sim.events_since(None))[-1] == "customer.subscription.trial_will_end"
    sim.clock.advance(DAY + HOUR + 1)
    assert again(client, subscription).status == "active"


def test_a_trial_without_a_card_is_past_due_or_ends(sim: Simulator, client: stripe.StripeClient) -> None:
    stays = a_subscription(client, customer=somebody(client, card=None).id, trial_period_days=7)
    ends = a_subscription(
        client,
        customer=somebody(client, card=None).id,
        trial_period_days=7,
        trial_settings={"end_behavior": {"missing_payment_method": "cancel"}},
    )
    sim.clock.advance(7 * DAY + HOUR + 2)
    assert again(client, stays).status == "past_due"
    assert again(client, ends).status == "canceled"


def test_a_trial_may_ask_for_its_card_by_setup_intent(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(
        client,
        customer=somebody(client, card=None).id,
        trial_period_days=7,
        payment_behavior="default_incomplete",
        expand=["pending_setup_intent"],
    )
    setup = subscription.pending_setup_intent
    assert (subscription.status, setup.status) == ("trialing", "requires_payment_method")
    confirm: Any = {"payment_method": "pm_card_visa", "return_url": "http://localhost/x"}
    client.v1.setup_intents.confirm(setup.id, confirm)
    fresh = again(client, subscription)
    assert fresh.pending_setup_intent is None
    assert client.v1.payment_methods.retrieve(fresh.default_payment_method).customer == subscription.customer
    to_the_renewal(sim, subscription)
    assert latest_invoice(client, subscription).status == "paid"


def test_cancelling_in_the_hour_before_payment_leaves_the_draft(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    to_the_renewal(sim, subscription, later=60)
    client.v1.subscriptions.cancel(subscription.id)
    assert events_of(sim, lambda: sim.clock.advance(DAY)) == []
    assert latest_invoice(client, subscription).status == "draft"


def test_renewals_survive_a_restart(tmp_path: Path) -> None:
    database = str(tmp_path / "stripe.db")
    first = Simulator(database)
    subscription = a_subscription(library(first))
    first.close()
    second = Simulator(database)
    to_the_renewal(second, subscription)
    assert latest_invoice(library(second), subscription).status == "paid"
    assert len(library(second).v1.charges.list().data) == 2
    second.close()


def test_an_invoice_that_cannot_be_finalized_says_so_and_stops(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    to_the_renewal(sim, subscription, later=60)
    with sim._store.transaction() as db:
        # No request brings this about: what cannot be charged is refused when it is ordered.
        db.execute("UPDATE objects SET body = json_set(body, '$.amount_due', 100000000) WHERE kind = 'invoice'")
    last = sim.events_since(None)[-1]["id"]
    sim.clock.advance(HOUR)
    assert types(sim.events_since(last)) == ["invoice.finalization_failed"]
    failed = latest_invoice(client, subscription)
    assert (failed.status, failed.auto_advance, failed.number) == ("draft", False, None)
    assert failed.last_finalization_error.code == "amount_too_large"
