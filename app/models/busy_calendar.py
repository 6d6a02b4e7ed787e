"""A mentor's own calendar elsewhere, and when it says that they are busy."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.columns import UtcDateTime
from app.models.base import Base


class BusyCalendar(Base):
    """``address`` is a secret: whoever has it reads the calendar. It is fetched from ``due_at`` on.

    ``read_at`` is when the busy times were last true; ``problem`` says why they could not be read ``failures`` times
    since, ``notice`` what is odd about what was read.
    """

    __tablename__ = "busy_calendar"
    __table_args__ = (Index("ix_busy_calendar_due_at", "due_at"),)

    mentor_id: Mapped[str] = mapped_column(ForeignKey("mentor.id"), primary_key=True)
    address: Mapped[str] = mapped_column(String(2000))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    times: Mapped[int] = mapped_column(default=0)
    notice: Mapped[str] = mapped_column(String(300), default="")
    problem: Mapped[str] = mapped_column(String(300), default="")
    failures: Mapped[int] = mapped_column(default=0)


class BusyTime(Base):
    """A mentor's busy times neither touch nor overlap."""

    __tablename__ = "busy_time"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="ends_after_start"),)

    mentor_id: Mapped[str] = mapped_column(ForeignKey("mentor.id"), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
