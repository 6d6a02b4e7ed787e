"""What people, the worker and Stripe's events do to an hour: acts that can be sent to any process of a crowd.

Each is a door: it asks what time it is, and does one thing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import stripe as library
from flask import current_app
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from app import jobs
from app.actions import (
    accounts,
    approvals,
    authorizations,
    bookings,
    cancellations,
    deadlines,
    opening_hours,
    payments,
    refunds,
    releases,
    reschedules,
)
from app.actions.deadlines import Due
from app.actions.transactions import atomically
from app.actions.wishes import Wish
from app.extensions import db
from app.kit import clock
from app.kit.errors import NotAllowed
from app.kit.money import Money
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import Party
from app.models.user import User
from tests import people
from tests.faults.recovery import knock
from tests.people import TOMORROW_AT_TEN
from tests.stripe_double import Stripe

HALF_AN_HOUR = timedelta(minutes=30)
A_PAIR = 40  # half-hours that one mentee books with one mentor; far more would not fit into the days ahead
PRICE = 4_000  # cents for half an hour


@dataclass(frozen=True)
class Hour:
    """A booking by what its rivals need to know of it; ``intent_id`` is empty while Stripe's answer is lost."""

    id: str
    intent_id: str
    pay_by: datetime
    complete_by: datetime

    @classmethod
    def of(cls, booking: Booking) -> "Hour":
        booking = people.fresh(booking)
        assert booking.payment is not None
        return cls(booking.id, booking.payment.intent_id or "", booking.pay_by, booking.complete_by)


def reserved(stripe: Stripe, count: int) -> list[Hour]:
    """Half-hours that wait for the card, of as many pairs of mentee and mentor as it takes."""
    hours, others = [], db.session.query(User).count()
    for n in range(count):
        if n % A_PAIR == 0:
            mentee, mentor = people.person(f"Ann{n}of{others}"), people.mentor(f"Bob{n}of{others}")
        starts_at = TOMORROW_AT_TEN + n % A_PAIR * HALF_AN_HOUR
        booking = people.booked(mentee, mentor, stripe, starts_at=starts_at, minutes=30, key=f"form {n}")
        hours.append(Hour.of(booking))
    return hours


def held(stripe: Stripe, count: int) -> list[Hour]:
    """Half-hours for whose price there is a hold."""
    hours = reserved(stripe, count)
    for hour in hours:
        people.paid(the(hour), stripe)
    return hours


def asked(stripe: Stripe, count: int) -> list[Hour]:
    """Half-hours for whose price there is a hold, and that their mentor has yet to accept."""
    hours = reserved(stripe, count)
    for hour in hours:
        accounts.set_approval(the(hour).mentor, approves=True)
        with atomically():
            Booking.locked(hour.id).needs_answer = True
        people.paid(the(hour), stripe)
    return hours


def saved(stripe: Stripe, count: int, card: str = "pm_card_visa") -> list[Hour]:
    """Half-hours in a month, for which a card is saved."""
    mentee, mentor = people.person("Ann"), people.mentor("Bob")
    hours = []
    for n in range(count):
        starts_at = people.IN_A_MONTH + n * HALF_AN_HOUR
        booking = people.booked(mentee, mentor, stripe, starts_at=starts_at, minutes=30, key=f"far form {n}")
        hours.append(Hour.of(people.saved(booking, stripe, card)))
    return hours


def charged(stripe: Stripe, count: int) -> list[Hour]:
    """Half-hours that were completed and paid."""
    hours = held(stripe, count)
    for hour in hours:
        bookings.complete(the(hour), now=hour.complete_by)
    return hours


def the(hour: Hour) -> Booking:
    """The booking as it is now."""
    db.session.rollback()
    return Booking.one(Booking.id == hour.id)


def complete(hour: Hour) -> None:
    bookings.complete(the(hour), now=clock.now())


def accept(hour: Hour) -> None:
    approvals.accept(the(hour), now=clock.now())


def decline(hour: Hour) -> None:
    approvals.decline(the(hour), now=clock.now())


def lapse(hour: Hour) -> None:
    """A worker comes by whose clock may be a little ahead."""
    answer_by = the(hour).answer_by
    assert answer_by is not None
    approvals.lapse(Due(deadlines.ANSWER, hour.id), now=max(clock.now(), answer_by))


def change_ones_mind(hour: Hour) -> None:
    """The mentee takes a request back."""
    call_off(hour, Party.MENTEE)


def report_no_show(hour: Hour) -> None:
    bookings.report_no_show(the(hour), now=clock.now())


def call_off(hour: Hour, by: Party = Party.MENTOR, quoted: str = f"{PRICE}-0-0") -> None:
    cancellations.cancel(the(hour), by=by, quoted=quoted, now=clock.now())


def take_back(hour: Hour, by: Party = Party.MENTOR) -> None:
    """Call off what is completed: the charge is given back."""
    call_off(hour, by, f"0-{PRICE}-0")


def give_part_back(hour: Hour, cents: int) -> None:
    """An operator refunds some of what was charged, having just read how much was refunded before."""
    payment = the(hour).payment
    assert payment is not None
    refunds.give_back(
        payment,
        Money(cents, "EUR"),
        by=Party.OPERATOR,
        because="half of it took place",
        refunded=payment.refunded,
        now=clock.now(),
    )


def give_up(hour: Hour) -> None:
    """The mentee calls off what is not paid yet."""
    call_off(hour, Party.MENTEE, "0-0-0")


def ask_bank(hour: Hour) -> None:
    """A worker comes by that has just read what is due of the hour's saved card."""
    payment = the(hour).payment
    assert payment is not None
    for reached in authorizations.due(clock.now()):
        if reached.subject == payment.id:
            authorizations.take_up(reached, now=clock.now())


def expire(hour: Hour) -> None:
    """A worker comes by that has just read of the hour, in both of its lists."""
    bookings.expire(hour.id, now=clock.now())
    payment = the(hour).payment
    assert payment is not None
    releases.release(payment.id, now=clock.now())


def look(hour: Hour) -> None:
    """The page to which the mentee's browser comes back asks Stripe."""
    payments.learn(hour.intent_id, now=clock.now())


def enter_card(hour: Hour, secret: str) -> None:
    """The mentee's browser gives Stripe the card, and the bank says yes; unless the intent was given up already."""
    settings = current_app.extensions["settings"]
    browser = library.StripeClient("pk_test_platform", base_addresses={"api": settings.stripe_api})
    try:
        browser.v1.payment_intents.confirm(
            hour.intent_id,
            {"client_secret": secret, "payment_method": "pm_card_visa", "return_url": "http://localhost/return"},  # type: ignore[typeddict-unknown-key]
        )
    except library.InvalidRequestError as refused:
        if refused.code != "payment_intent_unexpected_state":
            raise


def refund_in_dashboard(hour: Hour, cents: int) -> None:
    settings = current_app.extensions["settings"]
    dashboard = library.StripeClient("sk_test_platform", base_addresses={"api": settings.stripe_api})
    try:
        dashboard.v1.refunds.create({"payment_intent": hour.intent_id, "amount": cents})
    except library.InvalidRequestError as refused:
        if refused.code != "charge_already_refunded":
            raise


def hear(body: bytes, signature: str) -> None:
    """Stripe knocks."""
    status = knock(current_app._get_current_object(), body, signature)  # type: ignore[attr-defined]
    assert status == 200, status


def work(*names: str) -> None:
    """A worker does these jobs, one after the other."""
    for name in names or ("finish_operations",):
        jobs.run(name)


def book(mentee: str, mentor: str, wish: Wish) -> None:
    bookings.book(User.one(User.id == mentee), Mentor.one(Mentor.id == mentor), wish, now=clock.now())


def agree_to_move(hour: Hour, reschedule_id: str) -> None:
    """The mentor agrees to what the mentee has proposed."""
    reschedules.accept(the(hour), reschedule_id, by=Party.MENTOR, now=clock.now())


def ask_another_price(mentor: str, cents: int) -> None:
    """The mentor wants ``cents`` for an hour from now on."""
    row = Mentor.one(Mentor.id == mentor)
    offered = accounts.Offer(
        row.headline, row.bio, Money(cents, row.currency), row.time_zone, published=True, terms=row.terms
    )
    accounts.offer(row.user, offered, now=clock.now())


def open_hours(mentor: str, *hours: tuple[int, int, int]) -> None:
    """The mentor's week gets these hours instead of those before."""
    opening_hours.set_weekly(Mentor.one(Mentor.id == mentor), hours)


def delete_account(user: str) -> None:
    """By hand: the application has no way to. The database lets it happen only to whom nothing refers."""
    try:
        with db.engine.begin() as connection:
            connection.execute(delete(User).where(User.id == user))
    except IntegrityError as refused:
        raise NotAllowed("Somebody's money hangs on it.") from refused
