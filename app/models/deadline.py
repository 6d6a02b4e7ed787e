"""When something is due that nobody has to ask for."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.columns import UtcDateTime
from app.models.base import Base


class Deadline(Base):
    """``kind`` is due for ``subject`` at ``due_at``; whoever takes the row away sees to it.

    A table of its own, because a row of few columns is claimed many times faster than one of a payment with all its
    indexes.
    """

    __tablename__ = "deadline"
    __table_args__ = (Index("ix_deadline_kind_due_at", "kind", "due_at"),)

    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    subject: Mapped[str] = mapped_column(String(40), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
