"""What webhooks did not bring is read from Stripe's own list: late, in pieces, once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import jobs
from app.actions import bookmarks, events
from app.extensions import db
from app.kit.errors import GatewayDown
from app.models.event import StripeEvent
from app.models.states import BookingState, EventState, PaymentState
from tests.faults.flows import reserved, the_hour
from tests.faults.meddlers import Meddler, meddled
from tests.faults.recovery import finish, hear
from tests.faults.truths import untruths
from tests.stripe_double import MONDAY, Stripe

B, P = BookingState, PaymentState
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LISTED = "GET http://127.0.0.1:12111/v1/events"


@pytest.fixture
def meddler(stripe: Stripe) -> Meddler:
    return Meddler(stripe)


@pytest.fixture
def behind(database_url: str, meddler: Meddler, stripe: Stripe) -> Iterator[Flask]:
    """An application whose worker has begun to read Stripe's list, and to whom webhooks never come."""
    with meddled(database_url, meddler, stripe) as app:
        jobs.run("poll_events")
        stripe.simulator.webhooks.mischief.add("lose", count=None)
        yield app


def inbox() -> dict[str, EventState]:
    db.session.rollback()
    return {row.id: row.state for row in db.session.execute(select(StripeEvent.id, StripeEvent.state))}


def happened(stripe: Stripe, after: int = 0) -> list[dict[str, Any]]:
    return stripe.simulator.events_since(None)[after:]


def others_pay(stripe: Stripe, times: int) -> list[str]:
    """Something happens on our account that fills pages: ids of the events."""
    before = len(happened(stripe))
    for _ in range(times):
        stripe.client.v1.payment_intents.create({"amount": 500, "currency": "eur"})
    return [event["id"] for event in happened(stripe, before)]


def reached() -> datetime | None:
    db.session.rollback()
    return bookmarks.reached(events.JOURNAL)


def test_an_endpoint_that_was_off_for_days_misses_nothing(behind: Flask, stripe: Stripe):
    """Paid, charged and in part refunded in Stripe's dashboard, and nobody has told us."""
    reserved(stripe)
    hour = the_hour()
    stripe.pay(hour)
    intent_id = stripe.intent_of(hour).id
    stripe.wait(3 * DAY)
    stripe.client.v1.payment_intents.capture(intent_id)
    stripe.client.v1.refunds.create({"payment_intent": intent_id, "amount": 3_000})
    stripe.wait(DAY)
    assert hear(behind, stripe) == []
    assert inbox() == {}
    jobs.run("poll_events")
    finish()
    hour = the_hour()
    assert (hour.state, hour.payment.state, hour.payment.refunded_minor) == (B.COMPLETED, P.CAPTURED, 3_000)
    assert untruths(stripe) == []


def test_what_came_by_webhook_is_not_stored_again(app: Flask, stripe: Stripe):
    jobs.run("poll_events")
    reserved(stripe)
    stripe.pay(the_hour())
    assert set(hear(app, stripe)) == {200}
    before = inbox()
    stripe.wait(HOUR)
    assert events.catch_up(now=stripe.now()) == 0
    assert inbox() == before


def test_what_is_read_twice_is_stored_once(behind: Flask, stripe: Stripe):
    told = others_pay(stripe, 3)
    assert events.catch_up(now=stripe.now()) == 3
    assert events.catch_up(now=stripe.now()) == 0
    assert set(inbox()) == set(told)


def test_more_than_a_page_is_read_to_its_end(behind: Flask, stripe: Stripe):
    told = others_pay(stripe, 205)
    assert events.catch_up(now=stripe.now()) == 205
    assert set(inbox()) == set(told)


def test_reading_that_breaks_off_between_two_pages_leaves_no_gap(behind: Flask, meddler: Meddler, stripe: Stripe):
    told, before = others_pay(stripe, 105), reached()
    stripe.wait(10 * DAY)
    told += others_pay(stripe, 105)
    meddler.breaks = {"starting_after": GatewayDown("cut off")}
    with pytest.raises(GatewayDown):
        events.catch_up(now=stripe.now())
    assert 0 < len(inbox()) < len(told)
    assert reached() == before
    meddler.breaks = {}
    events.catch_up(now=stripe.now())
    assert set(inbox()) == set(told)


def test_days_that_are_stored_are_not_read_again_when_a_later_one_breaks_off(
    behind: Flask, meddler: Meddler, stripe: Stripe
):
    stripe.wait(2 * DAY)
    others_pay(stripe, 5)
    stripe.wait(3 * DAY)
    others_pay(stripe, 105)
    meddler.breaks = {"starting_after": GatewayDown("cut off")}
    with pytest.raises(GatewayDown):
        events.catch_up(now=stripe.now())
    assert reached() >= MONDAY + 2 * DAY
    meddler.breaks = {}
    events.catch_up(now=stripe.now())
    assert len(inbox()) == 110


def test_an_event_that_appears_late_in_the_list_is_found(behind: Flask, meddler: Meddler, stripe: Stripe):
    (late,) = others_pay(stripe, 1)
    meddler.hides = {late}
    stripe.wait(HOUR / 2)
    others_pay(stripe, 1)
    assert events.catch_up(now=stripe.now()) == 1
    meddler.hides = set()
    assert events.catch_up(now=stripe.now()) == 1
    assert late in inbox()


@pytest.mark.parametrize("wrong", [HOUR * 23, -HOUR * 23], ids=["ahead", "behind"])
def test_a_clock_of_ours_that_was_wrong_makes_no_gap(wrong: timedelta, behind: Flask, stripe: Stripe):
    stripe.wait(3 * DAY)
    events.catch_up(now=stripe.now() + wrong)
    told = others_pay(stripe, 1)
    events.catch_up(now=stripe.now() + wrong)
    stripe.wait(HOUR)
    told += others_pay(stripe, 1)
    events.catch_up(now=stripe.now())
    assert set(inbox()) == set(told)


def test_reading_begins_with_the_installation_and_not_with_the_accounts_old_times(
    database_url: str, meddler: Meddler, stripe: Stripe
):
    others_pay(stripe, 3)
    stripe.wait(2 * DAY)
    with meddled(database_url, meddler, stripe):
        jobs.run("poll_events")
        told = others_pay(stripe, 1)
        stripe.wait(HOUR)
        jobs.run("poll_events")
        assert set(inbox()) == set(told)


def test_an_installation_where_nothing_happens_asks_little(behind: Flask, meddler: Meddler, stripe: Stripe):
    stripe.wait(60 * DAY)
    events.catch_up(now=stripe.now())
    assert reached() > MONDAY + 57 * DAY
    meddler.asked = []
    events.catch_up(now=stripe.now())
    assert len([asked for asked in meddler.asked if asked.startswith(LISTED)]) <= 3


def test_only_what_is_of_use_is_asked_for(behind: Flask, stripe: Stripe):
    stripe.client.v1.customers.create({"email": "eve@example.com"})
    assert events.catch_up(now=stripe.now()) == 0
    assert len(events.TYPES) <= 20  # more are refused


def test_an_event_that_nobody_can_read_does_not_hold_up_the_others(behind: Flask, meddler: Meddler, stripe: Stripe):
    told = others_pay(stripe, 3)
    meddler.garbles = {told[1]}
    assert events.catch_up(now=stripe.now()) == 2
    assert set(inbox()) == {told[0], told[2]}


def test_it_is_read_once_a_minute_by_whichever_worker_comes_first(behind: Flask, meddler: Meddler, stripe: Stripe):
    jobs.run("poll_events")
    meddler.asked = []
    assert jobs.run("poll_events") == 0
    assert meddler.asked == []
    stripe.wait(timedelta(minutes=1))
    assert jobs.run("poll_events") == 1
    assert meddler.asked
