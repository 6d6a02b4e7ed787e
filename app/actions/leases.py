"""Who works on a pending operation, until when; in the database's time, which all hosts share.

A lease is in nobody's way for long: whoever is killed, or takes longer, has lost it. The count of tries then tells
that somebody else has it, and what the slower one still does is harmless.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Select, select, update

from app.actions.orders import Order
from app.actions.transactions import atomically, unbroken
from app.extensions import db
from app.kit import backoff
from app.kit.columns import database_epoch
from app.kit.errors import GatewayDown
from app.models.operation import Operation
from app.models.states import OperationState

LEASE = 30  # seconds
LONGEST_PAUSE = 60  # seconds between two tries
BATCH = 24  # what is claimed at once: few enough to be begun long before the lease is over


def claim(_now: datetime) -> list[Order]:
    """Take the leases of some pending operations that nobody is working on, longest waiting first.

    What is claimed is due again only when its lease is over, so that the next one to ask does not even see it.
    """
    return _lease(
        select(Operation.id)
        .where(
            Operation.is_in(OperationState.PENDING),
            Operation.not_before <= database_epoch(),
            Operation.lease_until <= database_epoch(),
        )
        .order_by(Operation.not_before)
        .limit(BATCH)
    )


def take(operation_id: str) -> Order | None:
    """Take the lease of one operation; None if it is settled or in someone else's hands."""
    taken = _lease(
        select(Operation.id).where(
            Operation.id == operation_id,
            Operation.is_in(OperationState.PENDING),
            Operation.lease_until <= database_epoch(),
        )
    )
    return taken[0] if taken else None


@unbroken
def put_back(order: Order, failure: GatewayDown) -> None:
    """It did not work: try again after a pause, longer each time, and not at the same moment as all the others."""
    with atomically():
        operation = still_held(order)
        if operation is not None:
            operation.error = str(failure)[:500]
            operation.key_spent = operation.key_spent or failure.saved
            operation.lease_until = 0
            operation.not_before = database_epoch() + backoff.pause(operation.tries, longest=LONGEST_PAUSE)


@unbroken
def hand_back(orders: Sequence[Order]) -> None:
    """Nothing was tried: everything is as if the leases had never been taken, and anybody may take them now."""
    with atomically():
        for order in orders:
            operation = still_held(order)
            if operation is not None:
                operation.tries -= 1
                operation.lease_until = 0
                operation.not_before = database_epoch()


@unbroken
def with_new_key(order: Order) -> Order:
    """Stripe keeps an error for the old key, and a look-up after that found no effect: only now is a new one safe."""
    with atomically():
        operation = still_held(order)
        if operation is None:
            raise GatewayDown("Somebody else is on it.")
        operation.attempt += 1
        operation.key_spent = False
    return replace(order, attempt=order.attempt + 1, key_spent=False)


def still_held(order: Order) -> Operation | None:
    """The operation, locked, unless it is settled or somebody else has taken it since."""
    operation = Operation.locked(order.id)
    return operation if operation.state == OperationState.PENDING and operation.tries == order.tries else None


@unbroken
def _lease(free: Select[str]) -> list[Order]:
    """Take the leases of what a query finds, in one statement. Rows that somebody has locked are passed over."""
    found = free.with_for_update(skip_locked=True).cte("found")
    taking = (
        update(Operation)
        .where(Operation.id.in_(select(found.c.id)))
        .values(
            tries=Operation.tries + 1,
            lease_until=database_epoch() + LEASE,
            not_before=database_epoch() + LEASE,
            version=Operation.version + 1,
        )
        .returning(Operation)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    with atomically():
        return [Order.of(operation) for operation in db.session.scalars(taking)]
