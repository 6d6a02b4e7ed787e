"""What happens after a fault: time passes, the worker works, Stripe knocks again."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

from flask import Flask
from sqlalchemy import func, select, update

from app import jobs
from app.extensions import db
from app.models.budget import RequestBudget
from app.models.event import EventState, StripeEvent
from app.models.mail import Mail
from app.models.operation import Operation
from app.models.states import OperationState
from tests.apart import apart
from tests.stripe_double import WEBHOOK_PATH, Stripe

MOST_ROUNDS = 8
MICROSECONDS = 1_000_000
IN_DATABASE_TIME = (
    (Operation.lease_until, 1),
    (Operation.not_before, 1),
    (StripeEvent.not_before, 1),
    (Mail.not_before, 1),
    (RequestBudget.free_at, MICROSECONDS),
)


def let_leases_run_out() -> None:
    """What waiting would do to leases and pauses, which are in the database's own time."""
    db.session.rollback()
    with db.engine.begin() as connection:
        connection.execute(update(Operation).values(lease_until=0, not_before=0))
        connection.execute(update(StripeEvent).values(not_before=0))
        connection.execute(update(Mail).values(not_before=0))


def let_pass(duration: timedelta) -> None:
    """What just so much waiting would do to them."""
    db.session.rollback()
    seconds = round(duration.total_seconds())
    with db.engine.begin() as connection:
        for column, unit in IN_DATABASE_TIME:
            earlier = {column: column - seconds * unit}
            connection.execute(update(column.class_).where(column > 0).values(earlier))


def finish(seen: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
    """Let the worker do what it would do in the next minutes; returns when nothing is left to do.

    The worker's own steps, and no others, are made inside of ``seen()``.
    """
    for _ in range(MOST_ROUNDS):
        let_leases_run_out()
        with seen():
            jobs.run("finish_operations")
            jobs.run("handle_events")
        if not _left(Operation, OperationState.PENDING) and not _left(StripeEvent, EventState.RECEIVED):
            return


def deliver(app: Flask, stripe: Stripe) -> list[int]:
    """Knock at the webhook door with everything that is due; the statuses answered."""
    answered = []

    def send(_url: str, body: bytes, headers: dict[str, str]) -> int:
        answered.append(knock(app, body, headers["Stripe-Signature"]))
        return answered[-1]

    stripe.simulator.deliver(send, force=True)
    return answered


def hear(app: Flask, stripe: Stripe) -> list[int]:
    """Stripe knocks with everything that is due, and a worker apart handles it; the statuses answered."""
    answered = deliver(app, stripe)
    apart(_handle_events, app)
    return answered


def knock(app: Flask, body: bytes, signature: str) -> int:
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
    return int(apart(app.test_client().post, WEBHOOK_PATH, data=body, headers=headers).status_code)


def _handle_events(app: Flask) -> None:
    with app.app_context():
        jobs.run("handle_events")


def _left(entity: type[Operation] | type[StripeEvent], state: OperationState | EventState) -> int:
    count = db.session.scalar(select(func.count()).select_from(entity).where(entity.state == state))
    db.session.rollback()
    return count or 0
