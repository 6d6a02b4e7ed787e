"""When a mentor can be booked, and who has taken which minutes."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


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


class SlotClaim(Base):
    """One person's five minutes. The primary key is what makes a double booking impossible, on any database."""

    __tablename__ = "slot_claim"

    who: Mapped[str] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    # Deferred: the claims come first, so that of two rivals the loser has not touched anything else yet.
    booking_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("booking.id", deferrable=True, initially="DEFERRED"), index=True
    )
