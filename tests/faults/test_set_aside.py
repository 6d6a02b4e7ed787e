"""Events that are not for us, and events that break us: both are put aside, and no other has to wait for them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app import jobs
from app.actions import inbox
from app.extensions import db
from app.kit.columns import database_epoch
from app.models.booking import Booking
from app.models.event import StripeEvent
from app.models.states import BookingState, EventState
from app.web import attention
from tests.conftest import settings_for
from tests.faults.flows import card_entered, the_hour
from tests.faults.meddlers import Meddler, meddled
from tests.faults.recovery import deliver, let_leases_run_out
from tests.faults.test_webhooks import stored, tell
from tests.people import fresh
from tests.stripe_double import Stripe

B, E = BookingState, EventState
FETCHED = "/v1/payment_intents/"


class Died(BaseException):
    """The process is gone."""


@pytest.fixture
def meddler(stripe: Stripe) -> Meddler:
    return Meddler(stripe)


@pytest.fixture
def app_behind(database_url: str, meddler: Meddler, stripe: Stripe) -> Iterator[Flask]:
    with meddled(database_url, meddler, stripe) as app:
        yield app


def event_about(intent_id: str, event_id: str, **subject: Any) -> dict[str, Any]:
    about = {"id": intent_id, "object": "payment_intent", "metadata": {}, **subject}
    return {"id": event_id, "type": "payment_intent.succeeded", "livemode": False, "data": {"object": about}}


def anothers(stripe: Stripe, **metadata: str) -> str:
    return stripe.client.v1.payment_intents.create({"amount": 500, "currency": "eur", "metadata": metadata}).id


def states() -> dict[str, EventState]:
    db.session.rollback()
    return {row.id: row.state for row in db.session.execute(db.select(StripeEvent.id, StripeEvent.state))}


def test_an_event_that_names_another_installation_is_quarantined_at_the_door(
    app_behind: Flask, meddler: Meddler, stripe: Stripe
):
    anothers(stripe, environment="staging", payment="pay_of_theirs")
    assert deliver(app_behind, stripe) == [200]
    assert set(states().values()) == {E.QUARANTINED}
    jobs.run("handle_events")
    assert not any(FETCHED in asked for asked in meddler.asked)


def test_an_event_that_does_not_say_whose_it_is_is_quarantined_when_its_payment_says_so(app: Flask, stripe: Stripe):
    theirs = anothers(stripe, environment="staging", payment="pay_of_theirs")
    refunded = event_about("ch_1", "evt_1", object="charge", payment_intent=theirs) | {"type": "charge.refunded"}
    assert tell(app, stripe, refunded) == 200
    assert states() == {"evt_1": E.RECEIVED}
    jobs.run("handle_events")
    assert states() == {"evt_1": E.QUARANTINED}


def test_another_application_on_our_account_is_no_concern_of_ours(app: Flask, stripe: Stripe):
    theirs = anothers(stripe, order="1001")
    assert deliver(app, stripe) == [200]
    jobs.run("handle_events")
    assert set(states().values()) == {E.QUARANTINED}
    assert inbox.quarantined_lately(stripe.now()) == 1
    assert inbox.quarantined_lately(stripe.now() + timedelta(days=8)) == 0
    assert theirs in {stored(event_id).object_id for event_id in states()}


def test_an_event_of_our_own_installation_is_used(anns_hour: Booking, app: Flask, stripe: Stripe):
    assert stripe.intent_of(anns_hour).metadata["environment"] == "test"
    stripe.pay(anns_hour)
    deliver(app, stripe)
    jobs.run("handle_events")
    assert fresh(anns_hour).state == B.CONFIRMED
    assert set(states().values()) == {E.HANDLED}


def test_a_wrong_secret_leaves_nothing_and_the_next_try_is_heard(anns_hour: Booking, app: Flask, stripe: Stripe):
    deliver(app, stripe)
    before = states()
    stripe.pay(anns_hour)
    stripe.simulator.webhooks.mischief.add("wrong_secret", count=None)
    assert set(deliver(app, stripe)) == {400}
    assert states() == before
    stripe.simulator.webhooks.mischief.clear()
    assert set(deliver(app, stripe)) == {200}
    jobs.run("handle_events")
    assert fresh(anns_hour).state == B.CONFIRMED


def test_a_second_signature_by_a_secret_that_we_do_not_know_is_no_reason_to_refuse(
    anns_hour: Booking, app: Flask, stripe: Stripe
):
    stripe.pay(anns_hour)
    stripe.simulator.webhooks.mischief.add("rotated_secret", count=None)
    assert set(deliver(app, stripe)) == {200}


def test_while_the_endpoints_secret_is_rolled_no_event_is_refused(database_url: str, stripe: Stripe):
    """At Stripe first, where both sign for a day; then here, with both for a while; then the old one is left out."""
    settings = settings_for(database_url)
    (old,) = settings.stripe_webhook_secrets
    new = stripe.simulator.webhooks.rotate(seconds=timedelta(days=1).total_seconds())
    rolled_at = stripe.now()
    for known, later, answers in (
        ((old,), timedelta(hours=1), {200}),
        ((old, new), timedelta(hours=12), {200}),
        ((old, new), timedelta(hours=25), {200}),
        ((new,), timedelta(hours=26), {200}),
        ((old,), timedelta(hours=27), {400}),
    ):
        with meddled(database_url, Meddler(stripe), stripe, stripe_webhook_secrets=known) as app:
            stripe.wait_until(rolled_at + later)
            anothers(stripe)
            assert set(deliver(app, stripe)) == answers, known


def test_an_event_that_breaks_our_code_waits_and_the_others_go_on(app_behind: Flask, meddler: Meddler, stripe: Stripe):
    card_entered(stripe)
    assert tell(app_behind, stripe, event_about("pi_poison", "evt_poison")) == 200
    meddler.breaks = {"pi_poison": RuntimeError("a mistake of ours")}
    deliver(app_behind, stripe)
    jobs.run("handle_events")
    poison = stored("evt_poison")
    assert (poison.state, poison.tries, poison.error) == (E.RECEIVED, 1, "a mistake of ours")
    assert the_hour().state == B.CONFIRMED
    assert "evt_poison" not in inbox.waiting(stripe.now()), "it is tried again later, not at once"


def test_an_event_that_broke_us_is_handled_when_the_mistake_is_mended(
    anns_hour: Booking, app: Flask, stripe: Stripe, database_url: str, meddler: Meddler
):
    stripe.pay(anns_hour)
    meddler.breaks = {FETCHED: RuntimeError("a mistake of ours")}
    with meddled(database_url, meddler, stripe) as broken:
        deliver(broken, stripe)
        for _ in range(inbox.MOST_TRIES - 1):
            jobs.run("handle_events")
            let_leases_run_out()
        meddler.breaks = {}
        jobs.run("handle_events")
    assert fresh(anns_hour).state == B.CONFIRMED
    assert set(states().values()) == {E.HANDLED}


def test_an_event_that_keeps_breaking_us_is_stuck_in_the_end_and_shown(
    app_behind: Flask, meddler: Meddler, stripe: Stripe
):
    assert tell(app_behind, stripe, event_about("pi_poison", "evt_poison")) == 200
    meddler.breaks = {"pi_poison": RuntimeError("a mistake of ours")}
    pauses = []
    for _ in range(inbox.MOST_TRIES):
        assert stored("evt_poison").state == E.RECEIVED
        jobs.run("handle_events")
        pauses.append(db.session.scalar(db.select(StripeEvent.not_before - database_epoch())))
        let_leases_run_out()
    assert pauses[0] < 10 < 100 < pauses[-1], "a mistake of ours has a quarter of an hour to be mended"
    assert stored("evt_poison").state == E.STUCK
    assert [event.id for event in attention.stuck_events().shown] == ["evt_poison"]
    meddler.asked = []
    jobs.run("handle_events")
    assert meddler.asked == []


def test_an_event_that_kills_whoever_handles_it_kills_no_more_than_a_few_and_holds_up_nobody(
    app_behind: Flask, meddler: Meddler, stripe: Stripe
):
    card_entered(stripe)
    assert tell(app_behind, stripe, event_about("pi_killer", "evt_killer")) == 200
    meddler.breaks = {"pi_killer": Died()}
    with pytest.raises(Died):
        jobs.run("handle_events")
    deliver(app_behind, stripe)
    jobs.run("handle_events")
    assert the_hour().state == B.CONFIRMED
    for _ in range(inbox.MOST_TRIES - 1):
        let_leases_run_out()
        with pytest.raises(Died):
            jobs.run("handle_events")
    let_leases_run_out()
    jobs.run("handle_events")
    assert stored("evt_killer").state == E.STUCK


def test_a_flood_of_events_that_fail_does_not_starve_the_one_behind_them(
    app_behind: Flask, meddler: Meddler, stripe: Stripe
):
    flood = inbox.BATCH + 10
    for n in range(flood):
        assert tell(app_behind, stripe, event_about(f"pi_poison_{n}", f"evt_{n}")) == 200
    meddler.breaks = {"pi_poison": RuntimeError("a mistake of ours")}
    first = inbox.waiting(stripe.now())
    assert len(first) == inbox.BATCH
    for event_id in first:
        with pytest.raises(RuntimeError):
            inbox.handle(event_id, now=stripe.now())
        inbox.spoil(event_id, RuntimeError(), now=stripe.now())
    behind = set(inbox.waiting(stripe.now())[: flood - inbox.BATCH])
    assert behind.isdisjoint(first), "whatever failed has made room for the others"
