"""When Stripe stops answering, people are told so at once, and nothing that waits for it is worn out by waiting."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app import create_app, jobs
from app.actions import cancellations
from app.extensions import db
from app.gateways.guard import Guard
from app.gateways.stripe_gateway import StripeGateway, stripe_gateway
from app.gateways.stripe_objects import API_VERSION, Key
from app.kit import clock
from app.kit.breaker import Breaker
from app.kit.errors import CardDeclined, GatewayDown, GatewayRefused
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.states import BookingState, OperationState, Party
from tests import people
from tests.conftest import settings_for
from tests.faults.recovery import finish, let_leases_run_out
from tests.faults.truths import untruths
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import Stripe

LIMIT, PAUSE = 5, timedelta(seconds=10)
SILENCE = ["drop_request", "error_500_unsaved", "html_502", "rate_limit_429", "unauthorized_401"]


class Hands:
    """What the breaker takes for the time: turned by hand."""

    time = timedelta()

    def __call__(self) -> timedelta:
        return self.time


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def app(database_url: str, stripe: Stripe, hands: Hands) -> Iterator[Flask]:
    """The application with a breaker on its way to Stripe, as in production."""
    settings = settings_for(database_url)
    network = InProcessClient(stripe.simulator)
    guard = Guard(Breaker(hands, limit=LIMIT, pause=PAUSE))
    gateway = StripeGateway(settings.stripe_secret_key, api=settings.stripe_api, http_client=network, guard=guard)
    application = create_app(settings, gateway=gateway)
    clock.use(stripe.now)
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def hours(app: Flask, stripe: Stripe) -> list[Booking]:
    """Seven hours of Ann's with Bob, held on her card."""
    ann, bob = people.person("Ann"), people.mentor("Bob")
    starts = [people.TOMORROW_AT_TEN + n * people.HOUR for n in range(7)]
    return [
        people.paid(people.booked(ann, bob, stripe, starts_at=start, key=f"form {n}"), stripe)
        for n, start in enumerate(starts)
    ]


def be_silent(stripe: Stripe, kind: str = "drop_request") -> None:
    stripe.simulator.faults.add(kind, method="*", count=None)


def answer_again(stripe: Stripe) -> None:
    stripe.simulator.faults.clear()


def call_off(hour: Booking, stripe: Stripe) -> None:
    cancellations.cancel(hour, by=Party.MENTOR, quoted="8000-0-0", now=stripe.now())


def call_all_off(hours: list[Booking], stripe: Stripe) -> list[bool]:
    """Whether Stripe was asked, for each; it does not answer."""
    asked = []
    for hour in hours:
        with pytest.raises(GatewayDown) as confirming:
            call_off(hour, stripe)
        asked.append(confirming.value.asked)
    return asked


def pending() -> list[Operation]:
    db.session.rollback()
    return list(
        db.session.scalars(select(Operation).where(Operation.is_in(OperationState.PENDING)).order_by(Operation.id))
    )


@pytest.mark.parametrize("kind", SILENCE)
def test_after_five_calls_in_vain_the_next_people_are_told_at_once(kind: str, hours: list[Booking], stripe: Stripe):
    be_silent(stripe, kind)
    assert call_all_off(hours, stripe) == [True] * LIMIT + [False] * 2
    answer_again(stripe)
    finish()
    assert {people.fresh(hour).state for hour in hours} == {BookingState.CONFIRMED}, "it is not over yet"


def test_while_it_is_left_alone_stripe_is_not_asked_and_what_waits_is_not_worn_out(
    hours: list[Booking], stripe: Stripe
):
    be_silent(stripe)
    call_all_off(hours, stripe)
    before = [(operation.id, operation.tries, operation.attempt) for operation in pending()]
    asked = len(stripe.simulator.requests())
    for _ in range(3):
        let_leases_run_out()
        assert jobs.run("finish_operations") == 0
    assert len(stripe.simulator.requests()) == asked
    assert [(operation.id, operation.tries, operation.attempt) for operation in pending()] == before
    assert sorted(operation.tries for operation in pending()) == [0, 0, 1, 1, 1, 1, 1]


def test_after_the_pause_one_call_finds_out_and_the_rest_of_the_batch_waits_on(
    hours: list[Booking], stripe: Stripe, hands: Hands
):
    be_silent(stripe)
    call_all_off(hours, stripe)
    asked = len(stripe.simulator.requests())
    hands.time += PAUSE
    let_leases_run_out()
    assert jobs.run("finish_operations") == 0
    assert len(stripe.simulator.requests()) == asked + 2, "one call, and the library's second try of it"
    assert sum(operation.tries for operation in pending()) == LIMIT + 1
    assert all(operation.lease_until == 0 for operation in pending()), "the others are free for whoever comes next"


def test_once_it_answers_again_everything_is_done_once(hours: list[Booking], stripe: Stripe, hands: Hands):
    be_silent(stripe)
    call_all_off(hours, stripe)
    answer_again(stripe)
    hands.time += PAUSE
    let_leases_run_out()
    assert jobs.run("finish_operations") == len(hours)
    assert {people.fresh(hour).state for hour in hours} == {BookingState.CANCELLED}
    assert stripe.count("/cancel") == len(hours) + 2 * LIMIT, "the calls in vain, and one for each hour"
    assert untruths(stripe) == []


def test_an_hour_that_is_not_paid_in_time_is_free_again_though_stripe_is_silent(hours: list[Booking], stripe: Stripe):
    ann, bob = hours[0].mentee, hours[0].mentor
    unpaid = people.booked(ann, bob, stripe, starts_at=people.TOMORROW_AT_TEN + 9 * people.HOUR, key="unpaid")
    be_silent(stripe)
    call_all_off(hours, stripe)
    stripe.wait_until(people.fresh(unpaid).pay_by)
    assert jobs.run("expire_checkouts") == 1
    assert people.fresh(unpaid).state == BookingState.EXPIRED


def test_a_declined_card_or_a_refusal_is_an_answer(hours: list[Booking], stripe: Stripe):
    gateway, intent = stripe_gateway(), hours[0].payments[0].intent_id or ""
    db.session.rollback()
    for n in range(LIMIT + 1):
        with pytest.raises(GatewayRefused):
            gateway.intent("pi_of_nobody")
        charge = {"amount": 8_000, "currency": "eur", "payment_method": "pm_card_chargeDeclined", "confirm": True}
        charge |= {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
        with pytest.raises(CardDeclined):
            gateway.create_intent(charge, Key(f"declined {n}", API_VERSION))
        stripe.fail_next("lock_timeout_429", method="GET", count=2)
        with pytest.raises(GatewayDown):
            gateway.intent(intent)
    assert not gateway.is_left_alone()
