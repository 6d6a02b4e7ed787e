"""Free trial sessions: two people get to know each other, once, and no money is spoken of.

A trial has no payment at all. So it is confirmed as soon as it is booked (or asked for), ends without Stripe hearing of
it, and if nobody says how it went it has simply taken place. Nothing of it is written at Stripe, either.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import func, select

from app.actions import deadlines, endings
from app.actions.deadlines import Due
from app.actions.transactions import atomically, unbroken
from app.extensions import db
from app.kit.errors import Invalid
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import COUNTED_BOOKING, LIVE_BOOKING, BookingState, Party

MOST_AHEAD = 2  # trials that one person has booked and not had yet, with whomever
MOST_TRIES = 3  # to have one with the same mentor, if it was called off
TOOK_PLACE = "the trial took place"


@unbroken
def offer(mentor: Mentor, minutes: int | None) -> None:
    """Offer trials of so many minutes, or none (any more). Raises: Invalid for a length that nobody can book."""
    with atomically():
        row = Mentor.locked(mentor.id)
        if minutes is not None and minutes not in row.lengths:
            raise Invalid("Please choose one of the lengths that you offer.", field="trial_minutes")
        row.trial_minutes = minutes


def why_not(mentee_id: str, mentor: Mentor) -> str | None:
    """Why somebody cannot have a trial with a mentor now; None if they can. One query."""
    if mentor.trial_length is None:
        return f"{mentor.name} offers no free trial."
    counted, live, of_mentor = (
        Booking.state.in_(COUNTED_BOOKING),
        Booking.state.in_(LIVE_BOOKING),
        Booking.mentor_id == mentor.id,
    )
    had, tries, ahead = db.session.execute(
        select(
            func.count().filter(of_mentor & counted), func.count().filter(of_mentor), func.count().filter(live)
        ).where(Booking.mentee_id == mentee_id, Booking.is_trial)
    ).one()
    if had or tries >= MOST_TRIES:
        return f"You have had your free trial with {mentor.name}."
    if ahead >= MOST_AHEAD:
        return f"You have {ahead} free trials ahead of you. Please have one of them first."
    return None


def check(mentee_id: str, mentor: Mentor, minutes: int) -> None:
    """Raises: Invalid if they cannot have a trial of that length."""
    reason = why_not(mentee_id, mentor)
    if reason is not None:
        raise Invalid(reason)
    if minutes != mentor.trial_length:
        raise Invalid(f"A free trial with {mentor.name} takes {mentor.trial_length} minutes.")


@unbroken
def end(
    booking_id: str,
    state: BookingState,
    *,
    by: Party,
    because: str,
    check: Callable[[Booking], object],
    now: datetime,
) -> None:
    """End a trial if ``check`` has nothing against it as it is now. Raises: IllegalMove, and what ``check`` raises."""
    with atomically():
        row = Booking.locked(booking_id)
        row.check_move(state)
        check(row)
        endings.end_now(row, None, state, by=by, because=because, now=now)


def over(now: datetime) -> Sequence[Due]:
    """Trials of which nobody has said in time how they went."""
    return deadlines.overdue((deadlines.TRIAL,), now)


@unbroken
def close(reached: Due, *, now: datetime) -> None:
    """Take a trial for one that took place; does nothing if it has ended."""
    with atomically():
        booking = Booking.locked(reached.subject)
        if deadlines.take_away(reached) and booking.state == BookingState.CONFIRMED:
            endings.end_now(booking, None, BookingState.COMPLETED, by=Party.SYSTEM, because=TOOK_PLACE, now=now)
