"""Holding the price of a session on a card that was saved for it, when the day has come and its owner is away.

First there is a PaymentIntent, on which the mentee can also pay at the screen, then the bank is asked. If it declines,
it is asked again, and at last the time is free again: :mod:`app.actions.holds` says when. All tries are made on one
PaymentIntent, which is held at most once, whoever comes first.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import select

from app.actions import bookings, deadlines, endings, holds, news, operations, payments, saved_cards
from app.actions.deadlines import Due
from app.actions.orders import KINDS, Kind, Order
from app.actions.payments import AUTHORIZE
from app.actions.transactions import atomically, outside, unbroken
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway, stripe_gateway
from app.gateways.stripe_objects import Intent
from app.kit.errors import CardDeclined, Failure, GatewayRefused
from app.models.booking import Booking
from app.models.deadline import Deadline
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, OperationState, Party, PaymentState
from app.models.user import User

PREPARE = "prepare_authorization"
WAS_TRIED = ("requires_capture", "succeeded", "canceled")

log = structlog.get_logger()


def due(now: datetime) -> Sequence[Due]:
    """Payments whose saved card is to be asked, or to be given up, longest overdue first."""
    return deadlines.overdue(deadlines.OF_SAVED_CARDS, now)


def take_up(reached: Due, *, now: datetime) -> None:
    """Ask the bank, or give up and free the time; does nothing if somebody has seen to it, or is just doing so.

    Raises: GatewayDown, and it stays due.
    """
    if reached.kind == deadlines.AUTHORIZE:
        _look_for_a_lost_one(reached.subject, now=now)
    operation_id = _begin(reached, now=now)
    if operation_id is not None:
        _attempt(operation_id, now=now)
        following = _follows(operation_id)
        if following is not None:
            _attempt(following, now=now)


def _attempt(operation_id: str, *, now: datetime) -> None:
    """That a bank declines is seen to by then, and no failure of whoever asked it."""
    try:
        operations.attempt(operation_id, now=now)
    except (CardDeclined, GatewayRefused) as failure:
        log.info("declined", operation=operation_id, because=str(failure))


def _look_for_a_lost_one(payment_id: str, *, now: datetime) -> None:
    """A database that was restored may not know that the price is held already: to hold it twice would be wrong."""
    row = db.session.execute(
        select(User.stripe_customer_id, Payment.intent_id)
        .select_from(Payment)
        .join(Booking, Booking.id == Payment.booking_id)
        .join(User, User.id == Booking.mentee_id)
        .where(Payment.id == payment_id)
    ).one_or_none()
    outside()
    if row is None or row.intent_id is not None or row.stripe_customer_id is None:
        return
    found = stripe_gateway().find_intent_for(row.stripe_customer_id, payment_id)
    if found is not None:
        payments.learn(found.id, now=now)


@unbroken
def _begin(reached: Due, *, now: datetime) -> str | None:
    with atomically():
        payment = Payment.locked(reached.subject)
        booking = Booking.locked(payment.booking_id)
        if operations.unsettled(payment.id) is not None:
            return None  # it stays due
        if booking.state == BookingState.REQUESTED:
            return None  # also until its mentor has answered
        too_late = now >= booking.complete_by  # for a hold to be of any use
        if reached.kind == deadlines.GIVE_UP and not too_late and _is_still_to_be_asked(payment.id, now):
            return None
        if not deadlines.take_away(reached):
            return None
        if payment.state != PaymentState.CARD_SAVED or booking.state != BookingState.CONFIRMED:
            return None
        if reached.kind == deadlines.GIVE_UP or too_late:
            why = endings.CARD_DECLINED
            ending = bookings.end_unpaid(payment, booking, BookingState.EXPIRED, Party.SYSTEM, why, now)
            return ending.id if ending else None
        return (_ask(payment, now=now) if payment.intent_id else _prepare(payment, booking, now=now)).id


def _is_still_to_be_asked(payment_id: str, now: datetime) -> bool:
    """Whether nobody came to ask the bank in time, so that it is asked once before the time is freed."""
    waiting = select(Deadline.subject).where(
        Deadline.kind == deadlines.AUTHORIZE, Deadline.subject == payment_id, Deadline.due_at <= now
    )
    return db.session.scalar(waiting) is not None


def _follows(operation_id: str) -> str | None:
    """What the settlement of an operation has begun on the same payment."""
    subject = select(Operation.subject).where(Operation.id == operation_id).scalar_subquery()
    found = select(Operation.id).where(Operation.subject == subject, Operation.is_in(OperationState.PENDING))
    following = db.session.scalar(found)
    outside()
    return following if following != operation_id else None


def _prepare(payment: Payment, booking: Booking, *, now: datetime) -> Operation:
    customer_id = booking.mentee.stripe_customer_id or ""
    params = payments.of_hold(booking, payment, customer_id=customer_id)
    return operations.start(PREPARE, payment.id, by=Party.SYSTEM, now=now, amount=booking.price, params=params)


def _ask(payment: Payment, *, now: datetime) -> Operation:
    params = {"payment_intent": payment.intent_id, "payment_method": payment.method_id}
    return operations.start(AUTHORIZE, payment.id, by=Party.SYSTEM, now=now, amount=payment.amount, params=params)


def _send_prepare(gateway: StripeGateway, order: Order) -> Intent:
    return gateway.create_intent(order.params, order.key)


def _find_prepared(gateway: StripeGateway, order: Order) -> Intent | None:
    return gateway.find_intent(order.params["customer"], order.id)


def _settle_prepare(order: Order, intent: Intent, now: datetime) -> bool:
    payment = Payment.locked(order.subject)
    payments.agree(payment, intent, now=now)
    if not saved_cards.give_up_ended(order, payment, now=now, state=OperationState.DONE):
        operations.close(Operation.locked(order.id), OperationState.DONE, now=now)
        if payment.state == PaymentState.CARD_SAVED:
            _ask(payment, now=now)
    return True


def _send_authorize(gateway: StripeGateway, order: Order) -> Intent:
    return gateway.authorize(order.params["payment_intent"], order.params["payment_method"], order.key)


def _find_authorized(gateway: StripeGateway, order: Order) -> Intent | None:
    """The intent, if it is held, charged or canceled already, by us or by anyone."""
    intent = gateway.intent(order.params["payment_intent"])
    return intent if intent.status in WAS_TRIED else None


def _settle_authorize(order: Order, intent: Intent, now: datetime) -> bool:
    payment = Payment.locked(order.subject)
    payments.agree(payment, intent, now=now)
    saved_cards.give_up_ended(order, payment, now=now, state=OperationState.DONE)
    return intent.status != "canceled"


def _declined(order: Order, failure: Failure, now: datetime) -> None:
    """The mentee is told, and the bank asked again if there is time."""
    payment = Payment.locked(order.subject)
    told = str(failure)
    if payment.state != PaymentState.CARD_SAVED:
        return  # somebody else was faster
    if saved_cards.give_up_ended(order, payment, now=now, state=OperationState.REFUSED, error=told):
        return
    booking = Booking.locked(payment.booking_id)
    payment.decline_message = told[:300]
    again = holds.next_retry(booking.starts_at, now=now)
    if again is not None:
        deadlines.put_all(payment.id, {deadlines.AUTHORIZE: again})
    news.of_decline(booking, payment, again=again, cause=order.id, now=now)


KINDS |= {
    PREPARE: Kind(_send_prepare, _find_prepared, _settle_prepare, _declined),
    AUTHORIZE: Kind(_send_authorize, _find_authorized, _settle_authorize, _declined),
}
