"""What an operator decides about what waits: a money action that nobody could explain, an event that kept failing."""

from datetime import datetime

from app.actions import operations
from app.actions.orders import KINDS, Order
from app.actions.transactions import atomically, outside, unbroken
from app.kit.columns import database_epoch
from app.kit.errors import GatewayRefused, IllegalMove
from app.models.event import StripeEvent
from app.models.operation import Operation
from app.models.states import EventState, OperationState, Party


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
    operation = Operation.one(Operation.id == operation_id)
    _check_parked(operation)
    order = Order.of(operation)
    outside()
    _refuse(order, because, now)


@unbroken
def try_again(event_id: str, *, now: datetime) -> None:
    """Give an event that is stuck as many tries as one that has just come.

    Raises: NotFound; IllegalMove if it is not stuck (any more).
    """
    with atomically():
        event = StripeEvent.locked(event_id)
        event.move_to(EventState.RECEIVED, now=now, by=Party.OPERATOR, because="try again")
        event.tries, event.not_before, event.handled_at = 0, database_epoch(), None


@unbroken
def dismiss(event_id: str, *, because: str, now: datetime) -> None:
    """Take an operator's word that nothing need be done about an event that is stuck.

    Raises: NotFound; IllegalMove if it is not stuck (any more).
    """
    with atomically():
        event = StripeEvent.locked(event_id)
        if event.state != EventState.STUCK:
            raise IllegalMove(f"This is {event.state}, and nobody has to decide about it.")
        event.handled_at = now
        event.move_to(EventState.HANDLED, now=now, by=Party.OPERATOR, because=because[:200])


@unbroken
def _refuse(order: Order, because: str, now: datetime) -> None:
    with atomically():
        KINDS[order.kind].refuse(order, GatewayRefused(because), now)  # locks the subject, which comes first everywhere
        operation = Operation.locked(order.id)
        if operation.state == OperationState.REFUSED:
            return  # its refusal has gone on to something else
        _check_parked(operation)
        operation.error, operation.settled_at = because[:500], now
        operation.move_to(OperationState.REFUSED, now=now, by=Party.OPERATOR, because=because[:200])


def _check_parked(operation: Operation) -> None:
    if operation.state != OperationState.PARKED:
        raise IllegalMove(f"This is {operation.state}, and nobody has to decide about it.")
