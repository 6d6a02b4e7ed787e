"""A mentor's dashboard of 25 out of 10,000 bookings against the same page from plain SQL, and its last page.

Both sides answer in this process, by turns, the same request with the same template, and their pages are compared
letter by letter. The plain side hands rows of a bare psycopg connection to the template: nothing of the
application's stands in between, neither its guard nor its models.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from types import SimpleNamespace
from typing import Any

import psycopg
from flask import Flask, g, render_template, request, session
from flask_migrate import upgrade
from psycopg.rows import namedtuple_row
from sqlalchemy import insert, text
from werkzeug.test import EnvironBuilder

from app import create_app
from app.extensions import db
from app.kit import clock
from app.kit.money import Money
from app.models.booking import Booking
from app.models.ledger import Balance
from app.models.mentor import Mentor
from app.models.states import ENDED_BOOKING, BookingState
from app.models.user import User
from app.web import pages
from tests.conftest import settings_for
from tests.databases import postgresql_url

WANTED_OF_PLAIN, WANTED_OF_FIRST = 0.35, 0.8
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
AGO, COMING, MENTEES = 2, 5, 200
ZONES = ("Europe/Berlin", "Asia/Tokyo", "America/New_York", "Europe/London")
TOKEN = re.compile(rb'name="csrf_token" value="[^"]+"')  # it tells the time

Ask = Callable[[], bytes]


def main(arguments: list[str]) -> int:
    """Print the figures; 0 when they are as wanted."""
    parser = argparse.ArgumentParser(prog="bench pages")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=60, help="of each page in each round")
    parser.add_argument("--past", type=int, default=10_000, help="bookings")
    options = parser.parse_args(arguments)
    url = postgresql_url("bench")
    ours = create_app(settings_for(url))
    clock.use(lambda: NOW)
    with ours.app_context():
        upgrade()
        _settle(options.past)
        db.session.remove()
    plain = _plain(url)
    last = _walk(ours, options.past // pages.SIZE)
    first, other, later = asking(ours, "/mentor/"), asking(plain, "/mentor/"), asking(ours, last)
    assert TOKEN.sub(b"", first()) == TOKEN.sub(b"", other()), "the two pages are not the same"
    of_plain, of_first = [], []
    for n in range(options.rounds):
        ms = {
            name: each * 1000 for name, each in _times(options.requests, first=first, plain=other, last=later).items()
        }
        of_plain.append(ms["plain"] / ms["first"])
        of_first.append(ms["first"] / ms["last"])
        print(f"round {n + 1}: plain SQL {ms['plain']:.1f} ms, ours {ms['first']:.1f} ms, page 400 {ms['last']:.1f} ms")
    print(f"a dashboard is as fast as {median(of_plain):.2f} × plain SQL (wanted: {WANTED_OF_PLAIN})")
    print(f"page 400 is as fast as {median(of_first):.2f} × page 1 (wanted: {WANTED_OF_FIRST})")
    return 0 if median(of_plain) >= WANTED_OF_PLAIN and median(of_first) >= WANTED_OF_FIRST else 1


def _times(count: int, **asks: Ask) -> dict[str, float]:
    """The median seconds that each takes, asked by turns."""
    took: dict[str, list[float]] = {name: [] for name in asks}
    for _ in range(count):
        for name, ask in asks.items():
            begun = time.perf_counter()
            ask()
            took[name].append(time.perf_counter() - begun)
    return {name: median(each) for name, each in took.items()}


def asking(app: Flask, path: str, *, user: str = "us_bob") -> Ask:
    """Somebody's request for a page, as the web server would hand it over."""
    client = app.test_client()
    with client.session_transaction() as kept:
        kept.update({"_user_id": user, "_fresh": True, "csrf_token": "0" * 40})
    cookie = client.get_cookie("session")
    assert cookie is not None
    environ = EnvironBuilder(path, headers={"Cookie": f"session={cookie.value}"}).get_environ()

    def ask() -> bytes:
        statuses: list[str] = []
        page = b"".join(app.wsgi_app(environ.copy(), lambda status, _headers, _exc=None: statuses.append(status)))  # type: ignore[arg-type]
        assert statuses == ["200 OK"], statuses
        return page

    return ask


def _walk(app: Flask, turns: int) -> str:
    """Click through all pages, so many; the address of the last."""
    path, seen = "/mentor/", 1
    while following := re.search(rb'href="(/mentor/\?after=[^"]+)"', asking(app, path)()):
        path, seen = following[1].decode(), seen + 1
    assert seen == turns, seen
    return path


def booking_row(n: int, starts_at: datetime, state: BookingState, length: timedelta = HOUR) -> dict[str, object]:
    """Bob's booking of that number."""
    return {
        "id": f"bk_{n:018}",
        "mentor_id": "mt_bob",
        "mentee_id": f"us_{n % MENTEES}",
        "title": f"Review of my parser, part {n}",
        "description": "It is slow. " * 20,
        "starts_at": starts_at,
        "ends_at": starts_at + length,
        "minutes": length // MINUTE,
        "price_minor": 8_000 + n % 50,
        "currency": "EUR",
        "commission_bps": 1_000,
        "state": state,
        "pay_by": starts_at,
        "complete_by": starts_at + timedelta(hours=49),
        "request_key": f"the-form-number-{n}",
        "created_at": starts_at - timedelta(days=1),
    }


def _settle(past: int) -> None:
    """Bob, who has been a mentor for years, and everyone who booked him."""
    person = {"password_hash": "-", "is_operator": False, "created_at": NOW, "time_zone": "Europe/Berlin"}
    mentees = [
        {**person, "id": f"us_{n}", "email": f"{n}@example.com", "name": f"Mentee {n}", "time_zone": ZONES[n % 4]}
        for n in range(MENTEES)
    ]
    db.session.execute(insert(User), [{**person, "id": "us_bob", "email": "bob@example.com", "name": "Bob"}, *mentees])
    offer = {"headline": "Python, calmly", "hourly_rate_minor": 8_000, "currency": "EUR", "time_zone": "Europe/Berlin"}
    db.session.execute(
        insert(Mentor), [{"id": "mt_bob", "user_id": "us_bob", "published": True, "created_at": NOW, **offer}]
    )
    hours = [(-3 - n, ENDED_BOOKING[n % 4]) for n in range(past)]
    hours += [(-1 - n, BookingState.CONFIRMED) for n in range(AGO)]
    hours += [(2 + n, BookingState.CONFIRMED) for n in range(COMING)]
    db.session.execute(
        insert(Booking), [booking_row(n, NOW + hour * HOUR, state) for n, (hour, state) in enumerate(hours)]
    )
    db.session.execute(insert(Balance), [{"account": "mentor:mt_bob:pending", "currency": "EUR", "minor": 7_200}])
    db.session.commit()
    db.session.execute(text("ANALYZE"))
    db.session.commit()


def _plain(url: str) -> Flask:
    """The application with another view of the dashboard, and nothing that comes before it."""
    app = create_app(settings_for(url))
    clock.use(lambda: NOW)
    app.before_request_funcs.clear()
    connection: Any = psycopg.connect(url, autocommit=True, row_factory=namedtuple_row)
    app.view_functions["mentor.dashboard"] = lambda: _plain_dashboard(connection)
    return app


BOOKINGS = """
    SELECT booking.id, booking.state, title, starts_at, minutes, price_minor, currency, complete_by,
           mentee.name AS mentee_name, mentee.time_zone AS mentee_zone
    FROM booking JOIN user_account AS mentee ON mentee.id = mentee_id
    WHERE mentor_id = %s AND {} LIMIT {}
"""
LIVE = BOOKINGS.format("booking.state = 'confirmed' ORDER BY starts_at", 50)
ASKED = BOOKINGS.format("booking.state = 'requested' ORDER BY starts_at", 50)
ENDED = BOOKINGS.format(
    "booking.state IN ('completed', 'cancelled', 'no_show', 'expired') ORDER BY starts_at DESC, booking.id DESC",
    pages.SIZE + 1,
)

PROPOSALS = """
    SELECT booking_id, starts_at, until FROM reschedule
    WHERE booking_id = ANY(%s) AND state = 'move_proposed' AND by <> 'mentor' AND until > %s
"""
OBJECTIONS = """
    SELECT objection.booking_id, raised_at, objection.answer_by FROM objection JOIN booking ON booking.id = booking_id
    WHERE objection.state = 'with_mentor' AND mentor_id = %s ORDER BY raised_at LIMIT 50
"""


def _plain_dashboard(connection: Any) -> str:
    me = connection.execute(
        "SELECT user_account.id, email, name, user_account.time_zone, is_operator, mentor.id AS mentor_id, "
        "hourly_rate_minor, currency, published FROM user_account JOIN mentor ON mentor.user_id = user_account.id "
        "WHERE user_account.id = %s",
        (session["_user_id"],),
    ).fetchone()
    person = SimpleNamespace(**me._asdict(), is_mentor=True, is_authenticated=True)
    person._get_current_object = lambda: person
    g._login_user = person
    live = [_shown(row) for row in connection.execute(LIVE, (me.mentor_id,))]
    ended = [_shown(row) for row in connection.execute(ENDED, (me.mentor_id,))]
    asked = [_shown(row) for row in connection.execute(ASKED, (me.mentor_id,))]
    proposed = connection.execute(PROPOSALS, ([each.id for each in live], NOW))
    accounts = [f"mentor:{me.mentor_id}:{purse}" for purse in ("pending", "available")]
    owed = connection.execute("SELECT * FROM balance WHERE account = ANY(%s) ORDER BY currency", (accounts,))
    balances: dict[str, dict[str, Money]] = {}
    for row in owed:
        of = balances.setdefault(row.currency, dict.fromkeys(("pending", "available"), Money(0, row.currency)))
        of[row.account.rpartition(":")[2]] = Money(row.minor, row.currency)
    last = ended[pages.SIZE - 1]
    return render_template(
        "mentor/dashboard.html",
        profile=SimpleNamespace(
            id=me.mentor_id, published=me.published, hourly_rate=Money(me.hourly_rate_minor, me.currency)
        ),
        asked=asked,
        to_complete=[each for each in live if each.starts_at <= NOW],
        upcoming=[each for each in live if each.starts_at > NOW],
        page=SimpleNamespace(
            items=ended[: pages.SIZE], next=f"{request.path}?after={pages._encoded(last.starts_at, last.id)}"
        ),
        proposals={row.booking_id: row for row in proposed},
        objections=connection.execute(OBJECTIONS, (me.mentor_id,)).fetchall(),
        balances=balances,
    )


def _shown(row: Any) -> SimpleNamespace:
    return SimpleNamespace(
        id=row.id,
        state=SimpleNamespace(value=row.state),
        title=row.title,
        starts_at=row.starts_at,
        minutes=row.minutes,
        price=Money(row.price_minor, row.currency),
        complete_by=row.complete_by,
        mentee=SimpleNamespace(name=row.mentee_name, time_zone=row.mentee_zone),
    )
