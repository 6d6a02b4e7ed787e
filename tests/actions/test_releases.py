"""No hold outlives its booking, however it came to."""

from sqlalchemy import text

from app import jobs
from app.extensions import db
from app.models.booking import Booking
from app.models.states import PaymentState
from tests.people import fresh
from tests.stripe_double import Stripe


def test_a_hold_that_stands_on_an_ended_booking_is_found_and_released(held_hour: Booking, stripe: Stripe):
    by_hand = text("UPDATE booking SET state = 'cancelled', ended_by = 'operator' WHERE id = :id")
    db.session.execute(by_hand, {"id": held_hour.id})
    db.session.commit()

    assert jobs.run("release_forgotten_holds") == 1
    assert fresh(held_hour).payment.state == PaymentState.VOIDED
    assert stripe.intent_of(held_hour).status == "canceled"
    assert jobs.run("release_forgotten_holds") == 0


def test_a_hold_on_a_booking_that_stands_is_left_alone(held_hour: Booking, stripe: Stripe):
    assert jobs.run("release_forgotten_holds") == 0
    assert stripe.intent_of(held_hour).status == "requires_capture"
