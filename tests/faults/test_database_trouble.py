"""The database is full, read-only, locked or gone: everybody is told to come again, nothing is half done."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, func, make_url, select, text
from structlog.testing import capture_logs

from app import jobs
from app.extensions import db
from app.models.booking import Booking
from app.models.event import StripeEvent
from app.models.states import BookingState, EventState
from tests import people
from tests.faults.recovery import deliver, finish, knock
from tests.faults.truths import untruths
from tests.people import TOMORROW_AT_TEN
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

HOURS = 6
HALF_AN_HOUR = timedelta(minutes=30)
SHORT_WAITS = {"sqlite": "PRAGMA busy_timeout = 100", "postgresql": "SET lock_timeout = '100ms'"}
IDLE_IN_TRANSACTION = "idle_in_transaction_session_timeout"
EVERYTHING = "booking, payment, operation, stripe_event"

Trouble = Callable[[Flask], Any]


@contextmanager
def every_connection_does(statement: str) -> Iterator[None]:
    """New connections begin with ``statement``; the old ones are closed, before and after."""

    def do(connection: Any, _record: Any) -> None:
        connection.execute(statement)
        if isinstance(connection, psycopg.Connection):
            connection.commit()

    db.session.remove()
    db.engine.dispose()
    event.listen(db.engine, "connect", do)
    try:
        yield
    finally:
        event.remove(db.engine, "connect", do)
        db.session.remove()
        db.engine.dispose()


@contextmanager
def from_outside() -> Iterator[Any]:
    """A connection that is not the application's."""
    url = make_url(db.engine.url).set(drivername="postgresql")
    if db.engine.dialect.name == "sqlite":
        connection: Any = sqlite3.connect(db.engine.url.database or "", isolation_level=None)
    else:
        connection = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def full() -> Iterator[None]:
    if db.engine.dialect.name == "sqlite":
        pages = db.session.scalar(text("PRAGMA page_count"))
        with every_connection_does(f"PRAGMA max_page_count = {pages}"):
            yield
        return
    # What PostgreSQL says of a full disk, without one: SQLSTATE 53100.
    raising = "BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END"
    with from_outside() as connection:
        connection.execute(f"CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $${raising}$$")
        for table in ("ledger_entry", "stripe_event"):
            connection.execute(
                f"CREATE TRIGGER no_space BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_space()"
            )
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION no_space CASCADE")


@contextmanager
def read_only() -> Iterator[None]:
    on_sqlite = db.engine.dialect.name == "sqlite"
    with every_connection_does("PRAGMA query_only = ON" if on_sqlite else "SET default_transaction_read_only = on"):
        yield


@contextmanager
def locked() -> Iterator[None]:
    """By somebody who does not end his transaction."""
    dialect = db.engine.dialect.name
    with every_connection_does(SHORT_WAITS[dialect]), from_outside() as connection:
        connection.execute("BEGIN IMMEDIATE" if dialect == "sqlite" else "BEGIN")
        if dialect == "postgresql":
            connection.execute(f"LOCK TABLE {EVERYTHING} IN ACCESS EXCLUSIVE MODE")
        yield
        connection.execute("ROLLBACK")


@pytest.fixture
def held_hours(app: Flask, stripe: Stripe) -> list[str]:
    """Half-hours of Ann's with Bob that have taken place: their ids."""
    ann, bob = people.person("Ann"), people.mentor("Bob")
    for n in range(HOURS):
        starts_at = TOMORROW_AT_TEN + n * HALF_AN_HOUR
        people.paid(people.booked(ann, bob, stripe, starts_at=starts_at, minutes=30, key=f"form {n}"), stripe)
    stripe.wait_until(TOMORROW_AT_TEN + HOURS * HALF_AN_HOUR + timedelta(minutes=5))
    return list(db.session.scalars(select(Booking.id).order_by(Booking.starts_at)))


def big_event(stripe: Stripe, name: str) -> tuple[bytes, str]:
    """An event that needs some room, and its signature."""
    told = {"id": name, "type": "ping", "livemode": False, "data": {"object": {}}, "padding": "x" * 100_000}
    body = json.dumps(told).encode()
    return body, stripe.simulator.sign(body)


@pytest.mark.parametrize("trouble", [full, read_only, locked], ids=lambda trouble: trouble.__name__)
def test_everybody_is_told_to_come_again_and_nothing_is_half_done(
    trouble: Trouble, held_hours: list[str], app: Flask, stripe: Stripe
):
    bob = Browser(app.test_client()).log_in("bob@example.com")
    bob.get("/account")  # where the token of his forms is
    with trouble():
        answers = [bob.post(f"/mentor/bookings/{hour}/completion") for hour in held_hours]
        assert knock(app, *big_event(stripe, "evt_1")) == 503
        assert {answer.status_code for answer in answers} <= {302, 503}
        refused = [answer for answer in answers if answer.status_code == 503]
        assert refused
        assert "Our database does not answer" in refused[0].text
        assert "Nothing is charged twice" in refused[0].text
        assert "Traceback" not in refused[0].text
        if trouble is read_only:
            assert bob.get("/").status_code == 200, "what only reads goes on"
    assert db.session.scalar(select(func.count()).select_from(StripeEvent)) == 0
    finish()
    assert untruths(stripe) == []
    for hour in held_hours:
        assert bob.post(f"/mentor/bookings/{hour}/completion").status_code in (302, 409)
    assert knock(app, *big_event(stripe, "evt_1")) == 200
    db.session.rollback()
    assert set(db.session.scalars(select(Booking.state))) == {BookingState.COMPLETED}
    assert stripe.count("/capture") == HOURS
    assert untruths(stripe) == []


def test_the_worker_says_so_in_one_line_and_blames_no_row(held_hours: list[str], app: Flask, stripe: Stripe):
    stripe.client.v1.payment_intents.capture(stripe.intents()[0].id)  # in the dashboard: its events are news
    assert set(deliver(app, stripe)) == {200}
    before = [(row.id, row.tries, row.not_before) for row in received()]
    assert before
    crew = jobs.Crew(app, 2)
    with locked(), capture_logs() as logs:
        assert [crew.work(name) for name in ("finish_operations", "handle_events")] == [0, 0]
    crew.close()
    assert {entry["event"] for entry in logs if entry["log_level"] == "error"} == {"database"}
    assert not any(entry.get("exc_info") for entry in logs)
    assert [(row.id, row.tries, row.not_before) for row in received()] == before


def received() -> list[StripeEvent]:
    db.session.rollback()
    waiting = select(StripeEvent).where(StripeEvent.state == EventState.RECEIVED)
    return list(db.session.scalars(waiting.order_by(StripeEvent.id)))


def test_a_lock_is_waited_for_as_long_on_either_database_and_no_client_keeps_one_for_ever(app: Flask):
    if db.engine.dialect.name == "sqlite":
        assert db.session.scalar(text("PRAGMA busy_timeout")) == 10_000
        return
    settings = {name: db.session.scalar(text(f"SHOW {name}")) for name in ("lock_timeout", IDLE_IN_TRANSACTION)}
    assert settings == {"lock_timeout": "10s", IDLE_IN_TRANSACTION: "1min"}


def test_whoever_is_interrupted_while_a_transaction_begins_hears_of_nothing_else(app: Flask):
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    event.listen(db.engine, "before_cursor_execute", interrupted, once=True)
    with pytest.raises(KeyboardInterrupt):
        db.session.scalar(text("SELECT 1"))
    db.session.rollback()
    assert db.session.scalar(text("SELECT 1")) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("whose", ["the server's", "our own"])
def test_a_connection_that_was_closed_while_it_rested_is_left_before_it_is_used(whose: str, app: Flask):
    with db.engine.connect() as connection:
        resting: Any = connection.connection.dbapi_connection
        number = connection.scalar(text("SELECT pg_backend_pid()"))
    if whose == "our own":
        resting.close()
    else:
        with from_outside() as operator:
            operator.execute("SELECT pg_terminate_backend(%s, 10000)", [number])
    with db.engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != number
