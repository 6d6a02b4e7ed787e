"""The inbox: what Stripe knocked with."""

from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Index, String, Text, bindparam
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.columns import UtcDateTime
from app.models.base import Base, only
from app.models.states import EventState, Stateful, stored

SET_ASIDE = (EventState.QUARANTINED, EventState.STUCK)


class StripeEvent(Stateful, Base):
    """A verified event. Its primary key is Stripe's id: one event is stored once, however often it is sent.

    ``not_before`` is when it is handled, or tried again, in seconds of the database's own clock.
    """

    __tablename__ = "stripe_event"
    __table_args__ = (
        Index("ix_stripe_event_waiting", "not_before", **only("state = 'received'")),
        Index("ix_stripe_event_set_aside", "state", "received_at", **only("state IN ('quarantined', 'stuck')")),
    )

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    type: Mapped[str] = mapped_column(String(80))
    object_id: Mapped[str | None] = mapped_column(String(255))
    account: Mapped[str | None] = mapped_column(String(255))
    livemode: Mapped[bool] = mapped_column()
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[EventState] = mapped_column(stored(EventState), default=EventState.RECEIVED)
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(500))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    handled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    not_before: Mapped[int] = mapped_column(BigInteger, default=0)

    @classmethod
    def is_set_aside(cls) -> ColumnElement[bool]:
        """A condition that SQLite knows as that of the partial index, and looks for nowhere else."""
        return cls.state.in_(bindparam("aside", SET_ASIDE, expanding=True, literal_execute=True))
