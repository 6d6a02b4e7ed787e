"""What people were promised, and what the money must be for it: plain Python, and nothing of the application's."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

CHECKOUT = timedelta(minutes=15)
GRACE = timedelta(hours=48)  # to complete after the end
CLEARING = timedelta(hours=72)  # after a charge, its mentor's share is not available yet
HOLD = timedelta(days=7)  # the life of a hold that a customer makes
SHORTEST_HOLD = timedelta(days=4, hours=18)  # one that is made with a saved card, at least
ASKED = tuple(timedelta(hours=before) for before in (48, 36, 24))  # before the start, of a card that was saved
GIVEN_UP = timedelta(hours=12)  # before the start, if nothing could be held until then
ANSWER_WITHIN = timedelta(hours=72)  # a proposal, or that one did not come; silence accepts
PATIENCE = timedelta(minutes=10)  # before a mentor who is late is absent
SAFETY = timedelta(hours=6)  # we let go of a hold before the bank does
TRIES, AT_MOST = 3, 2  # trials with one mentor, if they are called off; trials ahead, with whomever
REFUNDABLE = timedelta(days=30)  # after a session was completed
TO_ACCEPT, AT_LEAST_BEFORE = timedelta(hours=48), timedelta(hours=1)  # a mentor who is asked; and before the start
FREE, SECOND_THOUGHTS = timedelta(hours=24), timedelta(hours=1)  # before the start, after booking: cancelling is free
LATE_FEE = {"Bob": 0, "Dia": 50, "Fay": 100, "Gus": 50}  # per cent of the price
COMMISSION = 1_000  # basis points
LEAST = {"EUR": 50, "JPY": 50, "KWD": 1}  # what Stripe charges at least, in minor units
MOST = 99_999_999
STEP = {"KWD": 10}  # cards take dinars in steps of ten fils

LIVE = ("pending_payment", "requested", "confirmed")
NEVER = datetime.max.replace(tzinfo=UTC)
ENDED = ("completed", "cancelled", "no_show", "expired")
ONE_TRIAL_ENDS = (*LIVE, "completed", "no_show")  # a trial that was called off can be had again
UNPAID_ENDS = ("cancelled", "no_show", "expired")
NEXT = {
    "pending_payment": {"requested", "confirmed", "completed", "cancelled", "expired", "no_show"},
    "requested": {"confirmed", "cancelled", "expired"},
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

    kind: str  # complete, cancel, no_show, refund, accept
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


@dataclass(frozen=True)
class Word:
    """What somebody said of another time, and may have been heard. ``what``: propose, agree, decline or withdraw.

    ``about`` is the proposal, or when the session is to begin that is proposed.
    """

    what: str
    by: str
    about: str | datetime


@dataclass
class Hour:
    """One form that a mentee submitted, and all that was asked for and done about it since.

    ``starts_at`` is when it is held, as far as both have agreed; ``promised_at`` when it was to be as it was booked.
    """

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
    was_secured: bool = False  # its price is held, or its card saved
    needs_answer: bool = False  # the mentor wants to be asked
    asked_at: datetime | None = None  # when the mentor was, within a minute
    stood_at: datetime | None = None  # from when on it stands
    promised_at: datetime = NEVER
    words: list[Word] = field(default_factory=list)
    perhaps_at: datetime | None = None  # when it is held if somebody who agreed was heard
    given_up: set[str] = field(default_factory=set)  # holds that it went beyond
    asked_for_at: datetime | None = None  # when its price was first to be held with the saved card
    was_asked_for_early: bool = False  # before it was planned
    said: list[str] = field(default_factory=list)  # what anybody has tried to do about an objection
    missed_at: datetime | None = None  # when the mentee said that the mentor did not come
    last_shown: int | None = None  # what an operator's page that is still open says was refunded, in minor units

    def __post_init__(self) -> None:
        self.promised_at = self.starts_at

    def __str__(self) -> str:
        return f"{self.mentee}'s {self.minutes} minutes with {self.mentor} ({self.form})"

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)

    def move_to(self, starts_at: datetime) -> None:
        self.starts_at, self.perhaps_at = starts_at, None

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

    def free_until(self, pay_by: datetime) -> datetime:
        """Until when the mentee cancels for free; ``pay_by`` tells when it was booked.

        Whoever had to wait for an answer can think it over from then on; that the session was moved changes nothing.
        """
        since = pay_by - CHECKOUT
        if self.needs_answer and self.stood_at is not None:
            since = max(since, self.stood_at)
        return min(self.promised_at, max(self.promised_at - FREE, since + SECOND_THOUGHTS))

    def fee_at(self, at: datetime, pay_by: datetime) -> int:
        """What it costs the mentee to cancel at that moment, in minor units."""
        return 0 if at <= self.free_until(pay_by) else self.late_fee

    def reach(self, capture_before: datetime) -> datetime:
        """When it can end at the latest for a hold to outlive it: this one, or with a saved card the one after it."""
        until = capture_before - SAFETY - GRACE
        return until + SHORTEST_HOLD - SAFETY if self.is_far else until

    @property
    def late_fee(self) -> int:
        """What it costs the mentee to cancel late, or not to come, in minor units."""
        step = STEP.get(self.currency, 1)
        return _half_up(self.price * LATE_FEE[self.mentor], 100 * step) * step

    def lets_go_at(self, capture_before: datetime | None) -> datetime:
        """When a hold that nobody captures is given up, at the earliest."""
        return min(self.complete_by, capture_before - SAFETY) if capture_before else self.complete_by


@dataclass
class Trial:
    """One form with which a mentee asked for a free trial, and what was said about it since."""

    form: str
    mentee: str
    mentor: str
    starts_at: datetime
    booked_at: datetime
    needs_answer: bool
    booked: Answer = Answer.SILENCE
    id: str | None = None
    said: list[str] = field(default_factory=list)  # what was tried, and not refused
    minutes = 30

    def __str__(self) -> str:
        return f"{self.mentee}'s trial with {self.mentor} ({self.form})"

    @property
    def pair(self) -> tuple[str, str]:
        return self.mentee, self.mentor

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)

    @property
    def complete_by(self) -> datetime:
        return self.ends_at + GRACE


def answer_by(starts_at: datetime, asked_at: datetime) -> datetime:
    """Until when a mentor can accept; of what begins soon, half of the time is theirs."""
    half = asked_at + max(starts_at - asked_at, timedelta()) / 2
    return min(asked_at + TO_ACCEPT, max(starts_at - AT_LEAST_BEFORE, half))


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
