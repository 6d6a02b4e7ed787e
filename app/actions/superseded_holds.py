"""Holds in whose place something else stands, a newer hold or the plan of one: let go by an operation of their own.

It is about the PaymentIntent, so that whatever is done with the payment meanwhile need not wait for it. That there is
such an operation is what we know such a PaymentIntent by: see :func:`app.actions.standing_holds.given_up`.
"""

from contextlib import suppress
from datetime import datetime

from app.actions import alarms, operations, payments, standing_holds, strays
from app.actions.orders import KINDS, Kind, Order
from app.actions.standing_holds import VOID_OTHER
from app.gateways.stripe_gateway import StripeGateway
from app.gateways.stripe_objects import SUPERSEDED, Intent
from app.kit.errors import Failure
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import Party, PaymentState


def let_go(intent_id: str, payment: Payment, *, now: datetime) -> Operation:
    """Write down that it is to be voided, in the transaction that puts something else in its place."""
    params = {"payment_intent": intent_id, "metadata": {"payment": payment.id}}
    return operations.start(VOID_OTHER, intent_id, by=Party.SYSTEM, now=now, params=params)


def attempt(operation_id: str, *, now: datetime) -> None:
    """Void it now, if Stripe lets us: for what stands in its place it makes no difference."""
    with suppress(Failure):
        operations.attempt(operation_id, now=now)


def _send(gateway: StripeGateway, order: Order) -> Intent:
    return gateway.cancel(order.params["payment_intent"], order.key, reason=SUPERSEDED)


def _look_up(gateway: StripeGateway, order: Order) -> Intent | None:
    intent = gateway.intent(order.params["payment_intent"])
    return intent if intent.status in ("succeeded", "canceled") else None


def _settle(order: Order, intent: Intent, now: datetime) -> bool:
    payment_id = order.params["metadata"].get("payment")
    if intent.status == "succeeded" and payment_id is not None:
        _charged(Payment.locked(payment_id), intent, now)
    Operation.locked(order.id).stripe_id = intent.id
    return intent.status == "canceled"


def _charged(payment: Payment, intent: Intent, now: datetime) -> None:
    """Somebody has charged it in Stripe's dashboard before we let go of it: that is what the session was paid with, and
    what stands in its place is let go instead. Once money moves there too, a person has to see to one of the two."""
    is_planned = payment.state == PaymentState.CARD_SAVED and payment.intent_id is None
    if is_planned or (payment.state == PaymentState.AUTHORIZED and operations.unsettled(payment.id) is None):
        if payment.intent_id is not None:
            let_go(payment.intent_id, payment, now=now)
            standing_holds.go_back_to(payment, intent)
        payments.agree(payment, intent, now=now)
        return
    told = (
        f"{intent.received} were charged in Stripe's dashboard on {intent.id}, in whose place something else stands "
        f"for {payment.booking_id} ({payment.id}, {payment.state}). Please refund what is too much there."
    )
    alarms.raise_about(strays.KIND, intent.id, told, now=now)


def _refuse(order: Order, failure: Failure, now: datetime) -> None:
    """It stays as it is, until the reconciler tries again or the bank lets go of it."""


KINDS[VOID_OTHER] = Kind(_send, _look_up, _settle, _refuse)
