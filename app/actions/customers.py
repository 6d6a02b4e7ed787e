"""The Stripe customer behind a person."""

from datetime import datetime

from app.actions import labels, operations
from app.actions.orders import KINDS, Kind, Order
from app.actions.transactions import atomically, unbroken
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.kit.errors import Failure, GatewayDown, LookedInto
from app.models.states import OperationState, Party
from app.models.user import User

KIND = "create_customer"


def ensure(user: User, *, now: datetime) -> str:
    """The person's customer id, made at Stripe if there is none yet.

    Raises: GatewayDown if Stripe does not answer; what was begun is finished by the worker. LookedInto if it is parked.
    """
    if user.stripe_customer_id is not None:
        return user.stripe_customer_id
    user_id = user.id
    operation_id = _begin(user_id, now=now)
    if operation_id is not None:
        operations.execute(operation_id, now=now)
    customer_id = User.one(User.id == user_id).stripe_customer_id
    if customer_id is None:
        raise GatewayDown("We are still setting up your payments. Please try again in a moment.")
    return customer_id


@unbroken
def _begin(user_id: str, *, now: datetime) -> str | None:
    """The id of the operation that makes the customer, also if somebody else has begun it; None if it is made."""
    with atomically():
        user = User.locked(user_id)
        if user.stripe_customer_id is not None:
            return None
        begun = operations.unsettled(user_id)
        if begun is not None and begun.state == OperationState.PARKED:
            raise LookedInto
        operation = begun or operations.start(
            KIND,
            user_id,
            by=Party.SYSTEM,
            now=now,
            params={"email": user.email, "name": user.name, "metadata": labels.of_person(user)},
        )
        return operation.id


def _send(gateway: StripeGateway, order: Order) -> str:
    return gateway.create_customer(order.params, order.key)


def _look_up(gateway: StripeGateway, order: Order) -> str | None:
    return gateway.find_customer(order.params["email"], order.id)


def _settle(order: Order, customer_id: str, now: datetime) -> bool:
    User.locked(order.subject).stripe_customer_id = customer_id
    db.session.flush()
    return True


def _refuse(order: Order, failure: Failure, now: datetime) -> None:
    User.locked(order.subject)


KINDS[KIND] = Kind(_send, _look_up, _settle, _refuse)
