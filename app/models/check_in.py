"""Who said at which moment that they were there."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.columns import UtcDateTime
from app.models.base import Base
from app.models.states import Party, stored


class CheckIn(Base):
    """One side's word, given around the start of a session: what both and an operator can read later."""

    __tablename__ = "check_in"

    booking_id: Mapped[str] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    party: Mapped[Party] = mapped_column(stored(Party, "party"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
