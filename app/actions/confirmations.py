"""What becomes of an hour whose money is secured: it stands, or its mentor is asked first."""

from datetime import datetime

from app.actions import deadlines, news, reminders
from app.kit import policy
from app.models.booking import Booking
from app.models.payment import Payment
from app.models.states import BookingState, Party, PaymentState


def secured(booking: Booking, payment: Payment | None, *, now: datetime) -> None:
    """Nothing but a mentor's word is in the way of a booking (locked, like its payment) any more."""
    if booking.needs_answer:
        booking.answer_by = policy.current().answer_by(booking.starts_at, now)
        booking.move_to(BookingState.REQUESTED, now=now, by=Party.MENTEE)
        deadlines.put(deadlines.ANSWER, booking.id, booking.answer_by)
        news.of_request(booking, payment, now=now)
    else:
        confirm(booking, payment, by=Party.MENTEE, now=now)


def confirm(booking: Booking, payment: Payment | None, *, by: Party, now: datetime) -> None:
    """The hour stands. A mentee who had to wait for that can think about it as long as whoever has just booked."""
    if booking.state == BookingState.REQUESTED:
        deadlines.lift(deadlines.ANSWER, booking.id)
        if booking.free_until is not None:
            booking.free_until = max(booking.free_until, policy.current().free_until(booking.starts_at, now))
    booking.move_to(BookingState.CONFIRMED, now=now, by=by)
    if payment is not None and payment.state == PaymentState.AUTHORIZED and payment.release_at is not None:
        deadlines.put(deadlines.RELEASE, payment.id, payment.release_at)
    if booking.is_trial:
        deadlines.put(deadlines.TRIAL, booking.id, booking.complete_by)
    reminders.plan(booking, now=now)
    news.of_confirmation(booking, payment, now=now)
