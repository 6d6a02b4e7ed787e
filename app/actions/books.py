"""Books that prove themselves: the trial balance, and everything that must be true of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select, union_all

from app.actions import ledger
from app.extensions import db
from app.kit.money import Money
from app.models.base import all_of
from app.models.ledger import Balance, LedgerEntry
from app.models.operation import Operation
from app.models.payment import Payment

CLEARING = (ledger.CHARGES, ledger.REFUNDS)
MENTORS = ("mentor", "available")  # the legs that change what a mentor has
SHARES = ("mentor", "commission")  # the legs that share a charge between mentor and platform, or take it back
LONGEST_CLEARING = timedelta(days=2)  # for Stripe to write in its own books what it has told us


@dataclass(frozen=True)
class TrialBalance:
    """Every account of one currency. Money that is ours to hold is negative (a debit), what we owe is positive."""

    currency: str
    accounts: list[tuple[str, Money]]

    @property
    def total(self) -> Money:
        """Nothing, or the books are wrong."""
        return sum((balance for _, balance in self.accounts), Money(0, self.currency))


def trial_balances() -> list[TrialBalance]:
    rows = all_of(select(Balance).order_by(Balance.currency, Balance.account))
    currencies = sorted({row.currency for row in rows})
    return [
        TrialBalance(currency, [(row.account, row.money) for row in rows if row.currency == currency])
        for currency in currencies
    ]


def problems(now: datetime) -> list[str]:
    """Everything that is wrong with the books, as sentences; empty if they are right."""
    return [*_unbalanced(), *_misshared(), *_misplaced(), *_uncleared(now), *_unknown()]


def _unbalanced() -> Iterator[str]:
    yield from (
        f"The {book.currency} accounts add up to {book.total} instead of nothing."
        for book in trial_balances()
        if book.total
    )
    entered = union_all(
        select(LedgerEntry.credit.label("account"), LedgerEntry.currency, LedgerEntry.amount.label("minor")),
        select(LedgerEntry.debit, LedgerEntry.currency, -LedgerEntry.amount),
    ).subquery()
    sums = select(entered.c.account, entered.c.currency, func.sum(entered.c.minor)).group_by(
        entered.c.account, entered.c.currency
    )
    added = {(account, currency): int(minor) for account, currency, minor in db.session.execute(sums)}
    kept = {(row.account, row.currency): row.minor for row in all_of(select(Balance))}
    for account, currency in sorted({*added, *kept}):
        entries, balance = added.get((account, currency), 0), kept.get((account, currency), 0)
        if entries != balance:
            yield f"{account} has {Money(balance, currency)}, but its entries add up to {Money(entries, currency)}."


def _misshared() -> Iterator[str]:
    shared = func.coalesce(func.sum(_from_clearing()), 0)
    charged = Payment.captured_minor - Payment.refunded_minor
    wrong = (
        select(Payment.id, Payment.currency, charged, shared)
        .outerjoin(Operation, Operation.subject == Payment.id)
        .outerjoin(LedgerEntry, (LedgerEntry.operation_id == Operation.id) & LedgerEntry.leg.in_(SHARES))
        .group_by(Payment.id, Payment.currency, Payment.captured_minor, Payment.refunded_minor)
        .having(shared != charged)
    )
    for payment_id, currency, due, found in db.session.execute(wrong):
        yield f"Of {payment_id}, {Money(due, currency)} stayed charged and {Money(int(found), currency)} were shared."


def _misplaced() -> Iterator[str]:
    """What a mentor has of a charge is all pending or, once it is cleared, all available."""
    pending, available = _change_of("mentor:%:pending"), _change_of("mentor:%:available")
    is_cleared = Payment.cleared_at.is_not(None)
    wrong = (
        select(Payment.id, Payment.currency, is_cleared, case((is_cleared, pending), else_=available))
        .outerjoin(Operation, Operation.subject == Payment.id)
        .outerjoin(LedgerEntry, (LedgerEntry.operation_id == Operation.id) & LedgerEntry.leg.in_(MENTORS))
        .group_by(Payment.id, Payment.currency, Payment.cleared_at)
        .having(case((is_cleared, pending), else_=available) != 0)
    )
    for payment_id, currency, cleared, found in db.session.execute(wrong):
        is_so = "is cleared, and pending" if cleared else "is not cleared, and available"
        yield f"What the mentor has of {payment_id} {is_so} are {Money(int(found), currency)} of it."


def _change_of(accounts: str) -> ColumnElement[int]:
    """What entries add to accounts that are called so."""
    came = case((LedgerEntry.credit.like(accounts), LedgerEntry.amount), else_=0)
    went = case((LedgerEntry.debit.like(accounts), LedgerEntry.amount), else_=0)
    return func.sum(came - went)


def _from_clearing() -> ColumnElement[int]:
    """What an entry shares out of a clearing account; negative when it goes back there."""
    return case((LedgerEntry.debit.in_(CLEARING), LedgerEntry.amount), else_=-LedgerEntry.amount)


def _uncleared(now: datetime) -> Iterator[str]:
    """What is shared here waits in a clearing account until Stripe's own entry about it is booked."""
    settled = select(LedgerEntry.id).where(LedgerEntry.leg == "settled").correlate(Operation)
    waiting = (
        select(Operation.id, func.min(LedgerEntry.at))
        .join(LedgerEntry, LedgerEntry.operation_id == Operation.id)
        .where(LedgerEntry.leg.in_(SHARES), ~settled.where(LedgerEntry.operation_id == Operation.id).exists())
        .group_by(Operation.id)
    )
    left = all_of(select(Balance).where(Balance.account.in_(CLEARING), Balance.minor != 0))
    if not left:
        return
    unsettled = [(operation_id, since) for operation_id, since in db.session.execute(waiting)]
    late = sorted(operation_id for operation_id, since in unsettled if since <= now - LONGEST_CLEARING)
    if late or not unsettled:
        amounts = ", ".join(f"{row.money} in {row.account}" for row in left)
        yield f"{amounts} did not clear. Stripe's own books lack: {', '.join(late) or 'nothing'}."


def _unknown() -> Iterator[str]:
    rows = all_of(select(Balance).where(Balance.account == ledger.SUSPENSE, Balance.minor != 0))
    yield from (f"{row.money} were moved at Stripe for reasons unknown here ({row.account})." for row in rows)
