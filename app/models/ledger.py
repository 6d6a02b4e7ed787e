"""Double-entry books: every row moves one amount from one account to another, so every row balances."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.columns import UtcDateTime
from app.kit.money import Money
from app.models.base import Base


class LedgerEntry(Base):
    """``amount`` minor units leave ``debit`` and come to ``credit``. Never changed or deleted (triggers).

    ``balance_transaction`` is Stripe's own entry that this one follows, where it follows one: booked once, ever.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint("operation_id", "leg"),
        Index("uq_ledger_entry_balance_transaction_leg", "balance_transaction", "leg", unique=True),
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint("debit <> credit", name="two_accounts"),
        Index("ix_ledger_entry_debit", "debit", "currency", "id"),
        Index("ix_ledger_entry_credit", "credit", "currency", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True)
    operation_id: Mapped[str] = mapped_column(ForeignKey("operation.id"))
    leg: Mapped[str] = mapped_column(String(30))
    debit: Mapped[str] = mapped_column(String(80))
    credit: Mapped[str] = mapped_column(String(80))
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    balance_transaction: Mapped[str | None] = mapped_column(String(255))


class Balance(Base):
    """What the entries of an account add up to: credits less debits, kept in the transaction that adds an entry."""

    __tablename__ = "balance"

    account: Mapped[str] = mapped_column(String(80), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    minor: Mapped[int] = mapped_column(BigInteger, default=0)

    @property
    def money(self) -> Money:
        return Money(self.minor, self.currency)
