"""A card that is saved when a session is booked too far ahead for a hold: how our rows and Stripe's SetupIntent agree.

Nothing is held and nothing charged by any of this; :mod:`app.actions.authorizations` does that when the day has come.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.actions import confirmations, endings, labels, operations, payments, planned_holds
from app.actions.labels import Cause
from app.actions.orders import KINDS, Kind, Order, is_elsewhere
from app.actions.transactions import atomically, outside, unbroken
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway, stripe_gateway
from app.gateways.stripe_objects import SAVED, Setup
from app.kit.errors import Failure, GatewayRefused, NotFound, Unexplained
from app.kit.ids import new_id
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, OperationState, Party, PaymentState

SAVE, FORGET = "save_card", "forget_card"


def ask(booking: Booking, *, customer_id: str, authorize_at: datetime, now: datetime) -> Operation:
    """Begin to ask for a card that is to be saved: a payment, and the operation that makes its SetupIntent.

    Inside a transaction; the mentee has agreed to it.
    """
    payment = Payment(
        id=new_id("pay"),
        booking_id=booking.id,
        amount_minor=booking.price_minor,
        currency=booking.currency,
        authorize_at=authorize_at,
        created_at=now,
    )
    payment.insert()
    params = of_setup(booking, payment, customer_id=customer_id)
    return operations.start(SAVE, payment.id, by=Party.MENTEE, now=now, params=params)


def of_setup(booking: Booking, payment: Payment, *, customer_id: str) -> dict[str, Any]:
    """What a SetupIntent is made of whose card is to hold a booking's price."""
    return {
        "customer": customer_id,
        "usage": "off_session",
        "allowed_payment_method_types": ["card"],
        "description": f"{booking.title} ({booking.id})",
        "metadata": labels.of_booking(booking, payment) | labels.of_price(booking.price),
    }


def give_up(payment: Payment, *, by: Party, now: datetime, ends_as: BookingState, because: str) -> Operation | None:
    """Write down that what was begun for an ended booking is given up; ``payment`` is locked, and nothing is held.

    None if Stripe knows nothing of it.
    """
    if payment.intent_id is not None:
        return payments.start(payments.VOID, payment, by=by, now=now, ends_as=ends_as, because=because)
    if payment.setup_id is None:
        return None
    params = {"setup_intent": payment.setup_id, "metadata": {"payment": payment.id}}
    return operations.start(FORGET, payment.id, by=by, now=now, params=params, ends_as=ends_as, because=because)


def give_up_ended(order: Order, payment: Payment, *, now: datetime, state: OperationState, error: str = "") -> bool:
    """If the booking has ended while ``order`` was under way, close that and give up; whether it is so."""
    booking = Booking.locked(payment.booking_id)
    if booking.state not in payments.UNPAID_ENDS or payment.state not in (
        *payments.NOTHING_HELD,
        PaymentState.AUTHORIZED,
    ):
        return False
    operations.close(Operation.locked(order.id), state, now=now, error=error[:500] or None)
    give_up(payment, by=Party.SYSTEM, now=now, ends_as=booking.state, because=booking.ended_because)
    return True


def learn(setup_id: str, *, now: datetime) -> bool:
    """Fetch a SetupIntent and make our rows agree with it; whether anything changed.

    Raises: NotFound if it is not for a payment of ours, GatewayDown.
    """
    outside()
    setup = stripe_gateway().setup(setup_id)
    found = select(Payment.id).where((Payment.setup_id == setup.id) | (Payment.id == setup.metadata.get("payment", "")))
    payment_id = db.session.scalar(found)
    outside()
    if payment_id is None or is_elsewhere(setup.metadata):
        raise NotFound("This is not a card of ours.")
    return _learn(setup, payment_id, now=now)


def agree(payment: Payment, setup: Setup, *, now: datetime) -> None:
    """Take ``payment`` (locked) to where Stripe's ``setup`` is, never back. Raises: Unexplained if that cannot be."""
    if payment.setup_id not in (None, setup.id) and setup.status == "canceled":
        return  # it came to nothing, and another was made
    waits = payment.state == PaymentState.NEEDS_CARD
    if payment.setup_id not in (None, setup.id) or (waits and payment.authorize_at is None):
        raise Unexplained(f"{setup.id} does not belong to {payment.id}.")
    payment.setup_id = setup.id
    match setup.status:
        case "requires_payment_method":
            payment.decline_message = setup.decline_message if waits else payment.decline_message
        case "canceled" if payment.state == PaymentState.AUTHORIZED and payment.method_id is None:
            payment.setup_id = None  # nothing hangs on it: see app.actions.cards_for_moves
        case "canceled":
            _forgotten(payment, setup, labels.cause_of_giving_up(setup), now)
        case "requires_action" | "requires_confirmation" | "processing":
            pass
        case status if status == SAVED:
            _know(payment, setup)
            told = labels.cause_of_giving_up(setup)
            if told is not None:
                _forgotten(payment, setup, told, now)
            else:
                _saved(payment, setup, now)
        case status:
            raise Unexplained(f"{setup.id} has the unknown status {status!r}.")


@unbroken
def _learn(setup: Setup, payment_id: str, *, now: datetime) -> bool:
    with atomically():
        payment = Payment.locked(payment_id)
        before = payment.version
        agree(payment, setup, now=now)
        db.session.flush()
        return payment.version != before


def _know(payment: Payment, setup: Setup) -> None:
    if payment.method_id is None:
        payment.method_id = setup.method_id
    if payment.card_last4 is None:
        payment.card_brand, payment.card_last4 = setup.card_brand, setup.card_last4


def _saved(payment: Payment, setup: Setup, now: datetime) -> None:
    if payment.state != PaymentState.NEEDS_CARD or payment.authorize_at is None:
        return
    if payment.method_id is None:
        raise Unexplained(f"{setup.id} has saved a card and does not say which.")
    booking = Booking.locked(payment.booking_id)
    if booking.state == BookingState.PENDING_PAYMENT:
        payment.decline_message = None
        payment.move_to(PaymentState.CARD_SAVED, now=now, by=Party.MENTEE)
        planned_holds.plan(payment, booking, payment.authorize_at)
        confirmations.secured(booking, payment, now=now)
    elif operations.unsettled(payment.id) is None:
        # It was saved after the booking had ended.
        give_up(payment, by=Party.SYSTEM, now=now, ends_as=booking.state, because=booking.ended_because)


def _forgotten(payment: Payment, setup: Setup, told: Cause | None, now: datetime) -> None:
    """What was never held is over; if there is a PaymentIntent, that tells of the end."""
    if payment.state not in payments.NOTHING_HELD or payment.intent_id is not None:
        return
    booking = Booking.locked(payment.booking_id)
    operation = payments.brought_about(FORGET, payment, None, stripe_id=setup.id, told=told, now=now)
    state = PaymentState.FAILED if operation.because == endings.CARD_DECLINED else PaymentState.VOIDED
    payment.move_to(state, now=now, by=operation.by, operation_id=operation.id)
    endings.end(booking, payment, operation.ends_as or BookingState.CANCELLED, operation, now=now)


def _send_save(gateway: StripeGateway, order: Order) -> Setup:
    return gateway.create_setup(order.params, order.key)


def _find_save(gateway: StripeGateway, order: Order) -> Setup | None:
    return gateway.find_setup(order.params["customer"], order.id)


def _settle_save(order: Order, setup: Setup, now: datetime) -> bool:
    payment = Payment.locked(order.subject)
    agree(payment, setup, now=now)
    give_up_ended(order, payment, now=now, state=OperationState.DONE)
    return True


def _refuse_save(order: Order, failure: Failure, now: datetime) -> None:
    payment = Payment.locked(order.subject)
    if payment.state != PaymentState.NEEDS_CARD or payment.setup_id is not None:
        return  # somebody else has made it meanwhile: this refusal is not the last word
    payment.decline_message = str(failure)[:300]
    payment.move_to(PaymentState.FAILED, now=now, by=Party.STRIPE, because=str(failure)[:200])
    booking, operation = Booking.locked(payment.booking_id), Operation.locked(order.id)
    endings.end(booking, payment, BookingState.CANCELLED, operation, now=now)


def _send_forget(gateway: StripeGateway, order: Order) -> Setup:
    """A card that is saved already stays with its owner; then what is written on its SetupIntent tells of the end."""
    setup_id, written = order.params["setup_intent"], order.params["metadata"]
    try:
        return gateway.cancel_setup(setup_id, order.key, abandoned=written.get("ends_as") == BookingState.EXPIRED)
    except GatewayRefused:
        another = replace(order.key, idempotency=f"{order.key.idempotency}:written")
        return gateway.label_setup(setup_id, labels.on_end(written), another)


def _find_forgotten(gateway: StripeGateway, order: Order) -> Setup | None:
    """The SetupIntent, if it is canceled already, or tells of the end, by us or by anyone."""
    setup = gateway.setup(order.params["setup_intent"])
    return setup if labels.cause_of_giving_up(setup) is not None or setup.status == "canceled" else None


def _settle_forget(order: Order, setup: Setup, now: datetime) -> bool:
    agree(Payment.locked(order.subject), setup, now=now)
    return True


def _refuse_nothing(order: Order, failure: Failure, now: datetime) -> None:
    """Nothing was held; the refused operation tells why."""
    Payment.locked(order.subject)


KINDS |= {
    SAVE: Kind(_send_save, _find_save, _settle_save, _refuse_save),
    FORGET: Kind(_send_forget, _find_forgotten, _settle_forget, _refuse_nothing),
}
