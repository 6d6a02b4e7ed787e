"""A money action, written down before Stripe hears of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.columns import UtcDateTime
from app.kit.ids import new_id
from app.kit.money import Money
from app.models.base import Base, only
from app.models.states import BookingState, OperationState, Party, Stateful, stored

UNSETTLED = "state IN ('pending', 'parked')"


class Operation(Stateful, Base):
    """One call that changes something at Stripe: what, of which subject, with which frozen parameters.

    ``attempt`` numbers the idempotency keys, ``tries`` the times somebody set about it. ``lease_until`` and
    ``not_before`` are epoch seconds of the database's clock. ``ends_as`` is what the booking becomes once the
    money has moved, so that whoever settles the operation, and whenever, knows.
    """

    __tablename__ = "operation"
    __table_args__ = (
        Index("uq_operation_one_unsettled", "subject", unique=True, **only(UNSETTLED)),
        Index("ix_operation_due", "not_before", **only("state = 'pending'")),
        Index("ix_operation_subject_created_at", "subject", "created_at"),
        Index("ix_operation_state_created_at", "state", "created_at"),
        Index("uq_operation_one_per_effect", "kind", "stripe_id", unique=True),
        CheckConstraint("amount_minor > 0", name="amount_is_positive"),
        CheckConstraint("attempt >= 1", name="attempt"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("op"))
    kind: Mapped[str] = mapped_column(String(30))
    subject: Mapped[str] = mapped_column(String(40))
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    params: Mapped[dict[str, Any]] = mapped_column(JSON)
    api_version: Mapped[str] = mapped_column(String(40))
    state: Mapped[OperationState] = mapped_column(stored(OperationState), default=OperationState.PENDING)
    by: Mapped[Party] = mapped_column(stored(Party, "by"))
    ends_as: Mapped[BookingState | None] = mapped_column(stored(BookingState, "ends_as"))
    because: Mapped[str] = mapped_column(String(200), default="")
    attempt: Mapped[int] = mapped_column(default=1)
    key_spent: Mapped[bool] = mapped_column(default=False)
    tries: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[int] = mapped_column(BigInteger, default=0)
    not_before: Mapped[int] = mapped_column(BigInteger, default=0)
    stripe_id: Mapped[str | None] = mapped_column(String(255))
    error: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def amount(self) -> Money | None:
        if self.amount_minor is None or self.currency is None:
            return None
        return Money(self.amount_minor, self.currency)
