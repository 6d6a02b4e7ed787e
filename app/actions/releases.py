"""Holds that nobody will capture any more are let go of; those that somebody still may, after the bank, renewed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from app.actions import deadlines, endings, operations, payments, renewals
from app.actions.transactions import atomically, unbroken
from app.extensions import db
from app.models.booking import Booking
from app.models.deadline import Deadline
from app.models.objection import Objection
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import UNSETTLED_OPERATION, BookingState, Party, PaymentState


def stale(now: datetime) -> Sequence[str]:
    """Ids of payments whose hold was not captured in time, longest overdue first.

    Whoever is killed with some of them in hand leaves them to :func:`forgotten`.
    """
    return deadlines.claim(deadlines.RELEASE, now)


def forgotten(now: datetime) -> Sequence[str]:
    """Ids of payments that hold money for nothing, and nothing is under way.

    The booking has ended without a charge (the bank said yes too late), or the hold was claimed and still stands.
    """
    unsettled = select(Operation.id).where(Operation.subject == Payment.id, Operation.state.in_(UNSETTLED_OPERATION))
    waiting = select(Deadline.subject).where(Deadline.kind == deadlines.RELEASE, Deadline.subject == Payment.id)
    claimed = (Booking.state == BookingState.CONFIRMED) & (Payment.release_at <= now) & ~waiting.exists()
    return db.session.scalars(
        select(Payment.id)
        .join(Booking, Booking.id == Payment.booking_id)
        .where(
            Payment.is_in(PaymentState.AUTHORIZED),
            Booking.state.in_(payments.UNPAID_ENDS) | claimed,
            ~unsettled.exists(),
        )
        .order_by(Payment.release_at)
        .limit(deadlines.BATCH)
    ).all()


def release(payment_id: str, *, now: datetime) -> None:
    """Let go of a hold that nobody will capture any more; does nothing if somebody has seen to it, or still may."""
    operation_id = _begin(payment_id, now=now)
    if operation_id is not None:
        operations.attempt(operation_id, now=now)


@unbroken
def _begin(payment_id: str, *, now: datetime) -> str | None:
    with atomically():
        payment = Payment.locked(payment_id)
        booking = Booking.locked(payment.booking_id)
        if payment.state != PaymentState.AUTHORIZED or operations.unsettled(payment_id) is not None:
            return None
        if booking.state in payments.UNPAID_ENDS:
            ends_as, because = booking.state, booking.ended_because
        elif booking.state == BookingState.CONFIRMED and payment.release_at and payment.release_at <= now:
            is_missed = Objection.live_of(booking.id) is not None  # and the mentor had until now to answer
            if not is_missed and renewals.is_called_for(payment, booking, now=now):
                return renewals.start(payment, booking, now=now).id
            ends_as, because = _end_of(booking, now, is_missed=is_missed)
        else:
            return None
        operation = payments.start(payments.VOID, payment, by=Party.SYSTEM, now=now, ends_as=ends_as, because=because)
        return operation.id


def _end_of(booking: Booking, now: datetime, *, is_missed: bool) -> tuple[BookingState, str]:
    """What a confirmed booking is to become that nobody completed, or whose mentor is said not to have come."""
    if is_missed:
        return BookingState.NO_SHOW, endings.MENTOR_ABSENT
    late = now >= booking.complete_by
    return BookingState.EXPIRED, endings.NOT_COMPLETED if late else endings.BANK_WOULD_LET_GO
