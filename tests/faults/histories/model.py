"""What people were promised, and what the money must be for it: plain Python, and nothing of the application's."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

CHECKOUT = timedelta(minutes=15)
GRACE = timedelta(hours=48)  # to complete after the end
CLEARING = timedelta(hours=72)  # after a charge, its mentor's share is not available yet
HOLD = timedelta(days=7)  # the life of a hold that a customer makes
ASKED = tuple(timedelta(hours=before) for before in (48, 36, 24))  # before the start, of a card that was saved
GIVEN_UP = timedelta(hours=12)  # before the start, if nothing could be held until then
ANSWER_WITHIN = timedelta(hours=72)  # a proposal, or that one did not come; silence accepts
PATIENCE = timedelta(minutes=10)  # before a mentor who is late is absent
SAFETY = timedelta(hours=6)  # we let go of a hold before the bank does
REFUNDABLE = timedelta(days=30)  # after a session was completed
CHECKOUT = timedelta(minutes=15)
FREE, SECOND_THOUGHTS = timedelta(hours=24), timedelta(hours=1)  # before the start, after booking: cancelling is free
LATE_FEE = {"Bob": 0, "Dia": 50, "Fay": 100, "Gus": 50}  # per cent of the price
COMMISSION = 1_000  # basis points
LEAST = {"EUR": 50, "JPY": 50, "KWD": 1}  # what Stripe charges at least, in minor units
MOST = 99_999_999
STEP = {"KWD": 10}  # cards take dinars in steps of ten fils

ENDED = ("completed", "cancelled", "no_show", "expired")
UNPAID_ENDS = ("cancelled", "no_show", "expired")
NEXT = {
    "pending_payment": {"confirmed", "completed", "cancelled", "expired", "no_show"},
    "confirmed": {"completed", "cancelled", "no_show", "expired"},
    "completed": {"cancelled"},
}


class Answer(StrEnum):
    """What somebody was told who asked for something. ``SILENCE``: who was to answer died, or it was no answer."""

    DONE = "done"
    CONFIRMING = "we are confirming"
    REFUSED = "refused"
    SILENCE = "no answer"


@dataclass
class Wish:
    """Something that a person asked for: ``amount`` in minor units is what it would charge or give back, ``fee`` what
    it would keep of a hold: a late cancellation, a mentee who did not come.
    """

    kind: str  # complete, cancel, no_show, refund
    by: str
    at: datetime
    amount: int = 0
    answer: Answer = Answer.SILENCE
    fee: int = 0


@dataclass(frozen=True)
class Shown:
    """What a cancellation page said, and the token that it posts back."""

    token: str
    released: int
    refunded: int
    charged: int


@dataclass
class Hour:
    """One form that a mentee submitted, and all that was asked for and done about it since."""

    form: str
    mentee: str
    mentor: str
    starts_at: datetime
    minutes: int
    currency: str
    price: int = 0
    is_far: bool = False  # too far ahead for a hold: the card is saved first
    booked: Answer = Answer.SILENCE
    id: str | None = None
    agreed_at: datetime | None = None
    wishes: list[Wish] = field(default_factory=list)
    pages: dict[str, Shown] = field(default_factory=dict)  # cancellation pages still open, by whose they are
    dashboard: list[str] = field(default_factory=list)  # what was done at Stripe without us
    was_confirmed: bool = False
    said: list[str] = field(default_factory=list)  # what anybody has tried to do about an objection
    missed_at: datetime | None = None  # when the mentee said that the mentor did not come
    last_shown: int | None = None  # what an operator's page that is still open says was refunded, in minor units

    def __str__(self) -> str:
        return f"{self.mentee}'s {self.minutes} minutes with {self.mentor} ({self.form})"

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)

    @property
    def complete_by(self) -> datetime:
        """The last moment to complete it; a mentor who is said to be absent has longer to say something."""
        until = self.ends_at + GRACE
        return until if self.missed_at is None else max(until, self.missed_at + ANSWER_WITHIN)

    def is_too_far(self, now: datetime) -> bool:
        """Whether no hold that was made now would outlive it."""
        return self.complete_by + SAFETY > now + HOLD

    @property
    def can_be_charged(self) -> bool:
        """Whether Stripe takes such an amount at all."""
        return LEAST[self.currency] <= self.price <= MOST

    def asked(self, kind: str, *answers: Answer) -> list[Wish]:
        """The wishes of a kind that were answered in one of these ways; without any, that were not refused."""
        fitting = answers or (Answer.DONE, Answer.CONFIRMING, Answer.SILENCE)
        return [wish for wish in self.wishes if wish.kind == kind and wish.answer in fitting]

    def fees_asked(self) -> set[int]:
        """What could be kept of the hold: of a mentee who cancelled late, or did not come."""
        wishes = [*(wish for wish in self.asked("cancel") if wish.by == "mentee"), *self.asked("no_show")]
        return {wish.fee for wish in wishes if wish.fee}

    def could_complete(self, at: datetime) -> bool:
        """Whether the mentor could say at that moment that the session took place."""
        if at < self.starts_at or at > self.complete_by:
            return False
        return at >= self.ends_at or (self.agreed_at is not None and self.agreed_at <= at)

    def could_miss(self, at: datetime) -> bool:
        """Whether the mentor could say at that moment that the mentee did not come."""
        return self.starts_at <= at <= self.complete_by and self.agreed_at is None

    def fee_at(self, at: datetime, pay_by: datetime) -> int:
        """What it costs the mentee to cancel at that moment, in minor units; ``pay_by`` tells when it was booked."""
        free_until = max(self.starts_at - FREE, pay_by - CHECKOUT + SECOND_THOUGHTS)
        return 0 if at <= free_until else self.late_fee

    @property
    def late_fee(self) -> int:
        """What it costs the mentee to cancel late, or not to come, in minor units."""
        step = STEP.get(self.currency, 1)
        return _half_up(self.price * LATE_FEE[self.mentor], 100 * step) * step

    def lets_go_at(self, capture_before: datetime | None) -> datetime:
        """When a hold that nobody captures is given up, at the earliest."""
        return min(self.complete_by, capture_before - SAFETY) if capture_before else self.complete_by


def price_of(hourly: int, minutes: int, currency: str) -> int:
    """Minor units for a session, half up to what a card can be charged."""
    step = STEP.get(currency, 1)
    return _half_up(hourly * minutes, 60 * step) * step


def commission_of(captured: int, refunded: int) -> int:
    """What the platform keeps of a charge, in minor units: its share of it, less what was given back of that share
    in proportion to all that was refunded."""
    whole = _half_up(captured * COMMISSION, 10_000)
    return whole - (_half_up(whole * refunded, captured) if captured else 0)


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
