"""Rooms: one class, one row. Importing this package knows every table."""

from app.models.alarm import Alarm
from app.models.availability import DateException, SlotClaim, WeeklyHours
from app.models.base import Base
from app.models.booking import Booking
from app.models.bookmark import Bookmark
from app.models.budget import RequestBudget
from app.models.busy_calendar import BusyCalendar, BusyTime
from app.models.check_in import CheckIn
from app.models.deadline import Deadline
from app.models.event import StripeEvent
from app.models.installation import Installation
from app.models.ledger import Balance, LedgerEntry
from app.models.mail import Mail
from app.models.mentor import Mentor
from app.models.objection import Objection, Proposal
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.reconciliation import Reconciliation
from app.models.reschedule import Reschedule
from app.models.states import Transition
from app.models.user import User

__all__ = [
    "Alarm",
    "Balance",
    "Base",
    "Booking",
    "Bookmark",
    "BusyCalendar",
    "BusyTime",
    "CheckIn",
    "DateException",
    "Deadline",
    "Installation",
    "LedgerEntry",
    "Mail",
    "Mentor",
    "Objection",
    "Operation",
    "Payment",
    "Proposal",
    "Reconciliation",
    "RequestBudget",
    "Reschedule",
    "SlotClaim",
    "StripeEvent",
    "Transition",
    "User",
    "WeeklyHours",
]
