"""When a mentor can be booked: what the timetable offers, less what is taken.

Two sessions of a mentor are at least as far apart as the longer of the first one's buffer after it and the second one's
before it. A booking keeps the buffers that it was made with.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from app.actions import claims, holds, places, timetables
from app.actions.claims import Slot, Taken
from app.actions.timetables import Timetable
from app.kit.calendar import cells
from app.kit.errors import SlotTaken
from app.models.mentor import Mentor
from app.models.user import User

USUAL_MINUTES = 60
NEAREST = 3
WEEK = timedelta(days=7)
FASTER = "Somebody was faster, or you have another session then."


@dataclass(frozen=True)
class Day:
    """The open slots that begin on ``date`` in the viewer's zone."""

    date: date
    slots: list[Slot]


@dataclass(frozen=True)
class Openings:
    """A mentor's slots of one length that a viewer can book now; looked for only where one asks."""

    timetable: Timetable
    minutes: int
    begin: datetime  # the present
    mentors: Taken
    viewers: Taken
    full: set[date]

    @property
    def end(self) -> datetime:
        """When a session that is booked now must have ended at the latest."""
        return self.timetable.latest(self.begin)

    def between(self, start: datetime, end: datetime) -> Iterator[Slot]:
        """The open slots that begin from ``start`` on and before ``end``, soonest first."""
        if self.minutes not in self.timetable.mentor.lengths:
            return
        soonest = max(start, self.timetable.soonest(self.begin))
        latest = min(end + timedelta(minutes=self.minutes), self.end)
        rest = self.timetable.rest
        for slot in self.timetable.slots(self.minutes, soonest, latest):
            if (
                slot.starts_at < end
                and self.mentors.admits(slot, rest)
                and self.viewers.admits(slot)
                and self.timetable.day_of(slot.starts_at) not in self.full
            ):
                yield slot

    def all(self) -> list[Slot]:
        return list(self.between(self.begin, self.end))

    def first(self) -> Slot | None:
        """The soonest one, looked for week by week."""
        start = self.begin
        while start < self.end:
            found = next(self.between(start, start + WEEK), None)
            if found is not None:
                return found
            start += WEEK
        return None


def openings(mentor: Mentor, minutes: int, *, now: datetime, viewer: User | None = None) -> Openings:
    """What is free for the mentor and for the viewer, in a few queries."""
    people = [mentor.user_id] + ([viewer.id] if viewer else [])
    (timetable,) = timetables.of([mentor], now=now)
    taken = claims.taken_by(people, _bookable(now))
    full = places.full_days([timetable], now, holds.reach(now))
    viewers = taken[viewer.id] if viewer else Taken()
    return Openings(timetable, minutes, now, taken[mentor.user_id], viewers, full.get(mentor.id, set()))


def open_slots(mentor: Mentor, minutes: int, *, now: datetime, viewer: User | None = None) -> list[Slot]:
    """Slots of ``minutes`` that can be booked now, soonest first: free for the mentor and for the viewer."""
    return openings(mentor, minutes, now=now, viewer=viewer).all()


def by_day(slots: Sequence[Slot], zone: ZoneInfo) -> list[Day]:
    """Slots by the day on which they begin where the viewer is."""
    return [
        Day(day, list(group)) for day, group in groupby(slots, key=lambda slot: slot.starts_at.astimezone(zone).date())
    ]


def next_free(mentors: Iterable[Mentor], minutes: int, *, now: datetime) -> dict[str, datetime | None]:
    """The soonest open slot of each mentor by mentor id, in a few queries for all of them.

    It is one of ``minutes``, or of the nearest length that the mentor offers.
    """
    offered = timetables.of(mentors, now=now)
    taken = claims.taken_by([timetable.mentor.user_id for timetable in offered], _bookable(now))
    full = places.full_days(offered, now, holds.reach(now))
    found = {}
    for timetable in offered:
        mentor = timetable.mentor
        length = mentor.length_near(minutes) or minutes
        nobody = Taken()
        soonest = Openings(timetable, length, now, taken[mentor.user_id], nobody, full.get(mentor.id, set())).first()
        found[mentor.id] = soonest.starts_at if soonest else None
    return found


def nearest(slots: Sequence[Slot], starts_at: datetime) -> list[Slot]:
    """The few open slots closest to a wish, in order of time."""
    closest = sorted(slots, key=lambda slot: abs(slot.starts_at - starts_at))[:NEAREST]
    return sorted(closest, key=lambda slot: slot.starts_at)


def check_open(mentor: Mentor, starts_at: datetime, minutes: int, *, now: datetime, viewer: User) -> Slot:
    """The slot, if it can be booked now. Raises: Invalid if it never could, SlotTaken if it is no longer free."""
    timetable = timetables.around(mentor.id, starts_at)
    slot = timetable.check(starts_at, minutes, now=now)
    taken = claims.taken_by([mentor.user_id, viewer.id], slot.cells)
    if not (taken[mentor.user_id].admits(slot, timetable.rest) and taken[viewer.id].admits(slot)):
        raise SlotTaken(FASTER)
    places.check_left(timetable, starts_at)
    return slot


def _bookable(now: datetime) -> range:
    return cells(now.astimezone(UTC), holds.reach(now))
