"""A booking's own transaction against the very same SQL under pgbench; and eight processes that book in one SQLite.

Both sides are driven by as many clients, in turns, on equally empty tables of one PostgreSQL; the middle of the
rounds' ratios counts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import insert, text
from sqlalchemy.exc import OperationalError

from app import create_app
from app.actions import bookings
from app.actions.wishes import Wish
from app.extensions import db
from app.models.availability import WeeklyHours
from app.models.mentor import Mentor
from app.models.payment import Payment
from app.models.user import User
from bench import _pgbench
from tests.conftest import settings_for
from tests.databases import postgresql_url

WANTED = 0.25
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
FIRST_HOUR = NOW + timedelta(hours=2)
PAIRS = 40  # mentors, and as many mentees, of each client: the n-th booking is of pair n % PAIRS, in hour n // PAIRS
WARM = 20  # bookings before the clock starts: the library prepares a statement when it sees it for the sixth time
SQLITE_WRITERS = 8

# Ids that pgbench can compute, about as long as ours; the numbers of the client and of the pair or booking are added.
HOST, MENTOR, MENTEE, BOOKING, PAYMENT, OPERATION, FORM = (n * 10**18 for n in range(1, 8))
OF_CLIENT = 10**9
VARIABLES = {
    "of": f":client_id * {OF_CLIENT}",
    "pair": f":of + :n % {PAIRS}",
    "begin": f"{int(FIRST_HOUR.timestamp())} + 3600 * (:n / {PAIRS})",
    "host": f"{HOST} + :pair",
    "mentor": f"{MENTOR} + :pair",
    "mentee": f"{MENTEE} + :pair",
    "booking": f"{BOOKING} + :of + :n",
    "payment": f"{PAYMENT} + :of + :n",
    "operation": f"{OPERATION} + :of + :n",
    "form": f"{FORM} + :of + :n",
    "end": ":begin + 3600",
    "first": ":begin / 300",
    "last": ":end / 300 - 1",
    "n": ":n + 1",
}


def main(arguments: list[str]) -> int:
    """Print the figures; 0 when they are as wanted."""
    parser = argparse.ArgumentParser(prog="bench bookings")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--bookings", type=int, default=250, help="of each client in each round")
    options = parser.parse_args(arguments)
    ratio = _on_postgresql(options.rounds, options.clients, options.bookings)
    failed = _on_sqlite(options.bookings)
    return 0 if ratio >= WANTED and not failed else 1


def _on_postgresql(rounds: int, clients: int, count: int) -> float:
    url = postgresql_url("bench")
    with _market(url, clients) as app:
        script = _same_as_ours(app)
        ratios = []
        for n in range(rounds):
            sides = [lambda: _ours(url, clients, count), lambda: _theirs(url, script, clients, count)]
            rates = {}
            for side in (0, 1) if n % 2 else (1, 0):
                _empty(app)
                rates[side] = sides[side]()
            ratios.append(rates[0] / rates[1])
            print(f"round {n + 1}: {rates[0]:6.0f} bookings per second, pgbench {rates[1]:6.0f}: {ratios[-1]:.2f}")
    ratio = _pgbench.median_of(ratios)
    print(f"PostgreSQL, {clients} clients: {ratio:.2f} × pgbench (wanted: {WANTED})")
    return ratio


def _on_sqlite(count: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        with _market(url, SQLITE_WRITERS):
            runs = _run(url, SQLITE_WRITERS, count)
    failed, rate = sum(run.failed for run in runs), _rate(runs)
    longest = max(run.longest for run in runs)
    print(
        f"SQLite, {SQLITE_WRITERS} processes: {rate:.0f} bookings per second, the longest took {longest:.2f} s, ",
        end="",
    )
    print(f"{failed} failed locks (wanted: 0)")
    return failed


@contextmanager
def _market(url: str, clients: int) -> Iterator[Flask]:
    """An application on a new database with the mentors and mentees of all clients."""
    app = create_app(settings_for(url))
    with app.app_context():
        upgrade()
        for pair in (OF_CLIENT * client + n for client in range(clients) for n in range(PAIRS)):
            _settle(pair)
        db.session.commit()
        yield app
        db.session.remove()
        db.engine.dispose()


def _settle(pair: int) -> None:
    person = {"password_hash": "-", "time_zone": "Europe/Berlin", "is_operator": False, "created_at": NOW}
    host, mentor, mentee = str(HOST + pair), str(MENTOR + pair), str(MENTEE + pair)
    people = [{"id": who, "email": f"{who}@example.com", "name": f"Person {who}", **person} for who in (host, mentee)]
    offer = {"headline": "Python, calmly", "bio": "Twenty years of it.", "hourly_rate_minor": 8_000, "currency": "EUR"}
    week = [{"mentor_id": mentor, "weekday": day, "start_minute": 0, "end_minute": 1440} for day in range(7)]
    db.session.execute(insert(User), people)
    db.session.execute(
        insert(Mentor),
        [{"id": mentor, "user_id": host, "time_zone": "Europe/Berlin", "published": True, "created_at": NOW, **offer}],
    )
    db.session.execute(insert(WeeklyHours), week)


def _empty(app: Flask) -> None:
    """No booking, and nothing that came of one."""
    gone = [name for name in db.metadata.tables if name not in ("user_account", "mentor", "weekly_hours")]
    db.session.execute(text(f"TRUNCATE {', '.join(gone)}"))
    db.session.commit()


def _same_as_ours(app: Flask) -> str:
    """One booking is made and listened to; what changes from booking to booking becomes a variable."""
    _empty(app)
    with _pgbench.overheard(db.engine) as said:
        _, operation_id = _reserve(0, 0)
    payment = db.session.scalars(db.select(Payment)).one()
    booking = payment.booking
    begin, end = int(booking.starts_at.timestamp()), int(booking.ends_at.timestamp())
    grace = int((booking.complete_by - booking.ends_at).total_seconds())
    values = {
        booking.id: ":booking",
        payment.id: ":payment",
        operation_id: ":operation",
        str(HOST): ":host",
        str(MENTOR): ":mentor",
        str(MENTEE): ":mentee",
        booking.request_key: ":form",
        begin // 300: ":first",
        end // 300 - 1: ":last",
        booking.starts_at: "to_timestamp(:begin)",
        booking.ends_at: "to_timestamp(:end)",
        booking.complete_by: f"to_timestamp(:end + {grace})",
    }
    return _pgbench.script(said, VARIABLES, values)


def _theirs(url: str, script: str, clients: int, count: int) -> float:
    return _pgbench.run(url, script, clients=clients, transactions=count, n=0)


def _ours(url: str, clients: int, count: int) -> float:
    runs = _run(url, clients, count)
    assert not any(run.failed for run in runs)
    return _rate(runs)


@dataclass(frozen=True)
class Run:
    """What one client did between two moments of the machine's clock; the longest booking in seconds."""

    begun: float
    ended: float
    bookings: int
    longest: float
    failed: int


def _run(url: str, clients: int, count: int) -> list[Run]:
    """So many bookings by each of so many processes, which begin together."""
    context = get_context("spawn")
    with ProcessPoolExecutor(clients, context, initializer=_open, initargs=(url, context.Barrier(clients))) as pool:
        return [run.result() for run in [pool.submit(_book, client, count) for client in range(clients)]]


def _rate(runs: list[Run]) -> float:
    return sum(run.bookings for run in runs) / (max(run.ended for run in runs) - min(run.begun for run in runs))


def _open(url: str, together: Barrier) -> None:
    """A process has its own application, as under a web server."""
    global _together
    _together = together
    create_app(settings_for(url)).app_context().push()


def _book(client: int, count: int) -> Run:
    for n in range(WARM):
        _reserve(client, n)
    _together.wait()
    longest, failed, begun = 0.0, 0, time.monotonic()
    for n in range(WARM, WARM + count):
        before = time.monotonic()
        try:
            _reserve(client, n)
        except OperationalError:
            failed += 1
        longest = max(longest, time.monotonic() - before)
    return Run(begun, time.monotonic(), count, longest, failed)


def _reserve(client: int, n: int) -> tuple[str, str]:
    pair = client * OF_CLIENT + n % PAIRS
    wish = Wish(
        FIRST_HOUR + n // PAIRS * timedelta(hours=1),
        60,
        "Review of my parser",
        "It is slow.",
        str(FORM + client * OF_CLIENT + n),
    )
    reserved = bookings.reserve(str(MENTEE + pair), str(MENTOR + pair), wish, customer_id="cus_1", now=NOW)
    db.session.remove()  # as at the end of a request
    return reserved


_together: Barrier
