"""The heart: how money moves. A row first, then Stripe, then one transaction that settles both sides.

The request of a person and the worker call the same functions. Whoever is killed in between, the next one first
asks Stripe what became of it.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select

from app.actions import labels, leases
from app.actions.labels import Cause
from app.actions.orders import KINDS, Answer, Kind, Order
from app.actions.transactions import atomically, or_else, outside, unbroken
from app.extensions import db
from app.gateways.stripe_gateway import stripe_gateway
from app.gateways.stripe_objects import API_VERSION
from app.kit.columns import database_epoch
from app.kit.errors import Busy, CardDeclined, Failure, GatewayDown, GatewayRefused, LookedInto
from app.kit.ids import new_id
from app.kit.money import Money
from app.models.operation import Operation
from app.models.states import UNSETTLED_OPERATION, BookingState, OperationState, Party

# For so long, sending the same key again does nothing twice (Stripe says a day). Who comes later has to look first,
# even if nobody seems to have tried before: the database may be a restored backup.
KEYS_ARE_KEPT = timedelta(hours=12)
HEAD_START = 5  # seconds in which the worker leaves a new operation to the request that made it

log = structlog.get_logger()


def start(
    kind: str,
    subject: str,
    *,
    by: Party,
    now: datetime,
    params: dict[str, Any] | None = None,
    amount: Money | None = None,
    ends_as: BookingState | None = None,
    because: str = "",
) -> Operation:
    """Write down what is about to be done, inside the caller's transaction, which has locked ``subject``.

    ``params`` are frozen as they are; what Stripe creates from them names the operation in its metadata, by which a
    look-up finds it again, and the installation that it belongs to.

    Raises: Busy if another money action on the subject is not settled yet, LookedInto if it is parked.
    """
    operation_id = new_id("op")
    frozen = dict(params or {})
    cause = labels.of_cause(operation_id, by=by, because=because, ends_as=ends_as, at=now)
    frozen["metadata"] = {**frozen.get("metadata", {}), **cause}
    operation = Operation(
        id=operation_id,
        kind=kind,
        subject=subject,
        amount_minor=amount.minor if amount is not None else None,
        currency=amount.currency if amount is not None else None,
        params=frozen,
        api_version=API_VERSION,
        by=by,
        ends_as=ends_as,
        because=because,
        not_before=database_epoch() + HEAD_START,
        created_at=now,
    )
    try:
        with or_else(Busy("Another action on this payment is still being confirmed. Please look again in a moment.")):
            operation.insert()
    except Busy as busy:
        raise (LookedInto() if _waits_for_a_person(subject) else busy) from busy
    return operation


def adopt(
    kind: str,
    subject: str,
    amount: Money | None,
    *,
    stripe_id: str,
    because: str,
    now: datetime,
    cause: Cause | None = None,
) -> Operation | None:
    """An operation for what happened at Stripe without us, inside the caller's transaction, which locked ``subject``.

    ``cause`` is what Stripe tells of why, if anything. If an operation of ours did it that our rows have lost, it
    gets its old id back. None if it was adopted before.
    """
    known = select(Operation.id).where(
        Operation.subject == subject, Operation.kind == kind, Operation.stripe_id == stripe_id
    )
    if db.session.scalar(known) is not None:
        return None
    old_id = cause.operation if cause else None
    is_free = old_id is not None and db.session.get(Operation, old_id) is None
    operation = Operation(
        id=old_id if is_free else new_id("op"),
        kind=kind,
        subject=subject,
        amount_minor=amount.minor if amount is not None else None,
        currency=amount.currency if amount is not None else None,
        params={},
        api_version=API_VERSION,
        state=OperationState.DONE,
        by=cause.by if cause else Party.STRIPE,
        because=cause.because if cause else because,
        ends_as=cause.ends_as if cause else None,
        stripe_id=stripe_id,
        created_at=cause.at if cause else now,
        settled_at=now,
    )
    db.session.add(operation)
    db.session.flush()
    return operation


def execute(operation_id: str, *, now: datetime) -> None:
    """Carry out a pending operation and settle it; does nothing if it is settled or in someone else's hands.

    Raises: as :func:`carry_out`.
    """
    order = leases.take(operation_id)
    if order is not None:
        carry_out(order, now=now)


def carry_out(order: Order, *, now: datetime) -> None:
    """Do at Stripe what an operation says, which we hold the lease of, and settle it.

    Raises: GatewayDown (it stays pending and is tried again), CardDeclined or GatewayRefused (it is refused),
    any other Failure, such as Unexplained (it is parked for an operator).
    """
    kind = KINDS[order.kind]
    try:
        settle(order, kind, _answer(kind, order, now), now=now)
    except GatewayDown as failure:
        if failure.asked:
            leases.put_back(order, failure)
        else:
            leases.hand_back([order])
        raise
    except (CardDeclined, GatewayRefused) as failure:
        _refuse(order, kind, failure, now)
        raise
    except Failure as failure:
        _park(order, failure, now)
        raise


def attempt(operation_id: str, *, now: datetime) -> None:
    """Carry out an operation that nobody has to wait for: if Stripe does not answer, the worker goes on."""
    try:
        execute(operation_id, now=now)
    except GatewayDown as failure:
        log.info("left to the worker", operation=operation_id, error=str(failure))


@unbroken
def settle(order: Order, kind: Kind[Answer], answer: Answer, *, now: datetime) -> None:
    """Make everything of ours agree with the answer, in one transaction, once."""
    with atomically():
        fulfilled = kind.settle(order, answer, now)
        operation = Operation.locked(order.id)
        if operation.state == OperationState.PENDING:
            close(
                operation,
                OperationState.DONE if fulfilled else OperationState.REFUSED,
                now=now,
                error=None if fulfilled else "Stripe's object had already moved on.",
            )


def close(operation: Operation, state: OperationState, *, now: datetime, error: str | None = None) -> None:
    """End an operation inside the transaction that applies its effect."""
    operation.error = error
    operation.settled_at = now
    operation.move_to(state, now=now, by=Party.STRIPE, because=operation.kind, operation_id=operation.id)


def unsettled(subject: str) -> Operation | None:
    """The operation on ``subject`` that is pending or parked, locked."""
    return db.session.scalar(
        select(Operation)
        .where(Operation.subject == subject, Operation.state.in_(UNSETTLED_OPERATION))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _waits_for_a_person(subject: str) -> bool:
    """Whether the operation that is in the way of another is parked. The transaction, which has failed, ends here."""
    db.session.rollback()
    parked = select(Operation.id).where(Operation.subject == subject, Operation.is_in(OperationState.PARKED))
    return db.session.scalar(parked) is not None


def _answer(kind: Kind[Answer], order: Order, now: datetime) -> Answer:
    outside()
    gateway = stripe_gateway()
    if order.tries > 1 or order.created_at <= now - KEYS_ARE_KEPT:
        found = kind.look_up(gateway, order)
        if found is not None:
            return found
        if order.key_spent:
            order = leases.with_new_key(order)
    try:
        return kind.send(gateway, order)
    except GatewayRefused as refusal:
        return _in_spite_of(refusal, kind, order)


def _in_spite_of(refusal: GatewayRefused, kind: Kind[Answer], order: Order) -> Answer:
    """ "Wrong state" may be our own earlier success, or someone's in Stripe's dashboard: look before believing."""
    try:
        found = kind.look_up(stripe_gateway(), order)
    except GatewayDown as failure:
        raise GatewayDown(str(failure), saved=failure.saved) from refusal  # this one was asked
    if found is None:
        raise refusal
    return found


@unbroken
def _park(order: Order, failure: Failure, now: datetime) -> None:
    with atomically():
        operation = leases.still_held(order)
        if operation is not None:
            close(operation, OperationState.PARKED, now=now, error=str(failure)[:500])


@unbroken
def _refuse(order: Order, kind: Kind[Any], failure: Failure, now: datetime) -> None:
    with atomically():
        kind.refuse(order, failure, now)
        operation = Operation.locked(order.id)
        if operation.state == OperationState.PENDING:
            close(operation, OperationState.REFUSED, now=now, error=str(failure)[:500])
