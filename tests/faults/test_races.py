"""Two or more at the same instant: one effect, and everybody is told something true."""

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask

from app import jobs
from app.actions import bookings, payments
from app.extensions import db
from app.kit.errors import Failure, IllegalMove, SlotTaken
from app.models.booking import Booking
from app.models.event import StripeEvent
from app.models.mentor import Mentor
from app.models.states import BookingState, Party
from app.models.user import User
from tests import people
from tests.faults.recovery import finish, knock
from tests.faults.truths import untruths
from tests.people import TOMORROW_AT_TEN
from tests.stripe_double import Stripe

ROUNDS = int(os.environ.get("ROUNDS", "10"))  # at most 50: each takes a slot of the few days that can be booked
HALF_AN_HOUR = timedelta(minutes=30)
B = BookingState

Act = Callable[[], object]


def at_once(app: Flask, *acts: Act) -> list[Failure | None]:
    """Let go of all at the same instant, each in a thread, session and context of its own; what each was told.

    Anything but a failure of our own is a bug, and raised.
    """
    db.session.rollback()
    gate = threading.Barrier(len(acts))

    def one(act: Act) -> Failure | None:
        with app.app_context():
            gate.wait()
            try:
                act()
            except Failure as failure:
                return failure
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return [running.result() for running in [pool.submit(one, act) for act in acts]]


def held_hours(app: Flask, stripe: Stripe) -> list[str]:
    """Ids of held half-hours of Ann with Bob, one after the other."""
    ann, bob = people.person("Ann"), people.mentor("Bob")
    ids = []
    for n in range(ROUNDS):
        starts_at = TOMORROW_AT_TEN + n * HALF_AN_HOUR
        hour = people.booked(ann, bob, stripe, starts_at=starts_at, minutes=30, key=f"form {n}")
        ids.append(people.paid(hour, stripe).id)
    return ids


def the(booking_id: str) -> Booking:
    return Booking.one(Booking.id == booking_id)


def complete(booking_id: str) -> Act:
    """At the last moment at which it is possible, which is also the first at which it can expire."""
    return lambda: bookings.complete(the(booking_id), now=the(booking_id).complete_by)


def call_off(booking_id: str, quoted: str = "4000-0", by: Party = Party.MENTOR) -> Act:
    return lambda: bookings.cancel(the(booking_id), by=by, quoted=quoted, now=the(booking_id).complete_by)


def expire(booking_id: str) -> Act:
    return lambda: bookings.expire(booking_id, now=the(booking_id).complete_by)


def work() -> Act:
    return lambda: jobs.run("finish_operations")


def ends_of(ids: list[str]) -> set[BookingState]:
    db.session.rollback()
    return {the(booking_id).state for booking_id in ids}


def test_two_tabs_that_complete_make_one_capture(app: Flask, stripe: Stripe):
    ids = held_hours(app, stripe)
    for one in ids:
        told = at_once(app, complete(one), complete(one), work())
        assert sum(isinstance(failure, IllegalMove) for failure in told) == 1
    finish()
    assert ends_of(ids) == {B.COMPLETED}
    assert stripe.count("/capture") == ROUNDS
    assert untruths(stripe) == []


@pytest.mark.parametrize(
    ("rivals", "ends"),
    [
        ((complete, call_off), {B.COMPLETED, B.CANCELLED}),
        ((call_off, expire), {B.CANCELLED, B.EXPIRED}),
        ((complete, expire), {B.COMPLETED, B.EXPIRED}),
        ((complete, call_off, expire), {B.COMPLETED, B.CANCELLED, B.EXPIRED}),
    ],
    ids=lambda given: "_against_".join(act.__name__ for act in given) if isinstance(given, tuple) else "",
)
def test_of_two_ends_one_happens(rivals: tuple[Callable[[str], Act], ...], ends: set[B], app: Flask, stripe: Stripe):
    ids = held_hours(app, stripe)
    for one in ids:
        told = at_once(app, *(rival(one) for rival in rivals), work())
        assert all(failure is None or isinstance(failure, IllegalMove) for failure in told)
    finish()
    assert ends_of(ids) <= ends
    assert stripe.count("/capture") + stripe.count("/cancel") == ROUNDS
    assert untruths(stripe) == []


def test_two_who_take_back_a_completed_session_refund_it_once(app: Flask, stripe: Stripe):
    ids = held_hours(app, stripe)
    for one in ids:
        complete(one)()
        at_once(app, call_off(one, "0-4000"), call_off(one, "0-4000", Party.OPERATOR), work())
    finish()
    assert ends_of(ids) == {B.CANCELLED}
    assert stripe.count("/v1/refunds") == ROUNDS
    assert untruths(stripe) == []


def test_a_form_that_is_sent_twice_makes_one_booking_and_one_customer(app: Flask, stripe: Stripe):
    bob = people.mentor("Bob").id
    for n in range(ROUNDS):
        mentee = people.person(f"Mentee{n}").id
        wish = people.wish(TOMORROW_AT_TEN + n * HALF_AN_HOUR, minutes=30, key="the form")

        def submit(mentee: str = mentee, wish: bookings.Wish = wish) -> None:
            bookings.book(User.one(User.id == mentee), Mentor.one(Mentor.id == bob), wish, now=stripe.now())

        told = at_once(app, submit, submit)
        assert told.count(None) >= 1
    finish()
    assert len(stripe.intents()) == db.session.query(Booking).count() == ROUNDS
    assert untruths(stripe) == []


@pytest.mark.parametrize("later", [timedelta(0), HALF_AN_HOUR], ids=["the_same_time", "an_overlapping_time"])
def test_of_two_mentees_who_want_a_mentors_time_one_gets_it(later: timedelta, app: Flask, stripe: Stripe):
    mentors = [people.mentor(f"Bob{n}").id for n in range(ROUNDS)]
    ann, cho = people.person("Ann").id, people.person("Cho").id
    dia = people.mentor("Dia")
    for n, mentee in enumerate((ann, cho)):  # so that Stripe knows both as customers
        person = User.one(User.id == mentee)
        people.booked(person, dia, stripe, starts_at=TOMORROW_AT_TEN - (2 + n) * HALF_AN_HOUR, minutes=30)
    for n, mentor in enumerate(mentors):
        starts_at = TOMORROW_AT_TEN + n * 3 * HALF_AN_HOUR

        def wants(mentee: str, at: timedelta, mentor: str = mentor, n: int = n, starts_at=starts_at) -> Act:  # type: ignore[no-untyped-def]
            wish = people.wish(starts_at + at, key=f"form {n}")
            return lambda: bookings.book(
                User.one(User.id == mentee), Mentor.one(Mentor.id == mentor), wish, now=stripe.now()
            )

        told = at_once(app, wants(ann, timedelta(0)), wants(cho, later))
        assert sorted(type(failure).__name__ for failure in told) == ["NoneType", SlotTaken.__name__]
    assert len(stripe.intents()) == 2 + ROUNDS
    assert untruths(stripe) == []


def test_a_mentee_cannot_be_in_two_sessions_however_fast(app: Flask, stripe: Stripe):
    ann, bob, dia = people.person("Ann").id, people.mentor("Bob").id, people.mentor("Dia").id
    people.booked(User.one(User.id == ann), Mentor.one(Mentor.id == bob), stripe)
    for n in range(1, ROUNDS + 1):
        starts_at = TOMORROW_AT_TEN + n * people.HOUR

        def wants(mentor: str, n: int = n, starts_at=starts_at) -> Act:  # type: ignore[no-untyped-def]
            wish = people.wish(starts_at, key=f"form {n} {mentor}")
            return lambda: bookings.book(
                User.one(User.id == ann), Mentor.one(Mentor.id == mentor), wish, now=stripe.now()
            )

        told = at_once(app, wants(bob), wants(dia))
        assert sorted(type(failure).__name__ for failure in told) == ["NoneType", SlotTaken.__name__]
    assert untruths(stripe) == []


def test_two_mentors_who_book_each_other_at_once_both_get_their_hours(app: Flask, stripe: Stripe):
    bob, dia = people.mentor("Bob"), people.mentor("Dia")
    people.booked(bob.user, dia, stripe, starts_at=TOMORROW_AT_TEN - people.HOUR)
    people.booked(dia.user, bob, stripe, starts_at=TOMORROW_AT_TEN - 2 * people.HOUR)
    ids = bob.id, dia.id
    for n in range(ROUNDS):

        def wants(me: str, other: str, half: int, n: int = n) -> Act:
            wish = people.wish(TOMORROW_AT_TEN + (2 * n + half) * HALF_AN_HOUR, minutes=30, key=f"form {n}")
            return lambda: bookings.book(
                Mentor.one(Mentor.id == me).user, Mentor.one(Mentor.id == other), wish, now=stripe.now()
            )

        assert at_once(app, wants(*ids, half=0), wants(*reversed(ids), half=1)) == [None, None]
    assert untruths(stripe) == []


def test_a_look_a_knock_and_the_worker_at_once_confirm_a_booking_once(app: Flask, stripe: Stripe):
    ann, bob = people.person("Ann"), people.mentor("Bob")
    ids = []
    for n in range(ROUNDS):
        hour = people.booked(ann, bob, stripe, starts_at=TOMORROW_AT_TEN + n * people.HOUR, key=f"form {n}")
        ids.append(hour.id)
        stripe.pay(hour)
        event = stripe.simulator.events_since(None)[-1]
        body = json.dumps(event).encode()
        intent_id = stripe.intent_of(hour).id
        told = at_once(
            app,
            lambda intent_id=intent_id: payments.learn(intent_id, now=stripe.now()),
            lambda intent_id=intent_id: payments.learn(intent_id, now=stripe.now()),
            lambda body=body: knock(app, body, stripe.simulator.sign(body)),
            work(),
        )
        assert told == [None] * 4
    assert ends_of(ids) == {B.CONFIRMED}
    assert untruths(stripe) == []


def test_an_event_that_comes_fifty_times_at_once_is_one_row(app: Flask, stripe: Stripe, anns_hour: Booking):
    stripe.pay(anns_hour)
    event = stripe.simulator.events_since(None)[-1]
    body = json.dumps(event).encode()
    signature = stripe.simulator.sign(body)
    answers: list[int] = []
    at_once(app, *[lambda: answers.append(knock(app, body, signature))] * 50)
    assert answers == [200] * 50
    assert db.session.query(StripeEvent).count() == 1
    finish()
    assert people.fresh(anns_hour).state == B.CONFIRMED
    assert untruths(stripe) == []
