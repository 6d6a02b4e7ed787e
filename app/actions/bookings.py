"""What people do with an hour: book it and complete it; and what happens when nobody does."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select

from app.actions import (
    availability,
    confirmations,
    customers,
    endings,
    operations,
    payments,
    places,
    saved_cards,
    timetables,
    trials,
    wishes,
)
from app.actions.transactions import atomically, or_else, unbroken
from app.actions.wishes import Wish
from app.extensions import db
from app.kit.errors import IllegalMove, Invalid, NotFound, SlotTaken
from app.models.booking import PLACES, TRIALS, Booking
from app.models.mentor import Mentor
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, Party
from app.models.user import User

BATCH = 100

Decision = TypeVar("Decision")


def book(mentee: User, mentor: Mentor, wish: Wish, *, now: datetime) -> Booking:
    """Reserve the mentor's time for the length of the checkout and begin to ask for the card.

    Raises: Invalid, SlotTaken; GatewayDown if Stripe does not know the mentee yet and cannot be reached (then
    nothing is reserved). If only the PaymentIntent has to wait, the booking stands and the worker goes on.
    """
    earlier = _made_before(mentee.id, wish)
    if earlier is not None:
        return earlier
    if mentor.user_id == mentee.id:
        raise Invalid("You cannot book yourself.")
    mentee_id, mentor_id = mentee.id, mentor.id
    try:
        wishes.planned(availability.check_open(mentor, wish.starts_at, wish.minutes, now=now, viewer=mentee), wish, now)
        customer_id = None if wish.is_trial else customers.ensure(mentee, now=now)
        booking_id, operation_id = reserve(mentee_id, mentor_id, wish, customer_id=customer_id, now=now)
    except SlotTaken:
        earlier = _made_before(mentee_id, wish)  # "somebody" may be the same form, sent twice at once
        if earlier is None:
            raise
        return earlier
    if operation_id is not None:  # if Stripe does not answer, the pay page says so and the slot is held
        operations.attempt(operation_id, now=now)
    return Booking.one(Booking.id == booking_id)


@unbroken
def reserve(
    mentee_id: str, mentor_id: str, wish: Wish, *, customer_id: str | None, now: datetime
) -> tuple[str, str | None]:
    """Take the time of both, and write down the booking, its payment and the operation that will ask for the card;
    of a free trial, for which there is no customer, the booking.

    All of it or nothing; booking and operation are told by their ids. There is no lock: whoever is second to a
    minute, to a place in the mentor's day or to the form's key, is refused by the database. Raises: Invalid, SlotTaken.
    """
    with atomically():
        timetable = timetables.around(mentor_id, wish.starts_at)
        slot = timetable.check(wish.starts_at, wish.minutes, now=now)
        timetable.check_not_busy(slot)
        planned = wishes.planned(slot, wish, now)
        place = places.next_on_day(timetable, slot.starts_at)
        booking = wishes.draw_up(wish, slot, planned, place, mentee_id=mentee_id, mentor=timetable.mentor, now=now)
        with or_else(SlotTaken(availability.FASTER), again=(PLACES, TRIALS)):
            timetable.claim(slot, booking.id, mentee=mentee_id)
            booking.insert()
        if customer_id is None:
            confirmations.secured(Booking.locked(booking.id), None, now=now)
            return booking.id, None
        if planned.authorize_at is None:
            return booking.id, payments.hold(booking, customer_id=customer_id, now=now).id
        at = planned.authorize_at
        return booking.id, saved_cards.ask(booking, customer_id=customer_id, authorize_at=at, now=now).id


def complete(booking: Booking, *, now: datetime) -> None:
    """Close a session that took place and capture its whole price.

    Raises: IllegalMove before it has started, after its deadline or if it ended another way; Busy; GatewayDown.
    """

    def capture(payment: Payment, booking: Booking) -> Operation:
        _check_uncontested(booking)
        return begin_completion(payment, booking, now=now)

    if booking.is_trial:
        check = _unless(cannot_complete, now)
        ended, because = BookingState.COMPLETED, trials.TOOK_PLACE
        return trials.end(booking.id, ended, by=Party.MENTOR, because=because, check=check, now=now)
    return operations.execute(decided(booking.id, capture).id, now=now)


def begin_completion(payment: Payment, booking: Booking, *, now: datetime) -> Operation:
    """Write down the capture of the whole price; both are locked. Raises: IllegalMove, Busy."""
    booking.check_move(BookingState.COMPLETED)
    reason = cannot_complete(booking, now=now)
    if reason is not None:
        raise IllegalMove(reason)
    return payments.start(
        payments.CAPTURE,
        payment,
        by=Party.MENTOR,
        now=now,
        amount=booking.price,
        ends_as=BookingState.COMPLETED,
        because="the session took place",
    )


def cannot_complete(booking: Booking, *, now: datetime) -> str | None:
    """Why a confirmed session cannot be completed now; None if it can."""
    if now < booking.starts_at:
        return "The session has not started yet."
    if now < booking.ends_at and booking.agreed_done_at is None:
        return f"Before its end, a session can only be completed once {booking.mentee.name} agrees that you are done."
    if now > booking.complete_by:
        return "The time to complete this session is over; the reservation is being released."
    return None


@unbroken
def agree_done(booking: Booking, *, now: datetime) -> None:
    """Take the mentee's word that the session is done, so that it can be completed before its planned end."""
    with atomically():
        row = Booking.locked(booking.id)
        row.check_move(BookingState.COMPLETED)
        if now < row.starts_at:
            raise IllegalMove("The session has not started yet.")
        row.agreed_done_at = row.agreed_done_at or now


def report_no_show(booking: Booking, *, now: datetime) -> None:
    """Close a session whose mentee did not come: what its terms say is charged of the hold, the rest released.

    The fee is taken at once: the hold might not live until the mentee can no longer object, and what they object to
    is given back whole. Raises: IllegalMove, Busy, GatewayDown.
    """

    def end(payment: Payment, booking: Booking) -> Operation:
        _check_uncontested(booking)
        return begin_no_show(payment, booking, now=now)

    if booking.is_trial:
        check = _unless(cannot_report_no_show, now)
        ended, because = BookingState.NO_SHOW, endings.NO_SHOW
        return trials.end(booking.id, ended, by=Party.MENTOR, because=because, check=check, now=now)
    return operations.execute(decided(booking.id, end).id, now=now)


def begin_no_show(payment: Payment, booking: Booking, *, now: datetime) -> Operation:
    """Write down what becomes of the hold if the mentee did not come; both are locked. Raises: IllegalMove, Busy."""
    booking.check_move(BookingState.NO_SHOW)
    reason = cannot_report_no_show(booking, now=now)
    if reason is not None:
        raise IllegalMove(reason)
    fee = booking.late_fee
    return payments.start(
        payments.CAPTURE if fee else payments.VOID,
        payment,
        by=Party.MENTOR,
        now=now,
        amount=fee or None,
        ends_as=BookingState.NO_SHOW,
        because=endings.NO_SHOW,
    )


def cannot_report_no_show(booking: Booking, *, now: datetime) -> str | None:
    """Why the mentee of a confirmed session cannot be said to have missed it now; None if they can."""
    if now < booking.starts_at:
        return "The session has not started yet."
    if booking.agreed_done_at is not None:
        return f"{booking.mentee.name} has been there, and said that the session is done."
    if now > booking.complete_by:
        return "The time to say so is over; the reservation is being released."
    return None


def unpaid_too_long(now: datetime) -> list[str]:
    """Ids of bookings whose checkout time is over."""
    return list(
        db.session.scalars(
            select(Booking.id)
            .where(Booking.is_in(BookingState.PENDING_PAYMENT), Booking.pay_by <= now)
            .order_by(Booking.pay_by)
            .limit(BATCH)
        )
    )


def expire(booking_id: str, *, now: datetime) -> None:
    """Let go of a booking that was not paid in time; does nothing if it is (or has ended) after all."""

    def let_go(payment: Payment, booking: Booking) -> Operation | None:
        if booking.state != BookingState.PENDING_PAYMENT or now < booking.pay_by:
            return None
        return end_unpaid(payment, booking, BookingState.EXPIRED, Party.SYSTEM, endings.NOT_PAID, now)

    operation = decided(booking_id, let_go)
    if operation is not None:
        operations.attempt(operation.id, now=now)


@unbroken
def decided(booking_id: str, decide: Callable[[Payment, Booking], Decision]) -> Decision:
    """In one transaction, lock a booking and its latest payment as they are now, and ``decide``, who writes it down.

    The payment is locked first: whoever has it has both.
    """
    newest = select(Payment.id).where(Payment.booking_id == booking_id).order_by(Payment.created_at.desc()).limit(1)
    with atomically():
        payment_id = db.session.scalar(newest)
        if payment_id is None:
            raise NotFound
        return decide(Payment.locked(payment_id), Booking.locked(booking_id))


def end_unpaid(
    payment: Payment, booking: Booking, state: BookingState, by: Party, because: str, now: datetime
) -> Operation | None:
    """End a booking that holds no money and give up its PaymentIntent, or its saved card.

    The time is free at once. What is still being made, or asked of a bank, is given up as soon as it is known.
    """
    endings.end_now(booking, payment, state, by=by, because=because, now=now)
    if payment.state not in payments.NOTHING_HELD or operations.unsettled(payment.id) is not None:
        return None
    return saved_cards.give_up(payment, by=by, now=now, ends_as=state, because=because)


def _check_uncontested(booking: Booking) -> None:
    if booking.objection is not None and booking.objection.is_live:
        raise IllegalMove(f"{booking.mentee.name} has told us that you did not come. Please answer that first.")


def _unless(reason_of: Callable[..., str | None], now: datetime) -> Callable[[Booking], None]:
    """A check that refuses for whatever reason there is."""

    def check(booking: Booking) -> None:
        reason = reason_of(booking, now=now)
        if reason is not None:
            raise IllegalMove(reason)

    return check


def _made_before(mentee_id: str, wish: Wish) -> Booking | None:
    return db.session.scalar(
        select(Booking).where(Booking.mentee_id == mentee_id, Booking.request_key == wish.request_key)
    )
