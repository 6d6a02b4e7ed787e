"""Hours of mentoring, one after the other, each with its own end: what is interrupted by power cuts and crashes."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

from app import jobs
from app.actions import bookings, cancellations
from app.extensions import db
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import Party
from app.models.user import User
from tests import people
from tests.stripe_double import Stripe

SOON = timedelta(hours=2)


def live(file: Path, stripe: Stripe, hours: int, *, between: Callable[[], object]) -> None:
    """Let Ann book ``hours`` hours with Bob on SQLite, each ending as the next of :data:`ENDS` says.

    Meanwhile the database is read, checkpointed, closed and opened again. ``between`` is called after time has passed.
    """
    people.person("Ann"), people.mentor("Bob")
    for n in range(hours):
        with somebody_reading(file) if n % 3 == 1 else nullcontext():
            one_more(stripe, n)
            if n % 2:
                checkpoint(file, ("PASSIVE", "RESTART", "TRUNCATE")[n % 3])
        stripe.wait(timedelta(hours=1))
        between()
        if n % 8 == 7:
            db.session.remove()
            db.engine.dispose()  # the last one to leave empties SQLite's log and deletes it


def one_more(stripe: Stripe, n: int) -> None:
    db.session.rollback()
    starts_at = (stripe.now() + SOON).replace(minute=0)
    hour = people.booked(User.one(User.name == "Ann"), Mentor.one(), stripe, starts_at=starts_at, key=f"form {n}")
    ENDS[n % len(ENDS)](hour, stripe)


@contextmanager
def somebody_reading(file: Path) -> Iterator[None]:
    """What one reads stays in SQLite's log until one has finished."""
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM booking").fetchone()
        yield


def checkpoint(file: Path, mode: str) -> None:
    """What every thousandth page of the log brings about; while somebody reads, it goes only so far."""
    db.session.rollback()
    with closing(sqlite3.connect(file, timeout=0)) as connection:
        connection.execute(f"PRAGMA wal_checkpoint({mode})")


def complete(hour: Booking, stripe: Stripe) -> None:
    people.completed(people.paid(hour, stripe), stripe)


def refund(hour: Booking, stripe: Stripe) -> None:
    done = people.completed(people.paid(hour, stripe), stripe)
    cancellations.cancel(done, by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())


def call_off(hour: Booking, stripe: Stripe) -> None:
    held = people.paid(hour, stripe)
    cancellations.cancel(held, by=Party.MENTEE, quoted="8000-0-0", now=stripe.now())


def report_no_show(hour: Booking, stripe: Stripe) -> None:
    held = people.paid(hour, stripe)
    stripe.wait_until(held.ends_at)
    bookings.report_no_show(held, now=stripe.now())


def never_pay(hour: Booking, stripe: Stripe) -> None:
    stripe.wait_until(hour.pay_by)
    jobs.run("expire_checkouts")


ENDS: tuple[Callable[[Booking, Stripe], None], ...] = (complete, call_off, refund, never_pay, report_no_show)
