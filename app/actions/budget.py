"""How many requests a second Stripe is sent, by all processes on all hosts together; people come before batches.

Stripe refuses more than 100 a second, and more than 25 to one endpoint. Source: https://docs.stripe.com/rate-limits
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import BoundedSemaphore, Event, Lock
from typing import Any

import structlog
from sqlalchemy import BigInteger, Executable, String, bindparam, case
from sqlalchemy.exc import SQLAlchemyError

from app.actions.transactions import at_once
from app.extensions import db, upsert
from app.kit.columns import database_microseconds
from app.models.budget import RequestBudget

IN_ALL = "*"
SECOND = 1_000_000  # microseconds
# What was left of the rate a moment ago may be made up for, or every hesitation would be lost: in any one second
# that is a tenth more, which stays below what Stripe refuses.
SLACK = SECOND // 10
# Nobody is ever booked so far ahead: a row that says so was written before the clock was put back.
FARTHEST = 60 * SECOND

log = structlog.get_logger()

_is_batch: ContextVar[bool] = ContextVar("is_batch", default=False)


@contextmanager
def batch() -> Iterator[None]:
    """What is asked of Stripe inside can wait."""
    before = _is_batch.set(True)
    try:
        yield
    finally:
        _is_batch.reset(before)


class Turnstile:
    """Every request to Stripe passes here and is counted: ``in_all`` and ``per_endpoint`` a second; 0 is no limit.
    Of this process's batches, ``at_once`` are under way.

    A row for each endpoint, and one for all of them, tells by the database's clock when the next request is within the
    rate; each request moves both on, in one statement of its own. A person then passes at once. A request of a batch
    waits until its time has come, the longer the more people have passed; the others of this process to the same
    endpoint queue behind it, so that never more is booked ahead than there are processes.
    """

    def __init__(self, *, in_all: int, per_endpoint: int, at_once: int = 8) -> None:
        self._in_all, self._per_endpoint = in_all, per_endpoint
        self._queues: dict[str, Lock] = {}
        self._connections = BoundedSemaphore(at_once)

    @contextmanager
    def turn(self, endpoint: str) -> Iterator[None]:
        """Wait, if one has to, and then make the request inside."""
        if _is_batch.get():
            with self._queues.setdefault(endpoint, Lock()):
                Event().wait(self._count(endpoint, ahead=FARTHEST) / SECOND)
            with self._connections:
                yield
            return
        try:
            self._count(endpoint, ahead=SECOND)  # of a rush of people, no more than a second is made up for
        except SQLAlchemyError as error:
            log.warning("not counted", endpoint=endpoint, error=str(error))  # no reason to keep a person waiting
        yield

    def _count(self, endpoint: str, *, ahead: int) -> int:
        """In how many microseconds this request is within the budget (0: now)."""
        limits = {endpoint: self._per_endpoint, IN_ALL: self._in_all}
        paces = {name: SECOND // limit for name, limit in limits.items() if limit}
        if not paces:
            return 0
        values: dict[str, str | int] = {"ahead": ahead}
        for n, (name, pace) in enumerate(paces.items()):
            values |= {f"name_{n}": name, f"pace_{n}": pace}
        counted = at_once(_counting(db.engine.dialect.name, len(paces)), values)
        return max(0, *(int(row.wait) - paces[row.endpoint] for row in counted))


@cache
def _counting(_dialect: str, rows: int) -> Executable:
    """The one statement. All lock the endpoint's row first, then the one that they share: there is no deadlock."""
    now, free_at = database_microseconds(), RequestBudget.free_at
    names = [bindparam(f"name_{n}", type_=String) for n in range(rows)]
    paces = [bindparam(f"pace_{n}", type_=BigInteger) for n in range(rows)]
    pace = case((RequestBudget.endpoint == names[0], paces[0]), else_=paces[-1])
    moved: Any = case(
        (~free_at.between(now - SLACK, now + FARTHEST), now - SLACK + pace),
        (free_at > now + bindparam("ahead", type_=BigInteger), free_at),
        else_=free_at + pace,
    )
    insertion = upsert(RequestBudget.__table__).values(
        [{"endpoint": name, "free_at": now + first} for name, first in zip(names, paces, strict=True)]
    )
    counting: Executable = insertion.on_conflict_do_update(
        index_elements=["endpoint"], set_={"free_at": moved}
    ).returning(RequestBudget.endpoint, (free_at - now).label("wait"))
    return counting
