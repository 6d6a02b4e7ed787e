"""Payments and what is done with a hold; and how our rows are made to agree with Stripe's objects.

Whoever learns something from Stripe (the answer to an operation, a webhook, a returning mentee) hands it to
:func:`agree`, which takes the payment forward along its lifecycle, never back: order, age and repetition of what
is learned do not matter.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.actions import (
    confirmations,
    deadlines,
    earnings,
    endings,
    labels,
    ledger,
    news,
    operations,
    refunds,
    standing_holds,
)
from app.actions.labels import Cause
from app.actions.orders import KINDS, Kind, Order, is_elsewhere
from app.actions.transactions import atomically, outside, unbroken
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway, stripe_gateway
from app.gateways.stripe_objects import ABANDONED, LAPSED, REQUESTED, SUPERSEDED, Intent
from app.kit.errors import Failure, GatewayRefused, NotFound, Unexplained
from app.kit.ids import new_id
from app.kit.money import Money
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, OperationState, Party, PaymentState

HOLD, CAPTURE, VOID = "hold", "capture", "void"
AUTHORIZE = "authorize"  # with a saved card: see app.actions.authorizations
UNPAID_ENDS = (BookingState.CANCELLED, BookingState.NO_SHOW, BookingState.EXPIRED)  # nothing may stay on the card
NOTHING_HELD = (PaymentState.NEEDS_CARD, PaymentState.CARD_SAVED)


def hold(booking: Booking, *, customer_id: str, now: datetime) -> Operation:
    """Begin to ask for the card: a payment, and the operation that makes its PaymentIntent. Inside a transaction."""
    payment = Payment(
        id=new_id("pay"),
        booking_id=booking.id,
        amount_minor=booking.price_minor,
        currency=booking.currency,
        created_at=now,
    )
    payment.insert()
    params = of_hold(booking, payment, customer_id=customer_id)
    return operations.start(HOLD, payment.id, by=Party.MENTEE, now=now, amount=booking.price, params=params)


def of_hold(booking: Booking, payment: Payment, *, customer_id: str) -> dict[str, Any]:
    """What a PaymentIntent is made of that is to hold a booking's price."""
    return {
        "amount": booking.price_minor,
        "currency": booking.currency.lower(),
        "customer": customer_id,
        "capture_method": "manual",
        "allowed_payment_method_types": ["card"],  # nothing else can be held for days and charged in part
        "description": f"{booking.title} ({booking.id})",
        "metadata": labels.of_booking(booking, payment),
    }


def start(
    kind: str,
    payment: Payment,
    *,
    by: Party,
    now: datetime,
    amount: Money | None = None,
    ends_as: BookingState,
    because: str,
) -> Operation:
    """Write down a capture or void of ``payment``, which is locked. Raises: Busy; GatewayRefused without an intent."""
    if payment.intent_id is None or (kind == CAPTURE and payment.waits_for_its_day):
        raise GatewayRefused("There is nothing on the card yet.")
    return operations.start(
        kind,
        payment.id,
        by=by,
        now=now,
        amount=amount,
        params={"payment_intent": payment.intent_id, "metadata": {"payment": payment.id}},
        ends_as=ends_as,
        because=because,
    )


def check(payment: Payment, *, now: datetime) -> bool:
    """Ask Stripe how the payment stands and make our row agree; whether anything changed. Raises: GatewayDown."""
    return payment.intent_id is not None and learn(payment.intent_id, now=now)


def learn(intent_id: str, *, now: datetime) -> bool:
    """Fetch a PaymentIntent, and its refunds if it was charged, and make our rows agree with it.

    Tells whether anything changed. Raises: NotFound if the intent is not about a payment of ours, GatewayDown.
    """
    outside()
    gateway = stripe_gateway()
    intent = gateway.intent(intent_id)
    payment_id = _payment_of(intent)
    if intent.cancellation_reason == SUPERSEDED and intent.customer_id is not None:
        newer = gateway.find_intent_for(intent.customer_id, payment_id)
        if newer is not None and standing_holds.replaces(newer, intent.id):
            intent, intent_id = newer, newer.id
    changed = _learn(intent, payment_id, now=now)
    if intent.received:  # what the charge says is refunded is not enough: some may have come back
        for refund in reversed(gateway.refunds_of(intent_id)):
            changed |= refunds.learn(refund, payment_id, now=now)
    return changed


def agree(payment: Payment, intent: Intent, *, now: datetime) -> None:
    """Take ``payment`` (locked) to where Stripe's ``intent`` is. Raises: Unexplained if that cannot be."""
    if standing_holds.is_past(payment, intent):
        return
    if payment.intent_id is not None and labels.REPLACES in intent.metadata and payment.intent_id != intent.id:
        if not standing_holds.take_the_place(payment, intent):
            return  # it never came to be, or was replaced itself
    elif payment.intent_id not in (None, intent.id) and intent.status == "canceled":
        return  # its time is over, and another is held in its place
    if intent.amount != payment.amount or payment.intent_id not in (None, intent.id):
        raise Unexplained(f"{intent.id} ({intent.amount}) does not belong to {payment.id} ({payment.amount}).")
    payment.intent_id = intent.id
    match intent.status:
        case "requires_payment_method":
            payment.decline_message = intent.decline_message
        case "requires_capture":
            _authorized(payment, intent, now)
        case "succeeded":
            _authorized(payment, intent, _held_since(intent, now))
            _captured(payment, intent, now)
        case "canceled":
            if intent.charge is not None and intent.charge.accepted:
                _authorized(payment, intent, _held_since(intent, now))
            _let_go(payment, intent, now)
        case "requires_action" | "requires_confirmation" | "processing":
            pass
        case status:
            raise Unexplained(f"{intent.id} has the unknown status {status!r}.")


def _held_since(intent: Intent, now: datetime) -> datetime:
    """When the bank said yes, if we learn of it only after the hold has ended."""
    return min(now, intent.charge.created) if intent.charge else now


@unbroken
def _learn(intent: Intent, payment_id: str, *, now: datetime) -> bool:
    with atomically():
        payment = Payment.locked(payment_id)
        before = payment.version
        agree(payment, intent, now=now)
        db.session.flush()
        return payment.version != before


def _authorized(payment: Payment, intent: Intent, now: datetime) -> None:
    if payment.state not in NOTHING_HELD:
        return
    booking, was_saved = Booking.locked(payment.booking_id), payment.waits_for_its_day
    payment.authorized_minor = payment.amount_minor
    payment.decline_message = None
    standing_holds.note(payment, booking, intent)
    until = payment.release_at or booking.complete_by
    by = Party.SYSTEM if was_saved and _is_asked_by_us(payment) else Party.MENTEE
    payment.move_to(PaymentState.AUTHORIZED, now=now, by=by)
    if booking.state == BookingState.CONFIRMED and was_saved:
        deadlines.lift_all(deadlines.OF_SAVED_CARDS, payment.id)
        deadlines.put(deadlines.RELEASE, payment.id, until)
        news.of_hold(booking, payment, now=now)
    elif booking.state == BookingState.PENDING_PAYMENT:
        confirmations.secured(booking, payment, now=now)
    elif intent.status == "requires_capture" and operations.unsettled(payment.id) is None:
        # The bank said yes after the booking had ended: nothing may stay on the card.
        start(VOID, payment, by=Party.SYSTEM, now=now, ends_as=booking.state, because=booking.ended_because)


def _is_asked_by_us(payment: Payment) -> bool:
    """Whether it is we who ask the bank now; else the mentee did, at the screen."""
    operation = operations.unsettled(payment.id)
    return operation is not None and operation.kind == AUTHORIZE


def _captured(payment: Payment, intent: Intent, now: datetime) -> None:
    if payment.state != PaymentState.AUTHORIZED:
        return
    booking = Booking.locked(payment.booking_id)
    told = labels.cause_of(intent.metadata, labels.CAPTURE)
    operation = brought_about(CAPTURE, payment, intent.received, stripe_id=intent.id, told=told, now=now)
    deadlines.lift(deadlines.RELEASE, payment.id)
    payment.captured_minor = intent.received.minor
    payment.move_to(PaymentState.CAPTURED, now=now, by=operation.by, operation_id=operation.id)
    ledger.book_capture(booking, payment.captured, operation_id=operation.id, now=now)
    earnings.hold_back(payment, now=now)
    endings.end(booking, payment, operation.ends_as or BookingState.COMPLETED, operation, now=now)


def _let_go(payment: Payment, intent: Intent, now: datetime) -> None:
    if payment.state not in (*NOTHING_HELD, PaymentState.AUTHORIZED):
        return
    booking = Booking.locked(payment.booking_id)
    lapsed = intent.cancellation_reason == LAPSED and payment.state == PaymentState.AUTHORIZED
    told = labels.cause_of_cancel(intent)
    operation = brought_about(VOID, payment, payment.authorized or None, stripe_id=intent.id, told=told, now=now)
    deadlines.lift(deadlines.RELEASE, payment.id)
    failed = operation.because == endings.CARD_DECLINED
    state = PaymentState.LAPSED if lapsed else PaymentState.FAILED if failed else PaymentState.VOIDED
    payment.move_to(state, now=now, by=operation.by, operation_id=operation.id)
    endings.end(booking, payment, operation.ends_as or BookingState.CANCELLED, operation, now=now)


def brought_about(
    kind: str, payment: Payment, amount: Money | None, *, stripe_id: str, told: Cause | None, now: datetime
) -> Operation:
    """The operation that brought a fact about: our own pending one, or one adopted from what Stripe tells of it.

    A capture of another amount than ours was somebody else's, who was faster.
    """
    operation = operations.unsettled(payment.id)
    if operation is not None and operation.kind == kind and (kind == VOID or operation.amount == amount):
        operation.stripe_id = stripe_id
        operations.close(operation, OperationState.DONE, now=now)
        return operation
    adopted = operations.adopt(
        kind, payment.id, amount, stripe_id=stripe_id, because=endings.IN_DASHBOARD, cause=told, now=now
    )
    if adopted is None:
        raise Unexplained(f"{kind} of {stripe_id} was adopted before, but {payment.id} does not show it.")
    return adopted


def _payment_of(intent: Intent) -> str:
    payment_id = db.session.scalar(
        select(Payment.id).where((Payment.intent_id == intent.id) | (Payment.id == intent.metadata.get("payment", "")))
    )
    outside()
    if payment_id is None or is_elsewhere(intent.metadata):
        raise NotFound("This is not a payment of ours.")
    return payment_id


def _send_hold(gateway: StripeGateway, order: Order) -> Intent:
    return gateway.create_intent(order.params, order.key)


def _find_hold(gateway: StripeGateway, order: Order) -> Intent | None:
    return gateway.find_intent(order.params["customer"], order.id)


def _settle_hold(order: Order, intent: Intent, now: datetime) -> bool:
    payment = Payment.locked(order.subject)
    agree(payment, intent, now=now)
    booking = Booking.locked(payment.booking_id)
    if booking.state in UNPAID_ENDS and payment.state in (PaymentState.NEEDS_CARD, PaymentState.AUTHORIZED):
        operations.close(Operation.locked(order.id), OperationState.DONE, now=now)
        start(VOID, payment, by=Party.SYSTEM, now=now, ends_as=booking.state, because=booking.ended_because)
    return True


def _refuse_hold(order: Order, failure: Failure, now: datetime) -> None:
    payment = Payment.locked(order.subject)
    if payment.state != PaymentState.NEEDS_CARD or payment.intent_id is not None:
        return  # somebody else has made the intent meanwhile: this refusal is not the last word
    payment.decline_message = str(failure)[:300]
    payment.move_to(PaymentState.FAILED, now=now, by=Party.STRIPE, because=str(failure)[:200])
    booking, operation = Booking.locked(payment.booking_id), Operation.locked(order.id)
    endings.end(booking, payment, BookingState.CANCELLED, operation, now=now)


def _send_capture(gateway: StripeGateway, order: Order) -> Intent:
    if order.amount is None:
        raise Unexplained("A capture without an amount.")
    metadata = labels.on_capture(order.params["metadata"])
    return gateway.capture(order.params["payment_intent"], order.amount, order.key, metadata=metadata)


def _send_void(gateway: StripeGateway, order: Order) -> Intent:
    abandoned = order.params["metadata"].get("ends_as") == BookingState.EXPIRED
    return gateway.cancel(order.params["payment_intent"], order.key, reason=ABANDONED if abandoned else REQUESTED)


def _find_end(gateway: StripeGateway, order: Order) -> Intent | None:
    """The intent, if it is captured or canceled already, by us or by anyone."""
    intent = gateway.intent(order.params["payment_intent"])
    return intent if intent.status in ("succeeded", "canceled") else None


def _settle_capture(order: Order, intent: Intent, now: datetime) -> bool:
    agree(Payment.locked(order.subject), intent, now=now)
    return intent.status == "succeeded" and intent.received == order.amount


def _settle_void(order: Order, intent: Intent, now: datetime) -> bool:
    agree(Payment.locked(order.subject), intent, now=now)
    return intent.status == "canceled"


def _refuse_nothing(order: Order, failure: Failure, now: datetime) -> None:
    """The money stays where it is; the refused operation tells why."""
    Payment.locked(order.subject)


KINDS |= {
    HOLD: Kind(_send_hold, _find_hold, _settle_hold, _refuse_hold),
    CAPTURE: Kind(_send_capture, _find_end, _settle_capture, _refuse_nothing),
    VOID: Kind(_send_void, _find_end, _settle_void, _refuse_nothing),
}
