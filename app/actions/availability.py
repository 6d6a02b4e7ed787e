"""When a mentor can be booked: what the timetable offers, less what is taken.

Two sessions of a mentor are at least as far apart as the longer of the first one's buffer after it and the second one's
before it. A booking keeps the buffers that it was made with.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from app.actions import claims, places, timetables
from app.actions.claims import Slot, Taken
from app.actions.timetables import Timetable
from app.kit.calendar import cells
from app.kit.errors import SlotTaken
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User

USUAL_MINUTES = 60
NEAREST = 3
WEEK = timedelta(days=7)
FIRST_LOOK = 2 * WEEK  # how far one looks at once; twice as far each time that nothing is found
FASTER = "Somebody was faster, or you have another session then."


@dataclass(frozen=True)
class Day:
    """The open slots that begin on ``date`` in the viewer's zone."""

    date: date
    slots: list[Slot]


@dataclass(frozen=True)
class Stretch:
    """What is known of a mentor's time, for sessions that begin from ``start`` on and before ``end``."""

    start: datetime
    end: datetime
    timetable: Timetable
    mentors: Taken
    viewers: Taken
    full: set[date]

    def covers(self, start: datetime, end: datetime) -> bool:
        return self.start <= start and end <= self.end

    def free(self, minutes: int, start: datetime, end: datetime, *, latest: datetime) -> Iterator[Slot]:
        """The free slots that begin from ``start`` on and before ``end``, and end by ``latest``, soonest first."""
        rest = self.timetable.rest
        for slot in self.timetable.slots(minutes, start, min(end + timedelta(minutes=minutes), latest)):
            if (
                slot.starts_at < end
                and self.mentors.admits(slot, rest)
                and self.viewers.admits(slot)
                and not self.timetable.is_busy(slot)
                and self.timetable.day_of(slot.starts_at) not in self.full
            ):
                yield slot


@dataclass
class Openings:
    """A mentor's slots of one length that a viewer can book now; read only for the days about which one asks."""

    mentor: Mentor
    minutes: int
    begin: datetime  # the present
    viewer_id: str | None = None
    moves: Booking | None = None  # which would leave its own time, for another
    until: datetime | None = None  # no session that ends later
    known: Stretch | None = None

    @property
    def end(self) -> datetime:
        """When a session that is booked now must have ended at the latest."""
        latest = timetables.latest(self.mentor, self.begin)
        return latest if self.until is None else min(latest, self.until)

    def between(self, start: datetime, end: datetime) -> Iterator[Slot]:
        """The open slots that begin from ``start`` on and before ``end``, soonest first."""
        soonest, latest = timetables.soonest(self.mentor, self.begin), self.end
        start, end = max(start, soonest), min(end, latest)
        if start < end and self.minutes in self.mentor.lengths:
            for slot in self._stretch(start, end).free(self.minutes, start, end, latest=latest):
                if self.moves is None or slot.starts_at != self.moves.starts_at:
                    yield slot

    def all(self) -> list[Slot]:
        return list(self.between(self.begin, self.end))

    def first(self) -> Slot | None:
        """The soonest one."""
        start = self.begin
        for end in looks(self.begin, self.end):
            found = next(self.between(start, end), None)
            if found is not None:
                return found
            start = end
        return None

    def _stretch(self, start: datetime, end: datetime) -> Stretch:
        if self.known is None or not self.known.covers(start, end):
            besides = self.moves.id if self.moves else None
            known = read([self.mentor], start, end, viewer_id=self.viewer_id, besides=besides)
            self.known = known[self.mentor.id]
        return self.known


def openings(
    mentor: Mentor,
    minutes: int,
    *,
    now: datetime,
    viewer: User | None = None,
    moves: Booking | None = None,
    until: datetime | None = None,
) -> Openings:
    """What is free for the mentor and for the viewer: four queries for each stretch of time that is asked about."""
    return Openings(mentor, minutes, now, viewer.id if viewer else None, moves, until)


def read(
    mentors: Sequence[Mentor],
    start: datetime,
    end: datetime,
    *,
    viewer_id: str | None = None,
    besides: str | None = None,
) -> dict[str, Stretch]:
    """What is known of mentors' time from ``start`` until ``end``, by mentor; four queries for all of them."""
    until = end + timedelta(minutes=max((minutes for mentor in mentors for minutes in mentor.lengths), default=0))
    offered = timetables.of(mentors, start, until)
    people = [mentor.user_id for mentor in mentors] + ([viewer_id] if viewer_id else [])
    taken = claims.taken_by(people, cells(start, until), besides=besides)
    full = places.full_days(offered, start, until)
    viewers = taken[viewer_id] if viewer_id else Taken()
    return {
        offer.mentor.id: Stretch(
            start, end, offer, taken[offer.mentor.user_id], viewers, full.get(offer.mentor.id, set())
        )
        for offer in offered
    }


def looks(begin: datetime, end: datetime) -> Iterator[datetime]:
    """How far to look for something soon: a little, then farther and farther, at last until ``end``."""
    ahead = FIRST_LOOK
    while begin + ahead < end:
        yield begin + ahead
        ahead *= 3
    yield end


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
    left = {mentor.id: mentor for mentor in mentors}
    found: dict[str, datetime | None] = dict.fromkeys(left)
    start = now
    for end in looks(now, max((timetables.latest(mentor, now) for mentor in left.values()), default=now)):
        for mentor_id, stretch in read(list(left.values()), start, end).items() if left else ():
            mentor = left[mentor_id]
            known = Openings(mentor, mentor.length_near(minutes) or minutes, now, known=stretch)
            soonest = next(known.between(start, end), None)
            if soonest is not None:
                found[mentor_id] = soonest.starts_at
                del left[mentor_id]
        start = end
    return found


def nearest(openings: Openings, starts_at: datetime) -> list[Slot]:
    """The few open slots closest to a wish, within a week of it, in order of time."""
    around = openings.between(starts_at - WEEK, starts_at + WEEK)
    closest = sorted(around, key=lambda slot: abs(slot.starts_at - starts_at))[:NEAREST]
    return sorted(closest, key=lambda slot: slot.starts_at)


def check_open(
    mentor: Mentor, starts_at: datetime, minutes: int, *, now: datetime, viewer: User, besides: str | None = None
) -> Slot:
    """The slot, if it can be booked now. Raises: Invalid if it never could, SlotTaken if it is no longer free."""
    timetable = timetables.around(mentor.id, starts_at)
    slot = timetable.check(starts_at, minutes, now=now)
    timetable.check_not_busy(slot)
    taken = claims.taken_by([mentor.user_id, viewer.id], slot.cells, besides=besides)
    if not (taken[mentor.user_id].admits(slot, timetable.rest) and taken[viewer.id].admits(slot)):
        raise SlotTaken(FASTER)
    places.check_left(timetable, starts_at)
    return slot
