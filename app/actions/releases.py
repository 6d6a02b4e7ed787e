"""Holds that nobody wants any more: the bank said yes after the booking had ended, and nothing was under way."""

from datetime import datetime

from sqlalchemy import select

from app.actions import operations, payments
from app.actions.transactions import atomically, unbroken
from app.extensions import db
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import UNSETTLED_OPERATION, Party, PaymentState

BATCH = 100


def forgotten(_now: datetime) -> list[str]:
    """Ids of payments that still hold money although their booking has ended without a charge."""
    unsettled = select(Operation.id).where(Operation.subject == Payment.id, Operation.state.in_(UNSETTLED_OPERATION))
    return list(
        db.session.scalars(
            select(Payment.id)
            .join(Booking, Booking.id == Payment.booking_id)
            .where(Payment.is_in(PaymentState.AUTHORIZED), Booking.state.in_(payments.UNPAID_ENDS), ~unsettled.exists())
            .order_by(Payment.release_at)
            .limit(BATCH)
        )
    )


def release(payment_id: str, *, now: datetime) -> None:
    """Let go of a hold that :func:`forgotten` found; does nothing if somebody else has seen to it."""
    operation_id = _begin(payment_id, now=now)
    if operation_id is not None:
        operations.attempt(operation_id, now=now)


@unbroken
def _begin(payment_id: str, *, now: datetime) -> str | None:
    with atomically():
        payment = Payment.locked(payment_id)
        booking = Booking.locked(payment.booking_id)
        if (
            payment.state != PaymentState.AUTHORIZED
            or booking.state not in payments.UNPAID_ENDS
            or operations.unsettled(payment_id) is not None
        ):
            return None
        operation = payments.start(
            payments.VOID, payment, by=Party.SYSTEM, now=now, ends_as=booking.state, because=booking.ended_because
        )
        return operation.id
