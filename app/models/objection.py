"""A mentee's objection to what a session cost, or is about to cost, and what the two propose to each other."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.kit.columns import UtcDateTime
from app.kit.ids import new_id
from app.kit.money import Money
from app.models.base import Base, only
from app.models.states import LIVE_OBJECTION, ObjectionState, Party, Stateful, stored

if TYPE_CHECKING:
    from app.models.booking import Booking

WITH_OPERATOR = "state = 'with_operator'"


class About(StrEnum):
    """``SESSION``: the charge of one that took place. ``FEE``: of one that the mentee is said to have missed.
    ``ABSENCE``: the hold of one to which the mentor did not come.
    """

    SESSION = "session"
    FEE = "fee"
    ABSENCE = "absence"


class Remedy(StrEnum):
    FULL_REFUND = "full_refund"
    PART_REFUND = "part_refund"
    NEW_SESSION = "new_session"
    NOTHING = "nothing"


class Proposal(Base):
    """The ``number``-th of an objection, from 1. Of two that are made at once, the primary key lets one through.

    ``refund_minor`` is what goes back if that is a part.
    """

    __tablename__ = "proposal"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("(remedy = 'part_refund') = (refund_minor > 0)", name="refund"),
    )

    objection_id: Mapped[str] = mapped_column(ForeignKey("objection.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    by: Mapped[Party] = mapped_column(stored(Party, "by"))
    remedy: Mapped[Remedy] = mapped_column(stored(Remedy, "remedy"))
    refund_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    currency: Mapped[str] = mapped_column(String(3))
    words: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    objection: Mapped["Objection"] = relationship(back_populates="proposals")

    @property
    def refund(self) -> Money:
        return Money(self.refund_minor, self.currency)


class Objection(Stateful, Base):
    """A booking has one at most. Who has it has to answer until ``answer_by``: silence accepts what was proposed last.

    ``outcome`` is how it ended, in words; ``operation_id`` the refund that was decided.
    """

    __tablename__ = "objection"
    __table_args__ = (Index("ix_objection_to_rule", "raised_at", **only(WITH_OPERATOR)),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("ob"))
    booking_id: Mapped[str] = mapped_column(ForeignKey("booking.id"), unique=True)
    about: Mapped[About] = mapped_column(stored(About, "about"))
    problem: Mapped[str] = mapped_column(Text)
    state: Mapped[ObjectionState] = mapped_column(stored(ObjectionState), default=ObjectionState.WITH_MENTOR)
    answer_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(300), default="")
    operation_id: Mapped[str | None] = mapped_column(ForeignKey("operation.id"), index=True)
    raised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    booking: Mapped["Booking"] = relationship(back_populates="objection")
    proposals: Mapped[list[Proposal]] = relationship(back_populates="objection", order_by=Proposal.number)

    @property
    def standing(self) -> Proposal:
        """What was proposed last."""
        return self.proposals[-1]

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_OBJECTION

    @property
    def turn(self) -> Party | None:
        """Who has to answer; None once nobody has."""
        return {
            ObjectionState.WITH_MENTOR: Party.MENTOR,
            ObjectionState.WITH_MENTEE: Party.MENTEE,
            ObjectionState.WITH_OPERATOR: Party.OPERATOR,
            ObjectionState.PROMISED: Party.MENTEE,
        }.get(self.state)

    @classmethod
    def live_of(cls, booking_id: str) -> "Objection | None":
        """The objection to a booking about which nobody has decided yet, locked."""
        return db.session.scalar(
            select(cls)
            .where(cls.booking_id == booking_id, cls.state.in_(LIVE_OBJECTION))
            .with_for_update(of=cls, key_share=True)
            .execution_options(populate_existing=True)
        )
