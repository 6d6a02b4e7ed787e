"""Which Stripe account this database speaks of."""

from datetime import datetime

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.columns import UtcDateTime
from app.models.base import Base

ONLY = 1


class Installation(Base):
    """The one row that ties a database to a Stripe account, its mode and the name of this environment there."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="one_only"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=ONLY)
    account_id: Mapped[str] = mapped_column(String(255))
    livemode: Mapped[bool] = mapped_column()
    environment: Mapped[str] = mapped_column(String(40))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
