"""People."""

from datetime import datetime

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.kit.columns import UtcDateTime
from app.kit.ids import new_id
from app.models.base import Base
from app.models.mentor import Mentor


class User(UserMixin, Base):  # type: ignore[misc]
    """Someone with a log-in. Everyone can book; a mentor has a :class:`Mentor` row; an operator is made by the CLI.

    ``calendar_key`` is the part of their feed's address that nobody can guess; None: there is no feed.
    """

    __tablename__ = "user_account"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_is_lower_case"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("us"))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(200))
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    is_operator: Mapped[bool] = mapped_column(default=False)
    stripe_customer_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    calendar_key: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    mentor: Mapped[Mentor | None] = relationship(back_populates="user", lazy="joined")

    @property
    def is_mentor(self) -> bool:
        return self.mentor is not None

    @classmethod
    def with_email(cls, email: str) -> "User | None":
        return db.session.scalar(select(cls).where(cls.email == email.lower()))
