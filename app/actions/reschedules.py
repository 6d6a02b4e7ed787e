"""Holding a session at another time: one side proposes, the other agrees, and the money goes with it.

Until when a mentee cancels for free is said once, when the hour is booked: to move a session is no way around a fee.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.actions import (
    availability,
    bookings,
    deadlines,
    holds,
    news,
    operations,
    places,
    reaches,
    reminders,
    saved_cards,
    superseded_holds,
    timetables,
)
from app.actions.claims import Slot
from app.actions.deadlines import Due
from app.actions.reaches import Consequence
from app.actions.transactions import atomically, or_else, unbroken
from app.extensions import db
from app.kit.errors import Busy, Failure, IllegalMove, NotFound, SlotTaken
from app.models.availability import SlotClaim
from app.models.booking import PLACES, Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.reschedule import Reschedule
from app.models.states import BookingState, Party, RescheduleState

S = RescheduleState

ENDED = {
    S.AGREED: "This proposal was agreed to already.",
    S.DECLINED: "This proposal was declined already.",
    S.WITHDRAWN: "This proposal was withdrawn.",
    S.UNANSWERED: "Nobody has answered this proposal in time.",
}
LAPSE = "reschedule"  # the kind of its deadline
STAYS = "The session stays where it was, and so does the money."
WAITS = "There is a proposal already that waits for an answer. Please look at it first."
MOST = 20  # proposals about one session


@dataclass(frozen=True)
class Waiting:
    """A proposal as lists show it."""

    starts_at: datetime
    until: datetime


def open_one(booking: Booking, *, now: datetime) -> Reschedule | None:
    """What waits for an answer, by whichever side."""
    return next((row for row in booking.reschedules if row.state == S.PROPOSED and row.until > now), None)


def proposed_for(booking_ids: Sequence[str], *, to: Party, now: datetime) -> dict[str, Waiting]:
    """What waits for an answer of that side, by booking; one query for all of them."""
    waiting = select(Reschedule.booking_id, Reschedule.starts_at, Reschedule.until).where(
        Reschedule.booking_id.in_(booking_ids),
        Reschedule.is_in(S.PROPOSED),
        Reschedule.by != to,
        Reschedule.until > now,
    )
    return {booking_id: Waiting(starts_at, until) for booking_id, starts_at, until in db.session.execute(waiting)}


def check(booking: Booking, *, now: datetime) -> None:
    """Raises: IllegalMove with the reason if the session cannot be moved (any more)."""
    if booking.state != BookingState.CONFIRMED:
        raise IllegalMove("Only a confirmed session can be moved.")
    if booking.is_trial:
        raise IllegalMove("A free trial cannot be moved. Please cancel it, and pick another time.")
    if now >= booking.starts_at:
        raise IllegalMove("The session has begun and cannot be moved any more.")


def can(booking: Booking, *, now: datetime) -> bool:
    """Whether another time could be proposed now."""
    return booking.state == BookingState.CONFIRMED and now < booking.starts_at and not booking.is_trial


def openings(booking: Booking, *, by: Party, now: datetime) -> availability.Openings:
    """Where that side could have the session go: what is free for both, its own time set aside."""
    return availability.openings(
        booking.mentor,
        booking.minutes,
        now=now,
        viewer=booking.mentee,
        moves=booking,
        until=reaches.of(booking, now=now).until(by),
    )


def consequence(booking: Booking, proposal: Reschedule | None, *, now: datetime) -> Consequence:
    """What becomes of the money if what is proposed is agreed to."""
    if proposal is None:
        return Consequence()
    return reaches.consequence(booking, Slot(proposal.starts_at, proposal.ends_at), now=now)


def propose(booking: Booking, starts_at: datetime, *, by: Party, note: str, now: datetime) -> None:
    """Ask the other side for another time, which stays free for anybody until they have agreed.

    Raises: Invalid for a time that is not offered, SlotTaken, IllegalMove if it cannot be moved (there), or a proposal
    waits.
    """
    check(booking, now=now)
    try:
        slot = availability.check_open(
            booking.mentor, starts_at, booking.minutes, now=now, viewer=booking.mentee, besides=booking.id
        )
    except SlotTaken as failure:
        raise SlotTaken(str(failure), money=STAYS) from failure
    reaches.check(booking, slot, by=by, now=now)
    _put_down(booking.id, slot, by=by, note=note, now=now)


def accept(booking: Booking, reschedule_id: str, *, by: Party, now: datetime) -> None:
    """Agree: the session is held at the time that was proposed, and what is held for it stands until then, or is
    let go and planned anew.

    All of it or nothing. Raises: NotFound, IllegalMove, SlotTaken if somebody has that time by now, Busy.
    """

    def go(payment: Payment, booking: Booking) -> tuple[Operation | None, str | None]:
        proposal = _answered(booking, reschedule_id, by=by, now=now)
        check(booking, now=now)
        if operations.unsettled(payment.id) is not None:
            raise Busy("Another action on this payment is still being confirmed. Please agree again in a moment.")
        _end(proposal, S.AGREED, by=by, now=now)
        _hold_at(booking, Slot(proposal.starts_at, proposal.ends_at), now=now)
        released = payment.authorized
        letting_go = reaches.take_along(payment, booking, by=by, now=now)
        news.of_move(booking, payment, proposal, released=released if letting_go else None, now=now)
        return letting_go, payment.setup_id

    letting_go, setup_id = bookings.decided(booking.id, go)
    if letting_go is not None and setup_id is not None:
        superseded_holds.attempt(letting_go.id, now=now)
        with suppress(Failure):
            saved_cards.learn(setup_id, now=now)  # by which people read the name of the card that is saved


@unbroken
def decline(booking: Booking, reschedule_id: str, *, by: Party, now: datetime) -> None:
    """Say no: the session stays as it is. Raises: NotFound, IllegalMove."""
    with atomically():
        row = Booking.locked(booking.id)
        proposal = _answered(row, reschedule_id, by=by, now=now)
        _end(proposal, S.DECLINED, by=by, now=now)
        news.of_proposal(news.DECLINED, row, proposal, to=proposal.by, now=now)


@unbroken
def withdraw(booking: Booking, reschedule_id: str, *, by: Party, now: datetime) -> None:
    """Take one's own proposal back. Raises: NotFound, IllegalMove."""
    with atomically():
        row = Booking.locked(booking.id)
        proposal = _open(row, reschedule_id, now=now)
        if proposal.by != by:
            raise IllegalMove("This is not your proposal. You can decline it.")
        _end(proposal, S.WITHDRAWN, by=by, now=now)


def unanswered(now: datetime) -> Sequence[Due]:
    return deadlines.overdue([LAPSE], now)


@unbroken
def lapse(due: Due, *, now: datetime) -> None:
    """Nobody has answered in time: the session stays as it is, and who asked is told, if it still stands."""
    with atomically():
        if not deadlines.take_away(due):
            return
        proposal = Reschedule.locked(due.subject)
        if proposal.state != S.PROPOSED:
            return
        proposal.move_to(S.UNANSWERED, now=now, by=Party.SYSTEM)
        proposal.ended_at = now
        booking = Booking.one(Booking.id == proposal.booking_id)
        if booking.state == BookingState.CONFIRMED:
            news.of_proposal(news.UNANSWERED, booking, proposal, to=proposal.by, now=now)


@unbroken
def _put_down(booking_id: str, slot: Slot, *, by: Party, note: str, now: datetime) -> None:
    with atomically():
        booking = Booking.locked(booking_id)
        check(booking, now=now)
        if slot.starts_at == booking.starts_at:
            raise IllegalMove("That is when the session is already.")
        if len(booking.reschedules) >= MOST:
            raise IllegalMove("There were too many proposals about this session. Please talk it over, or cancel it.")
        if any(proposal.state == S.PROPOSED for proposal in booking.reschedules):
            raise IllegalMove(WAITS)
        row = Reschedule(
            booking_id=booking_id,
            by=by,
            note=note,
            came_from=booking.starts_at,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            until=min(booking.starts_at, slot.starts_at),
            created_at=now,
        )
        db.session.add(row)
        db.session.flush()
        deadlines.put(LAPSE, row.id, row.until)
        does = reaches.consequence(booking, slot, now=now)
        news.of_proposal(
            news.PROPOSED, booking, row, to=_other(by), now=now, held_at=does.held_at, needs_card=does.needs_card
        )


def _open(booking: Booking, reschedule_id: str, *, now: datetime) -> Reschedule:
    """A proposal for this booking (locked) that waits for an answer, locked. Raises: NotFound, IllegalMove."""
    proposal = Reschedule.locked(reschedule_id)
    if proposal.booking_id != booking.id:
        raise NotFound
    if proposal.state != S.PROPOSED:
        raise IllegalMove(ENDED[proposal.state])
    if now >= proposal.until:
        raise IllegalMove("The time for this proposal is over.")
    return proposal


def _answered(booking: Booking, reschedule_id: str, *, by: Party, now: datetime) -> Reschedule:
    proposal = _open(booking, reschedule_id, now=now)
    if proposal.by == by:
        raise IllegalMove("This is your own proposal: the other side has to answer it.")
    return proposal


def _end(proposal: Reschedule, state: RescheduleState, *, by: Party, now: datetime) -> None:
    proposal.move_to(state, now=now, by=by)
    proposal.ended_at = now
    deadlines.lift(LAPSE, proposal.id)


def _hold_at(booking: Booking, slot: Slot, *, now: datetime) -> None:
    """Give the old time back and take the new one, for both people. Raises: SlotTaken."""
    timetable = timetables.around(booking.mentor_id, slot.starts_at)
    mentor_day, place = booking.mentor_day, booking.place
    if timetable.day_of(slot.starts_at) != timetable.day_of(booking.starts_at):
        mentor_day, place = places.next_on_day(timetable, slot.starts_at)
    SlotClaim.erase(SlotClaim.booking_id == booking.id)
    with or_else(SlotTaken("Somebody has taken that time meanwhile.", money=STAYS), again=(PLACES,)):
        timetable.claim(slot, booking.id, mentee=booking.mentee_id)
        booking.starts_at, booking.ends_at = slot.starts_at, slot.ends_at
        booking.complete_by = holds.complete_by(slot.ends_at)
        booking.mentor_day, booking.place = mentor_day, place
    reminders.lift(booking)
    reminders.plan(booking, now=now)


def _other(side: Party) -> Party:
    return Party.MENTOR if side == Party.MENTEE else Party.MENTEE
