"""How far we have read in one of Stripe's journals."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.columns import UtcDateTime
from app.models.base import Base


class Bookmark(Base):
    """Everything that Stripe dated before ``reached_at`` in the journal ``name`` is stored here.

    ``read_at`` is when somebody last read on.
    """

    __tablename__ = "bookmark"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    reached_at: Mapped[datetime] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)
