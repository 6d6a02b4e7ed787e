"""How bookings end, and the words for why."""

from datetime import datetime

from app.actions import confirmations, contests, deadlines, news, reminders
from app.models.availability import SlotClaim
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import FLOW, BookingState, Party

NOT_PAID = "it was not paid in time"
CARD_DECLINED = "its price could not be reserved on the card in time"
NOT_COMPLETED = "it was not marked complete in time"
BANK_WOULD_LET_GO = "the bank would soon have let the reservation go"
BANK_LET_GO = "the bank let the reservation go"
NO_SHOW = "the mentee did not come"
MENTOR_ABSENT = "the mentor did not come"
CALLED_OFF = "it was called off"
CALLED_OFF_LATE = "it was called off late"
DECLINED = "the mentor declined"
NOT_ANSWERED = "the mentor did not answer in time"
IN_DASHBOARD = "it was changed in Stripe's dashboard"
GIVEN_AWAY = "its time was given to somebody else while our records of it were lost"
REFUND_CAME_BACK = "the bank sent the refund back"


def end(booking: Booking, payment: Payment, state: BookingState, operation: Operation, *, now: datetime) -> bool:
    """End a booking because its ``payment`` (both locked) has moved; one that has ended before stays as it is.

    Tells whether it has ended now.
    """
    if booking.state == BookingState.REQUESTED and state not in FLOW[BookingState.REQUESTED]:
        confirmations.confirm(booking, payment, by=operation.by, now=now)  # charged in the dashboard: an answer, too
    if state not in FLOW.get(booking.state, ()):
        return False
    end_now(booking, payment, state, by=operation.by, because=operation.because, now=now, operation_id=operation.id)
    return True


def end_now(
    booking: Booking,
    payment: Payment | None,
    state: BookingState,
    *,
    by: Party,
    because: str,
    now: datetime,
    operation_id: str | None = None,
) -> None:
    """End a booking (locked), free its time, of both people, and tell them. A free trial has no payment.

    Raises: IllegalMove.
    """
    came_from = booking.state
    booking.move_to(state, now=now, by=by, because=because, operation_id=operation_id)
    booking.ended_by, booking.ended_because, booking.ended_at = by, because, now
    SlotClaim.erase(SlotClaim.booking_id == booking.id)
    if payment is not None and payment.authorize_at is not None:
        deadlines.lift_all(deadlines.OF_SAVED_CARDS, payment.id)
    if came_from == BookingState.CONFIRMED:
        reminders.lift(booking)
        if payment is None:
            deadlines.lift(deadlines.TRIAL, booking.id)
        else:
            contests.end_with(booking, payment, by=by, because=because, now=now)
    elif came_from == BookingState.REQUESTED:
        deadlines.lift(deadlines.ANSWER, booking.id)
    news.of_end(booking, payment, came_from=came_from, now=now)
