"""PaymentIntents of ours that can belong to no booking: told to a person, and let go by an operation like any hold."""

from datetime import datetime

from app.actions import operations
from app.actions.orders import KINDS, Kind, Order
from app.actions.transactions import atomically
from app.gateways.stripe_gateway import StripeGateway
from app.gateways.stripe_objects import ABANDONED, Intent
from app.kit.errors import Busy, Failure
from app.models.operation import Operation
from app.models.states import Party

KIND, VOID = "stray", "void_stray"  # of alarm and of operation, both about the PaymentIntent: there is no payment
CAN_BE_LET_GO = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")


def let_go(intent: Intent, *, now: datetime) -> None:
    """Release what is held and close the way to pay. If Stripe does not answer, the worker goes on."""
    if intent.status not in CAN_BE_LET_GO:
        return
    try:
        with atomically():
            operation = operations.start(
                VOID, intent.id, by=Party.SYSTEM, now=now, params={"payment_intent": intent.id}, because="it is a stray"
            )
    except Busy:
        return  # it is being let go
    operations.attempt(operation.id, now=now)


def _send(gateway: StripeGateway, order: Order) -> Intent:
    return gateway.cancel(order.params["payment_intent"], order.key, reason=ABANDONED)


def _look_up(gateway: StripeGateway, order: Order) -> Intent | None:
    intent = gateway.intent(order.params["payment_intent"])
    return None if intent.status in CAN_BE_LET_GO else intent


def _settle(order: Order, intent: Intent, _now: datetime) -> bool:
    Operation.locked(order.id).stripe_id = intent.id
    return intent.status == "canceled"


def _refuse(order: Order, failure: Failure, now: datetime) -> None:
    """It stays as it is, and the alarm about it stands."""


KINDS[VOID] = Kind(_send, _look_up, _settle, _refuse)
