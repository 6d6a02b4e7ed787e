"""What only a person can decide."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.columns import UtcDateTime
from app.kit.ids import new_id
from app.models.base import Base, only
from app.models.states import AlarmState, Stateful, stored


class Alarm(Stateful, Base):
    """Something about ``subject`` (an id of ours or Stripe's) that should not be so; raised once while it is open."""

    __tablename__ = "alarm"
    __table_args__ = (
        Index("uq_alarm_one_open", "kind", "subject", unique=True, **only("state = 'open'")),
        Index("ix_alarm_state_raised_at", "state", "raised_at"),
        Index("ix_alarm_subject", "subject"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("al"))
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(255))
    sentence: Mapped[str] = mapped_column(String(500))
    state: Mapped[AlarmState] = mapped_column(stored(AlarmState), default=AlarmState.OPEN)
    raised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
