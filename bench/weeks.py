"""How long the page of a mentor with 5,000 bookings takes, with the week to pick a time from.

Half of what the mentor offers in the next two months is taken, every other hour of eight a day; or all of it, so that
the first free time has to be looked for far ahead. The rest of the bookings is past. Asked in this process.
"""

from __future__ import annotations

import argparse
import time
from datetime import datetime, timedelta
from statistics import median

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import delete, insert, text

from app import create_app
from app.extensions import db
from app.kit import clock
from app.kit.calendar import cells
from app.models.availability import Lane, SlotClaim, WeeklyHours
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import BookingState
from app.models.user import User
from bench.pages import NOW, asking, booking_row
from tests.conftest import settings_for
from tests.databases import postgresql_url

WANTED_MS = 50
BOOKINGS, DAYS, OPENS, CLOSES = 5_000, 60, 9, 17  # in UTC, where this mentor is
HALF_HOUR = timedelta(minutes=30)


def main(arguments: list[str]) -> int:
    """Print the figures; 0 when they are as wanted."""
    parser = argparse.ArgumentParser(prog="bench weeks")
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args(arguments)
    url = postgresql_url("bench")
    app = create_app(settings_for(url))
    clock.use(lambda: NOW)
    with app.app_context():
        upgrade()
        _settle()
    return max(_measured(app, share, every, options.requests) for share, every in (("half", 2), ("all", 1)))


def _measured(app: Flask, share: str, every: int, requests: int) -> int:
    """Print the figure; 0 when it is as wanted."""
    with app.app_context():
        _book(every)
    ask, took = asking(app, "/mentors/mt_bob", user="us_ann"), []
    for _ in range(requests):
        begun = time.perf_counter()
        ask()
        took.append((time.perf_counter() - begun) * 1000)
    print(f"{share} of the next {DAYS} days taken: {median(took):.1f} ms (wanted: {WANTED_MS})")
    return int(median(took) > WANTED_MS)


def _settle() -> None:
    person = {"password_hash": "-", "is_operator": False, "created_at": NOW, "time_zone": "UTC"}
    names = [("us_bob", "Bob"), ("us_ann", "Ann")]
    db.session.execute(
        insert(User), [{**person, "id": each, "email": f"{each}@example.com", "name": name} for each, name in names]
    )
    offer = {"headline": "Python, calmly", "hourly_rate_minor": 8_000, "currency": "EUR", "time_zone": "UTC"}
    db.session.execute(
        insert(Mentor), [{"id": "mt_bob", "user_id": "us_bob", "published": True, "created_at": NOW, **offer}]
    )
    hours = {"mentor_id": "mt_bob", "start_minute": OPENS * 60, "end_minute": CLOSES * 60}
    db.session.execute(insert(WeeklyHours), [{**hours, "weekday": day} for day in range(7)])
    db.session.commit()


def _book(every: int) -> None:
    """``BOOKINGS`` in all; ahead, one hour of ``every`` that are offered is taken, by two of them."""
    db.session.execute(delete(SlotClaim))
    db.session.execute(delete(Booking))
    ahead = [at for n, at in enumerate(_offered()) if n // 2 % every == 0]
    ago = [NOW - (n + 1) * timedelta(hours=1) for n in range(BOOKINGS - len(ahead))]
    rows = [booking_row(n, at, BookingState.CONFIRMED, HALF_HOUR) for n, at in enumerate(ahead)]
    rows += [booking_row(len(ahead) + n, at, BookingState.COMPLETED, HALF_HOUR) for n, at in enumerate(ago)]
    db.session.execute(insert(Booking), [{**row, "mentee_id": "us_ann"} for row in rows])
    claims = [
        {"who": "us_bob", "cell": cell, "lane": Lane.SESSION, "booking_id": row["id"]}
        for row, at in zip(rows, ahead, strict=False)
        for cell in cells(at, at + HALF_HOUR)
    ]
    db.session.execute(insert(SlotClaim), claims)
    db.session.commit()
    db.session.execute(text("ANALYZE"))
    db.session.commit()


def _offered() -> list[datetime]:
    """The half hours of the days to come."""
    first = NOW.replace(hour=OPENS) + timedelta(days=1)
    of_a_day = range(2 * (CLOSES - OPENS))
    return [first + timedelta(days=day) + n * HALF_HOUR for day in range(DAYS) for n in of_a_day]
