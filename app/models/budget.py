"""How many requests Stripe may be sent, shared by all processes on all hosts."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class RequestBudget(Base):
    """``free_at``, microseconds of the database's clock, is when all requests spent so far are within the rate."""

    __tablename__ = "request_budget"

    endpoint: Mapped[str] = mapped_column(String(80), primary_key=True)
    free_at: Mapped[int] = mapped_column(BigInteger, default=0)
