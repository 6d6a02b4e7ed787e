"""A mentor's answer to a request: yes, no, or none in time. Until then the hour is held, and so is its money."""

from collections.abc import Sequence
from datetime import datetime

from app.actions import bookings, confirmations, deadlines, endings, operations, payments, trials
from app.actions.deadlines import Due
from app.actions.transactions import atomically, unbroken
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

    if booking.is_trial:
        return _accept_trial(booking.id, now=now)
    return bookings.decided(booking.id, confirm)


def decline(booking: Booking, *, now: datetime) -> None:
    """Say no: the hour is free again and nothing is charged. Raises: IllegalMove, Busy, GatewayDown."""

    def let_go(payment: Payment, booking: Booking) -> Operation | None:
        check(booking, now=now)
        return _let_go(payment, booking, BookingState.CANCELLED, Party.MENTOR, endings.DECLINED, now)

    if booking.is_trial:
        return trials.end(
            booking.id,
            BookingState.CANCELLED,
            by=Party.MENTOR,
            because=endings.DECLINED,
            check=lambda asked: check(asked, now=now),
            now=now,
        )
    operation = bookings.decided(booking.id, let_go)
    if operation is not None:
        operations.execute(operation.id, now=now)
    return None


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

    if Booking.one(Booking.id == reached.subject).is_trial:
        return _lapse_trial(reached, now=now)
    operation = bookings.decided(reached.subject, let_go)
    if operation is not None:
        operations.attempt(operation.id, now=now)
    return None


@unbroken
def _accept_trial(booking_id: str, *, now: datetime) -> None:
    with atomically():
        booking = Booking.locked(booking_id)
        check(booking, now=now)
        confirmations.confirm(booking, None, by=Party.MENTOR, now=now)


@unbroken
def _lapse_trial(reached: Due, *, now: datetime) -> None:
    with atomically():
        booking = Booking.locked(reached.subject)
        if deadlines.take_away(reached) and booking.state == BookingState.REQUESTED:
            ended, because = BookingState.EXPIRED, endings.NOT_ANSWERED
            endings.end_now(booking, None, ended, by=Party.SYSTEM, because=because, now=now)


def _let_go(
    payment: Payment, booking: Booking, state: BookingState, by: Party, because: str, now: datetime
) -> Operation | None:
    if payment.state in payments.NOTHING_HELD:  # a card is saved, and nothing stands in the way of an end at once
        return bookings.end_unpaid(payment, booking, state, by, because, now)
    return payments.start(payments.VOID, payment, by=by, now=now, ends_as=state, because=because)
