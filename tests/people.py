"""Ann books, Bob mentors, and what they have done so far."""

from datetime import datetime, timedelta

from sqlalchemy import select

from app.actions import accounts, bookings, card_forms, letters, opening_hours, payments
from app.actions.wishes import Wish
from app.extensions import db
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.deadline import Deadline
from app.models.mail import Mail
from app.models.mentor import Mentor
from app.models.user import User
from tests.stripe_double import MONDAY, Stripe

PASSWORD = "correct horse battery"
ALL_WEEK = [(day, 0, 24 * 60) for day in range(7)]
TOMORROW_AT_TEN = MONDAY + timedelta(days=1, hours=2)
IN_A_MONTH = MONDAY + timedelta(days=30, hours=2)
HOUR = timedelta(hours=1)


def person(name: str, *, time_zone: str = "Europe/Berlin", operator: bool = False) -> User:
    return accounts.sign_up(
        name=name,
        email=f"{name.lower()}@example.com",
        password=PASSWORD,
        time_zone=time_zone,
        now=MONDAY,
        is_operator=operator,
    )


def mentor(
    name: str,
    rate: Money = Money(8_000, "EUR"),  # noqa: B008
    *,
    time_zone: str = "Europe/Berlin",
    terms: Terms = Terms.FLEXIBLE,
) -> Mentor:
    offered = accounts.Offer("Python, calmly", "Twenty years of it.", rate, time_zone, published=True, terms=terms)
    made = accounts.offer(person(name, time_zone=time_zone), offered, now=MONDAY)
    opening_hours.set_weekly(made, ALL_WEEK)
    return made


def wish(starts_at: datetime = TOMORROW_AT_TEN, *, minutes: int = 60, key: str = "one-form-one-booking") -> Wish:
    """With consent to save a card, of which only sessions far ahead make use."""
    return Wish(starts_at, minutes, "Review of my parser", "It is slow.", key, consent=True)


def booked(mentee: User, with_mentor: Mentor, stripe: Stripe, **wished: object) -> Booking:
    """An hour whose card has still to come."""
    return bookings.book(mentee, with_mentor, wish(**wished), now=stripe.now())  # type: ignore[arg-type]


def paid(booking: Booking, stripe: Stripe, card: str = "pm_card_visa") -> Booking:
    """The mentee's card is authorized, and we have seen it."""
    stripe.pay(booking, card)
    booking = fresh(booking)
    assert booking.payment is not None
    payments.check(booking.payment, now=stripe.now())
    return fresh(booking)


def saved(booking: Booking, stripe: Stripe, card: str = "pm_card_visa") -> Booking:
    """The card of an hour far ahead is saved, and we have seen it."""
    stripe.save(booking, card)
    booking = fresh(booking)
    assert booking.payment is not None
    card_forms.check(booking.payment, now=stripe.now())
    return fresh(booking)


def completed(booking: Booking, stripe: Stripe) -> Booking:
    """The session has taken place and its mentor said so."""
    stripe.wait_until(booking.ends_at + timedelta(minutes=5))
    bookings.complete(booking, now=stripe.now())
    return fresh(booking)


def fresh(booking: Booking) -> Booking:
    """The booking as the database has it now."""
    booking_id = booking.id
    db.session.rollback()
    db.session.expire_all()
    return Booking.one(Booking.id == booking_id)


def told(kind: str) -> dict[str, str]:
    """What was written of a kind, by name, as it is read."""
    db.session.rollback()
    mails = db.session.scalars(select(Mail).where(Mail.kind == kind))
    return {mail.person.name: " ".join(letters.compose(mail).text.split()) for mail in mails}


def deadlines_of(booking: Booking) -> set[str]:
    """The kinds of what is due of it, and of its payments, one day."""
    ids = [booking.id, *(payment.id for payment in fresh(booking).payments)]
    return set(db.session.scalars(select(Deadline.kind).where(Deadline.subject.in_(ids))))
