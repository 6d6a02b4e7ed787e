"""A mentor's offer: who, for how much, in which zone."""

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Select, String, Text, bindparam, select
from sqlalchemy.orm import Mapped, joinedload, lazyload, mapped_column, relationship

from app.extensions import db
from app.kit.columns import UtcDateTime
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.availability import WeeklyHours
from app.models.base import Base
from app.models.states import stored

if TYPE_CHECKING:
    from app.models.user import User

MINUTES_PER_HOUR = 60


class Mentor(Base):
    """``hourly_rate_minor`` is in minor units of ``currency``; weekly hours are wall-clock times in ``time_zone``."""

    __tablename__ = "mentor"
    __table_args__ = (
        CheckConstraint("hourly_rate_minor > 0", name="rate_is_positive"),
        Index("ix_mentor_listed", "published", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("mt"))
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), unique=True)
    headline: Mapped[str] = mapped_column(String(120))
    bio: Mapped[str] = mapped_column(Text, default="")
    hourly_rate_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    time_zone: Mapped[str] = mapped_column(String(64))
    published: Mapped[bool] = mapped_column(default=True)
    terms: Mapped[Terms] = mapped_column(
        stored(Terms, "terms"), default=Terms.FLEXIBLE, server_default=Terms.FLEXIBLE.value
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    user: Mapped["User"] = relationship(back_populates="mentor", lazy="joined")
    weekly_hours: Mapped[list[WeeklyHours]] = relationship(
        cascade="all, delete-orphan", order_by=(WeeklyHours.weekday, WeeklyHours.start_minute)
    )

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def hourly_rate(self) -> Money:
        return Money(self.hourly_rate_minor, self.currency)

    @classmethod
    def with_hours(cls, mentor_id: str) -> "Mentor":
        """A mentor and the weekly hours in one query, without the person behind. Raises: NotFound."""
        found = db.session.scalars(_with_hours(), {"mentor_id": mentor_id}).unique().one_or_none()
        if found is None:
            raise NotFound
        return found

    def price_for(self, minutes: int) -> Money:
        """The price of a session, rounded half up to what a card can be charged."""
        return Money.rounded(self.hourly_rate_minor * minutes, MINUTES_PER_HOUR, self.currency)


@cache
def _with_hours() -> Select[Mentor]:
    """Put together once, which costs as much as asking it."""
    one = select(Mentor).where(Mentor.id == bindparam("mentor_id"))
    return one.options(joinedload(Mentor.weekly_hours), lazyload(Mentor.user))
