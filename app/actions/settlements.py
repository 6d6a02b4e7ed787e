"""Our books follow Stripe's own: every balance transaction is booked once, its processing fee included.

After that the account ``stripe`` is what Stripe says is ours, to the cent, and the clearing accounts are at nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app.actions import alarms, bookmarks, ledger, operations, strays
from app.actions.labels import is_ours
from app.actions.transactions import atomically, or_else, outside, unbroken
from app.extensions import db
from app.gateways.stripe_gateway import stripe_gateway
from app.gateways.stripe_objects import BalanceTransaction
from app.kit.errors import Busy, Unexplained
from app.kit.money import Money
from app.models.ledger import Balance, LedgerEntry
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import OperationState

JOURNAL = "balance_transactions"
OVERLAP = timedelta(hours=1)  # Stripe's entries are not promised to appear in the order of their dates

MOVEMENT = "movement"  # the kind of an operation that stands for what nobody here has caused
CHARGED, REFUNDED = ("charge", "payment"), ("refund", "payment_refund")
CAME_BACK = ("refund_failure", "payment_failure_refund")
TO_THE_BANK = ("payout", "payout_failure", "payout_cancel")


@dataclass(frozen=True)
class Cause:
    """Why Stripe moved our balance: an operation of ours, and the account that the money came from or went to."""

    operation: Operation
    account: str


unread = bookmarks.unread(JOURNAL, every=timedelta(minutes=5))


def follow(journal: str = JOURNAL, *, now: datetime) -> int:
    """Book what Stripe has moved since the last time; how many entries were new.

    What is ours but not settled here yet is left for the next time. Raises: GatewayDown.
    """
    reached = bookmarks.reached(journal)
    outside()
    since = reached - OVERLAP if reached is not None else None
    booked, seen, waiting = 0, [], []
    for page in stripe_gateway().balance_transaction_pages(since):
        known = _known(page)
        for movement in page:
            seen.append(movement.created)
            if movement.id in known:
                continue
            try:
                booked += book(movement, now=now)
            except Busy:
                waiting.append(movement.created)
    with atomically():
        bookmarks.move(journal, min(waiting, default=max(seen, default=reached or now)), now=now)
    return booked


def differences() -> list[str]:
    """Where our account at Stripe is not what Stripe says, as sentences. Raises: GatewayDown."""
    rows = db.session.scalars(select(Balance).where(Balance.account == ledger.STRIPE))
    ours = {row.currency: -row.money for row in rows}
    outside()
    theirs = stripe_gateway().balance()
    nothing = {currency: Money(0, currency) for currency in {*ours, *theirs}}
    ours, theirs = nothing | ours, nothing | theirs
    return [
        f"Our books say {ours[currency]} at Stripe; Stripe says {theirs[currency]}."
        for currency in sorted(nothing)
        if ours[currency] != theirs[currency]
    ]


def _known(page: list[BalanceTransaction]) -> set[str | None]:
    booked = select(LedgerEntry.balance_transaction).where(
        LedgerEntry.balance_transaction.in_([movement.id for movement in page])
    )
    found = set(db.session.scalars(booked))
    outside()
    return found


@unbroken
def book(movement: BalanceTransaction, *, now: datetime) -> bool:
    """Book a movement; whether it was new.

    Raises: Busy if it is about something of ours that is not settled here yet, or if somebody else is booking it.
    """
    with atomically(), or_else(Busy("Somebody else is booking this.")):
        if _is_booked(movement):
            return False
        cause = _cause_of(movement, now)
        if cause is None:
            raise Busy("What this is about is not settled here yet.")
        operation, account = Operation.locked(cause.operation.id), cause.account
        expected = operation.amount
        if expected is not None and expected.currency != movement.amount.currency:
            sign = 1 if movement.amount.minor > 0 else -1
            converted = Money(sign * expected.minor, expected.currency)
            ledger.post(operation.id, "converted", ledger.EXCHANGE, account, converted, now=now)
            account = ledger.EXCHANGE
        for leg, debit, credit, amount in (
            ("settled", ledger.STRIPE, account, movement.amount),
            ("fee", ledger.STRIPE_FEES, ledger.STRIPE, movement.fee),
        ):
            ledger.post(operation.id, leg, debit, credit, amount, now=now, balance_transaction=movement.id)
    return True


def _is_booked(movement: BalanceTransaction) -> bool:
    """Also one of no amount, which has no entries."""
    entries = select(LedgerEntry.id).where(LedgerEntry.balance_transaction == movement.id)
    adopted = select(Operation.id).where(Operation.kind == MOVEMENT, Operation.stripe_id == movement.id)
    return bool(db.session.scalar(select(entries.exists() | adopted.exists())))


def _cause_of(movement: BalanceTransaction, now: datetime) -> Cause | None:
    if movement.type in CHARGED:
        ours = _done("capture", Operation.subject == _payment_with(Payment.charge_id == movement.source_id))
        account = ledger.CHARGES
    elif movement.type in REFUNDED:
        ours, account = _done("refund", Operation.stripe_id == movement.source_id), ledger.REFUNDS
    elif movement.type in CAME_BACK:
        ours, account = _done("refund_failure", Operation.stripe_id == movement.source_id), ledger.REFUNDS
    else:
        return _foreign(movement, ledger.BANK if movement.type in TO_THE_BANK else ledger.SUSPENSE, now)
    if ours is not None:
        return Cause(ours, account)
    if movement.intent_id is not None and alarms.was_raised(strays.KIND, movement.intent_id):
        return _foreign(movement, ledger.SUSPENSE, now)
    return None if _is_ours(movement) else _foreign(movement, ledger.ELSEWHERE, now)


def _done(kind: str, which: object) -> Operation | None:
    query = select(Operation).where(Operation.kind == kind, Operation.state == OperationState.DONE, which)  # type: ignore[arg-type]
    return db.session.scalars(query).first()


def _payment_with(which: object) -> str:
    return db.session.scalar(select(Payment.id).where(which)) or ""  # type: ignore[arg-type]


def _is_ours(movement: BalanceTransaction) -> bool:
    if is_ours(movement.metadata):
        return True
    return movement.intent_id is not None and bool(_payment_with(Payment.intent_id == movement.intent_id))


def _foreign(movement: BalanceTransaction, account: str, now: datetime) -> Cause:
    """A movement that no operation of ours has caused gets one, so that the books are whole."""
    adopted = operations.adopt(MOVEMENT, movement.id, None, stripe_id=movement.id, because=movement.type[:200], now=now)
    if adopted is None:
        raise Unexplained(f"{movement.id} was adopted before, but it is not booked.")
    return Cause(adopted, account)
