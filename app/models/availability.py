"""When a mentor can be booked, and who has taken which minutes."""

from datetime import date
from enum import IntEnum, StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.ids import new_id
from app.models.base import Base
from app.models.states import stored


class WeeklyHours(Base):
    """A range of wall-clock minutes on a weekday (0 is Monday) in the mentor's zone; 1440 is the next midnight."""

    __tablename__ = "weekly_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440", name="range"),
    )

    mentor_id: Mapped[str] = mapped_column(ForeignKey("mentor.id"), primary_key=True)
    weekday: Mapped[int] = mapped_column(primary_key=True)
    start_minute: Mapped[int] = mapped_column(primary_key=True)
    end_minute: Mapped[int] = mapped_column()

    @property
    def minutes(self) -> tuple[int, int]:
        return self.start_minute, self.end_minute


class ExceptionKind(StrEnum):
    """``INSTEAD`` of the weekly hours of that day, or ``EXTRA`` to whatever is open then."""

    OFF = "off"
    INSTEAD = "instead"
    EXTRA = "extra"


class DateException(Base):
    """Days off, or hours on one day, in the mentor's zone; both days are meant inclusively."""

    __tablename__ = "date_exception"
    __table_args__ = (
        Index("ix_date_exception_mentor_id_last_day", "mentor_id", "last_day", "first_day"),
        CheckConstraint("first_day <= last_day", name="days_in_order"),
        CheckConstraint(
            "CASE WHEN kind = 'off' THEN start_minute IS NULL AND end_minute IS NULL"
            " ELSE first_day = last_day AND start_minute IS NOT NULL AND end_minute IS NOT NULL END",
            name="hours_on_one_day",
        ),
        CheckConstraint("0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440", name="range"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("dx"))
    mentor_id: Mapped[str] = mapped_column(ForeignKey("mentor.id"))
    kind: Mapped[ExceptionKind] = mapped_column(stored(ExceptionKind, "kind"))
    first_day: Mapped[date] = mapped_column()
    last_day: Mapped[date] = mapped_column()
    start_minute: Mapped[int | None] = mapped_column()
    end_minute: Mapped[int | None] = mapped_column()

    @property
    def minutes(self) -> tuple[int, int]:
        """The range of wall-clock minutes, of what is not a day off."""
        assert self.start_minute is not None
        assert self.end_minute is not None
        return self.start_minute, self.end_minute

    def covers(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day


class Lane(IntEnum):
    """What five minutes are taken for: the ``SESSION``, or to keep the buffers ``AFTER`` and ``BEFORE`` sessions."""

    SESSION = 0
    AFTER = 1
    BEFORE = 2


class SlotClaim(Base):
    """One person's five minutes. The primary key is what makes a double booking impossible, on any database.

    It keeps buffers too: a session takes its first cell and its mentor's buffer after it in the lane ``AFTER``, its
    last cell and the buffer before it in ``BEFORE``. So whatever begins within a buffer after, or ends within a buffer
    before, is refused; but two buffers may overlap.
    """

    __tablename__ = "slot_claim"
    __table_args__ = (CheckConstraint("lane BETWEEN 0 AND 2", name="lane"),)

    who: Mapped[str] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    lane: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # Deferred: the claims come first, so that of two rivals the loser has not touched anything else yet.
    booking_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("booking.id", deferrable=True, initially="DEFERRED"), index=True
    )
