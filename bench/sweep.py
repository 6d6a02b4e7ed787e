"""How long the worker takes to find and claim what is due, among ten thousand bookings and among a million.

On PostgreSQL, the two databases in turns; medians count. One in fifty bookings holds money and is not due yet.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

from app import create_app
from app.actions import bookings, deadlines, leases, releases
from app.extensions import db
from tests.conftest import settings_for
from tests.databases import postgresql_url

FEW, MANY = 10_000, 1_000_000
WANTED_RATIO, WANTED_MS = 2.0, 5.0
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
WARM = 3  # batches before the clock is looked at

PEOPLE = """
INSERT INTO user_account (id, email, name, password_hash, time_zone, is_operator, created_at)
SELECT 'usr_' || n, 'p' || n || '@example.com', 'P' || n, 'x', 'UTC', false, :now FROM generate_series(0, 1999) n;
INSERT INTO mentor (id, user_id, headline, bio, hourly_rate_minor, currency, time_zone, published, created_at)
SELECT 'mtr_' || n, 'usr_' || n, 'Python', '', 8000, 'EUR', 'UTC', true, :now FROM generate_series(0, 999) n
"""
# The last of the bookings are due: their holds went stale an hour ago. Before them, of fifty one is held until later.
BOOKINGS = """
INSERT INTO booking (id, mentor_id, mentee_id, title, description, starts_at, ends_at, minutes, price_minor, currency,
    commission_bps, state, pay_by, complete_by, ended_because, request_key, created_at, version)
SELECT 'bk_' || md5(n::text), 'mtr_' || n % 1000, 'usr_' || 1000 + n % 1000, 'Review of my parser', 'It is slow.',
    starts, starts + interval '1 hour', 60, 8000, 'EUR', 1000,
    CASE WHEN n > :count - :due OR n % 50 = 0 THEN 'confirmed' WHEN n % 10 = 0 THEN 'cancelled' ELSE 'completed' END,
    starts - interval '1 day', starts + interval '49 hours', '', 'form-' || n, starts - interval '2 days', 1
FROM (SELECT n, :now + (n - :count) / 1000 * interval '1 hour' - interval '50 hours' AS starts
      FROM generate_series(1, :count) n) AS numbered;
INSERT INTO payment (id, booking_id, state, amount_minor, authorized_minor, captured_minor, refunded_minor, currency,
    intent_id, charge_id, capture_before, release_at, created_at, version)
SELECT 'pay_' || md5(id), id, CASE state WHEN 'confirmed' THEN 'authorized' WHEN 'cancelled' THEN 'voided'
    ELSE 'captured' END, 8000, 8000, CASE state WHEN 'completed' THEN 8000 ELSE 0 END, 0, 'EUR', 'pi_' || md5(id),
    'ch_' || md5(id), :now + interval '2 days',
    CASE WHEN substr(request_key, 6)::int > :count - :due THEN complete_by ELSE :now + interval '1 day' END,
    created_at, 1
FROM booking ORDER BY created_at;
INSERT INTO operation (id, kind, subject, params, api_version, state, by, because, attempt, key_spent, tries,
    lease_until, not_before, created_at, version)
SELECT 'op_' || md5(kind || id), kind, id, json_build_object('payment_intent', intent_id), 'v', 'done', 'mentor', '', 1,
    false, 1, 0, 0, created_at, 1
FROM payment, unnest(ARRAY['hold', 'capture']) AS kind WHERE state <> 'authorized';
INSERT INTO deadline (kind, subject, due_at) SELECT 'release', id, release_at FROM payment WHERE state = 'authorized'
"""
PENDING = """
INSERT INTO operation (id, kind, subject, params, api_version, state, by, because, attempt, key_spent, tries,
    lease_until, not_before, created_at, version)
SELECT 'op_due' || n, 'void', 'pay_due' || n, '{"payment_intent": "pi_1", "metadata": {}}', 'v', 'pending', 'system',
    '', 1, false, 0, 0, n, :now, 1 FROM generate_series(1, :due) n
"""


@dataclass(frozen=True)
class Look:
    """One kind of looking for what is due. ``claims``: what is found is gone from the next batch."""

    name: str
    batch: int
    find: Callable[[datetime], Sequence[object]]
    claims: bool = True


LOOKS = [
    Look("checkouts that took too long: found, none", 0, bookings.unpaid_too_long, claims=False),
    Look("forgotten holds: found, none", 0, releases.forgotten, claims=False),
    Look("stale holds: found and claimed", deadlines.BATCH, releases.stale),
    Look("pending operations: found and claimed", leases.BATCH, leases.claim),
]


def main(arguments: list[str]) -> int:
    """Print the figures; 0 when the claims are as wanted."""
    parser = argparse.ArgumentParser(prog="bench sweep")
    parser.add_argument("--few", type=int, default=FEW)
    parser.add_argument("--many", type=int, default=MANY)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args(arguments)
    sizes = (options.few, options.many)
    apps = [_furnished(size, (options.rounds + WARM) * deadlines.BATCH) for size in sizes]
    good = True
    print(f"{'median of a batch, in ms':50}  {sizes[0]:>9,}  {sizes[1]:>9,} bookings   ratio")
    for look in LOOKS:
        few, many = _in_turns(look, apps, options.rounds)
        print(f"{look.name:50}  {few:9.2f}  {many:9.2f}            {many / few:5.2f}" + f"  {look.batch or ''} rows")
        if look.claims:
            good &= many / few <= WANTED_RATIO and many <= WANTED_MS
    print(f"wanted of a claim: a ratio of at most {WANTED_RATIO}, {WANTED_MS:.0f} ms for a batch")
    return 0 if good else 1


def _furnished(count: int, due: int) -> Flask:
    """An application on a database of its own with so many bookings, of which the last are due."""
    begun = time.monotonic()
    app = create_app(settings_for(postgresql_url("bench")))
    values = {"count": count, "due": due, "now": NOW}
    with app.app_context():
        upgrade()
        with db.engine.begin() as connection:
            connection.execute(text("SET session_replication_role = replica"))  # nobody checks what is known to fit
            for statement in f"{PEOPLE};{BOOKINGS};{PENDING}".split(";"):
                names = {name for name in values if f":{name}" in statement}
                connection.execute(text(statement), {name: values[name] for name in names})
            connection.execute(text("SET session_replication_role = origin"))
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    print(f"{count:,} bookings made in {time.monotonic() - begun:.0f} s")
    return app


def _in_turns(look: Look, apps: list[Flask], rounds: int) -> tuple[float, ...]:
    """The median milliseconds of a batch, for each application; they take turns."""
    took: list[list[float]] = [[] for _ in apps]
    for turn in range(WARM + rounds):
        for app, times in zip(apps, took, strict=True):
            with app.app_context():
                db.session.connection()
                begun = time.perf_counter()
                found = look.find(NOW)
                elapsed = time.perf_counter() - begun
                db.session.rollback()
            assert len(found) == look.batch, f"{look.name}: {len(found)} found"
            if turn >= WARM:
                times.append(elapsed * 1000)
    return tuple(statistics.median(times) for times in took)
