"""However many rows there are, a page asks the database as often, and its pages show each row once."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, insert

from app.actions import opening_hours
from app.extensions import db
from app.kit.calendar import cells
from app.models.availability import ExceptionKind, Lane, SlotClaim, WeeklyHours
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.payment import Payment
from app.models.states import ENDED_BOOKING, LIVE_BOOKING, BookingState, Party, PaymentState
from app.models.user import User
from app.web import pages
from tests.statements import overheard
from tests.stripe_double import MONDAY
from tests.web.conftest import Browser

Open = Callable[..., Browser]

B, P = BookingState, PaymentState
MOST = {"/mentee/": 5, "/mentor/": 7, "/operator/": 10}  # statements, however long the lists are

PAID_AS = {
    B.PENDING_PAYMENT: P.NEEDS_CARD,
    B.REQUESTED: P.AUTHORIZED,
    B.CONFIRMED: P.AUTHORIZED,
    B.COMPLETED: P.CAPTURED,
    B.CANCELLED: P.VOIDED,
    B.NO_SHOW: P.VOIDED,
    B.EXPIRED: P.LAPSED,
}


def many_bookings(mentee: User, mentor: Mentor, count: int, *, first: int = 0) -> None:
    """Bookings in every state, several at each moment, so that ids have to break the tie."""
    states = list(BookingState)
    bookings, payments = [], []
    for n in range(first, first + count):
        state = states[n % len(states)]
        hours = n if state in LIVE_BOOKING else n // 4  # a mentor's live sessions never overlap
        starts_at = MONDAY + timedelta(hours=hours) * (1 if n // len(states) % 2 else -1)
        row = {"created_at": MONDAY, "currency": "EUR", "version": 1}
        ended = {"ended_by": Party.MENTEE, "ended_because": "it was called off"} if state in ENDED_BOOKING else {}
        bookings.append(
            {
                **row,
                "id": f"bk_{n:06}",
                "mentor_id": mentor.id,
                "mentee_id": mentee.id,
                "title": f"Session {n:06}",
                "description": "",
                "starts_at": starts_at,
                "ends_at": starts_at + timedelta(hours=1),
                "minutes": 60,
                "price_minor": 8_000,
                "commission_bps": 1_000,
                "state": state,
                "pay_by": MONDAY + timedelta(minutes=15),
                "complete_by": starts_at + timedelta(hours=49),
                "answer_by": starts_at if state == B.REQUESTED else None,
                "request_key": f"the-form-number-{n:06}",
                "ended_by": None,
                "ended_because": "",
                **ended,
            }
        )
        payments.append(
            {
                **row,
                "id": f"pay_{n:06}",
                "booking_id": f"bk_{n:06}",
                "state": PAID_AS[state],
                "amount_minor": 8_000,
                "authorized_minor": 8_000,
                "captured_minor": 8_000 if state == B.COMPLETED else 0,
                "refunded_minor": 0,
            }
        )
    db.session.execute(insert(Booking), bookings)
    db.session.execute(insert(Payment), payments)
    db.session.commit()


def many_mentors(count: int, *, first: int = 0, at: Callable[[int], datetime] = lambda n: MONDAY) -> None:
    rows = range(first, first + count)
    users = [
        {
            "id": f"us_{n:06}",
            "email": f"mentor{n}@example.com",
            "name": f"Mentor {n:06}",
            "password_hash": "-",
            "time_zone": "UTC",
            "is_operator": False,
            "created_at": MONDAY,
        }
        for n in rows
    ]
    mentors = [
        {
            "id": f"mt_{n:06}",
            "user_id": f"us_{n:06}",
            "headline": "Python",
            "bio": "",
            "hourly_rate_minor": 8_000,
            "currency": "EUR",
            "time_zone": "UTC",
            "published": True,
            "created_at": at(n),
        }
        for n in rows
    ]
    hours = [
        {"mentor_id": f"mt_{n:06}", "weekday": day, "start_minute": 540, "end_minute": 1_020}
        for n in rows
        for day in range(5)
    ]
    db.session.execute(insert(User), users)
    db.session.execute(insert(Mentor), mentors)
    db.session.execute(insert(WeeklyHours), hours)
    db.session.commit()


def asked_by(app: Flask, who: Browser, path: str) -> int:
    db.session.rollback()
    with overheard(db.engine) as asked:
        assert who.get(path).status_code == 200
    return len(asked)


def walked(who: Browser, path: str, more: str) -> Iterator[Sequence[str]]:
    """The titles on every page, from the first to the last."""
    who.get(path)
    for _ in range(100):
        yield [words for words, href in who.page.links if words.startswith(("Session 0", "Mentor 0"))]
        if not any(more in words for words, _ in who.page.links):
            return
        who.click(more)
    raise AssertionError("there is no end")


def test_dashboards_ask_as_often_for_ten_bookings_as_for_a_thousand(
    app: Flask, ann: User, bob: Mentor, olga: User, browser: Open
):
    whose = {"/mentee/": "ann", "/mentor/": "bob", "/operator/": "olga"}
    people = {path: browser(f"{name}@example.com") for path, name in whose.items()}
    many_bookings(ann, bob, 10)
    few = {path: asked_by(app, people[path], path) for path in whose}
    many_bookings(ann, bob, 990, first=10)
    many = {path: asked_by(app, people[path], path) for path in whose}
    assert many == few
    assert [path for path in whose if many[path] > MOST[path]] == []


@pytest.mark.parametrize(
    ("name", "path", "states"),
    [("ann", "/mentee/", ENDED_BOOKING), ("bob", "/mentor/", ENDED_BOOKING), ("olga", "/operator/", tuple(B))],
    ids=["mentee", "mentor", "operator"],
)
def test_the_pages_of_a_dashboard_show_every_booking_once(
    ann: User, bob: Mentor, olga: User, browser: Open, name: str, path: str, states: tuple[BookingState, ...]
):
    many_bookings(ann, bob, 150)
    expected = [f"Session {n:06}" for n in range(150) if list(B)[n % len(B)] in states]
    theirs = browser(f"{name}@example.com")
    theirs.get(path)
    shown: list[str] = []
    for n, titles in enumerate(walked(theirs, path, "Show earlier ones")):
        listed = [title for title in titles if list(B)[int(title[-6:]) % len(B)] in states]
        assert n == 0 or len(listed) <= pages.SIZE
        shown += listed
    assert sorted(shown) == expected


def test_the_list_of_mentors_asks_as_often_for_three_as_for_thirty(app: Flask, browser: Open):
    someone = browser()
    many_mentors(3)
    few = asked_by(app, someone, "/")
    many_mentors(27, first=3)
    many = asked_by(app, someone, "/")
    assert many == few <= 5  # mentors, their weeks, the exceptions, their own calendars, what is taken


@pytest.mark.parametrize("spread", [0, 1, 333_333], ids=["all at once", "a microsecond apart", "apart"])
def test_the_pages_of_mentors_show_every_mentor_once(app: Flask, browser: Open, spread: int):
    begin = datetime.fromisoformat("2026-06-01T08:00:00.123457+00:00")
    many_mentors(65, at=lambda n: begin + timedelta(microseconds=spread * n))
    shown = [name for names in walked(browser(), "/", "Show more mentors") for name in names]
    assert shown == [f"Mentor {n:06}" for n in range(65)]


def test_a_mentors_page_asks_as_often_when_the_week_is_full(
    app: Flask, ann: User, bob: Mentor, browser: Open, held_hour: Booking
):
    opening_hours.set_rules(bob, opening_hours.Rules(horizon_days=7))
    anns = browser("ann@example.com")
    empty = asked_by(app, anns, f"/mentors/{bob.id}")
    week = cells(MONDAY, MONDAY + timedelta(days=7))
    db.session.execute(delete(SlotClaim))
    db.session.execute(
        insert(SlotClaim),
        [{"who": bob.user_id, "cell": cell, "lane": Lane.SESSION, "booking_id": held_hour.id} for cell in week],
    )
    db.session.commit()
    assert (
        asked_by(app, anns, f"/mentors/{bob.id}") == empty <= 6
    )  # me, the mentor, their week, the exceptions, their own calendar, what is taken
    assert "Nothing free" in anns.words


def test_a_mentors_page_asks_as_often_after_five_thousand_bookings(app: Flask, ann: User, bob: Mentor, browser: Open):
    opening_hours.set_rules(bob, opening_hours.Rules(buffer_before=15, daily_cap=8))
    today = MONDAY.date()
    for day in range(50):
        off = opening_hours.Span(ExceptionKind.OFF, today + timedelta(days=9 + day), today + timedelta(days=9 + day))
        opening_hours.make_exception(bob, off, now=MONDAY)
    anns = browser("ann@example.com")
    empty = asked_by(app, anns, f"/mentors/{bob.id}")
    many_bookings(ann, bob, 5_000)
    assert empty <= 7  # those above, and the places of the days
    # The first two weeks are full: one has to look twice as far ahead, and farther still, until the horizon.
    assert asked_by(app, anns, f"/mentors/{bob.id}") <= empty + 2 * 4


def test_a_bookings_page_asks_a_bounded_number_of_times(app: Flask, olga: User, completed_hour: Booking, browser: Open):
    anns, bobs, olgas = browser("ann@example.com"), browser("bob@example.com"), browser("olga@example.com")
    assert asked_by(app, anns, f"/mentee/bookings/{completed_hour.id}") <= 10
    assert asked_by(app, bobs, f"/mentor/bookings/{completed_hour.id}") <= 10
    assert asked_by(app, olgas, f"/operator/bookings/{completed_hour.id}") <= 11


def test_a_page_that_was_made_up_is_not_there(
    app: Flask, ann: User, olga: User, bob: Mentor, browser: Open, subtests: pytest.Subtests
):
    anns, bobs, olgas = browser("ann@example.com"), browser("bob@example.com"), browser("olga@example.com")
    made_up = [
        "",
        "x",
        "é",
        "%00",
        "====",
        "LjEuMg",
        "MS5ia18x" * 3_000,
        "bmFuLmJrXzE",  # nan.bk_1
        "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTkuYmtfMQ",  # a year that no calendar has
        "LTk5OTk5OTk5OTk5OTk5OTk5OTkuYmtfMQ",  # and one before all calendars
    ]
    for who, path in ((anns, "/"), (anns, "/mentee/"), (bobs, "/mentor/"), (olgas, "/operator/")):
        for cursor in made_up:
            with subtests.test(f"{path} {cursor[:20]!r}"):
                assert who.get(f"{path}?after={cursor}").status_code == 404
        with subtests.test(f"{path} NUL in the id"):
            assert who.get(f"{path}?after=MTc4MDMwMDgwMDAwMDAwMC5iawBf").status_code in (200, 404)
