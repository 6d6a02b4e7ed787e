"""No hold outlives its booking, however it came to."""

from datetime import timedelta

from sqlalchemy import text

from app import jobs
from app.actions import bookings, endings, operations, payments, releases
from app.actions.transactions import atomically
from app.extensions import db
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, OperationState, Party, PaymentState
from tests.people import fresh
from tests.stripe_double import Stripe

SECOND = timedelta(seconds=1)


def test_a_hold_that_stands_on_an_ended_booking_is_found_and_released(held_hour: Booking, stripe: Stripe):
    by_hand = text("UPDATE booking SET state = 'cancelled', ended_by = 'operator' WHERE id = :id")
    db.session.execute(by_hand, {"id": held_hour.id})
    db.session.commit()

    assert jobs.run("release_forgotten_holds") == 1
    assert fresh(held_hour).payment.state == PaymentState.VOIDED
    assert stripe.intent_of(held_hour).status == "canceled"
    assert jobs.run("release_forgotten_holds") == 0


def test_a_card_that_comes_when_nobody_is_at_the_ended_booking_any_more_is_released_at_once(
    anns_hour: Booking, stripe: Stripe
):
    """The void of an unpaid booking puzzled us, and an operator gave it up; the browser still has the card form."""
    stripe.fail_next("error_500_unsaved", "*/cancel", count=2)
    stripe.wait_until(anns_hour.pay_by)
    bookings.expire(anns_hour.id, now=stripe.now())
    db.session.execute(text("UPDATE operation SET state = 'refused' WHERE kind = 'void'"))
    db.session.commit()
    stripe.pay(anns_hour)
    payments.learn(stripe.intent_of(anns_hour).id, now=stripe.now())
    ending = Operation.one(Operation.kind == payments.VOID, Operation.is_in(OperationState.PENDING))
    operations.execute(ending.id, now=stripe.now())
    assert fresh(anns_hour).payment.state == PaymentState.VOIDED
    assert stripe.intent_of(anns_hour).status == "canceled"


def test_a_hold_on_a_booking_that_stands_is_left_alone(held_hour: Booking, stripe: Stripe):
    assert jobs.run("release_forgotten_holds") == 0
    assert stripe.intent_of(held_hour).status == "requires_capture"


def test_a_stale_hold_is_found_by_one_worker_only(held_hour: Booking, stripe: Stripe):
    assert held_hour.payment is not None
    payment_id, due = held_hour.payment.id, held_hour.complete_by
    assert releases.stale(due - SECOND) == []
    assert releases.stale(due) == [payment_id]
    assert releases.stale(due) == []


def test_a_stale_hold_whose_finder_was_killed_is_released_by_the_next_one(held_hour: Booking, stripe: Stripe):
    stripe.wait_until(held_hour.complete_by)
    assert len(releases.stale(stripe.now())) == 1  # and nothing more

    assert jobs.run("expire_stale_holds") == 0
    assert jobs.run("release_forgotten_holds") == 1
    assert fresh(held_hour).state == BookingState.EXPIRED
    assert stripe.intent_of(held_hour).status == "canceled"


def test_a_stale_hold_whose_release_was_refused_is_tried_again(held_hour: Booking, stripe: Stripe):
    stripe.wait_until(held_hour.complete_by)
    (payment_id,) = releases.stale(stripe.now())
    with atomically():
        held, because = Payment.locked(payment_id), endings.NOT_COMPLETED
        void = payments.start(
            payments.VOID, held, by=Party.SYSTEM, now=stripe.now(), ends_as=BookingState.EXPIRED, because=because
        )
        assert releases.forgotten(stripe.now()) == []  # while it is under way
        operations.close(Operation.locked(void.id), OperationState.REFUSED, now=stripe.now())

    assert jobs.run("release_forgotten_holds") == 1
    assert fresh(held_hour).state == BookingState.EXPIRED
    assert stripe.intent_of(held_hour).status == "canceled"
