"""How bookings end, and the words for why."""

from datetime import datetime

from app.models.availability import SlotClaim
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.states import FLOW, BookingState, Party

NOT_PAID = "it was not paid in time"
NOT_COMPLETED = "it was not marked complete in time"
BANK_WOULD_LET_GO = "the bank would soon have let the reservation go"
BANK_LET_GO = "the bank let the reservation go"
NO_SHOW = "the mentee did not come"
CALLED_OFF = "it was called off"
CALLED_OFF_LATE = "it was called off late"
IN_DASHBOARD = "it was changed in Stripe's dashboard"
GIVEN_AWAY = "its time was given to somebody else while our records of it were lost"
REFUND_CAME_BACK = "the bank sent the refund back"


def end(booking: Booking, state: BookingState, operation: Operation, *, now: datetime) -> None:
    """End a booking (locked) because its money has moved; one that has ended before stays as it is."""
    if state in FLOW.get(booking.state, ()):
        end_now(booking, state, by=operation.by, because=operation.because, now=now, operation_id=operation.id)


def end_now(
    booking: Booking, state: BookingState, *, by: Party, because: str, now: datetime, operation_id: str | None = None
) -> None:
    """End a booking (locked) and free its time, of both people. Raises: IllegalMove."""
    booking.move_to(state, now=now, by=by, because=because, operation_id=operation_id)
    booking.ended_by, booking.ended_because, booking.ended_at = by, because, now
    SlotClaim.erase(SlotClaim.booking_id == booking.id)
