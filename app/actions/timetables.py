"""What a mentor offers, whether it is free or not: the week, its exceptions, and the mentor's rules."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from app.actions import claims
from app.actions.claims import Rest, Slot
from app.extensions import db
from app.kit import policy
from app.kit.calendar import DAY, days_from, instants, joined, zone_of
from app.kit.errors import Invalid, SlotTaken
from app.models.availability import DateException, ExceptionKind
from app.models.busy_calendar import BusyTime
from app.models.mentor import Mentor

STEP = timedelta(minutes=30)
BUSY = "The mentor has something else then, as their own calendar says. Please pick another time."
FARTHEST_AROUND = timedelta(days=1)  # of a session that begins at some moment: its length, and the longest buffers
NOT_OFFERED = "The mentor does not offer that time. Please pick one from the list."


@dataclass(frozen=True)
class Timetable:
    """``exceptions`` are those of the days that one asks about, and may be more; so are the times, in order and apart,
    at which the mentor is ``busy`` as their calendar elsewhere says."""

    mentor: Mentor
    exceptions: Sequence[DateException]
    busy: Sequence[BusyTime] = ()

    @property
    def rest(self) -> Rest:
        return Rest.of(self.mentor.buffer_before, self.mentor.buffer_after)

    def day_of(self, at: datetime) -> date | None:
        """The day on which that is where the mentor is; None if there is no such zone any more."""
        zone = zone_of(self.mentor.time_zone)
        return at.astimezone(zone).date() if zone else None

    def slots(self, minutes: int, since: datetime, until: datetime) -> list[Slot]:
        """The offered slots from ``since`` until ``until``, in order of time."""
        length, found = timedelta(minutes=minutes), set()
        for start, end in self._open(since, until):
            begin = start + max(0, -((start - since) // STEP)) * STEP
            while begin + length <= min(end, until):
                found.add(Slot(begin, begin + length))
                begin += STEP
        return sorted(found, key=lambda slot: slot.starts_at)

    def check(self, starts_at: datetime, minutes: int, *, now: datetime) -> Slot:
        """The slot, if it is offered now. Raises: Invalid."""
        if minutes not in self.mentor.lengths:
            allowed = ", ".join(str(length) for length in self.mentor.lengths)
            raise Invalid(f"A session takes {allowed} minutes." if allowed else NOT_OFFERED, field="minutes")
        if starts_at < soonest(self.mentor, now):
            raise Invalid("That time has passed or is too soon. Please pick a later one.", field="starts_at")
        slot = Slot.of(starts_at, minutes)
        if slot.ends_at > latest(self.mentor, now) or slot not in self.slots(minutes, slot.starts_at, slot.ends_at):
            raise Invalid(NOT_OFFERED, field="starts_at")
        return slot

    def is_busy(self, slot: Slot) -> bool:
        """Whether the mentor's calendar elsewhere shows something within the slot, or the buffers around it."""
        begin = slot.starts_at - timedelta(minutes=self.mentor.buffer_before)
        end = slot.ends_at + timedelta(minutes=self.mentor.buffer_after)
        last = bisect_left(self.busy, end, key=lambda time: time.starts_at) - 1
        return last >= 0 and self.busy[last].ends_at > begin

    def check_not_busy(self, slot: Slot) -> None:
        """Raises: SlotTaken."""
        if self.is_busy(slot):
            raise SlotTaken(BUSY)

    def claim(self, slot: Slot, booking_id: str, *, mentee: str) -> None:
        """Take the slot for mentor and mentee, and the mentor's buffers. Raises: IntegrityError if it is taken."""
        claims.take(slot, booking_id, mentor=self.mentor.user_id, mentee=mentee, rest=self.rest)

    def _open(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open hours as instants, of every local day that touches the time in between; none without a zone."""
        zone = zone_of(self.mentor.time_zone)
        if zone is not None:
            first, last = start.astimezone(zone).date() - DAY, end.astimezone(zone).date()
            for day in days_from(first, (last - first).days + 1):
                yield from (instants(day, *minutes, zone) for minutes in self._hours_on(day))

    def _hours_on(self, day: date) -> list[tuple[int, int]]:
        """The open minutes of a local day. Hours that are meant for the day itself go before days off."""
        about = [exception for exception in self.exceptions if exception.covers(day)]
        hours = _of_kind(about, ExceptionKind.INSTEAD)
        if not hours and not any(exception.kind == ExceptionKind.OFF for exception in about):
            hours = [row.minutes for row in self.mentor.weekly_hours if row.weekday == day.weekday()]
        return joined(hours + _of_kind(about, ExceptionKind.EXTRA))


def soonest(mentor: Mentor, now: datetime) -> datetime:
    """When a session that is booked now can begin at the earliest."""
    return now + max(policy.current().notice, timedelta(hours=mentor.notice_hours or 0))


def latest(mentor: Mentor, now: datetime) -> datetime:
    """When a session that is booked now must have ended: within the mentor's horizon, or the platform's."""
    return now + (policy.current().horizon if mentor.horizon_days is None else mentor.horizon_days * DAY)


def of(mentors: Iterable[Mentor], start: datetime, end: datetime) -> list[Timetable]:
    """The mentors' timetables for all days between the two, in two queries for all of them."""
    mentors = list(mentors)
    ids = [mentor.id for mentor in mentors]
    first, last = _days_around(start, end)
    exceptions, busy = defaultdict(list), defaultdict(list)
    those_days = DateException.last_day >= first, DateException.first_day <= last
    for exception in db.session.scalars(select(DateException).where(DateException.mentor_id.in_(ids), *those_days)):
        exceptions[exception.mentor_id].append(exception)
    that_time = BusyTime.ends_at > start - FARTHEST_AROUND, BusyTime.starts_at < end + FARTHEST_AROUND
    query = select(BusyTime).where(BusyTime.mentor_id.in_(ids), *that_time)
    for time in db.session.scalars(query.order_by(BusyTime.mentor_id, BusyTime.starts_at)):
        busy[time.mentor_id].append(time)
    return [Timetable(mentor, exceptions[mentor.id], busy[mentor.id]) for mentor in mentors]


def around(mentor_id: str, at: datetime) -> Timetable:
    """A mentor's timetable of the days around a moment, in one query with the mentor. Raises: NotFound."""
    days = _days_around(at, at)
    return Timetable(*Mentor.with_hours(mentor_id, *days, at - FARTHEST_AROUND, at + FARTHEST_AROUND))


def _of_kind(exceptions: Sequence[DateException], kind: ExceptionKind) -> list[tuple[int, int]]:
    return [exception.minutes for exception in exceptions if exception.kind == kind]


def _days_around(start: datetime, end: datetime) -> tuple[date, date]:
    """The days from ``start`` to ``end``, in whatever zone, and for sessions that end on the day after."""
    return start.date() - DAY, end.date() + 2 * DAY
