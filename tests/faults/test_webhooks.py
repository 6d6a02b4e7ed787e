"""A webhook is a knock, not the news: whenever, in whatever order and how often Stripe knocks, the end is the same."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app import create_app, jobs
from app.actions import cancellations, payments
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from app.models.booking import Booking
from app.models.event import EventState, StripeEvent
from app.models.states import BookingState, Party, PaymentState
from tests import people
from tests.conftest import settings_for
from tests.faults.flows import held, reserved, the_hour
from tests.faults.recovery import finish, hear, knock, let_leases_run_out
from tests.faults.truths import untruths
from tests.people import fresh
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import Stripe

B, P = BookingState, PaymentState
THREE_DAYS = timedelta(days=3)


def tell(app: Flask, stripe: Stripe, event: Mapping[str, Any]) -> int:
    """Stripe sends an event, signed at the time of sending."""
    body = json.dumps(event).encode()
    return knock(app, body, stripe.simulator.sign(body, stripe.now().timestamp()))


def tell_some(app: Flask, stripe: Stripe, chance: random.Random) -> None:
    """A few of the events so far, in any order, some of them several times; the worker comes by now and then."""
    events = stripe.simulator.events_since(None)
    for event in chance.choices(events, k=chance.randrange(2 * len(events))) if events else ():
        assert tell(app, stripe, event) == 200
        if chance.random() < 0.5:
            jobs.run("handle_events")


def stored(event_id: str) -> StripeEvent:
    db.session.rollback()
    db.session.expire_all()
    return StripeEvent.one(StripeEvent.id == event_id)


@pytest.mark.parametrize("seed", range(6))
def test_events_in_any_order_at_any_time_lead_to_the_same_end(seed: int, app: Flask, stripe: Stripe):
    chance = random.Random(seed)
    reserved(stripe)
    tell_some(app, stripe, chance)
    hour = the_hour()
    stripe.pay(hour)
    tell_some(app, stripe, chance)
    if (asked := fresh(hour).payment) is not None:
        payments.check(asked, now=stripe.now())
    tell_some(app, stripe, chance)
    people.completed(hour, stripe)
    tell_some(app, stripe, chance)
    cancellations.cancel(fresh(hour), by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())
    tell_some(app, stripe, chance)
    stripe.wait(THREE_DAYS)
    events = stripe.simulator.events_since(None)
    assert {tell(app, stripe, event) for event in chance.sample(events, len(events))} == {200}
    finish()
    assert (fresh(hour).state, fresh(hour).payment.state) == (B.CANCELLED, P.CAPTURED)
    assert {row.state for row in db.session.query(StripeEvent)} == {EventState.HANDLED}
    assert untruths(stripe) == []


@pytest.mark.parametrize("seed", range(4))
def test_what_only_events_tell_of_is_adopted_whatever_their_order(seed: int, app: Flask, stripe: Stripe):
    """Paid, charged and refunded in Stripe's dashboard, while we were away for three days."""
    reserved(stripe)
    hour = the_hour()
    stripe.pay(hour)
    intent_id = stripe.intent_of(hour).id
    stripe.client.v1.payment_intents.capture(intent_id)
    for cents in (3_000, 5_000):
        stripe.client.v1.refunds.create({"payment_intent": intent_id, "amount": cents})
    stripe.wait(THREE_DAYS)
    events = 2 * stripe.simulator.events_since(None)
    random.Random(seed).shuffle(events)
    assert {tell(app, stripe, event) for event in events} == {200}
    finish()
    hour = fresh(hour)
    assert (hour.state, hour.payment.state, hour.payment.refunded_minor) == (B.CANCELLED, P.CAPTURED, 8_000)
    assert untruths(stripe) == []


def test_of_an_event_everything_is_kept_but_the_secret_that_opens_its_payment(
    anns_hour: Booking, app: Flask, stripe: Stripe
):
    """Whether it knocks or is read in Stripe's list."""
    secret = stripe.intent_of(anns_hour).client_secret
    assert "_secret_" in secret
    knocked = stripe.simulator.events_since(None)[-1]
    knocked["data"]["object"]["metadata"]["note"] = 'the "client_secret": "of life"'
    body = json.dumps(knocked, indent=2).encode()
    assert knock(app, body, stripe.simulator.sign(body, stripe.now().timestamp())) == 200
    stripe.pay(anns_hour)
    jobs.run("poll_events")
    listed = stripe.simulator.events_since(None)[-1]
    for told in (knocked, listed):
        assert secret in json.dumps(told)
        kept = stored(told["id"]).body
        assert secret not in kept
        assert json.loads(kept) == without_secret(told)


def without_secret(told: dict[str, Any]) -> dict[str, Any]:
    about = told["data"]["object"]
    hidden = {"client_secret": "redacted"} if "client_secret" in about else {}
    return told | {"data": told["data"] | {"object": about | hidden}}


class KnocksFirst(InProcessClient):
    """A network on which Stripe's webhooks overtake its answers."""

    def __init__(self, stripe: Stripe) -> None:
        super().__init__(stripe.simulator)
        self.before_answer: Callable[[], object] = lambda: None

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **rest: Any) -> Any:
        answer = super().request(method, url, headers, post_data, **rest)
        if method.upper() == "POST":
            self.before_answer()
        return answer


@pytest.fixture
def overtaken(database_url: str, stripe: Stripe) -> Iterator[Flask]:
    """An application whose every answer from Stripe comes after the webhooks about it."""
    network = KnocksFirst(stripe)
    gateway = StripeGateway("sk_test_platform", api="http://127.0.0.1:12111", http_client=network)
    application = create_app(settings_for(database_url), gateway=gateway)
    clock.use(stripe.now)
    network.before_answer = lambda: hear(application, stripe)
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


def test_webhooks_that_overtake_the_answer_change_nothing_about_the_end(overtaken: Flask, stripe: Stripe):
    held(stripe)
    assert the_hour().state == B.CONFIRMED
    people.completed(the_hour(), stripe)
    assert (the_hour().state, untruths(stripe)) == (B.COMPLETED, [])
    cancellations.cancel(the_hour(), by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())
    assert (the_hour().state, the_hour().payment.refunded_minor) == (B.CANCELLED, 8_000)
    assert untruths(stripe) == []
    assert {row.state for row in db.session.query(StripeEvent)} == {EventState.HANDLED}


def test_an_event_about_somebody_elses_payment_is_set_aside(held_hour: Booking, app: Flask, stripe: Stripe):
    before = len(stripe.simulator.events_since(None))
    stripe.client.v1.payment_intents.create({"amount": 500, "currency": "eur"})
    event = stripe.simulator.events_since(None)[before]
    assert tell(app, stripe, event) == 200
    jobs.run("handle_events")
    assert stored(event["id"]).state == EventState.QUARANTINED


@pytest.mark.parametrize(
    "change", [{"livemode": True}, {"account": "acct_1Somebody"}], ids=["live_mode", "other_account"]
)
def test_an_event_of_another_mode_or_account_is_set_aside_and_moves_nothing(
    change: dict[str, Any], anns_hour: Booking, app: Flask, stripe: Stripe
):
    stripe.pay(anns_hour)
    event = stripe.simulator.events_since(None)[-1] | change
    assert tell(app, stripe, event) == 200
    finish()
    assert stored(event["id"]).state == EventState.QUARANTINED
    assert fresh(anns_hour).state == B.PENDING_PAYMENT


def test_an_event_about_what_stripe_does_not_know_does_not_hold_up_the_others(
    anns_hour: Booking, app: Flask, stripe: Stripe
):
    stripe.pay(anns_hour)
    good = stripe.simulator.events_since(None)[-1]
    poison = json.loads(json.dumps(good)) | {"id": "evt_poison"}
    poison["data"]["object"]["id"] = "pi_that_never_was"
    assert tell(app, stripe, poison) == 200
    assert tell(app, stripe, good) == 200
    jobs.run("handle_events")
    assert stored("evt_poison").state in (EventState.QUARANTINED, EventState.STUCK)
    assert stored(good["id"]).state == EventState.HANDLED
    assert fresh(anns_hour).state == B.CONFIRMED


def test_events_that_come_while_stripe_is_down_are_handled_when_it_is_back(
    anns_hour: Booking, app: Flask, stripe: Stripe
):
    stripe.pay(anns_hour)
    event = stripe.simulator.events_since(None)[-1]
    stripe.fail_next("error_500_unsaved", method="GET", count=2)
    assert tell(app, stripe, event) == 200
    jobs.run("handle_events")
    assert (stored(event["id"]).state, stored(event["id"]).tries) == (EventState.RECEIVED, 0)
    assert fresh(anns_hour).state == B.PENDING_PAYMENT
    let_leases_run_out()
    jobs.run("handle_events")
    assert stored(event["id"]).state == EventState.HANDLED
    assert fresh(anns_hour).state == B.CONFIRMED
    assert untruths(stripe) == []
