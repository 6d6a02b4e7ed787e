"""The outbox: what people are to be told."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kit.columns import UtcDateTime
from app.kit.ids import new_id
from app.models.base import Base, only
from app.models.booking import Booking
from app.models.states import MailState, Stateful, stored
from app.models.user import User


class Mail(Stateful, Base):
    """One mail to one person about a booking, written down in the transaction of the change that it tells of.

    ``cause`` is what brought it about (a booking, an operation, a moment): one cause makes one mail of a kind to a
    person, ever. ``facts`` are frozen: amounts in minor units, times as ISO 8601. ``until`` is when it would only
    confuse. ``not_before`` is when it is tried (again), in epoch seconds of the database's clock; whoever claims it
    moves that behind their lease and counts ``tries`` on.
    """

    __tablename__ = "mail"
    __table_args__ = (
        UniqueConstraint("person_id", "kind", "cause"),
        Index("ix_mail_due", "not_before", **only("state = 'waiting'")),
        Index("ix_mail_created_at_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("ml"))
    kind: Mapped[str] = mapped_column(String(30))
    cause: Mapped[str] = mapped_column(String(40))
    person_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    booking_id: Mapped[str] = mapped_column(ForeignKey("booking.id"), index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[MailState] = mapped_column(stored(MailState), default=MailState.WAITING)
    tries: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[int] = mapped_column(BigInteger, default=0)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    person: Mapped[User] = relationship()
    booking: Mapped[Booking] = relationship()
