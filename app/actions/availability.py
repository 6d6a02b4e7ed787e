"""When a mentor can be booked: weekly hours, less what is taken, within the reach of a card hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Insert, String, Table, bindparam, insert, select, true

from app.actions import holds
from app.extensions import db
from app.kit import policy
from app.kit.calendar import DAY, cells, days_from, instants
from app.kit.errors import Invalid, SlotTaken
from app.models.availability import SlotClaim
from app.models.mentor import Mentor
from app.models.user import User

STEP = timedelta(minutes=30)
NEAREST = 3
FASTER = "Somebody was faster, or you have another session then."


@dataclass(frozen=True)
class Slot:
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, starts_at: datetime, minutes: int) -> "Slot":
        return cls(starts_at, starts_at + timedelta(minutes=minutes))

    @property
    def cells(self) -> range:
        return cells(self.starts_at, self.ends_at)


@dataclass(frozen=True)
class Day:
    """The open slots that begin on ``date`` in the viewer's zone."""

    date: date
    slots: list[Slot]


def open_slots(mentor: Mentor, minutes: int, *, now: datetime, viewer: User | None = None) -> list[Slot]:
    """Slots of ``minutes`` that can be booked now, soonest first: free for the mentor and for the viewer."""
    people = [mentor.user_id] + ([viewer.id] if viewer else [])
    return _free(mentor, minutes, {cell for _, cell in _claims(people, _bookable(now))}, now)


def by_day(slots: Sequence[Slot], zone: ZoneInfo) -> list[Day]:
    """Slots by the day on which they begin where the viewer is."""
    return [
        Day(day, list(group)) for day, group in groupby(slots, key=lambda slot: slot.starts_at.astimezone(zone).date())
    ]


def next_free(mentors: Iterable[Mentor], minutes: int, *, now: datetime) -> dict[str, datetime | None]:
    """The soonest open slot of each mentor by mentor id, in one query for all of them."""
    mentors = list(mentors)
    taken: dict[str, set[int]] = {mentor.user_id: set() for mentor in mentors}
    for who, cell in _claims(list(taken), _bookable(now)):
        taken[who].add(cell)
    found = {}
    for mentor in mentors:
        slots = _free(mentor, minutes, taken[mentor.user_id], now)
        found[mentor.id] = slots[0].starts_at if slots else None
    return found


def nearest(slots: Sequence[Slot], starts_at: datetime) -> list[Slot]:
    """The few open slots closest to a wish, in order of time."""
    closest = sorted(slots, key=lambda slot: abs(slot.starts_at - starts_at))[:NEAREST]
    return sorted(closest, key=lambda slot: slot.starts_at)


def check_open(mentor: Mentor, starts_at: datetime, minutes: int, *, now: datetime, viewer: User) -> Slot:
    """The slot, if it can be booked now. Raises: Invalid if it never could, SlotTaken if it is no longer free."""
    slot = check_offered(mentor, starts_at, minutes, now=now)
    if _claims([mentor.user_id, viewer.id], slot.cells):
        raise SlotTaken(FASTER)
    return slot


def check_offered(mentor: Mentor, starts_at: datetime, minutes: int, *, now: datetime) -> Slot:
    """The slot, if the mentor offers it now, free or not. Raises: Invalid."""
    if minutes not in policy.current().durations:
        allowed = ", ".join(str(duration) for duration in policy.current().durations)
        raise Invalid(f"A session takes {allowed} minutes.", field="minutes")
    if starts_at < now + policy.current().notice:
        raise Invalid("That time has passed or is too soon. Please pick a later one.", field="starts_at")
    slot = Slot.of(starts_at, minutes)
    if slot.ends_at > holds.reach(now) or slot not in _offered(mentor, minutes, slot.starts_at, slot.ends_at):
        raise Invalid("The mentor does not offer that time. Please pick one from the list.", field="starts_at")
    return slot


def claim(slot: Slot, booking_id: str, *, people: set[str]) -> None:
    """Take the slot's minutes for these people. Raises: IntegrityError if one of them has any of it already."""
    covered = slot.cells
    db.session.execute(
        CLAIM, {"first": covered[0], "last": covered[-1], "people": list(people), "booking_id": booking_id}
    )


def _claim() -> Insert:
    """Takes every cell from ``first`` to ``last`` for all ``people``, in one statement.

    In order: two bookings that overlap wait for one another at their first common cell and never deadlock.
    """
    covered = select(bindparam("first", type_=BigInteger).label("cell")).cte("covered", recursive=True)
    covered = covered.union_all(select(covered.c.cell + 1).where(covered.c.cell < bindparam("last", type_=BigInteger)))
    claims = (
        select(User.id, covered.c.cell, bindparam("booking_id", type_=String))
        .join_from(User, covered, true())
        .where(User.id.in_(bindparam("people", expanding=True)))
        .order_by(User.id, covered.c.cell)
    )
    return insert(cast(Table, SlotClaim.__table__)).from_select(["who", "cell", "booking_id"], claims)


CLAIM = _claim()


def _free(mentor: Mentor, minutes: int, taken: set[int], now: datetime) -> list[Slot]:
    offered = _offered(mentor, minutes, now + policy.current().notice, holds.reach(now))
    return [slot for slot in offered if taken.isdisjoint(slot.cells)]


def _offered(mentor: Mentor, minutes: int, soonest: datetime, latest: datetime) -> list[Slot]:
    """The mentor's slots from ``soonest`` until ``latest``, free or not, in order of time."""
    length, slots = timedelta(minutes=minutes), set()
    for start, end in _ranges(mentor, soonest, latest):
        begin = start + max(0, -((start - soonest) // STEP)) * STEP
        while begin + length <= min(end, latest):
            slots.add(Slot(begin, begin + length))
            begin += STEP
    return sorted(slots, key=lambda slot: slot.starts_at)


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


def _bookable(now: datetime) -> range:
    return cells(now.astimezone(UTC), holds.reach(now))


def _claims(people: list[str], covered: range) -> Sequence[tuple[str, int]]:
    """Who has taken which of these cells."""
    claimed = select(SlotClaim.who, SlotClaim.cell).where(
        SlotClaim.who.in_(people), SlotClaim.cell.between(covered[0], covered[-1])
    )
    return [(who, cell) for who, cell in db.session.execute(claimed)]
