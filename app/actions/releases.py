"""Holds that nobody will capture any more are let go of."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update

from app.actions import endings, operations, payments
from app.actions.transactions import at_once, atomically, unbroken
from app.extensions import db
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import UNSETTLED_OPERATION, BookingState, Party, PaymentState

BATCH = 100

DUE = (
    select(Payment.id)
    .where(Payment.is_in(PaymentState.AUTHORIZED), Payment.release_at <= bindparam("now"))
    .order_by(Payment.release_at)
    .limit(BATCH)
    .with_for_update(key_share=True, skip_locked=True)
    .cte("due")
)
CLAIM = (
    update(Payment)
    .where(Payment.id.in_(select(DUE.c.id)))
    .values(release_at=None, version=Payment.version + 1)
    .returning(Payment.id)
)


def stale(now: datetime) -> Sequence[str]:
    """Ids of payments whose hold was not captured in time, longest overdue first.

    They are claimed: what is found leaves the index by which it was found. So no batch meets those before it again,
    however long they take. Whoever is killed with some of them in hand leaves them to :func:`forgotten`.
    """
    return [payment_id for (payment_id,) in at_once(CLAIM, {"now": now})]


def forgotten(_now: datetime) -> Sequence[str]:
    """Ids of payments that hold money for nothing, and nothing is under way.

    The booking has ended without a charge (the bank said yes too late), or the hold was claimed and still stands.
    """
    unsettled = select(Operation.id).where(Operation.subject == Payment.id, Operation.state.in_(UNSETTLED_OPERATION))
    claimed = (Booking.state == BookingState.CONFIRMED) & Payment.release_at.is_(None)
    return db.session.scalars(
        select(Payment.id)
        .join(Booking, Booking.id == Payment.booking_id)
        .where(
            Payment.is_in(PaymentState.AUTHORIZED),
            Booking.state.in_(payments.UNPAID_ENDS) | claimed,
            ~unsettled.exists(),
        )
        .order_by(Payment.release_at)
        .limit(BATCH)
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
        elif booking.state == BookingState.CONFIRMED and (payment.release_at is None or payment.release_at <= now):
            ends_as = BookingState.EXPIRED
            because = endings.NOT_COMPLETED if now >= booking.complete_by else endings.BANK_WOULD_LET_GO
        else:
            return None
        operation = payments.start(payments.VOID, payment, by=Party.SYSTEM, now=now, ends_as=ends_as, because=because)
        return operation.id
