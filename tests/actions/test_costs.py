"""What cannot be gated by time on a shared machine is counted: statements, connections, failed locks."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from random import Random
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from app.actions import bookings, opening_hours
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User
from stripe_simulator.server import Server
from tests import people
from tests.conftest import settings_for
from tests.faults.crowds import Crowd
from tests.people import HOUR, TOMORROW_AT_TEN
from tests.statements import overheard
from tests.stripe_double import Stripe
from tests.web.test_long_lists import many_mentors

THREADS, CALLS = 4, 100
WRITERS, BOOKINGS_EACH = 8, 10


@contextmanager
def times_of(name: str) -> Iterator[list[str]]:
    """One for each time that it happens meanwhile: ``commit`` or ``connect``."""
    times: list[str] = []

    def note(*_: Any) -> None:
        times.append(name)

    event.listen(db.engine, name, note)
    try:
        yield times
    finally:
        event.remove(db.engine, name, note)


class Counting(Server):
    """A simulator at a socket that counts who comes."""

    accepted = 0

    def get_request(self) -> tuple[socket.socket, Any]:
        self.accepted += 1
        return super().get_request()


@pytest.fixture
def door(stripe: Stripe) -> Iterator[Counting]:
    server = Counting(stripe.simulator, "127.0.0.1", 0)
    serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    yield server
    server.shutdown()
    serving.join()
    server.server_close()


def side_by_side(act: Any) -> None:
    """Do it ``CALLS`` times in ``THREADS`` threads, as a web server would."""
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(act) for _ in range(CALLS)]:
            done.result()


@pytest.mark.parametrize("minutes", [30, 90])
def test_a_booking_is_five_statements_in_one_transaction(
    app: Flask, ann: User, bob: Mentor, stripe: Stripe, minutes: int
):
    """The offer, the claims of both people, the booking, the payment, the operation."""
    ann_id, bob_id = ann.id, bob.id
    db.session.rollback()
    with overheard(db.engine) as statements, times_of("commit") as commits:
        bookings.reserve(ann_id, bob_id, people.wish(minutes=minutes), customer_id="cus_ann", now=stripe.now())
    assert len(statements) == 5
    assert len(commits) == 1


def test_a_daily_cap_costs_a_booking_one_statement_more(app: Flask, ann: User, bob: Mentor, stripe: Stripe):
    """The places of the day."""
    opening_hours.set_rules(bob, opening_hours.Rules(buffer_before=30, buffer_after=30, daily_cap=3))
    ann_id, bob_id = ann.id, bob.id
    db.session.rollback()
    with overheard(db.engine) as statements:
        bookings.reserve(ann_id, bob_id, people.wish(), customer_id="cus_ann", now=stripe.now())
    assert len(statements) == 6


def test_from_the_form_to_stripe_and_back_is_a_bounded_number_of_statements_and_one_call(
    app: Flask, ann: User, bob: Mentor, stripe: Stripe
):
    people.booked(ann, bob, stripe)
    ann_id, bob_id, calls = ann.id, bob.id, len(stripe.simulator.requests())
    db.session.rollback()
    db.session.expunge_all()
    with overheard(db.engine) as statements:
        people.booked(
            User.one(User.id == ann_id),
            Mentor.one(Mentor.id == bob_id),
            stripe,
            starts_at=TOMORROW_AT_TEN + HOUR,
            key="another form",
        )
    assert len(statements) <= 18  # 5 to read and decide, 5 to reserve, 8 to carry out, settle and show
    assert len(stripe.simulator.requests()) == calls + 1


def test_a_hundred_pages_open_no_more_connections_to_the_database_than_there_are_threads(app: Flask, bob: Mentor):
    address = f"/mentors/{bob.id}"
    db.session.rollback()
    db.engine.dispose()

    def look() -> None:
        assert app.test_client().get(address).status_code == 200

    with times_of("connect") as opened:
        side_by_side(look)
    assert 1 <= len(opened) <= THREADS


def test_a_hundred_calls_open_no_more_connections_to_stripe_than_there_are_threads(door: Counting):
    """The library keeps one for each thread."""
    gateway = StripeGateway("sk_test_platform", api=f"http://127.0.0.1:{door.server_address[1]}")
    side_by_side(gateway.account_id)
    assert len(door.simulator.requests()) == CALLS
    assert 1 <= door.accepted <= THREADS


def book_many(mentee_id: str, mentor_id: str, now: datetime) -> None:
    """One writer's share, without a pause."""
    for n in range(BOOKINGS_EACH):
        wish = people.wish(TOMORROW_AT_TEN + n * HOUR / 2, minutes=30, key=f"form {n}")
        bookings.reserve(mentee_id, mentor_id, wish, customer_id="cus_1", now=now)


@pytest.mark.faults
def test_eight_processes_that_book_at_once_never_meet_a_failed_lock(app: Flask, database_url: str, stripe: Stripe):
    many_mentors(2 * WRITERS)  # who book one another
    db.session.remove()
    db.engine.dispose()
    crowd = Crowd(settings_for(database_url), size=WRITERS, chance=Random(1))
    try:
        acts = [partial(book_many, f"us_{WRITERS + n:06}", f"mt_{n:06}", stripe.now()) for n in range(WRITERS)]
        assert crowd.at_once(*acts, now=stripe.now()) == [None] * WRITERS
    finally:
        crowd.close()
    assert db.session.query(Booking).count() == WRITERS * BOOKINGS_EACH
