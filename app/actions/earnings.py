"""What mentors earn: it stays pending while the mentee can still object to the charge, and is available after that.

What is objected to stays pending until somebody has decided (:mod:`app.actions.contests`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from app.actions import deadlines, ledger
from app.actions.deadlines import Due
from app.actions.transactions import atomically, unbroken
from app.extensions import db
from app.models.booking import Booking
from app.models.objection import Objection
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import OperationState

CLEARING = timedelta(hours=72)
CLEAR = "clear"  # what is due then, of a payment
AGAIN = timedelta(hours=1)  # after which a payment is looked at again of which something else is not settled yet


def hold_back(payment: Payment, *, now: datetime) -> None:
    """A charge was just counted: what the mentor has of it is pending for now, and longer if it was contested before
    it was counted. Inside a transaction."""
    if Objection.live_of(payment.booking_id) is None:
        deadlines.put(CLEAR, payment.id, now + CLEARING)


def contest(payment: Payment) -> None:
    """Keep it pending, however long it takes. Inside a transaction, which has locked ``payment``."""
    deadlines.lift(CLEAR, payment.id)


def let_go(payment: Payment, *, now: datetime) -> None:
    """Nothing is in dispute any more. Inside a transaction, which has locked ``payment``."""
    if payment.cleared_at is None:
        deadlines.put_all(payment.id, {CLEAR: now})


def due(now: datetime) -> Sequence[Due]:
    """Payments whose time is over."""
    return deadlines.overdue([CLEAR], now)


@unbroken
def clear(reached: Due, *, now: datetime) -> None:
    """Move what the mentor has left of a charge from pending to available, once.

    While a refund is not settled, nobody knows how much that is: it waits.
    """
    with atomically():
        payment = Payment.locked(reached.subject)
        if not deadlines.take_away(reached):
            return
        if not payment.is_free:
            deadlines.put(CLEAR, payment.id, now + AGAIN)
            return
        booking, operation_id = Booking.one(Booking.id == payment.booking_id), _capture_of(payment)
        payment.cleared_at = now
        ledger.book_clearing(
            booking, captured=payment.captured, refunded=payment.refunded, operation_id=operation_id, now=now
        )


def _capture_of(payment: Payment) -> str:
    """The operation that brought the money: whatever it is booked under can be booked only once."""
    captures = select(Operation.id).where(
        Operation.subject == payment.id, Operation.kind == "capture", Operation.state == OperationState.DONE
    )
    return db.session.scalars(captures).one()
