"""An hour that a mentee books with a mentor."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kit.columns import UtcDateTime
from app.kit.ids import new_id
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.base import Base, only
from app.models.mentor import Mentor
from app.models.objection import Objection
from app.models.payment import Payment
from app.models.reschedule import Reschedule
from app.models.states import BookingState, Party, Stateful, stored
from app.models.user import User

PENDING = "state = 'pending_payment'"
COUNTED = "state IN ('pending_payment', 'requested', 'confirmed', 'completed', 'no_show')"
PLACES = "uq_booking_place"  # names the index by which two who want the last place of a day meet
TRIALS = "uq_booking_trial"  # and this one, where two forms ask for the one trial that somebody has with a mentor


class Booking(Stateful, Base):
    """``price_minor``, ``commission_bps`` and ``terms`` are frozen when the booking is made.

    After ``free_until`` it costs the mentee what the terms say to cancel; None: it never does. ``pay_by`` ends the
    checkout; ``complete_by`` is the last moment to complete the session. ``request_key`` comes with the form, so that
    submitting it twice makes one booking. ``place`` is the number of a session among those of ``mentor_day``, a day
    where the mentor is; only what is booked under a daily cap has one. ``meeting_url`` is shown to nobody until shortly
    before. What ``is_trial`` costs nothing and has no payment. If it ``needs_answer``, its mentor has to accept it
    until ``answer_by``, once the money is secured.
    """

    __tablename__ = "booking"
    __table_args__ = (
        UniqueConstraint("mentee_id", "request_key"),
        Index("ix_booking_mentee_id_starts_at", "mentee_id", "starts_at", "id"),
        Index("ix_booking_mentor_id_starts_at", "mentor_id", "starts_at", "id"),
        Index("ix_booking_mentor_id_state_starts_at", "mentor_id", "state", "starts_at", "id"),
        Index("ix_booking_starts_at_id", "starts_at", "id"),
        Index("ix_booking_unpaid", "pay_by", **only(PENDING)),
        Index(PLACES, "mentor_id", "mentor_day", "place", unique=True, **only(COUNTED)),
        Index(TRIALS, "mentee_id", "mentor_id", unique=True, **only(f"is_trial AND {COUNTED}")),
        CheckConstraint("CASE WHEN is_trial THEN price_minor = 0 ELSE price_minor > 0 END", name="price"),
        CheckConstraint("starts_at < ends_at", name="ends_after_start"),
        CheckConstraint("0 <= commission_bps AND commission_bps <= 10000", name="commission"),
        CheckConstraint("place >= 1", name="place"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("bk"))
    mentor_id: Mapped[str] = mapped_column(ForeignKey("mentor.id"))
    mentee_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    title: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(Text, default="")
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    minutes: Mapped[int] = mapped_column()
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    commission_bps: Mapped[int] = mapped_column()
    terms: Mapped[Terms] = mapped_column(
        stored(Terms, "terms"), default=Terms.FLEXIBLE, server_default=Terms.FLEXIBLE.value
    )
    free_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[BookingState] = mapped_column(stored(BookingState), default=BookingState.PENDING_PAYMENT)
    pay_by: Mapped[datetime] = mapped_column(UtcDateTime)
    complete_by: Mapped[datetime] = mapped_column(UtcDateTime)
    is_trial: Mapped[bool] = mapped_column(default=False, server_default=false())
    needs_answer: Mapped[bool] = mapped_column(default=False, server_default=false())
    answer_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    agreed_done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[Party | None] = mapped_column(stored(Party, "ended_by"))
    ended_because: Mapped[str] = mapped_column(String(200), default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    request_key: Mapped[str] = mapped_column(String(64))
    mentor_day: Mapped[date | None] = mapped_column()
    place: Mapped[int | None] = mapped_column()
    meeting_url: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    mentor: Mapped[Mentor] = relationship()
    mentee: Mapped[User] = relationship()
    objection: Mapped[Objection | None] = relationship(back_populates="booking")
    payments: Mapped[list[Payment]] = relationship(back_populates="booking", order_by=Payment.created_at.desc())
    reschedules: Mapped[list[Reschedule]] = relationship(order_by=(Reschedule.created_at, Reschedule.id), viewonly=True)

    @property
    def price(self) -> Money:
        return Money(self.price_minor, self.currency)

    @property
    def late_fee(self) -> Money:
        """What it costs the mentee to cancel after ``free_until``."""
        return Money(0, self.currency) if self.free_until is None else self.terms.late_fee(self.price)

    @property
    def cancels_free_until(self) -> datetime | None:
        """Until when cancelling is free as the session stands now: it may have been moved to before ``free_until``."""
        return None if self.free_until is None else min(self.free_until, self.starts_at)

    @property
    def payment(self) -> Payment | None:
        """The latest attempt to be paid."""
        return self.payments[0] if self.payments else None

    @classmethod
    def of_mentee(cls, user: User, booking_id: str) -> "Booking":
        """Raises: NotFound, also for someone else's."""
        return cls.one(cls.id == booking_id, cls.mentee_id == user.id)

    @classmethod
    def of_mentor(cls, user: User, booking_id: str) -> "Booking":
        """Raises: NotFound, also for someone else's."""
        return cls.one(cls.id == booking_id, cls.mentor_id.in_(select(Mentor.id).where(Mentor.user_id == user.id)))
