"""A step of a story: what happened, or will, with whose doing and how much of the money."""

from dataclasses import dataclass
from datetime import datetime

from app.kit.money import Money
from app.models.booking import Booking
from app.models.states import Party


@dataclass(frozen=True)
class Step:
    icon: str
    sentence: str
    at: datetime
    by: str = ""
    amount: Money | None = None
    future: bool = False


def who(party: Party, booking: Booking) -> str:
    return {
        Party.MENTEE: booking.mentee.name,
        Party.MENTOR: booking.mentor.name,
        Party.OPERATOR: "the operator",
        Party.SYSTEM: "Mentorhold",
        Party.STRIPE: "Stripe",
    }[party]
