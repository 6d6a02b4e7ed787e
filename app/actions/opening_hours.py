"""What mentors say about when they can be booked; bookings that stand are never touched by it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import func, select

from app.actions.transactions import atomically, unbroken
from app.extensions import db
from app.kit import policy
from app.kit.calendar import DAY, clock_face, overlapping, zone_of
from app.kit.errors import Invalid
from app.models.availability import DateException, ExceptionKind, WeeklyHours
from app.models.base import all_of
from app.models.mentor import Mentor

MOST_EXCEPTIONS = 100  # still to come, of one mentor
FARTHEST = 2 * 366 * DAY  # ahead of today, for which exceptions can be made
LONGEST_OFF = 366 * DAY


@dataclass(frozen=True)
class Rules:
    """See :class:`Mentor`; None stands for no rule of one's own."""

    buffer_before: int = 0
    buffer_after: int = 0
    notice_hours: int | None = None
    daily_cap: int | None = None
    horizon_days: int | None = None
    durations: tuple[int, ...] | None = None

    @classmethod
    def of(cls, mentor: Mentor) -> "Rules":
        return cls(**{name: getattr(mentor, name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Span:
    """Days off from ``first`` to ``last``, or with ``minutes`` (since midnight) hours on the day ``first``."""

    kind: ExceptionKind
    first: date
    last: date
    minutes: tuple[int, int] | None = None


@unbroken
def set_weekly(mentor: Mentor, hours: Sequence[tuple[int, int, int]]) -> None:
    """Replace the weekly hours by (weekday, start minute, end minute) rows. Raises: Invalid if some overlap."""
    days = defaultdict(list)
    for day, start, end in hours:
        days[day].append((start, end))
    for ranges in days.values():
        _check_apart(ranges)
    with atomically():
        row = Mentor.locked(mentor.id)
        row.weekly_hours.clear()
        db.session.flush()
        row.weekly_hours.extend(
            WeeklyHours(weekday=day, start_minute=start, end_minute=end) for day, start, end in hours
        )


@unbroken
def set_rules(mentor: Mentor, rules: Rules) -> None:
    """Raises: Invalid for a notice or durations that the platform does not know."""
    least = policy.current().notice
    if rules.notice_hours is not None and rules.notice_hours * 3600 < least.total_seconds():
        raise Invalid(f"At least {least.total_seconds() / 3600:g} hours, please.", field="notice_hours")
    if rules.durations is not None and not set(rules.durations) & set(policy.current().durations):
        raise Invalid("Please offer at least one.", field="durations")
    with atomically():
        row = Mentor.locked(mentor.id)
        row.buffer_before, row.buffer_after = rules.buffer_before, rules.buffer_after
        row.notice_hours, row.daily_cap, row.horizon_days = rules.notice_hours, rules.daily_cap, rules.horizon_days
        row.durations = rules.durations


def coming_exceptions(mentor: Mentor, *, now: datetime) -> Sequence[DateException]:
    """Those that are not over yet, the soonest first."""
    query = select(DateException).where(
        DateException.mentor_id == mentor.id, DateException.last_day >= _today(mentor, now)
    )
    order = DateException.first_day, DateException.start_minute, DateException.id
    return all_of(query.order_by(*order).limit(MOST_EXCEPTIONS))


@unbroken
def make_exception(mentor: Mentor, span: Span, *, now: datetime) -> None:
    """Keep days off, or give other or extra hours on a day. Raises: Invalid."""
    with atomically():
        row = Mentor.locked(mentor.id)
        _check_days(span, _today(row, now))
        coming = DateException.last_day >= _today(row, now)
        of_row = DateException.mentor_id == row.id
        if (db.session.scalar(select(func.count()).where(of_row, coming)) or 0) >= MOST_EXCEPTIONS:
            raise Invalid(f"You have {MOST_EXCEPTIONS} exceptions to come; that is as many as there can be.")
        within = (DateException.first_day <= span.last) & (DateException.last_day >= span.first)
        _check_beside(span, all_of(select(DateException).where(of_row, within)))
        start, end = span.minutes or (None, None)
        db.session.add(
            DateException(
                mentor_id=row.id,
                kind=span.kind,
                first_day=span.first,
                last_day=span.last,
                start_minute=start,
                end_minute=end,
            )
        )


@unbroken
def drop_exception(mentor: Mentor, exception_id: str) -> None:
    """Raises: NotFound, also for someone else's."""
    with atomically():
        mine = DateException.mentor_id == mentor.id
        db.session.delete(DateException.one(DateException.id == exception_id, mine))


def _today(mentor: Mentor, now: datetime) -> date:
    return now.astimezone(zone_of(mentor.time_zone) or UTC).date()


def _check_days(span: Span, today: date) -> None:
    if span.last < today:
        raise Invalid("That day is over. Please pick a later one.", field="first_day")
    if span.last < span.first:
        raise Invalid("The last day should not be before the first.", field="last_day")
    if span.last - span.first >= LONGEST_OFF:
        raise Invalid("A year at most, please.", field="last_day")
    if span.last - today > FARTHEST:
        raise Invalid("Within the next two years, please.", field="first_day")


def _check_beside(span: Span, others: Sequence[DateException]) -> None:
    """Whether it fits with what there is already on those days."""
    hours = [other.minutes for other in others if other.kind != ExceptionKind.OFF]
    if span.minutes is not None:
        _check_apart([*hours, span.minutes], field="start")
    elif hours:
        raise Invalid("You have given hours on one of these days. Please delete them first.", field="first_day")
    elif any(other.first_day <= span.first and span.last <= other.last_day for other in others):
        raise Invalid("You are off then already.", field="first_day")


def _check_apart(ranges: Sequence[tuple[int, int]], field: str | None = None) -> None:
    found = overlapping(ranges)
    if found is not None:
        one, other = ("–".join(map(clock_face, minutes)) for minutes in found)
        raise Invalid(f"{one} and {other} overlap.", field=field)
