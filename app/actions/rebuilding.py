"""Making rows again that were lost, from what is written on a PaymentIntent or SetupIntent and its Customer.

Yesterday's backup knows nothing of what was booked since; Stripe does. The booking comes back as it was, people who
are new since then too (without a password), and :func:`app.actions.payments.agree` takes the payment to where Stripe
is, its ledger entries included. Where a card was only saved, :func:`app.actions.saved_cards.agree` does.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select

from app.actions import accounts, alarms, claims, endings, labels, meetings, operations, payments, saved_cards
from app.actions.claims import Rest, Slot
from app.actions.labels import BookingLabel, Cause, PersonLabel
from app.actions.transactions import atomically, or_else, outside
from app.extensions import db
from app.gateways.stripe_gateway import stripe_gateway
from app.gateways.stripe_objects import SAVED, SUPERSEDED, Intent, Setup
from app.kit.errors import GatewayRefused, NotFound, SlotTaken, Unexplained
from app.kit.money import Money
from app.models.availability import Lane
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.payment import Payment
from app.models.states import FLOW, LIVE_PAYMENT, BookingState, Party, PaymentState
from app.models.user import User

TAKEN = "taken"  # the kind of alarm about an hour that somebody else has now


@dataclass(frozen=True)
class Lost:
    """What is known of a booking that we do not have; and of its mentee, if we do not have them either."""

    source: Intent | Setup
    label: BookingLabel
    price: Money
    newcomer: PersonLabel | None
    password_hash: str


def rebuild(intent: Intent, *, now: datetime) -> bool:
    """Make booking, payment, claims and ledger entries again; False if they are there.

    If somebody else has the time by now, the booking comes back as cancelled and its hold is released.
    Raises: Unexplained with the reason if it can belong to no booking; GatewayDown.
    """
    label = labels.booking_of(intent.metadata)
    is_new = _make(intent, label, intent.amount, _end_of(intent), now=now)
    if label.setup is not None:
        with suppress(NotFound, GatewayRefused):
            saved_cards.learn(label.setup, now=now)  # by which the card is known that will be asked again
    return is_new


def rebuild_saved(setup: Setup, *, now: datetime) -> bool:
    """The same of a SetupIntent, whose PaymentIntent, if there is one, knows more."""
    label = labels.booking_of(setup.metadata)
    outside()
    intent = stripe_gateway().find_intent_for(setup.customer_id, label.payment) if setup.customer_id else None
    if intent is not None and intent.cancellation_reason != SUPERSEDED:  # else the saved card stands in for it
        return rebuild(intent, now=now)
    return _make(setup, label, labels.price_of(setup.metadata), labels.cause_of_giving_up(setup), now=now)


def _make(source: Intent | Setup, label: BookingLabel, price: Money, ended: Cause | None, *, now: datetime) -> bool:
    newcomer = _newcomer(source, label)
    lost = Lost(source, label, price, newcomer, accounts.no_password() if newcomer else "")
    try:
        return _write(lost, ended, now=now)
    except SlotTaken:
        return _write(lost, Cause(None, Party.SYSTEM, endings.GIVEN_AWAY, BookingState.CANCELLED, now), now=now)


def _newcomer(source: Intent | Setup, label: BookingLabel) -> PersonLabel | None:
    """The mentee as Stripe knows them, if we do not. Raises: Unexplained if neither does; GatewayDown."""
    known = db.session.scalar(select(exists().where(User.id == label.mentee)))
    outside()
    if known:
        return None
    customer = stripe_gateway().customer(source.customer_id) if source.customer_id else None
    person = labels.person_of(customer.metadata) if customer is not None else None
    if person is None or person.user != label.mentee:
        raise Unexplained(f"Its mentee {label.mentee} is known neither here nor at Stripe.")
    return person


def _end_of(intent: Intent) -> Cause | None:
    """How the booking has ended, as its PaymentIntent tells; None if it lives."""
    match intent.status:
        case "succeeded":
            told, otherwise = labels.cause_of(intent.metadata, labels.CAPTURE), BookingState.COMPLETED
            at = intent.charge.created if intent.charge else intent.created
        case "canceled":
            told, otherwise = labels.cause_of_cancel(intent), BookingState.CANCELLED
            at = intent.canceled_at or intent.created
        case _:
            return None
    return told or Cause(None, Party.STRIPE, endings.IN_DASHBOARD, otherwise, at)


def _write(lost: Lost, ended: Cause | None, *, now: datetime) -> bool:
    source, label = lost.source, lost.label
    with atomically():
        if _is_here(source, label):
            return False
        booking = db.session.get(Booking, label.booking)
        if booking is None:
            booking = _booking(lost, ended)
        elif any(payment.state in LIVE_PAYMENT for payment in booking.payments):
            raise Unexplained(f"Its booking {label.booking} is paid in another way.")
        payment = Payment(
            id=label.payment,
            booking_id=booking.id,
            intent_id=source.id if isinstance(source, Intent) else None,
            setup_id=source.id if isinstance(source, Setup) else label.setup,
            amount_minor=lost.price.minor,
            currency=lost.price.currency,
            authorize_at=label.authorize_at,
            created_at=label.asked_at,
        )
        db.session.add(payment)
        db.session.flush()
        learned_at = min(now, ended.at) if ended else now
        if isinstance(source, Intent):
            payments.agree(payment, source, now=learned_at)
        else:
            saved_cards.agree(payment, source, now=learned_at)
        if ended is not None and ended.because == endings.GIVEN_AWAY:
            _let_go(payment, booking, now=now)
    return True


def _is_here(source: Intent | Setup, label: BookingLabel) -> bool:
    """Raises: Unexplained if the payment is here with another PaymentIntent: this one is one too many."""
    rows = db.session.scalars(select(Payment).where((Payment.id == label.payment) | (Payment.intent_id == source.id)))
    known = [payment.intent_id for payment in rows]
    if isinstance(source, Intent) and known and source.id not in known and None not in known:
        raise Unexplained(f"Its payment {label.payment} has another PaymentIntent ({known[0]}).")
    return bool(known)


def _booking(lost: Lost, ended: Cause | None) -> Booking:
    """The booking in its end, or in its beginning with its time claimed. Raises: SlotTaken, Unexplained."""
    label = lost.label
    mentor = db.session.get(Mentor, label.mentor)
    if mentor is None:
        raise Unexplained(f"Its mentor {label.mentor} is not known here any more.")
    mentee = _mentee(lost)
    booking = Booking(
        id=label.booking,
        mentor_id=mentor.id,
        mentee_id=mentee.id,
        title=label.title,
        starts_at=label.starts_at,
        ends_at=label.starts_at + timedelta(minutes=label.minutes),
        minutes=label.minutes,
        price_minor=lost.price.minor,
        currency=lost.price.currency,
        commission_bps=label.commission_bps,
        terms=label.terms,
        free_until=label.free_until,
        state=BookingState.PENDING_PAYMENT,
        pay_by=label.pay_by,
        complete_by=label.complete_by,
        request_key=label.request_key,
        needs_answer=label.needs_answer,
        meeting_url=meetings.place_for(mentor),
        created_at=label.created_at,
    )
    if ended is not None:
        _end(booking, ended, lost.source)  # before it is written: an ended booking is in nobody's way
    with or_else(SlotTaken("Somebody else has that time now.")):
        if ended is None:
            # Without buffers or a place in the day: a session that is paid for is not lost to somebody's rest.
            slot = Slot(booking.starts_at, booking.ends_at)
            claims.take(slot, booking.id, mentor=mentor.user_id, mentee=mentee.id, rest=Rest(), lanes=[Lane.SESSION])
        db.session.add(booking)
    return booking


def _mentee(lost: Lost) -> User:
    """The mentee, made again if need be. Raises: Unexplained."""
    label, newcomer = lost.label, lost.newcomer
    made_before = select(Booking.id).where(Booking.mentee_id == label.mentee, Booking.request_key == label.request_key)
    if (other := db.session.scalar(made_before)) is not None:
        raise Unexplained(f"What its mentee asked for has been booked as {other} since.")
    user = db.session.get(User, label.mentee)
    if user is None:
        if newcomer is None:
            raise Unexplained(f"Its mentee {label.mentee} is not known here any more.")
        if User.with_email(newcomer.email) is not None:
            raise Unexplained(f"Its mentee's address {newcomer.email} has another log-in here by now.")
        user = User(
            id=newcomer.user,
            email=newcomer.email,
            name=newcomer.name,
            password_hash=lost.password_hash,
            time_zone=newcomer.time_zone,
            created_at=newcomer.created_at,
        )
        db.session.add(user)
        db.session.flush()
    if user.stripe_customer_id is None and _is_nobodys(lost.source.customer_id):
        user.stripe_customer_id = lost.source.customer_id
    return user


def _is_nobodys(customer_id: str | None) -> bool:
    return not db.session.scalar(select(exists().where(User.stripe_customer_id == customer_id)))


def _end(booking: Booking, ended: Cause, source: Intent | Setup) -> None:
    confirmed_at = _confirmed_at(booking, source)
    state = ended.ends_as or BookingState.COMPLETED
    if confirmed_at is not None:
        # Of a request that came to nothing, nobody knows any more whether it had been accepted.
        asked = booking.needs_answer and state in FLOW[BookingState.REQUESTED]
        stood = BookingState.REQUESTED if asked else BookingState.CONFIRMED
        booking.move_to(stood, now=min(confirmed_at, ended.at), by=Party.MENTEE)
    booking.move_to(state, now=ended.at, by=ended.by, because=ended.because)
    booking.ended_by, booking.ended_because, booking.ended_at = ended.by, ended.because, ended.at


def _confirmed_at(booking: Booking, source: Intent | Setup) -> datetime | None:
    """When a booking that has ended had been confirmed, as far as can be seen; None if it never was."""
    if isinstance(source, Setup):
        return source.created if source.status == SAVED else None
    if source.charge is not None and source.charge.accepted:
        return source.charge.created
    return booking.created_at if "setup" in source.metadata else None  # it stood on a saved card that was declined


def _let_go(payment: Payment, booking: Booking, *, now: datetime) -> None:
    """The hour of a booking that nobody knew of is somebody else's by now."""
    if payment.state == PaymentState.NEEDS_CARD and operations.unsettled(payment.id) is None:
        because = booking.ended_because
        saved_cards.give_up(payment, by=Party.SYSTEM, now=now, ends_as=booking.state, because=because)
    alarms.raise_about(
        TAKEN,
        payment.intent_id or payment.setup_id or payment.id,
        f"{booking.mentee.name}'s hour with {booking.mentor.name} ({booking.id}) was lost with our records, and its "
        f"time given to somebody else. It is cancelled and its {payment.amount} released: please tell them.",
        now=now,
    )
