"""What a stranger's calendar says of when its owner is busy: the odd ones, and those that mean harm."""

from datetime import UTC, datetime

import pytest

from app.gateways import foreign_calendars
from app.kit.errors import CalendarUnread
from tests.calendar_host import CALENDAR, calendar

ZONE = "Europe/Berlin"
OURS = "@test.mentorhold"


def busy(body: bytes, since: str = "2026-06-01", until: str = "2026-06-20", zone: str = ZONE) -> list[str]:
    """The busy times, as ``from/until`` in UTC."""
    begin, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (since, until))
    read = foreign_calendars.read(body, since=begin, until=end, zone=zone, ours=OURS)
    return [f"{one:%Y-%m-%dT%H:%M}/{other:%Y-%m-%dT%H:%M}" for one, other in read.times]


def test_a_time_counts_from_its_zone_from_utc_or_from_where_the_owner_is():
    for start, end, found in (
        ("DTSTART:20260602T100000Z", "DTEND:20260602T110000Z", "2026-06-02T10:00/2026-06-02T11:00"),
        ("DTSTART:20260602T100000", "DTEND:20260602T110000", "2026-06-02T08:00/2026-06-02T09:00"),
        ("DTSTART;TZID=Asia/Tokyo:20260602T100000", "DURATION:PT90M", "2026-06-02T01:00/2026-06-02T02:30"),
        ("DTSTART;TZID=W. Europe Standard Time:20260602T100000", "DURATION:PT1H", "2026-06-02T08:00/2026-06-02T09:00"),
    ):
        assert busy(calendar(f"UID:1\n{start}\n{end}")) == [found]


def test_a_zone_that_nobody_knows_any_more_is_taken_for_the_owners_and_told():
    body = calendar("UID:1\nDTSTART;TZID=Mars/Olympus:20260602T100000\nDURATION:PT1H")
    begin, end = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 20, tzinfo=UTC)
    read = foreign_calendars.read(body, since=begin, until=end, zone=ZONE, ours=OURS)
    assert read.times == ((datetime(2026, 6, 2, 8, tzinfo=UTC), datetime(2026, 6, 2, 9, tzinfo=UTC)),)
    assert read.strange_zones == ("Mars/Olympus",)


def test_a_calendar_may_say_where_its_floating_times_are_meant():
    body = calendar("UID:1\nDTSTART:20260602T100000\nDURATION:PT1H").replace(
        b"PRODID", b"X-WR-TIMEZONE:Asia/Tokyo\r\nPRODID"
    )
    assert busy(body) == ["2026-06-02T01:00/2026-06-02T02:00"]


def test_a_zone_of_a_calendars_own_is_read_from_the_calendar():
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Here\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0530\r\n"
        "TZOFFSETTO:+0530\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    event = "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=Here:20260602T100000\r\nDURATION:PT1H\r\nEND:VEVENT\r\n"
    assert busy(CALENDAR.format(zone + event).encode()) == ["2026-06-02T04:30/2026-06-02T05:30"]


def test_whole_days_are_those_of_the_owner():
    assert busy(calendar("UID:1\nDTSTART;VALUE=DATE:20260602")) == ["2026-06-01T22:00/2026-06-02T22:00"]
    two = calendar("UID:1\nDTSTART;VALUE=DATE:20260602\nDTEND;VALUE=DATE:20260604")
    assert busy(two, zone="America/New_York") == ["2026-06-02T04:00/2026-06-04T04:00"]
    longer = calendar("UID:1\nDTSTART;VALUE=DATE:20261025")  # the day on which clocks go back
    assert busy(longer, "2026-10-20", "2026-10-30") == ["2026-10-24T22:00/2026-10-25T23:00"]


def test_what_is_free_cancelled_over_or_ours_keeps_nobody_busy():
    when = "DTSTART:20260602T100000Z\nDTEND:20260602T110000Z"
    for rest in ("TRANSP:TRANSPARENT", "STATUS:CANCELLED"):
        assert busy(calendar(f"UID:1\n{when}\n{rest}")) == []
    assert busy(calendar(f"UID:bk_1{OURS}\n{when}")) == [], "a session that we have put there ourselves"
    assert busy(calendar("UID:1\nDTSTART:20260602T100000Z")) == [], "an instant"
    assert busy(calendar("UID:1\nDTSTART:20260602T100000Z\nDTEND:20260602T090000Z")) == []
    assert busy(calendar(f"UID:1\n{when}"), "2026-06-03", "2026-06-04") == []
    assert busy(calendar(f"UID:1\n{when}\nSTATUS:TENTATIVE")) != [], "perhaps is busy"


def test_what_a_publisher_of_free_and_busy_times_says_is_taken():
    told = (
        "BEGIN:VFREEBUSY\r\nFREEBUSY:20260602T100000Z/PT1H,20260603T100000Z/20260603T110000Z\r\n"
        "FREEBUSY;FBTYPE=FREE:20260604T100000Z/PT1H\r\nEND:VFREEBUSY\r\n"
    )
    assert busy(CALENDAR.format(told).encode()) == [
        "2026-06-02T10:00/2026-06-02T11:00",
        "2026-06-03T10:00/2026-06-03T11:00",
    ]


def test_times_that_touch_or_overlap_are_one():
    body = calendar(*(f"UID:{n}\nDTSTART:2026060{2 + n // 9}T{10 + n % 9}0000Z\nDURATION:PT1H" for n in range(18)))
    assert busy(body) == ["2026-06-02T10:00/2026-06-02T19:00", "2026-06-03T10:00/2026-06-03T19:00"]


def test_what_repeats_goes_by_the_clock_with_its_exceptions_and_moves():
    weekly = (
        "UID:1\nDTSTART;TZID=Europe/Berlin:20200106T100000\nDURATION:PT30M\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE\n"
        "EXDATE;TZID=Europe/Berlin:20260603T100000\nRDATE;TZID=Europe/Berlin:20260604T150000"
    )
    moved = "UID:1\nRECURRENCE-ID:20260608T080000Z\nDTSTART;TZID=Europe/Berlin:20260609T120000\nDURATION:PT1H"
    called_off = "UID:1\nRECURRENCE-ID:20260610T080000Z\nDTSTART:20260610T080000Z\nDURATION:PT30M\nSTATUS:CANCELLED"
    assert busy(calendar(weekly, moved, called_off), until="2026-06-16") == [
        "2026-06-01T08:00/2026-06-01T08:30",
        "2026-06-04T13:00/2026-06-04T13:30",
        "2026-06-09T10:00/2026-06-09T11:00",
        "2026-06-15T08:00/2026-06-15T08:30",
    ]
    over_the_change = "UID:1\nDTSTART;TZID=Europe/Berlin:20260101T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY"
    assert busy(calendar(over_the_change), "2026-03-28", "2026-03-30") == [
        "2026-03-28T09:00/2026-03-28T10:00",
        "2026-03-29T08:00/2026-03-29T09:00",
    ]


def test_what_repeats_ends_when_it_says_whatever_kind_of_day_it_names():
    daily = "UID:1\nDTSTART;TZID=Europe/Berlin:20260601T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;"
    assert len(busy(calendar(daily + "UNTIL=20260604T080000Z"))) == 4
    assert len(busy(calendar(daily + "UNTIL=20260604"))) == 4
    assert len(busy(calendar(daily + "COUNT=3"))) == 3
    days = "UID:1\nDTSTART;VALUE=DATE:20260601\nRRULE:FREQ=DAILY;INTERVAL=2;UNTIL=20260605"
    assert len(busy(calendar(days))) == 3


def test_the_29th_of_february_comes_when_it_comes():
    birthday = calendar("UID:1\nDTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY")
    assert busy(birthday, "2027-02-01", "2027-03-10") == []
    assert busy(birthday, "2028-02-01", "2028-03-10") == ["2028-02-28T23:00/2028-02-29T23:00"]


def test_an_hour_that_comes_twice_is_busy_both_times_and_one_that_never_comes_moves_on():
    twice = calendar("UID:1\nDTSTART;TZID=Europe/Berlin:20261025T023000\nDTEND;TZID=Europe/Berlin:20261025T024500")
    assert busy(twice, "2026-10-20", "2026-10-30") == ["2026-10-25T00:30/2026-10-25T01:45"]
    never = calendar("UID:1\nDTSTART;TZID=Europe/Berlin:20260329T021500\nDTEND;TZID=Europe/Berlin:20260329T024500")
    assert busy(never, "2026-03-20", "2026-03-30") == ["2026-03-29T01:15/2026-03-29T01:45"]


@pytest.mark.parametrize("damaged", ["DTSTART:garbage", "SUMMARY:without a time", "RRULE:FREQ=NEVER", "DURATION:long"])
def test_what_is_damaged_spoils_nothing_else(damaged: str):
    good = "UID:2\nDTSTART:20260602T100000Z\nDTEND:20260602T110000Z"
    assert busy(calendar(f"UID:1\n{damaged}", good)) == ["2026-06-02T10:00/2026-06-02T11:00"]


def test_what_things_are_called_and_what_rings_is_passed_over():
    event = (
        "UID:1\nSUMMARY:Dentist;X=:\n DTSTART:20260603T100000Z\nDTSTART:20260602T100000Z\nDTEND:20260602T110000Z\n"
        "BEGIN:VALARM\nTRIGGER:-PT10M\nDURATION:PT9H\nREPEAT:4\nEND:VALARM"
    )
    assert busy(calendar(event)) == ["2026-06-02T10:00/2026-06-02T11:00"]


FOREVER = "UID:{n}\nDTSTART:19000101T000000Z\nDURATION:PT1M\nRRULE:{rule}"
DAILY = "UID:{n}\nDTSTART:20260602T{at}00Z\nDURATION:PT10S\nRRULE:FREQ=DAILY"
EVERY_SECOND = "FREQ=DAILY;BYHOUR={hours};BYMINUTE={minutes};BYSECOND={minutes}".format(
    hours=",".join(map(str, range(24))), minutes=",".join(map(str, range(60)))
)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no calendar"),
        (b"<!doctype html><title>Log in</title>", "no calendar"),
        (b"\xff\xfe\x00" * 1_000, "no calendar"),
        (b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 5_000, "entries within entries"),
        (calendar(*("UID:1\nDTSTART:20260602T100000Z" for _ in range(20_001))), "more than 20000 entries"),
        (calendar(FOREVER.format(n=1, rule="FREQ=SECONDLY")), "repeats every hour"),
        (calendar(FOREVER.format(n=1, rule=EVERY_SECOND)), "takes too long to read"),
        (calendar(*(DAILY.format(n=n, at=f"{n // 60:02}{n % 60:02}") for n in range(1440))), "more than 5000 busy"),
    ],
)  # fmt: skip
def test_what_means_harm_is_given_up_and_told(body: bytes, why: str):
    with pytest.raises(CalendarUnread, match=why):
        busy(body)


def test_thousands_of_appointments_are_no_harm():
    hour = "UID:{n}\nSUMMARY:{n}\nDTSTART;TZID=Europe/Berlin:20{year:02}0602T100000\nDURATION:PT1H"
    years = calendar(*(hour.format(n=n, year=n % 26) for n in range(8_000)))
    assert busy(years) == []
    ages = calendar("UID:1\nDTSTART:19000101T000000\nDTEND:99981231T235959")
    assert busy(ages) == ["2026-06-01T00:00/2026-06-20T00:00"]


def test_what_lies_beyond_all_calendars_is_passed_over_and_told():
    begin, end = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 20, tzinfo=UTC)
    body = calendar(
        "UID:1\nDTSTART:00010101T000000\nDTEND:99991231T235959", "UID:2\nDTSTART:20260602T100000Z\nDURATION:PT1H"
    )
    read = foreign_calendars.read(body, since=begin, until=end, zone=ZONE, ours=OURS)
    assert (len(read.times), read.puzzling) == (1, 1)
