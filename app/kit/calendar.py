"""From a wall clock in a zone to instants: hours that a DST change skips or repeats come out right."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

CELL = timedelta(minutes=5)  # what a slot claim covers; every session starts and ends on a multiple of it

DAY = timedelta(days=1)


@cache
def zone_names() -> tuple[str, ...]:
    """The IANA names that a person may choose from, sorted."""
    return (*sorted(z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "SystemV/"))), "UTC")


@cache
def known_zones() -> frozenset[str]:
    """Every IANA name, also the odd ones that a browser may report."""
    return frozenset(available_timezones())


def zone_of(name: str) -> ZoneInfo | None:
    """The zone of this name; None if there is none (any more: now and then the database of zones drops one)."""
    return ZoneInfo(name) if name in known_zones() else None


def joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges in order, with those that touch or overlap made one."""
    made: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return made


def overlapping(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The first two ranges, in order of time, that have a minute in common; None if no two have."""
    ordered = sorted(ranges)
    return next(((one, other) for one, other in pairwise(ordered) if other[0] < one[1]), None)


def clock_face(minute: int) -> str:
    """Minutes since midnight as ``09:30``; 24:00 is the end of the day."""
    return f"{minute // 60:02}:{minute % 60:02}"


def instants(day: date, start_minute: int, end_minute: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The UTC start and end of a wall-clock range on ``day``; minutes count from 00:00, ``1440`` is the next midnight.

    A start inside a DST gap moves to the gap's end; an ambiguous time is its first occurrence as a start and its
    second as an end, so that the whole range is what a clock on the wall would show.
    """
    return _instant(day, start_minute, zone, fold=0), _instant(day, end_minute, zone, fold=1)


def cells(start: datetime, end: datetime) -> range:
    """The numbers of the 5-minute cells from ``start`` until ``end``."""
    size = int(CELL.total_seconds())
    return range(int(start.timestamp()) // size, -(-int(end.timestamp()) // size))


def days_from(first: date, count: int) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range(count))


def said(at: datetime, zone: ZoneInfo, pattern: str) -> str:
    """An instant as the clocks in ``zone`` show it; ``{day}`` in the pattern is the day without a zero before it.

    Of a time that comes twice that day, the zone's short name tells which.
    """
    there = at.astimezone(zone)
    comes_twice = there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()  # or never, which cannot be
    return there.strftime(pattern.format(day=there.day) + (" %Z" if comes_twice else ""))


def _instant(day: date, minute: int, zone: ZoneInfo, *, fold: int) -> datetime:
    midnight = datetime.combine(day + DAY * (minute // 1440), time(minute % 1440 // 60, minute % 60), zone)
    wall = midnight.replace(fold=fold)
    instant = wall.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return instant
    return _gap_end(wall)


def _gap_end(wall: datetime) -> datetime:
    """The instant of the DST jump that skipped ``wall``, to the minute (in a gap, fold=1 has the later offset)."""
    later = wall.replace(fold=1).utcoffset()
    instant = wall.replace(fold=1).astimezone(UTC)
    while instant.astimezone(wall.tzinfo).utcoffset() != later:
        instant += timedelta(minutes=1)
    return instant
