"""From a wall clock in a zone to instants: hours that a DST change skips or repeats come out right."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
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
