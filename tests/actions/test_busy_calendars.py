"""Bob's own calendar elsewhere keeps him from being booked: when it is read, and what holds when it cannot be."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest
from flask import Flask

from app import jobs
from app.actions import availability, bookings, busy_calendars, opening_hours
from app.actions.opening_hours import Rules
from app.extensions import db
from app.kit.errors import Invalid, NotFound, SlotTaken
from app.models.booking import Booking
from app.models.busy_calendar import BusyCalendar, BusyTime
from app.models.mentor import Mentor
from app.models.user import User
from tests import people
from tests.calendar_host import CalendarHost, Page, calendar, reachable
from tests.people import HOUR, TOMORROW_AT_TEN, wish
from tests.stripe_double import Stripe

LONGEST_WAIT = busy_calendars.LONGEST_PAUSE * 1.2  # a pause is a fifth longer or shorter
SECRET = "/bob/secret-7f3a.ics"
DENTIST = "UID:dentist\nDTSTART;TZID=Europe/Berlin:20260602T120000\nDURATION:PT1H"  # tomorrow; the hour at ten is 12:00


@pytest.fixture
def host(app: Flask) -> Iterator[CalendarHost]:
    with reachable() as opened:
        opened.pages[SECRET] = Page(calendar(DENTIST))
        yield opened


@pytest.fixture
def bobs_calendar(host: CalendarHost, bob: Mentor, stripe: Stripe) -> CalendarHost:
    """Bob has named his calendar, and the worker has read it."""
    busy_calendars.connect(bob, host.url(), now=stripe.now())
    assert jobs.run("read_calendars") == 1
    return host


def known(bob: Mentor) -> BusyCalendar:
    db.session.rollback()
    db.session.expire_all()
    return BusyCalendar.one(BusyCalendar.mentor_id == bob.id)


def free(bob: Mentor, stripe: Stripe, minutes: int = 60) -> set[datetime]:
    db.session.rollback()
    return {slot.starts_at for slot in availability.open_slots(bob, minutes, now=stripe.now())}


def later(host: CalendarHost, stripe: Stripe, *events: str, status: int = 200) -> int:
    """The calendar has changed, its turn has come, and the worker has looked; how many it has read."""
    host.pages[SECRET] = Page(calendar(*events), status)
    stripe.wait(LONGEST_WAIT)
    return jobs.run("read_calendars")


def test_a_busy_time_is_offered_to_nobody(bobs_calendar: CalendarHost, bob: Mentor, stripe: Stripe):
    offered = free(bob, stripe)
    assert {TOMORROW_AT_TEN, TOMORROW_AT_TEN - HOUR / 2, TOMORROW_AT_TEN + HOUR / 2}.isdisjoint(offered)
    assert {TOMORROW_AT_TEN - HOUR, TOMORROW_AT_TEN + HOUR} <= offered, "what touches it is free"
    assert availability.next_free([bob], 60, now=TOMORROW_AT_TEN - HOUR)[bob.id] == TOMORROW_AT_TEN + HOUR


def test_the_buffers_around_a_session_stay_free_of_it(bobs_calendar: CalendarHost, bob: Mentor, stripe: Stripe):
    opening_hours.set_rules(bob, Rules(buffer_before=30, buffer_after=60))
    offered = free(bob, stripe)
    assert {TOMORROW_AT_TEN - 1.5 * HOUR, TOMORROW_AT_TEN + HOUR}.isdisjoint(offered)
    assert {TOMORROW_AT_TEN - 2 * HOUR, TOMORROW_AT_TEN + 1.5 * HOUR} <= offered


def test_whoever_picked_the_time_before_it_was_read_is_told_and_nothing_is_reserved(
    bobs_calendar: CalendarHost, ann: User, bob: Mentor, stripe: Stripe
):
    with pytest.raises(SlotTaken, match="their own calendar"):
        bookings.book(ann, bob, wish(), now=stripe.now())
    db.session.rollback()
    with pytest.raises(SlotTaken, match="their own calendar"):  # the last look, in the transaction that would reserve
        bookings.reserve(ann.id, bob.id, wish(), customer_id="cus_ann", now=stripe.now())
    assert db.session.query(Booking).count() == 0
    assert stripe.intents() == []


def test_a_session_that_is_booked_stays_when_the_calendar_says_otherwise(
    host: CalendarHost, held_hour: Booking, bob: Mentor, stripe: Stripe
):
    busy_calendars.connect(bob, host.url(), now=stripe.now())
    jobs.run("read_calendars")
    assert people.fresh(held_hour).state == "confirmed"


def test_the_mentor_books_others_whatever_their_own_calendar_says(
    bobs_calendar: CalendarHost, bob: Mentor, stripe: Stripe
):
    """They know what they do."""
    dia = people.mentor("Dia")
    assert bookings.book(bob.user, dia, wish(), now=stripe.now()).starts_at == TOMORROW_AT_TEN


def test_what_is_read_again_takes_the_place_of_what_was(bobs_calendar: CalendarHost, bob: Mentor, stripe: Stripe):
    moved = DENTIST.replace("20260602T12", "20260603T12")
    assert later(bobs_calendar, stripe, moved, "UID:2\nDTSTART:20260604T100000Z\nDURATION:PT1H") == 1
    assert TOMORROW_AT_TEN in free(bob, stripe)
    assert TOMORROW_AT_TEN + 24 * HOUR not in free(bob, stripe)
    assert (known(bob).times, known(bob).read_at, known(bob).problem) == (2, stripe.now(), "")


def test_it_is_read_about_every_half_hour_and_not_by_all_at_once(
    bobs_calendar: CalendarHost, bob: Mentor, stripe: Stripe
):
    pauses = set()
    for _ in range(5):
        pause = known(bob).due_at - stripe.now()
        assert timedelta(minutes=24) <= pause <= timedelta(minutes=36)
        pauses.add(pause)
        assert jobs.run("read_calendars") == 0
        stripe.wait(timedelta(minutes=36))
        assert jobs.run("read_calendars") == 1
    assert len(pauses) > 1


def test_when_it_cannot_be_read_the_last_good_copy_holds_and_the_mentor_sees_why(
    bobs_calendar: CalendarHost, bob: Mentor, stripe: Stripe
):
    read_at = stripe.now()
    for tries in range(1, 4):
        assert later(bobs_calendar, stripe, status=500) == 0
        assert known(bob).failures == tries
    assert TOMORROW_AT_TEN not in free(bob, stripe)
    standing = known(bob)
    assert (standing.read_at, standing.tried_at, standing.times) == (read_at, stripe.now(), 1)
    assert standing.problem == "localhost answered 500. Is the address still the right one?"
    bobs_calendar.pages[SECRET] = Page(b"<title>Please log in</title>")
    stripe.wait(LONGEST_WAIT)
    jobs.run("read_calendars")
    assert known(bob).problem == "What the address answers is no calendar."
    assert TOMORROW_AT_TEN not in free(bob, stripe)
    assert later(bobs_calendar, stripe, DENTIST.replace("20260602", "20260605")) == 1
    assert (known(bob).failures, known(bob).problem) == (0, "")


def test_what_fails_is_tried_less_and_less_often(bobs_calendar: CalendarHost, bob: Mentor, stripe: Stripe):
    pauses = []
    for _ in range(7):
        later(bobs_calendar, stripe, status=404)
        pauses.append(known(bob).due_at - stripe.now())
    for pause, hours in zip(pauses, (0.5, 1, 2, 4, 6, 6, 6), strict=True):
        assert 0.8 * hours * HOUR <= pause <= 1.2 * hours * HOUR


def test_reading_it_at_once_can_be_asked_for(bobs_calendar: CalendarHost, bob: Mentor, stripe: Stripe):
    assert jobs.run("read_calendars") == 0
    busy_calendars.hurry(bob, now=stripe.now())
    assert jobs.run("read_calendars") == 1
    assert len(bobs_calendar.asked) == 2


def test_of_two_workers_one_reads_it_and_who_is_killed_leaves_it_to_the_next(
    host: CalendarHost, bob: Mentor, stripe: Stripe
):
    busy_calendars.connect(bob, host.url(), now=stripe.now())
    assert list(busy_calendars.due(stripe.now())) == [bob.id]
    assert list(busy_calendars.due(stripe.now())) == [], "claimed, and then killed"
    stripe.wait(busy_calendars.LEASE)
    assert jobs.run("read_calendars") == 1


def test_another_calendar_takes_its_place_and_forgetting_it_opens_the_time(
    bobs_calendar: CalendarHost, bob: Mentor, stripe: Stripe
):
    bobs_calendar.pages["/other.ics"] = Page(calendar(DENTIST.replace("20260602", "20260603")))
    busy_calendars.connect(bob, bobs_calendar.url("/other.ics"), now=stripe.now())
    assert TOMORROW_AT_TEN not in free(bob, stripe), "until the other one has been read"
    jobs.run("read_calendars")
    assert TOMORROW_AT_TEN in free(bob, stripe)
    busy_calendars.disconnect(bob)
    assert TOMORROW_AT_TEN + 24 * HOUR in free(bob, stripe)
    assert db.session.query(BusyTime).count() == db.session.query(BusyCalendar).count() == 0
    with pytest.raises(NotFound):
        busy_calendars.hurry(bob, now=stripe.now())


def test_what_was_fetched_from_an_address_that_is_not_the_mentors_any_more_is_dropped(
    app: Flask, host: CalendarHost, bob: Mentor, stripe: Stripe
):
    bob_id, body = bob.id, calendar(DENTIST)

    def change_it_meanwhile(request: BaseHTTPRequestHandler) -> None:
        with app.app_context():
            offer = Mentor.one(Mentor.id == bob_id)
            busy_calendars.connect(offer, host.url("/other.ics"), now=stripe.now())
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    host.pages[SECRET] = Page(act=change_it_meanwhile)
    busy_calendars.connect(bob, host.url(), now=stripe.now())
    busy_calendars.due(stripe.now())
    busy_calendars.read(bob_id, now=stripe.now())
    assert known(Mentor.one(Mentor.id == bob_id)).read_at is None
    assert db.session.query(BusyTime).count() == 0


def test_a_zone_that_nobody_knows_is_told(host: CalendarHost, bob: Mentor, stripe: Stripe):
    host.pages[SECRET] = Page(calendar(DENTIST.replace("Europe/Berlin", "Mars/Olympus")))
    busy_calendars.connect(bob, host.url(), now=stripe.now())
    jobs.run("read_calendars")
    assert known(bob).notice == "Nobody knows the time zone Mars/Olympus, so yours was taken."
    assert TOMORROW_AT_TEN not in free(bob, stripe)


@pytest.mark.parametrize(
    "address", ["http://calendar.example/x.ics", "https://ann:x@calendar.example/", "calendar", ""]
)
def test_what_is_no_address_is_refused_at_once(app: Flask, bob: Mentor, stripe: Stripe, address: str):
    with pytest.raises(Invalid, match="address") as refusal:
        busy_calendars.connect(bob, address, now=stripe.now())
    assert refusal.value.field == "address"


def test_without_being_configured_so_this_machine_is_never_asked(app: Flask, bob: Mentor, stripe: Stripe):
    with reachable() as host:
        pass  # and from here on it is not allowed any more
    busy_calendars.connect(bob, f"https://localhost:{host.port}/x.ics", now=stripe.now())
    assert jobs.run("read_calendars") == 0
    assert known(bob).problem == "The address has a port of its own, which is not asked."
    assert host.asked == []


def test_hundreds_of_appointments_are_all_heeded(bobs_calendar: CalendarHost, bob: Mentor, stripe: Stripe):
    often = "UID:{n}\nDTSTART:202606{day:02}T{hour:02}{minute:02}00Z\nDURATION:PT5M"
    halves = [(day, hour, minute) for day in (3, 4, 5) for hour in range(24) for minute in (0, 30)]
    later(bobs_calendar, stripe, *(often.format(n=n, day=d, hour=h, minute=m) for n, (d, h, m) in enumerate(halves)))
    assert known(bob).times == len(halves)
    assert {slot.date() for slot in free(bob, stripe, 30)}.isdisjoint({date(2026, 6, 3), date(2026, 6, 4)})
