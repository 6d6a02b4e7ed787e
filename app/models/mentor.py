"""A mentor's offer: who, for how much, in which zone."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    and_,
    bindparam,
    false,
    select,
    text,
)
from sqlalchemy.orm import Mapped, joinedload, lazyload, mapped_column, relationship

from app.extensions import db
from app.kit import policy
from app.kit.columns import Minutes, UtcDateTime
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.availability import DateException, WeeklyHours
from app.models.base import Base
from app.models.busy_calendar import BusyTime
from app.models.states import stored

if TYPE_CHECKING:
    from app.models.user import User

MINUTES_PER_HOUR = 60


class Mentor(Base):
    """``hourly_rate_minor`` is in minor units of ``currency``; weekly hours are wall-clock times in ``time_zone``.

    Rules for new bookings: nothing else within ``buffer_before`` and ``buffer_after`` a session (minutes), the notice
    in hours if it is more than the platform's, sessions on one of the mentor's days at most, how many days ahead, and
    of the platform's durations those (minutes) that are offered; None stands for no rule of one's own.

    ``trial_minutes`` is the length of a free trial, None if there is none. If a mentor ``approves``, bookings are
    requests first. ``meeting_url`` is where sessions take place; None: each in a room of its own.
    """

    __tablename__ = "mentor"
    __table_args__ = (
        CheckConstraint("hourly_rate_minor > 0", name="rate_is_positive"),
        CheckConstraint("buffer_before BETWEEN 0 AND 240 AND buffer_before % 5 = 0", name="buffer_before"),
        CheckConstraint("buffer_after BETWEEN 0 AND 240 AND buffer_after % 5 = 0", name="buffer_after"),
        CheckConstraint("notice_hours BETWEEN 1 AND 720", name="notice_hours"),
        CheckConstraint("daily_cap BETWEEN 1 AND 24", name="daily_cap"),
        CheckConstraint("horizon_days BETWEEN 1 AND 365", name="horizon_days"),
        CheckConstraint("trial_minutes BETWEEN 5 AND 240", name="trial_minutes"),
        CheckConstraint("durations <> ''", name="durations"),
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
    buffer_before: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    buffer_after: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    notice_hours: Mapped[int | None] = mapped_column()
    daily_cap: Mapped[int | None] = mapped_column()
    horizon_days: Mapped[int | None] = mapped_column()
    durations: Mapped[tuple[int, ...] | None] = mapped_column(Minutes(100))
    trial_minutes: Mapped[int | None] = mapped_column()
    approves: Mapped[bool] = mapped_column(default=False, server_default=false())
    meeting_url: Mapped[str | None] = mapped_column(String(500))
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

    @property
    def lengths(self) -> tuple[int, ...]:
        """For how many minutes one can book: what the platform allows now and the mentor offers."""
        allowed = policy.current().durations
        return allowed if self.durations is None else tuple(n for n in allowed if n in self.durations)

    @property
    def trial_length(self) -> int | None:
        """For how many minutes one can have a free trial; None if there is none."""
        return self.trial_minutes if self.trial_minutes in self.lengths else None

    def length_near(self, minutes: int) -> int | None:
        """``minutes`` if one can book that, else the nearest length that one can; None if there is none."""
        return min(self.lengths, key=lambda length: abs(length - minutes), default=None)

    @classmethod
    def with_hours(
        cls, mentor_id: str, first: date, last: date, since: datetime, until: datetime
    ) -> "tuple[Mentor, Sequence[DateException], Sequence[BusyTime]]":
        """A mentor and the weekly hours, without the person behind; the exceptions of the days from ``first`` to
        ``last``, and the busy times from ``since`` until ``until``; in one query. Raises: NotFound."""
        asked = {"mentor_id": mentor_id, "first": first, "last": last, "since": since, "until": until}
        found = db.session.execute(_with_hours(), asked).unique().all()
        if not found:
            raise NotFound
        exceptions = {exception.id: exception for _, exception, _ in found if exception is not None}
        busy = {time.starts_at: time for _, _, time in found if time is not None}
        return found[0][0], list(exceptions.values()), [busy[starts_at] for starts_at in sorted(busy)]

    def price_for(self, minutes: int) -> Money:
        """The price of a session, rounded half up to what a card can be charged."""
        return Money.rounded(self.hourly_rate_minor * minutes, MINUTES_PER_HOUR, self.currency)


@cache
def _with_hours() -> Select[Mentor, DateException, BusyTime]:
    """Put together once, which costs as much as asking it."""
    in_those_days = and_(
        DateException.mentor_id == Mentor.id,
        DateException.last_day >= bindparam("first", type_=Date),
        DateException.first_day <= bindparam("last", type_=Date),
    )
    at_that_time = and_(
        BusyTime.mentor_id == Mentor.id,
        BusyTime.ends_at > bindparam("since", type_=UtcDateTime),
        BusyTime.starts_at < bindparam("until", type_=UtcDateTime),
    )
    one = select(Mentor, DateException, BusyTime)
    one = one.outerjoin(DateException, in_those_days).outerjoin(BusyTime, at_that_time)
    one = one.where(Mentor.id == bindparam("mentor_id"))
    return one.options(joinedload(Mentor.weekly_hours), lazyload(Mentor.user))
