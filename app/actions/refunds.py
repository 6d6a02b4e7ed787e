"""Giving back what was charged: our own refunds, and those made in Stripe's dashboard."""

from datetime import datetime

from app.actions import endings, ledger, operations
from app.actions.orders import KINDS, Kind, Order
from app.actions.transactions import atomically
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.gateways.stripe_objects import Refund
from app.kit.errors import Failure, Invalid
from app.kit.money import Money
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import UNSETTLED_OPERATION, BookingState, OperationState, Party

KIND = "refund"
GAVE_NOTHING_BACK = ("failed", "canceled")


def start(payment: Payment, amount: Money, *, by: Party, because: str, now: datetime) -> Operation:
    """Write down a refund of ``payment``, which is locked.

    Raises: Invalid if there is not that much left to give back, in that currency; Busy.
    """
    left = payment.captured - payment.refunded
    if amount.currency != left.currency or not 0 < amount.minor <= left.minor:
        raise Invalid(f"Of this payment, {left} can be refunded.")
    return operations.start(
        KIND,
        payment.id,
        by=by,
        now=now,
        amount=amount,
        because=because,
        ends_as=BookingState.CANCELLED,
        params={
            "payment_intent": payment.intent_id,
            "amount": amount.minor,
            "metadata": {"booking": payment.booking_id, "payment": payment.id},
        },
    )


def learn(refund: Refund, payment_id: str, *, now: datetime) -> bool:
    """Make our rows agree with a refund at Stripe, whoever made it; whether anything changed."""
    if refund.status in GAVE_NOTHING_BACK:
        return False
    with atomically():
        payment = Payment.locked(payment_id)
        operation = db.session.get(Operation, refund.metadata.get("operation", ""), populate_existing=True)
        if operation is None or operation.subject != payment_id:
            adopted = operations.adopt(
                KIND, payment_id, refund.amount, stripe_id=refund.id, because=endings.IN_DASHBOARD, now=now
            )
            if adopted is None:
                return False
            _apply(payment, refund, adopted, now=now)
            return True
        return _settle_once(payment, refund, operation, now=now)


def _settle_once(payment: Payment, refund: Refund, operation: Operation, *, now: datetime) -> bool:
    if operation.state not in UNSETTLED_OPERATION:
        return False
    _apply(payment, refund, operation, now=now)
    operations.close(operation, OperationState.DONE, now=now)
    return True


def _apply(payment: Payment, refund: Refund, operation: Operation, *, now: datetime) -> None:
    before = payment.refunded
    booking = Booking.locked(payment.booking_id)
    payment.refunded_minor += refund.amount.minor
    operation.stripe_id = refund.id
    db.session.flush()
    ledger.book_refund(
        booking,
        captured=payment.captured,
        before=before,
        after=payment.refunded,
        operation_id=operation.id,
        now=now,
    )
    if payment.refunded == payment.captured:
        endings.end(booking, operation.ends_as or BookingState.CANCELLED, operation, now=now)


def _send(gateway: StripeGateway, order: Order) -> Refund:
    return gateway.refund(order.params, order.key)


def _look_up(gateway: StripeGateway, order: Order) -> Refund | None:
    refunds = gateway.refunds_of(order.params["payment_intent"])
    return next((refund for refund in refunds if refund.metadata.get("operation") == order.id), None)


def _settle(order: Order, refund: Refund, now: datetime) -> bool:
    payment = Payment.locked(order.subject)
    if refund.status in GAVE_NOTHING_BACK:
        return False
    _settle_once(payment, refund, Operation.locked(order.id), now=now)
    return True


def _refuse(order: Order, failure: Failure, now: datetime) -> None:
    """The money stays where it is; the refused operation tells why."""
    Payment.locked(order.subject)


KINDS[KIND] = Kind(_send, _look_up, _settle, _refuse)
