"""A hold that would lapse before its session can be completed: with the saved card another is made, then it is voided.

Make before break: there is no moment at which nothing is held. If the bank declines the newer one, the older is let go
before the bank would do it, as always.
"""

from datetime import datetime, timedelta

from sqlalchemy import select

from app.actions import deadlines, operations, payments, superseded_holds
from app.actions.labels import REPLACES
from app.actions.orders import KINDS, Kind, Order
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.gateways.stripe_objects import Intent
from app.kit.errors import CardDeclined, Failure
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import OperationState, Party, PaymentState

RENEW = "renew_hold"
SOON = timedelta(minutes=5)


def is_called_for(payment: Payment, booking: Booking, *, now: datetime) -> bool:
    """Whether the hold ends though its session may still be completed, and the bank was not asked about that yet."""
    if now >= booking.complete_by or not payment.can_be_renewed or payment.release_at is None:
        return False
    asked = select(Operation.id).where(
        Operation.subject == payment.id, Operation.kind == RENEW, Operation.created_at >= payment.release_at
    )
    return db.session.scalar(asked) is None


def start(payment: Payment, booking: Booking, *, now: datetime) -> Operation:
    """Write down that a newer hold is to be made; both are locked. Raises: Busy."""
    params = payments.of_hold(booking, payment, customer_id=booking.mentee.stripe_customer_id or "")
    params |= {"confirm": True, "off_session": True, "payment_method": payment.method_id}
    params["metadata"] |= {REPLACES: payment.intent_id}
    return operations.start(RENEW, payment.id, by=Party.SYSTEM, now=now, amount=booking.price, params=params)


def _send(gateway: StripeGateway, order: Order) -> Intent:
    """One that was declined is there too, and has to be given up."""
    try:
        return gateway.create_intent(order.params, order.key)
    except CardDeclined:
        found = _look_up(gateway, order)
        if found is None:
            raise
        return found


def _look_up(gateway: StripeGateway, order: Order) -> Intent | None:
    return gateway.find_intent(order.params["customer"], order.id)


def _settle(order: Order, intent: Intent, now: datetime) -> bool:
    payment = Payment.locked(order.subject)
    payments.agree(payment, intent, now=now)
    is_made = payment.intent_id == intent.id
    state, error = (OperationState.DONE, None) if is_made else (OperationState.REFUSED, intent.decline_message)
    operations.close(Operation.locked(order.id), state, now=now, error=error)
    superseded_holds.let_go(order.params["metadata"][REPLACES] if is_made else intent.id, payment, now=now)
    if not is_made:
        _let_go(payment, now)
    return is_made


def _refuse(order: Order, failure: Failure, now: datetime) -> None:
    _let_go(Payment.locked(order.subject), now)


def _let_go(payment: Payment, now: datetime) -> None:
    """What is due about the older hold is due again: in a moment, for whoever works on it now takes it for done."""
    if payment.state == PaymentState.AUTHORIZED:
        deadlines.put_all(payment.id, {deadlines.RELEASE: now + SOON})


KINDS[RENEW] = Kind(_send, _look_up, _settle, _refuse)
