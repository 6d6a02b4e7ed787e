"""One comparison of Stripe's objects with ours."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.columns import UtcDateTime
from app.kit.ids import new_id
from app.models.base import Base
from app.models.states import ReconciliationState, Stateful, stored


class Reconciliation(Stateful, Base):
    """``since`` is how far back it looks, ``seen_at`` its last sign of life.

    Counts are of Stripe's objects: compared, made to agree, not ours; and of the alarms that stood open at its end.
    """

    __tablename__ = "reconciliation"
    __table_args__ = (Index("ix_reconciliation_started_at_id", "started_at", "id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("rc"))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[ReconciliationState] = mapped_column(stored(ReconciliationState), default=ReconciliationState.RUNNING)
    compared: Mapped[int] = mapped_column(default=0)
    mended: Mapped[int] = mapped_column(default=0)
    not_ours: Mapped[int] = mapped_column(default=0)
    alarms: Mapped[int] = mapped_column(default=0)
    told: Mapped[str] = mapped_column(String(500), default="")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
