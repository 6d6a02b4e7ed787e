"""Stripe's answer is lost, cut off or a lie: nobody believes a failure that was none, and nothing happens twice."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.actions import bookings, cancellations
from app.extensions import db
from app.kit.errors import Busy, GatewayDown
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, OperationState, Party, PaymentState
from app.models.user import User
from stripe_simulator.faults import KINDS
from tests.faults.every_flow import FLOWS
from tests.faults.flows import CANCEL, CAPTURE, INTENTS, taken_place, the_hour
from tests.faults.recovery import deliver, finish, hear
from tests.faults.truths import untruths
from tests.people import booked, fresh
from tests.stripe_double import Stripe

LIES = sorted(set(KINDS) - {"delay"})
AT_THE_DOOR = ["drop_request", "error_500_unsaved", "html_502", "rate_limit_429", "truncate_answer", "unauthorized_401"]
FLOW = {flow.name: flow for flow in FLOWS}
MOVES = {
    "hold": (FLOW["book"], INTENTS),
    "capture": (FLOW["complete"], CAPTURE),
    "void": (FLOW["cancel a held hour"], CANCEL),
    "refund": (FLOW["cancel a completed hour"], "/v1/refunds"),
}


def act_and_hear(name: str, stripe: Stripe) -> GatewayDown | None:
    """Do it as a person would; only "we are confirming" may come back, or nothing."""
    try:
        MOVES[name][0].act(stripe.now())
    except GatewayDown as confirming:
        return confirming
    return None


def the_operation(kind: str) -> Operation:
    db.session.rollback()
    return db.session.scalars(select(Operation).where(Operation.kind == kind)).one()


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("move", MOVES)
def test_an_unclear_answer_is_being_confirmed_and_then_finished_once(move: str, lie: str, app: Flask, stripe: Stripe):
    flow, path = MOVES[move]
    flow.prepare(stripe)
    stripe.fail_next(lie, path, count=2)  # the library itself tries twice
    confirming = act_and_hear(move, stripe)
    assert confirming is not None or move == "hold"  # a mentee who books is shown the page that waits
    assert the_operation(move).state == OperationState.PENDING
    assert db.session.scalar(select(Payment.state)) != PaymentState.FAILED
    finish()
    assert untruths(stripe) + flow.wrong_end() == []
    assert the_operation(move).attempt == (2 if lie == "error_500_saved_without_effect" else 1)


@pytest.mark.parametrize("lie", ["conflict_409", "lose_answer", "drop_request", "error_500_unsaved"])
@pytest.mark.parametrize("move", MOVES)
def test_the_second_try_of_the_library_gets_through_a_short_trouble(move: str, lie: str, app: Flask, stripe: Stripe):
    flow, path = MOVES[move]
    flow.prepare(stripe)
    stripe.fail_next(lie, path)
    assert act_and_hear(move, stripe) is None
    assert untruths(stripe) + flow.wrong_end() == []


@pytest.mark.parametrize("lie", AT_THE_DOOR)
def test_a_look_up_that_fails_decides_nothing(lie: str, app: Flask, stripe: Stripe):
    flow, path = MOVES["capture"]
    flow.prepare(stripe)
    stripe.fail_next("lose_answer", path, count=2)
    assert act_and_hear("capture", stripe) is not None
    stripe.fail_next(lie, method="GET", count=2)
    finish()
    assert stripe.count("/capture") == 1  # what the library repeated was a replay, and nothing else was sent
    assert untruths(stripe) + flow.wrong_end() == []


def test_a_person_who_tries_again_while_it_is_being_confirmed_is_told_so(app: Flask, stripe: Stripe):
    flow, path = MOVES["capture"]
    flow.prepare(stripe)
    stripe.fail_next("lose_answer", path, count=2)
    assert act_and_hear("capture", stripe) is not None
    with pytest.raises(Busy):
        flow.act(stripe.now())
    finish()
    assert untruths(stripe) + flow.wrong_end() == []


def test_an_intent_that_somebody_changed_meanwhile_is_parked_and_not_guessed_about(
    ann: User, bob: Mentor, stripe: Stripe
):
    stripe.fail_next("lose_answer", INTENTS, count=2)
    booked(ann, bob, stripe)
    stripe.client.v1.payment_intents.update(stripe.intents()[0].id, {"amount": 9_000})
    finish()
    assert the_operation("hold").state == OperationState.PARKED
    assert len(stripe.intents()) == 1


def hold_is_being_confirmed(ann: User, bob: Mentor, app: Flask, stripe: Stripe) -> Booking:
    """The answer about the intent was lost, but its event has come: the pay page knows it, the operation is pending."""
    stripe.fail_next("lose_answer", INTENTS, count=2)
    hour = booked(ann, bob, stripe)
    assert hear(app, stripe) == [200, 200]
    assert fresh(hour).payment.intent_id is not None
    return fresh(hour)


@pytest.mark.parametrize("webhooks", ["come", "are lost"])
def test_a_card_entered_after_calling_off_what_was_still_being_confirmed_is_let_go(
    webhooks: str, ann: User, bob: Mentor, app: Flask, stripe: Stripe
):
    hour = hold_is_being_confirmed(ann, bob, app, stripe)
    quoted = cancellations.quote(hour, by=Party.MENTEE, now=stripe.now())
    cancellations.cancel(hour, by=Party.MENTEE, quoted=quoted.token, now=stripe.now())
    stripe.pay(hour)  # in the other tab, which still shows the form
    if webhooks == "come":
        deliver(app, stripe)
    finish()
    assert fresh(hour).state == BookingState.CANCELLED
    assert untruths(stripe) == []


def test_a_card_entered_after_the_checkout_ended_while_it_was_still_being_confirmed_is_let_go(
    ann: User, bob: Mentor, app: Flask, stripe: Stripe
):
    hour = hold_is_being_confirmed(ann, bob, app, stripe)
    stripe.wait_until(hour.pay_by)
    bookings.expire(hour.id, now=stripe.now())
    stripe.pay(hour)
    finish()
    assert fresh(hour).state == BookingState.EXPIRED
    assert untruths(stripe) == []


def test_a_part_that_was_charged_in_the_dashboard_while_we_were_confirming_is_not_called_ours(
    app: Flask, stripe: Stripe
):
    taken_place(stripe)
    stripe.fail_next("drop_request", CAPTURE, count=2)
    assert act_and_hear("capture", stripe) is not None
    intent_id = stripe.intent_of(the_hour()).id
    stripe.client.v1.payment_intents.capture(intent_id, {"amount_to_capture": 3_000})
    deliver(app, stripe)
    finish()
    captures = select(Operation).where(Operation.kind == "capture").order_by(Operation.amount_minor)
    told = [(row.amount_minor, row.by, row.state) for row in db.session.scalars(captures)]
    assert told == [(3_000, Party.STRIPE, OperationState.DONE), (8_000, Party.MENTOR, OperationState.REFUSED)]
    assert the_hour().payment.captured_minor == 3_000
    assert untruths(stripe) == []
