"""Wall-clock hours as instants, where clocks are put forward, back, or a whole day is left out."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.kit.calendar import CELL, DAY, cells, days_from, instants, known_zones, zone_names

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MIDNIGHT = 24 * 60


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def hours_on(day: str, start: str, end: str, zone: str) -> tuple[datetime, datetime]:
    return instants(date.fromisoformat(day), minute(start), minute(end), ZoneInfo(zone))


@pytest.mark.parametrize(
    ("day", "zone", "start", "end"),
    [
        ("2026-01-15", "Europe/Berlin", "2026-01-15 08:00", "2026-01-15 16:00"),
        ("2026-07-15", "Europe/Berlin", "2026-07-15 07:00", "2026-07-15 15:00"),
        ("2026-07-15", "America/New_York", "2026-07-15 13:00", "2026-07-15 21:00"),
        ("2026-07-15", "Asia/Kolkata", "2026-07-15 03:30", "2026-07-15 11:30"),
        ("2026-07-15", "Pacific/Apia", "2026-07-14 20:00", "2026-07-15 04:00"),
        ("2028-02-29", "Europe/Berlin", "2028-02-29 08:00", "2028-02-29 16:00"),
    ],
)
def test_nine_to_five_is_nine_to_five_where_the_mentor_is(day: str, zone: str, start: str, end: str):
    assert hours_on(day, "09:00", "17:00", zone) == (at(start), at(end))


@pytest.mark.parametrize(
    ("day", "zone", "skipped", "jump"),
    [
        ("2026-03-29", "Europe/Berlin", "02:30", "2026-03-29 01:00"),
        ("2026-03-29", "Europe/Berlin", "02:00", "2026-03-29 01:00"),
        ("2026-03-08", "America/New_York", "02:30", "2026-03-08 07:00"),
        ("2026-10-04", "Australia/Lord_Howe", "02:15", "2026-10-03 15:30"),
        ("2018-11-04", "America/Sao_Paulo", "00:30", "2018-11-04 03:00"),
        ("2011-12-30", "Pacific/Apia", "09:00", "2011-12-30 10:00"),
    ],
)
def test_a_time_that_the_clocks_skip_is_the_moment_of_the_jump(day: str, zone: str, skipped: str, jump: str):
    as_start, _ = hours_on(day, skipped, "23:59", zone)
    _, as_end = hours_on(day, "00:00", skipped, zone)
    assert (as_start, as_end) == (at(jump), at(jump))


@pytest.mark.parametrize(
    ("day", "zone", "twice", "first", "second"),
    [
        ("2026-10-25", "Europe/Berlin", "02:30", "2026-10-25 00:30", "2026-10-25 01:30"),
        ("2026-11-01", "America/New_York", "01:30", "2026-11-01 05:30", "2026-11-01 06:30"),
        ("2026-04-05", "Australia/Lord_Howe", "01:45", "2026-04-04 14:45", "2026-04-04 15:15"),
    ],
)
def test_a_time_that_comes_twice_begins_with_the_first_and_ends_with_the_second(
    day: str, zone: str, twice: str, first: str, second: str
):
    assert hours_on(day, twice, twice, zone) == (at(first), at(second))


@pytest.mark.parametrize(
    ("day", "zone", "length"),
    [
        ("2026-03-28", "Europe/Berlin", 24 * HOUR),
        ("2026-03-29", "Europe/Berlin", 23 * HOUR),
        ("2026-10-25", "Europe/Berlin", 25 * HOUR),
        ("2026-03-08", "America/New_York", 23 * HOUR),
        ("2026-11-01", "America/New_York", 25 * HOUR),
        ("2026-10-04", "Australia/Lord_Howe", 23.5 * HOUR),
        ("2026-04-05", "Australia/Lord_Howe", 24.5 * HOUR),
        ("2018-11-04", "America/Sao_Paulo", 23 * HOUR),
        ("2011-12-30", "Pacific/Apia", 0 * HOUR),
        ("2028-02-29", "Europe/Berlin", 24 * HOUR),
    ],
)
def test_a_whole_day_is_as_long_as_it_is_there(day: str, zone: str, length: timedelta):
    start, end = instants(date.fromisoformat(day), 0, MIDNIGHT, ZoneInfo(zone))
    assert end - start == length


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])
@pytest.mark.parametrize("first", ["2011-12-25", "2026-03-01", "2026-10-01", "2028-02-20"])
def test_one_day_begins_when_the_day_before_ends(zone: str, first: str):
    days = [instants(day, 0, MIDNIGHT, ZoneInfo(zone)) for day in days_from(date.fromisoformat(first), 40)]
    assert [end for _, end in days[:-1]] == [start for start, _ in days[1:]]


def test_the_last_of_february_ends_on_the_first_of_march():
    _, end = instants(date(2028, 2, 29), 0, MIDNIGHT, ZoneInfo("UTC"))
    assert end == at("2028-03-01 00:00")


def test_days_are_counted_over_the_29th_of_february():
    assert list(days_from(date(2028, 2, 28), 3)) == [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]
    assert list(days_from(date(2027, 2, 28), 2))[1] == date(2027, 2, 28) + DAY == date(2027, 3, 1)


def test_an_hour_covers_twelve_cells_and_the_next_hour_none_of_them():
    ten, eleven, twelve = (at(f"2026-06-01 {hour}:00") for hour in (10, 11, 12))
    assert len(cells(ten, eleven)) == 12
    assert set(cells(ten, eleven)).isdisjoint(cells(eleven, twelve))
    assert [*cells(ten, eleven), *cells(eleven, twelve)] == list(cells(ten, twelve))


@pytest.mark.parametrize(
    ("start", "length", "count"),
    [(0, 5, 1), (0, 4, 1), (0, 6, 2), (4, 1, 1), (4, 2, 2), (3, 1, 1), (0, 0, 0)],
)
def test_a_cell_that_is_touched_is_taken(start: int, length: int, count: int):
    begins = at("2026-06-01 10:00") + start * MINUTE
    assert len(cells(begins, begins + length * MINUTE)) == count


def test_cells_are_the_same_wherever_one_stands():
    start, end = at("2026-06-01 10:00"), at("2026-06-01 10:30")
    tokyo = ZoneInfo("Asia/Tokyo")
    assert cells(start, end) == cells(start.astimezone(tokyo), end.astimezone(tokyo))
    assert CELL * len(cells(start, end)) == end - start


def test_two_sessions_in_the_hour_that_comes_twice_do_not_meet():
    start, end = hours_on("2026-10-25", "02:00", "02:59", "Europe/Berlin")
    assert end - start == 119 * MINUTE
    assert set(cells(start, start + HOUR)).isdisjoint(cells(start + HOUR, end))


def test_the_zones_to_choose_from_are_places_and_utc():
    names = zone_names()
    assert {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"} <= set(names)
    assert not any(name.startswith("Etc/") or name in ("EST", "localtime") for name in names)
    assert set(names) <= known_zones()
    assert len(set(names)) == len(names)
