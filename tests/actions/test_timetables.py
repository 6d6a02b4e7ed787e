"""What is offered, over every hour of a year and every change of the clocks, where clocks do odd things."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from app.actions import timetables
from app.actions.timetables import Timetable
from app.kit.calendar import DAY, days_from
from app.models.availability import DateException, ExceptionKind, WeeklyHours
from app.models.mentor import Mentor

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca")
YEARS = {zone: 2028 if zone == "Europe/Berlin" else 2026 for zone in ZONES}  # one of them has a 29th of February
RANGES = [
    (0, 60),
    (60, 270),
    (540, 725),
    (800, 1020),
    (1380, 1440),
]  # one is over the hours that are skipped or repeated
CELL, HOUR = timedelta(minutes=5), timedelta(hours=1)
MINUTES = 60


def timetable(zone: str, *exceptions: DateException, **rules: int) -> Timetable:
    """Every day the same, except Sundays from one to three only."""
    week = [WeeklyHours(weekday=day, start_minute=a, end_minute=b) for day in range(6) for a, b in RANGES]
    week.append(WeeklyHours(weekday=6, start_minute=60, end_minute=180))
    return Timetable(Mentor(time_zone=zone, weekly_hours=week, durations=None, **rules), exceptions)


def year_of(zone: str) -> tuple[datetime, datetime]:
    year = YEARS[zone]
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)


def changes_of(zone: str) -> list[datetime]:
    """When the clocks change in that year, to the hour."""
    start, end = year_of(zone)
    hours = [start + n * HOUR for n in range(int((end - start) / HOUR))]
    return [
        at
        for at in hours
        if at.astimezone(ZoneInfo(zone)).utcoffset() != (at - HOUR).astimezone(ZoneInfo(zone)).utcoffset()
    ]


@cache
def open_cells(zone: str) -> dict[datetime, tuple[date, int]]:
    """Every five minutes that a clock on the mentor's wall shows within the hours: its day, and which range it is in.

    Told without the calendar's arithmetic: by looking at the clock, every five minutes of a year.
    """
    start, end = year_of(zone)
    found, at = {}, start - DAY
    while at < end + DAY:
        there = at.astimezone(ZoneInfo(zone))
        minute, ranges = (
            there.hour * 60 + there.minute,
            [(60, 180)] if there.weekday() == 6 else [(0, 270), *RANGES[2:]],
        )
        for number, (a, b) in enumerate(ranges):
            if a <= minute < b:
                found[at] = there.date(), number
        at += CELL
    return found


def fits(zone: str, begins: datetime) -> bool:
    """Whether a session lies within one range of one day, as the clock on the wall shows it."""
    cells = open_cells(zone)
    return len({cells.get(begins + n * CELL) for n in range(MINUTES // 5)} - {None}) == 1 and all(
        begins + n * CELL in cells for n in range(MINUTES // 5)
    )


@pytest.mark.parametrize("zone", ZONES)
def test_every_slot_of_a_year_is_within_the_hours_that_the_wall_shows_and_none_is_missing(zone: str):
    start, end = year_of(zone)
    slots = timetable(zone).slots(MINUTES, start, end)
    assert all(fits(zone, slot.starts_at) for slot in slots)
    lengths: dict[tuple[date, int], int] = {}
    for at, which in open_cells(zone).items():
        if start <= at < end:
            lengths[which] = lengths.get(which, 0) + 5
    inside = set(days_from(start.date() + DAY, 363))
    expected = sum(max(0, (length - MINUTES) // 30 + 1) for (day, _), length in lengths.items() if day in inside)
    assert (
        len([slot for slot in slots if slot.starts_at.astimezone(ZoneInfo(zone)).date() in inside]) == expected > 5_000
    )


@pytest.mark.parametrize("zone", ZONES)
def test_what_is_offered_is_the_same_whenever_one_looks(zone: str):
    """All through the year, and every hour around a change of the clocks, the next days are those of the year."""
    start, end = year_of(zone)
    whole = [slot.starts_at for slot in timetable(zone).slots(MINUTES, start, end)]
    for now in _moments(zone):
        seen = [slot.starts_at for slot in timetable(zone).slots(MINUTES, now, now + 3 * DAY)]
        assert seen == whole[bisect_left(whole, now) : bisect_right(whole, now + 3 * DAY - HOUR)]


@pytest.mark.parametrize("zone", ZONES)
def test_each_slot_that_is_offered_around_a_change_of_the_clocks_passes_the_check(zone: str):
    hours = timetable(zone)
    for change in changes_of(zone):
        now = change - DAY
        until = min(timetables.latest(hours.mentor, now), now + 5 * DAY)
        offered = hours.slots(MINUTES, timetables.soonest(hours.mentor, now), until)
        assert offered
        assert [hours.check(slot.starts_at, MINUTES, now=now) for slot in offered] == offered


def test_an_hour_that_comes_twice_is_offered_twice():
    hours = timetable("Europe/Berlin")
    night = [slot.starts_at for slot in hours.slots(MINUTES, at("2026-10-24 22:00"), at("2026-10-25 06:00"))]
    assert night == [at(f"2026-10-24 {clock}") for clock in ("23:00", "23:30")] + [
        at(f"2026-10-25 {clock}") for clock in ("00:00", "00:30", "01:00")
    ], "one to three on that Sunday takes three hours"


def test_an_hour_that_is_skipped_is_not_offered():
    hours = timetable("Europe/Berlin")
    night = hours.slots(MINUTES, at("2026-03-28 23:00"), at("2026-03-29 06:00"))
    assert [slot.starts_at for slot in night] == [at("2026-03-29 00:00")]


def test_the_29th_of_february_is_a_day_like_others_and_can_be_off():
    tuesday = date(2028, 2, 29)
    off = DateException(kind=ExceptionKind.OFF, first_day=tuesday, last_day=tuesday)
    noon, later = datetime(2028, 2, 28, 23, tzinfo=UTC), datetime(2028, 2, 29, 22, 59, tzinfo=UTC)
    assert timetable("Europe/Berlin").slots(MINUTES, noon, later)
    assert timetable("Europe/Berlin", off).slots(MINUTES, noon, later) == []


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _moments(zone: str) -> Iterator[datetime]:
    start, end = year_of(zone)
    yield from (start + n * HOUR for n in range(0, int((end - start) / HOUR) - 4 * 24, 31))
    for change in changes_of(zone):
        yield from (change + n * HOUR for n in range(-26, 27))
