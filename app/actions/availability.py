"""When a mentor can be booked: weekly hours, less what is taken, within the reach of a card hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select

from app.actions import holds
from app.extensions import db
from app.kit import policy
from app.kit.calendar import DAY, cells, days_from, instants
from app.kit.errors import Invalid, SlotTaken
from app.models.availability import SlotClaim
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User

STEP = timedelta(minutes=30)
NEAREST = 3


@dataclass(frozen=True)
class Slot:
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, starts_at: datetime, minutes: int) -> "Slot":
        return cls(starts_at, starts_at + timedelta(minutes=minutes))


@dataclass(frozen=True)
class Day:
    """The open slots that begin on ``date`` in the viewer's zone."""

    date: date
    slots: list[Slot]


def open_slots(mentor: Mentor, minutes: int, *, now: datetime, viewer: User | None = None) -> list[Slot]:
    """Slots of ``minutes`` that can be booked now, soonest first: free for the mentor and for the viewer."""
    people = [mentor.user_id] + ([viewer.id] if viewer else [])
    return _open(mentor, minutes, _taken(people, now), now)


def by_day(slots: Sequence[Slot], zone: ZoneInfo) -> list[Day]:
    """Slots by the day on which they begin where the viewer is."""
    return [
        Day(day, list(group)) for day, group in groupby(slots, key=lambda slot: slot.starts_at.astimezone(zone).date())
    ]


def next_free(mentors: Iterable[Mentor], minutes: int, *, now: datetime) -> dict[str, datetime | None]:
    """The soonest open slot of each mentor by mentor id, in one query for all of them."""
    mentors = list(mentors)
    taken = _taken([mentor.user_id for mentor in mentors], now)
    found = {}
    for mentor in mentors:
        theirs = {claim for claim in taken if claim[0] == mentor.user_id}
        slots = _open(mentor, minutes, theirs, now)
        found[mentor.id] = slots[0].starts_at if slots else None
    return found


def nearest(slots: Sequence[Slot], starts_at: datetime) -> list[Slot]:
    """The few open slots closest to a wish, in order of time."""
    closest = sorted(slots, key=lambda slot: abs(slot.starts_at - starts_at))[:NEAREST]
    return sorted(closest, key=lambda slot: slot.starts_at)


def check_open(mentor: Mentor, starts_at: datetime, minutes: int, *, now: datetime, viewer: User) -> Slot:
    """The slot, if it can be booked now. Raises: Invalid if it never could, SlotTaken if it is no longer free."""
    if minutes not in policy.current().durations:
        allowed = ", ".join(str(duration) for duration in policy.current().durations)
        raise Invalid(f"A session takes {allowed} minutes.", field="minutes")
    if starts_at < now + policy.current().notice:
        raise Invalid("That time has passed or is too soon. Please pick a later one.", field="starts_at")
    offered = _open(mentor, minutes, set(), now)
    slot = next((slot for slot in offered if slot.starts_at == starts_at), None)
    if slot is None:
        raise Invalid("The mentor does not offer that time. Please pick one from the list.", field="starts_at")
    if slot not in open_slots(mentor, minutes, now=now, viewer=viewer):
        raise SlotTaken("Somebody was faster, or you have another session then.")
    return slot


def claim(booking: Booking, *, people: set[str]) -> None:
    """Take the booking's minutes for these people. Raises: IntegrityError if one of them has any of it already."""
    covered = cells(booking.starts_at, booking.ends_at)
    # Sorted: two bookings that overlap wait for one another at their first common cell and never deadlock.
    claims = sorted((who, cell) for who in people for cell in covered)
    db.session.execute(
        insert(SlotClaim), [{"who": who, "cell": cell, "booking_id": booking.id} for who, cell in claims]
    )


def _open(mentor: Mentor, minutes: int, taken: set[tuple[str, int]], now: datetime) -> list[Slot]:
    soonest, latest = now + policy.current().notice, holds.reach(now)
    busy = {cell for _, cell in taken}
    slots = []
    for start, end in _ranges(mentor, soonest, latest):
        begin = start
        while begin + timedelta(minutes=minutes) <= end:
            slot = Slot.of(begin, minutes)
            if soonest <= begin and slot.ends_at <= latest and busy.isdisjoint(cells(begin, slot.ends_at)):
                slots.append(slot)
            begin += STEP
    return sorted(set(slots), key=lambda slot: slot.starts_at)


def _ranges(mentor: Mentor, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The mentor's weekly hours as instants, for every local day that touches the time in between."""
    zone = ZoneInfo(mentor.time_zone)
    first = start.astimezone(zone).date() - DAY
    count = (end.astimezone(zone).date() - first).days + 1
    return [
        instants(day, hours.start_minute, hours.end_minute, zone)
        for day in days_from(first, count)
        for hours in mentor.weekly_hours
        if hours.weekday == day.weekday()
    ]


def _taken(people: list[str], now: datetime) -> set[tuple[str, int]]:
    window = cells(now.astimezone(UTC), holds.reach(now))
    return {
        (who, cell)
        for who, cell in db.session.execute(
            select(SlotClaim.who, SlotClaim.cell).where(
                SlotClaim.who.in_(people), SlotClaim.cell.between(window.start, window.stop)
            )
        )
    }
