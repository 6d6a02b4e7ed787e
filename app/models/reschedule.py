"""A proposal to hold a session at another time."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.columns import UtcDateTime
from app.kit.ids import new_id
from app.models.base import Base, only
from app.models.states import Party, RescheduleState, Stateful, stored


class Reschedule(Stateful, Base):
    """One side (``by``) proposes, the other answers before ``until``. The proposed time is nobody's meanwhile.

    ``came_from`` is when the session was to begin at that time.
    """

    __tablename__ = "reschedule"
    __table_args__ = (
        Index("uq_reschedule_one_proposed", "booking_id", unique=True, **only("state = 'move_proposed'")),
        Index("ix_reschedule_booking_id_created_at", "booking_id", "created_at"),
        CheckConstraint("starts_at < ends_at", name="ends_after_start"),
        CheckConstraint("starts_at <> came_from", name="is_another_time"),
        CheckConstraint("by IN ('mentee', 'mentor')", name="is_by_one_of_both"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("rs"))
    booking_id: Mapped[str] = mapped_column(ForeignKey("booking.id"))
    by: Mapped[Party] = mapped_column(stored(Party, "by"))
    note: Mapped[str] = mapped_column(String(300), default="")
    came_from: Mapped[datetime] = mapped_column(UtcDateTime)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[RescheduleState] = mapped_column(stored(RescheduleState), default=RescheduleState.PROPOSED)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
