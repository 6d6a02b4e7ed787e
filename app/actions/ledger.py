"""Bookkeeping: what a capture and a refund do to everybody's account.

What we are sure of is booked at once against a clearing account; Stripe's own entry about it, fee included, follows
within minutes (:mod:`app.actions.settlements`) and brings the clearing account back to nothing.
"""

from datetime import datetime

from sqlalchemy import insert

from app.extensions import db, upsert
from app.kit.money import Money
from app.models.booking import Booking
from app.models.ledger import Balance, LedgerEntry

STRIPE = "stripe"  # what Stripe says is ours there, to the cent
CHARGES, REFUNDS = "clearing:charges", "clearing:refunds"  # known here, not yet in Stripe's own books
COMMISSION, STRIPE_FEES, BANK = "platform:commission", "platform:stripe_fees", "platform:bank"
ELSEWHERE = "elsewhere"  # moved on the same Stripe account by somebody else's application
EXCHANGE = "exchange"  # what Stripe converted between currencies
SUSPENSE = "suspense"  # moved at Stripe for a reason that nobody here knows: a person has to look


def pending_of(mentor_id: str) -> str:
    """The account of what a mentor has earned and what the mentee can still object to."""
    return f"mentor:{mentor_id}:pending"


def available_of(mentor_id: str) -> str:
    """The account of what a mentor has earned for good."""
    return f"mentor:{mentor_id}:available"


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
    post(operation_id, "mentor", CHARGES, pending_of(booking.mentor_id), captured - commission, now=now)
    post(operation_id, "commission", CHARGES, COMMISSION, commission, now=now)


def book_refund(
    booking: Booking,
    *,
    captured: Money,
    before: Money,
    after: Money,
    cleared: bool,
    operation_id: str,
    now: datetime,
) -> None:
    """Take a refund from mentor and platform, or give it to them again if it came back from the mentee's bank.

    ``before`` and ``after`` are the sums refunded of ``captured``. It comes from where the mentor has this charge:
    from what is available if it is ``cleared``. What a mentor no longer has becomes a debt, paid off by later earnings.
    """
    mentors = available_of(booking.mentor_id) if cleared else pending_of(booking.mentor_id)
    commission = commission_of(captured, before, booking.commission_bps) - commission_of(
        captured, after, booking.commission_bps
    )
    post(operation_id, "mentor", mentors, REFUNDS, after - before - commission, now=now)
    post(operation_id, "commission", COMMISSION, REFUNDS, commission, now=now)


def book_clearing(booking: Booking, *, captured: Money, refunded: Money, operation_id: str, now: datetime) -> None:
    """Make what a mentor has left of a charge available; under the operation that brought it, so that it is once."""
    left = captured - refunded - commission_of(captured, refunded, booking.commission_bps)
    mentor_id = booking.mentor_id
    post(operation_id, "available", pending_of(mentor_id), available_of(mentor_id), left, now=now)


def post(
    operation_id: str,
    leg: str,
    debit: str,
    credit: str,
    amount: Money,
    *,
    now: datetime,
    balance_transaction: str | None = None,
) -> None:
    """Move ``amount`` from ``debit`` to ``credit`` (or back, if it is negative) as one leg of an operation.

    Nothing for a zero amount.
    """
    if not amount:
        return
    if amount.minor < 0:
        debit, credit, amount = credit, debit, -amount
    db.session.execute(
        insert(LedgerEntry).values(
            operation_id=operation_id,
            leg=leg,
            debit=debit,
            credit=credit,
            amount=amount.minor,
            currency=amount.currency,
            at=now,
            balance_transaction=balance_transaction,
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
