"""Mentors' calendars elsewhere: which one, when it is read, and what of it is kept.

A calendar that cannot be read leaves what was last read of it in force: a mentor who is asked to be in two places is
worse off than one who is offered a little less.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select, update

from app.actions import timetables
from app.actions.orders import environment
from app.actions.transactions import at_once, atomically, outside, unbroken
from app.extensions import db, upsert
from app.gateways import foreign_calendars, outside_web
from app.gateways.foreign_calendars import Busy
from app.kit.errors import CalendarUnread, Invalid
from app.models.busy_calendar import BusyCalendar, BusyTime
from app.models.mentor import Mentor

EVERY = timedelta(minutes=30)
LONGEST_PAUSE = timedelta(hours=6)  # between two tries, of one that fails
LEASE = timedelta(minutes=3)  # longer than fetching and reading may take
LOOKS_BACK, LOOKS_BEYOND = timedelta(days=1), timedelta(days=30)  # what is bookable, while it cannot be read again
BATCH = 4
HIDDEN = "••••••"
_BUSY_TIME: Table = BusyTime.metadata.tables[BusyTime.__tablename__]

_DUE = select(BusyCalendar.mentor_id).where(BusyCalendar.due_at <= bindparam("now"))
_CLAIM = (
    update(BusyCalendar)
    .where(
        BusyCalendar.mentor_id.in_(_DUE.order_by(BusyCalendar.due_at).limit(BATCH).with_for_update(skip_locked=True))
    )
    .values(due_at=bindparam("until"))
    .returning(BusyCalendar.mentor_id)
)


@dataclass(frozen=True)
class Standing:
    """How it stands with a mentor's calendar, without the address that only they should know."""

    shown: str
    calendar: BusyCalendar

    @property
    def is_awaited(self) -> bool:
        """Whether it has not been tried yet."""
        return self.calendar.tried_at is None


def of(mentor: Mentor) -> Standing | None:
    calendar = db.session.get(BusyCalendar, mentor.id)
    return None if calendar is None else Standing(masked(calendar.address), calendar)


def masked(address: str) -> str:
    """Enough of an address to know it again."""
    return f"https://{outside_web.place_of(address).name}/{HIDDEN}"


@unbroken
def connect(mentor: Mentor, address: str, *, now: datetime) -> None:
    """Read a mentor's busy times from there; it is fetched at once. Raises: Invalid for what is never asked.

    What was read elsewhere before holds until then.
    """
    try:
        outside_web.place_of(address)
    except ValueError as problem:
        raise Invalid(str(problem), field="address") from problem
    fresh: dict[str, Any] = {"address": address, "due_at": now, "tried_at": None, "read_at": None, "times": 0}
    fresh |= {"notice": "", "problem": "", "failures": 0}
    written = upsert(BusyCalendar.__table__).values(mentor_id=mentor.id, **fresh)
    with atomically():
        db.session.execute(written.on_conflict_do_update(index_elements=["mentor_id"], set_=fresh))


@unbroken
def disconnect(mentor: Mentor) -> None:
    """Forget the address, and all that was read there."""
    with atomically():
        BusyTime.erase(BusyTime.mentor_id == mentor.id)
        BusyCalendar.erase(BusyCalendar.mentor_id == mentor.id)


@unbroken
def hurry(mentor: Mentor, *, now: datetime) -> None:
    """Have it read now. Raises: NotFound if there is none."""
    with atomically():
        calendar = BusyCalendar.locked(mentor.id)
        calendar.due_at = min(calendar.due_at, now)


def due(now: datetime) -> Sequence[str]:
    """Ids of mentors whose calendar is to be read, claimed: whoever is killed reading one leaves it for a while."""
    return [mentor_id for (mentor_id,) in at_once(_CLAIM, {"now": now, "until": now + LEASE})]


def read(mentor_id: str, *, now: datetime) -> None:
    """Fetch and read a mentor's calendar, and keep what it says. Raises: CalendarUnread, which is kept, too."""
    mentor = Mentor.one(Mentor.id == mentor_id)
    zone, until = mentor.time_zone, timetables.latest(mentor, now) + LOOKS_BEYOND
    address = BusyCalendar.one(BusyCalendar.mentor_id == mentor_id).address
    outside()
    since = now - LOOKS_BACK
    try:
        body = foreign_calendars.fetch(address)
        busy = foreign_calendars.read(body, since=since, until=until, zone=zone, ours=f"@{environment()}.mentorhold")
    except CalendarUnread as failure:
        _note(mentor_id, address, failure, now=now)
        raise
    _keep(mentor_id, address, busy, now=now)


@unbroken
def _keep(mentor_id: str, address: str, busy: Busy, *, now: datetime) -> None:
    with atomically():
        calendar = _still(mentor_id, address)
        if calendar is None:
            return
        calendar.notice = _odd(busy)[:300]
        calendar.tried_at = calendar.read_at = now
        calendar.times, calendar.problem, calendar.failures = len(busy.times), "", 0
        calendar.due_at = now + _about(EVERY)
        db.session.execute(delete(BusyTime).where(BusyTime.mentor_id == mentor_id))
        rows = [{"mentor_id": mentor_id, "starts_at": begin, "ends_at": end} for begin, end in busy.times]
        if rows:
            db.session.execute(insert(_BUSY_TIME), rows)


@unbroken
def _note(mentor_id: str, address: str, failure: CalendarUnread, *, now: datetime) -> None:
    with atomically():
        calendar = _still(mentor_id, address)
        if calendar is not None:
            calendar.due_at = now + _about(min(EVERY * 2 ** min(calendar.failures, 6), LONGEST_PAUSE))
            calendar.tried_at, calendar.problem = now, failure.message[:300]
            calendar.failures += 1


def _odd(busy: Busy) -> str:
    """What a mentor may want to look at."""
    zones = ", ".join(busy.strange_zones)
    told = [f"Nobody knows the time zone {zones}, so yours was taken."] if zones else []
    told += [f"Passed over, because they make no sense: {busy.puzzling}."] if busy.puzzling else []
    return " ".join(told)


def _still(mentor_id: str, address: str) -> BusyCalendar | None:
    """The mentor's calendar, locked, if it is still that one."""
    found = db.session.scalar(select(BusyCalendar).where(BusyCalendar.mentor_id == mentor_id).with_for_update())
    return found if found is not None and found.address == address else None


def _about(pause: timedelta) -> timedelta:
    """A little more or less, so that not all calendars of a host are asked for at one moment."""
    return pause * random.randint(80, 120) // 100
