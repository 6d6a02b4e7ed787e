"""Rooms: one class, one row. Importing this package knows every table."""

from app.models.availability import SlotClaim, WeeklyHours
from app.models.base import Base
from app.models.booking import Booking
from app.models.event import StripeEvent
from app.models.ledger import Balance, LedgerEntry
from app.models.mentor import Mentor
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import Transition
from app.models.user import User

__all__ = [
    "Balance",
    "Base",
    "Booking",
    "LedgerEntry",
    "Mentor",
    "Operation",
    "Payment",
    "SlotClaim",
    "StripeEvent",
    "Transition",
    "User",
    "WeeklyHours",
]
