"""The course of a reconciliation: what is compared with what, in which order, so that memory stays bounded.

Stripe lists what it has from the newest on. What it has and we have not is kept for later, because an hour that was
booked, called off and booked again has to come back in that order. What we have and it has not is seen from our side:
page by page, our payments of the same time that were not among those just read are asked for one by one.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, select, tuple_

from app.actions import alarms, books, card_comparisons, comparisons, reconcile, settlements
from app.actions.comparisons import Findings
from app.actions.transactions import atomically, outside
from app.extensions import db
from app.gateways.stripe_gateway import stripe_gateway
from app.models.alarm import Alarm
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.reconciliation import Reconciliation
from app.models.states import AlarmState, OperationState

BATCH = 100
LOOKS = 3
AHEAD = timedelta(hours=1)  # by which a clock may be ahead of another
BALANCE, AT_STRIPE = "balance", "stripe"  # kind and subject of the alarm about money that only one side knows of
BOOKS = "books"  # both, of the alarm that the books are wrong in themselves, or that nobody knows why money moved


@dataclass(frozen=True)
class Step:
    """``percent`` of the course are behind once it is done."""

    percent: int
    do: Callable[..., None]  # (*, now)


@dataclass
class Course:
    """A run under way. ``strays`` are intents of ours (for payments or cards) without a payment here, newest first."""

    run_id: str
    since: datetime
    began: datetime
    strays: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, run_id: str) -> "Course":
        run = Reconciliation.one(Reconciliation.id == run_id)
        course = cls(run_id, run.since, run.started_at)
        outside()
        return course

    def steps(self) -> Iterator[Step]:
        """Between two steps Stripe is asked for more. Steps raise: GatewayDown; Busy if a newer run has taken over."""
        yield from self._intents()
        yield from self._saved_cards()
        yield from self._adoptions(70)
        yield from self._refunds()
        yield from self._alarmed()
        yield from self._adoptions(95)
        yield Step(100, self._balance)

    def _intents(self) -> Iterator[Step]:
        read: deque[str] = deque(maxlen=2 * BATCH)
        newest = self.began + AHEAD
        for page in stripe_gateway().intent_pages(self.since):
            read.extend(intent.id for intent in page)
            oldest = min(intent.created for intent in page)
            percent = self._share(oldest, 65)
            yield self._step(percent, partial(comparisons.compare_intents, page))
            yield from self._not_among(set(read), oldest, newest, percent)
            newest = oldest
        yield from self._not_among(set(read), self.since, newest, 65)

    def _not_among(self, read: set[str], oldest: datetime, newest: datetime, percent: int) -> Iterator[Step]:
        """Those of our payments from that time whose PaymentIntents were not read just now."""
        begun_then = (Payment.created_at >= oldest) & (Payment.created_at < newest) & Payment.intent_id.is_not(None)
        for intent_id in _walk(Payment.intent_id, Payment.created_at, Payment.id, begun_then):
            if intent_id not in read:
                yield self._step(percent, partial(comparisons.look_for, intent_id))

    def _adoptions(self, percent: int) -> Iterator[Step]:
        while self.strays:
            stray = self.strays.pop()
            yield self._step(percent, partial(_comparing(stray).adopt, stray))

    def _saved_cards(self) -> Iterator[Step]:
        for page in stripe_gateway().setup_pages(self.since):
            yield self._step(65, partial(card_comparisons.compare, page))

    def _refunds(self) -> Iterator[Step]:
        for page in stripe_gateway().refund_pages(self.since):
            percent = 70 + self._share(page[-1].created, 20)
            yield self._step(percent, partial(comparisons.compare_refunds, page))

    def _alarmed(self) -> Iterator[Step]:
        """What was not right before is looked at again, however long ago it was made."""
        older = Alarm.is_in(AlarmState.OPEN) & Alarm.kind.in_(comparisons.KINDS) & (Alarm.raised_at < self.began)
        for intent_id in _walk(Alarm.subject, Alarm.raised_at, Alarm.id, older):
            if _comparing(intent_id) is card_comparisons:
                yield self._step(95, partial(card_comparisons.adopt, intent_id))
            else:
                yield self._step(95, partial(comparisons.look_for, intent_id))

    def _step(self, percent: int, compare: Callable[..., Findings]) -> Step:
        return Step(percent, partial(self._do, compare))

    def _do(self, compare: Callable[..., Findings], *, now: datetime) -> None:
        found = compare(now=now)
        self.strays += found.strays
        reconcile.note(self.run_id, found, now=now)

    def _balance(self, *, now: datetime) -> None:
        """Compare what Stripe says is ours with the books; what is under way may make them differ for a moment."""
        for _ in range(LOOKS):
            settlements.follow(now=now)
            wrong = settlements.differences()
            if not wrong:
                break
        under_way = select(Operation.id).where(Operation.is_in(OperationState.PENDING), Operation.tries > 0).limit(1)
        with atomically():
            if not wrong:
                alarms.settle_about([BALANCE], [AT_STRIPE], now=now)
            elif db.session.scalar(under_way) is None:
                alarms.raise_about(BALANCE, AT_STRIPE, " ".join(wrong), now=now)
            if self.since <= reconcile.since(reconcile.EVERYTHING, now):  # it takes a look at every entry
                self._books(now)
        reconcile.note(self.run_id, Findings(), now=now)

    def _books(self, now: datetime) -> None:
        wrong = books.problems(now)
        if wrong:
            alarms.raise_about(BOOKS, BOOKS, " ".join(wrong), now=now)
        else:
            alarms.settle_about([BOOKS], [BOOKS], now=now)

    def _share(self, looked_back_to: datetime, percent: int) -> int:
        """How much of ``percent`` is behind when one has looked back so far."""
        whole = max(self.began - self.since, AHEAD)
        return min(percent, max(0, percent * (self.began - looked_back_to) // whole))


def _comparing(intent_id: str) -> Any:
    """The module that compares this kind of intent."""
    return card_comparisons if intent_id.startswith(card_comparisons.PREFIX) else comparisons


def _walk(wanted: Any, at: Any, row_id: Any, condition: ColumnElement[bool]) -> Iterator[Any]:
    """What is wanted of many rows, in the order of two columns, read in batches; no transaction is open meanwhile."""
    query = select(wanted, at, row_id).where(condition).order_by(at, row_id).limit(BATCH)
    rows = db.session.execute(query).all()
    while rows:
        outside()
        yield from (row[0] for row in rows)
        rows = db.session.execute(query.where(tuple_(at, row_id) > tuple_(rows[-1][1], rows[-1][2]))).all()
    outside()
