"""Bookkeeping: what a capture and a refund do to everybody's account."""

from datetime import datetime

from sqlalchemy import insert

from app.extensions import db, upsert
from app.kit.money import Money
from app.models.booking import Booking
from app.models.ledger import Balance, LedgerEntry

STRIPE = "stripe"
COMMISSION = "platform:commission"


def pending_of(mentor_id: str) -> str:
    """The account of what a mentor has earned and cannot withdraw yet."""
    return f"mentor:{mentor_id}:pending"


def commission_of(captured: Money, refunded: Money, basis_points: int) -> Money:
    """The platform's share of what is left of a charge after refunds.

    The commission is given back in proportion to all that was refunded so far, not refund by refund: roundings
    never add up, and a full refund returns exactly the whole commission.
    """
    whole = captured.share(basis_points)
    if not captured:
        return whole
    returned = (2 * whole.minor * refunded.minor + captured.minor) // (2 * captured.minor)
    return whole - Money(returned, captured.currency)


def book_capture(booking: Booking, captured: Money, *, operation_id: str, now: datetime) -> None:
    """Share a captured amount between mentor and platform."""
    commission = commission_of(captured, Money(0, captured.currency), booking.commission_bps)
    post(operation_id, "mentor", STRIPE, pending_of(booking.mentor_id), captured - commission, now=now)
    post(operation_id, "commission", STRIPE, COMMISSION, commission, now=now)


def book_refund(
    booking: Booking, *, captured: Money, before: Money, after: Money, operation_id: str, now: datetime
) -> None:
    """Take a refund from mentor and platform; ``before`` and ``after`` are the sums refunded of ``captured``."""
    commission = commission_of(captured, before, booking.commission_bps) - commission_of(
        captured, after, booking.commission_bps
    )
    post(operation_id, "mentor", pending_of(booking.mentor_id), STRIPE, after - before - commission, now=now)
    post(operation_id, "commission", COMMISSION, STRIPE, commission, now=now)


def post(operation_id: str, leg: str, debit: str, credit: str, amount: Money, *, now: datetime) -> None:
    """Move ``amount`` from ``debit`` to ``credit`` as one leg of an operation; nothing for a zero amount."""
    if not amount:
        return
    db.session.execute(
        insert(LedgerEntry).values(
            operation_id=operation_id,
            leg=leg,
            debit=debit,
            credit=credit,
            amount=amount.minor,
            currency=amount.currency,
            at=now,
        )
    )
    # Always in the same order, so that two captures at once wait for each other instead of deadlocking.
    for account, minor in sorted({debit: -amount.minor, credit: amount.minor}.items()):
        _add(account, Money(minor, amount.currency))


def _add(account: str, amount: Money) -> None:
    row = upsert(Balance).values(account=account, currency=amount.currency, minor=amount.minor)
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=["account", "currency"], set_={"minor": Balance.minor + row.excluded.minor}
        )
    )
