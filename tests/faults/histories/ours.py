"""What our tables say, read row by row and without the application's models."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from tests.faults.histories.model import LIVE
from tests.faults.histories.stage import utc

BOOKINGS = """
SELECT b.id, b.request_key, b.state, b.price_minor, b.currency, b.mentor_id, mentor.user_id AS mentors_user,
       b.mentee_id, b.starts_at, b.ends_at, b.pay_by, b.answer_by, b.complete_by, b.free_until,
       p.release_at, p.id AS payment, p.state AS payment_state, p.amount_minor, p.authorized_minor, p.captured_minor,
       p.refunded_minor, p.intent_id, p.capture_before, p.cleared_at, b.ended_at
FROM booking b JOIN mentor ON mentor.id = b.mentor_id JOIN payment p ON p.booking_id = b.id ORDER BY b.starts_at, b.id
"""
OPERATIONS = 'SELECT id, kind, subject, state, amount_minor, "by", stripe_id, tries, error FROM operation'
ENTRIES = """
SELECT e.debit, e.credit, e.amount, e.currency, o.subject FROM ledger_entry e JOIN operation o ON o.id = e.operation_id
"""
QUARRELS = """
SELECT b.request_key, o.about, o.state, o.answer_by, o.raised_at, o.ended_at, o.operation_id, p.number, p.remedy,
       p.refund_minor
FROM objection o JOIN booking b ON b.id = o.booking_id JOIN proposal p ON p.objection_id = o.id ORDER BY o.id, p.number
"""
MOVES = """
SELECT b.request_key, r.id, r.state, r."by", r.came_from, r.starts_at, r.ends_at, r.until
FROM reschedule r JOIN booking b ON b.id = r.booking_id ORDER BY r.created_at, r.id
"""
TRIALS = """
SELECT b.id, b.request_key, b.state, b.price_minor, b.mentor_id, mentor.user_id AS mentors_user, b.mentee_id,
       b.starts_at, b.ends_at, b.answer_by, b.complete_by,
       (SELECT count(*) FROM payment p WHERE p.booking_id = b.id) AS payments
FROM booking b JOIN mentor ON mentor.id = b.mentor_id WHERE b.is_trial ORDER BY b.starts_at, b.id
"""
CLAIMS = """
SELECT booking_id, who, sum(CASE WHEN lane = 0 THEN 1 ELSE 0 END) AS cells FROM slot_claim
GROUP BY booking_id, who ORDER BY booking_id, who
"""


@dataclass(frozen=True)
class Row:
    """A booking with its payment. Amounts are in minor units."""

    id: str
    form: str
    state: str
    price: int
    currency: str
    mentor_id: str
    people: frozenset[str]
    starts_at: datetime
    ends_at: datetime
    pay_by: datetime
    answer_by: datetime | None
    complete_by: datetime
    free_until: datetime | None
    payment: str
    payment_state: str
    amount: int
    authorized: int
    captured: int
    refunded: int
    intent: str | None
    capture_before: datetime | None
    release_at: datetime | None
    cleared_at: datetime | None  # when the mentor's share became available
    ended_at: datetime | None
    busy: str = ""  # the kind of the operation that is not settled yet

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


@dataclass(frozen=True)
class Free:
    """A free trial; ``payments`` is how many it has."""

    id: str
    form: str
    state: str
    price: int
    mentor_id: str
    people: frozenset[str]
    starts_at: datetime
    ends_at: datetime
    answer_by: datetime | None
    complete_by: datetime
    payments: int

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


@dataclass(frozen=True)
class Move:
    """A proposal to hold a session at another time than ``came_from``."""

    id: str
    state: str
    by: str
    came_from: datetime
    starts_at: datetime
    ends_at: datetime
    until: datetime

    @property
    def is_open(self) -> bool:
        return self.state == "move_proposed"


@dataclass(frozen=True)
class Quarrel:
    """An objection and its latest proposal. ``operation`` is the refund that was decided."""

    about: str
    state: str
    answer_by: datetime | None
    raised_at: datetime
    ended_at: datetime | None
    operation: str | None
    number: int
    remedy: str
    refund: int

    @property
    def is_live(self) -> bool:
        return self.ended_at is None


@dataclass
class Ours:
    """Everything at one moment. ``shares`` are what mentor and platform have of each payment."""

    rows: dict[str, Row] = field(default_factory=dict)  # by form
    trials: dict[str, Free] = field(default_factory=dict)  # by form
    moves: dict[str, dict[str, Move]] = field(default_factory=dict)  # by form, and by id
    quarrels: dict[str, Quarrel] = field(default_factory=dict)  # by form
    operations: list[Any] = field(default_factory=list)
    shares: Counter[tuple[str, str]] = field(default_factory=Counter)
    sums: Counter[tuple[str, str]] = field(default_factory=Counter)
    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    claims: dict[str, dict[str, int]] = field(default_factory=dict)  # of each booking: how many by whom
    alarms: set[tuple[str, str]] = field(default_factory=set)  # kinds and subjects
    waiting: int = 0  # events that were stored and not handled
    fingerprint: int = 0

    @classmethod
    def read(cls, connection: Connection) -> "Ours":
        ours = cls()

        def all_of(sql: str) -> list[Any]:
            found = connection.exec_driver_sql(sql).all()
            in_order = sorted(map(repr, found))  # a database may tell the same rows in another order
            ours.fingerprint = hash((ours.fingerprint, *in_order))
            return found

        ours.operations = all_of(OPERATIONS)
        busy = {op.subject: op.kind for op in ours.operations if op.state in ("pending", "parked")}
        ours.rows = {row.form: row for row in (_row(found, busy) for found in all_of(BOOKINGS))}
        ours.trials = {trial.form: trial for trial in map(_free, all_of(TRIALS))}
        for found in all_of(MOVES):
            ours.moves.setdefault(found.request_key, {})[found.id] = _move(found)
        ours.quarrels = {found.request_key: _quarrel(found) for found in all_of(QUARRELS)}  # the last proposal stays
        for entry in all_of(ENTRIES):
            for account, minor in ((entry.debit, -entry.amount), (entry.credit, entry.amount)):
                ours.sums[account, entry.currency] += minor
                ours.shares[entry.subject, account] += minor
        ours.balances = {(row.account, row.currency): row.minor for row in all_of("SELECT * FROM balance")}
        for claim in all_of(CLAIMS):
            ours.claims.setdefault(claim.booking_id, {})[claim.who] = claim.cells
        ours.alarms = {
            (row.kind, row.subject) for row in all_of("SELECT kind, subject FROM alarm WHERE state = 'open'")
        }
        events = all_of("SELECT state, count(*) AS count, sum(tries) AS tries FROM stripe_event GROUP BY state")
        ours.waiting = sum(row.count for row in events if row.state == "received")
        all_of("SELECT id, stripe_customer_id FROM user_account WHERE stripe_customer_id IS NOT NULL ORDER BY id")
        return ours

    @property
    def unsettled(self) -> list[Any]:
        return [op for op in self.operations if op.state in ("pending", "parked")]

    def is_busy(self, kind: str) -> bool:
        """Whether there is an operation of this kind that is not settled."""
        return any(op.kind == kind for op in self.unsettled)


def _row(found: Any, busy: dict[str, str]) -> Row:
    return Row(
        id=found.id,
        form=found.request_key,
        state=found.state,
        price=found.price_minor,
        currency=found.currency,
        mentor_id=found.mentor_id,
        people=frozenset((found.mentors_user, found.mentee_id)),
        starts_at=utc(found.starts_at),
        ends_at=utc(found.ends_at),
        pay_by=utc(found.pay_by),
        answer_by=utc(found.answer_by) if found.answer_by else None,
        complete_by=utc(found.complete_by),
        free_until=utc(found.free_until) if found.free_until else None,
        payment=found.payment,
        payment_state=found.payment_state,
        amount=found.amount_minor,
        authorized=found.authorized_minor,
        captured=found.captured_minor,
        refunded=found.refunded_minor,
        intent=found.intent_id,
        capture_before=utc(found.capture_before) if found.capture_before else None,
        release_at=utc(found.release_at) if found.release_at else None,
        cleared_at=utc(found.cleared_at) if found.cleared_at else None,
        ended_at=utc(found.ended_at) if found.ended_at else None,
        busy=busy.get(found.payment, ""),
    )


def _free(found: Any) -> Free:
    return Free(
        id=found.id,
        form=found.request_key,
        state=found.state,
        price=found.price_minor,
        mentor_id=found.mentor_id,
        people=frozenset((found.mentors_user, found.mentee_id)),
        starts_at=utc(found.starts_at),
        ends_at=utc(found.ends_at),
        answer_by=utc(found.answer_by) if found.answer_by else None,
        complete_by=utc(found.complete_by),
        payments=found.payments,
    )


def _move(found: Any) -> Move:
    return Move(
        id=found.id,
        state=found.state,
        by=found.by,
        came_from=utc(found.came_from),
        starts_at=utc(found.starts_at),
        ends_at=utc(found.ends_at),
        until=utc(found.until),
    )


def _quarrel(found: Any) -> Quarrel:
    return Quarrel(
        about=found.about,
        state=found.state,
        answer_by=utc(found.answer_by) if found.answer_by else None,
        raised_at=utc(found.raised_at),
        ended_at=utc(found.ended_at) if found.ended_at else None,
        operation=found.operation_id,
        number=found.number,
        remedy=found.remedy,
        refund=found.refund_minor,
    )
