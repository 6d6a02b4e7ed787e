"""A mentor's answer to a request: yes, no, or none in time. Until then the hour is held, and so is its money."""

from collections.abc import Sequence
from datetime import datetime

from app.actions import bookings, confirmations, deadlines, endings, operations, payments
from app.actions.deadlines import Due
from app.kit.errors import Busy, IllegalMove
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, Party


def accept(booking: Booking, *, now: datetime) -> None:
    """Say yes: the hour stands. Raises: IllegalMove if the request is over, Busy while it is being let go of."""

    def confirm(payment: Payment, booking: Booking) -> None:
        check(booking, now=now)
        if operations.unsettled(payment.id) is not None:
            raise Busy("This request is being taken back at this moment.")
        confirmations.confirm(booking, payment, by=Party.MENTOR, now=now)

    bookings.decided(booking.id, confirm)


def decline(booking: Booking, *, now: datetime) -> None:
    """Say no: the hour is free again and nothing is charged. Raises: IllegalMove, Busy, GatewayDown."""

    def let_go(payment: Payment, booking: Booking) -> Operation | None:
        check(booking, now=now)
        return _let_go(payment, booking, BookingState.CANCELLED, Party.MENTOR, endings.DECLINED, now)

    operation = bookings.decided(booking.id, let_go)
    if operation is not None:
        operations.execute(operation.id, now=now)


def check(booking: Booking, *, now: datetime) -> None:
    """Raises: IllegalMove if there is nothing to answer (any more)."""
    if booking.state != BookingState.REQUESTED:
        raise IllegalMove("This request has been answered, or taken back.")
    if booking.answer_by is not None and now >= booking.answer_by:
        raise IllegalMove("The time to answer this request is over; the reservation is being released.")


def due(now: datetime) -> Sequence[Due]:
    """Requests that nobody has answered in time."""
    return deadlines.overdue((deadlines.ANSWER,), now)


def lapse(reached: Due, *, now: datetime) -> None:
    """Let go of a request that was not answered in time; does nothing if it was after all. Raises: Busy."""

    def let_go(payment: Payment, booking: Booking) -> Operation | None:
        waits = booking.state == BookingState.REQUESTED
        if waits and booking.answer_by is not None and now < booking.answer_by:
            return None
        if not deadlines.take_away(reached) or not waits:
            return None
        return _let_go(payment, booking, BookingState.EXPIRED, Party.SYSTEM, endings.NOT_ANSWERED, now)

    operation = bookings.decided(reached.subject, let_go)
    if operation is not None:
        operations.attempt(operation.id, now=now)


def _let_go(
    payment: Payment, booking: Booking, state: BookingState, by: Party, because: str, now: datetime
) -> Operation | None:
    if payment.state in payments.NOTHING_HELD:  # a card is saved, and nothing stands in the way of an end at once
        return bookings.end_unpaid(payment, booking, state, by, because, now)
    return payments.start(payments.VOID, payment, by=by, now=now, ends_as=state, because=because)
