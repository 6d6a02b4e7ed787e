"""How long a hold must and can stand. Pure, except for the look-up of those that went stale."""

from datetime import datetime

from sqlalchemy import select

from app.extensions import db
from app.kit import policy
from app.models.booking import Booking
from app.models.payment import Payment
from app.models.states import BookingState, PaymentState

BATCH = 100


def reach(now: datetime) -> datetime:
    """The latest end of a session that can be booked: a hold made now outlives the time to complete it."""
    return now + policy.current().reach


def complete_by(ends_at: datetime) -> datetime:
    """The last moment at which the mentor may complete a session that ends then."""
    return ends_at + policy.current().completion_grace


def release_at(complete_until: datetime, capture_before: datetime | None) -> datetime:
    """When an uncompleted session's hold is let go: at its deadline, or well before the bank lets it lapse."""
    if capture_before is None:
        return complete_until
    return min(complete_until, capture_before - policy.current().safety_margin)


def stale(now: datetime) -> list[str]:
    """Ids of confirmed bookings whose hold should be let go, longest overdue first."""
    return list(
        db.session.scalars(
            select(Booking.id)
            .join(Payment, Payment.booking_id == Booking.id)
            .where(
                Payment.is_in(PaymentState.AUTHORIZED),
                Payment.release_at <= now,
                Booking.state == BookingState.CONFIRMED,
            )
            .order_by(Payment.release_at)
            .limit(BATCH)
        )
    )
