"""What an operator decides about a money action that nobody could explain, and that therefore waits."""

from datetime import datetime

from app.actions import operations
from app.actions.orders import KINDS, Order
from app.actions.transactions import atomically, outside
from app.kit.errors import GatewayRefused
from app.models.operation import Operation
from app.models.states import OperationState, Party


def look_again(operation_id: str, *, now: datetime) -> None:
    """Ask Stripe once more what became of a parked operation, and go on from there.

    Raises: NotFound; IllegalMove if it is not parked (any more); Unexplained if it still is a riddle.
    """
    with atomically():
        operation = Operation.locked(operation_id)
        operation.move_to(OperationState.PENDING, now=now, by=Party.OPERATOR, because="look again")
        operation.lease_until, operation.not_before, operation.settled_at = 0, 0, None
    operations.attempt(operation_id, now=now)


def give_up(operation_id: str, *, because: str, now: datetime) -> None:
    """Take a parked operation for refused: nothing more is tried, and its subject is free for another one.

    Should it have had its effect after all, Stripe's events and the reconciler bring that to light.
    Raises: NotFound; IllegalMove if it is not parked (any more).
    """
    order = Order.of(Operation.one(Operation.id == operation_id))
    outside()
    with atomically():
        Operation.locked(operation_id).check_move(OperationState.REFUSED)
        KINDS[order.kind].refuse(order, GatewayRefused(because), now)
        operation = Operation.locked(operation_id)
        operation.error, operation.settled_at = because[:500], now
        operation.move_to(OperationState.REFUSED, now=now, by=Party.OPERATOR, because=because[:200])
