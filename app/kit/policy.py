"""The promises about time and shares, in one place and checked together.

Installed once by ``create_app()`` from the configuration; read through :func:`current`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

# How long a hold made by the customer lives on Visa, Mastercard, Amex and Discover; the truth about a particular
# hold is its charge's ``capture_before``. Source: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
CUSTOMER_HOLD = timedelta(days=7)
MERCHANT_HOLD = timedelta(days=4, hours=18)  # the shortest there is: on Visa, made while the customer is away


class Misconfigured(Exception):
    """Everything that is wrong with the configuration, at once: nobody wants to fix it one restart at a time."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Mentorhold cannot start:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Policy:
    """``completion_grace``: to complete after the session's end. ``safety_margin``: we let go before the bank does.
    A mentee cancels for free until ``free_cancellation`` before the start, and for ``cancellation_grace`` after
    booking.

    A hold that would not outlive its session is made ``authorization_lead`` before the start, with the card that was
    saved when the session was booked. If the bank declines, it is asked again at each of ``authorization_retries``
    before the start, and ``authorization_deadline`` before it the time is free again. ``horizon`` is how far ahead
    mentors can be booked who say nothing else. A mentor who approves every session answers ``answer_within`` so long,
    and at the latest ``answer_margin`` before it. ``commission_bps`` is in basis points (1,000 is 10 %).
    """

    completion_grace: timedelta = timedelta(hours=48)
    safety_margin: timedelta = timedelta(hours=6)
    checkout: timedelta = timedelta(minutes=15)
    notice: timedelta = timedelta(hours=1)
    horizon: timedelta = timedelta(days=60)
    authorization_lead: timedelta = timedelta(hours=48)
    authorization_retries: tuple[timedelta, ...] = (timedelta(hours=36), timedelta(hours=24))
    authorization_deadline: timedelta = timedelta(hours=12)
    free_cancellation: timedelta = timedelta(hours=24)
    cancellation_grace: timedelta = timedelta(hours=1)
    answer_within: timedelta = timedelta(hours=48)
    answer_margin: timedelta = timedelta(hours=1)
    refund_window: timedelta = timedelta(days=30)
    commission_bps: int = 1_000
    durations: tuple[int, ...] = (30, 60, 90)

    @property
    def longest(self) -> timedelta:
        """The longest session there is."""
        return timedelta(minutes=max(self.durations, default=0))

    @property
    def free_hours(self) -> int:
        """``free_cancellation`` as people say it."""
        return int(self.free_cancellation.total_seconds() // 3600)

    def free_until(self, starts_at: datetime, booked_at: datetime) -> datetime:
        """The last moment at which a mentee cancels for free, whatever the mentor's terms."""
        return min(starts_at, max(starts_at - self.free_cancellation, booked_at + self.cancellation_grace))

    def answer_by(self, starts_at: datetime, asked_at: datetime) -> datetime:
        """Until when a mentor answers a request; of what begins soon, half of the time is left for both."""
        soon = asked_at + max(starts_at - asked_at, timedelta()) // 2
        return min(asked_at + self.answer_within, max(starts_at - self.answer_margin, soon))

    def problems(self) -> list[str]:
        """What cannot work, as sentences; empty if all is well."""
        found = []
        if not self.durations or any(minutes <= 0 or minutes % 5 for minutes in self.durations):
            found.append("Session durations must be positive multiples of 5 minutes.")
        if min(self.completion_grace, self.safety_margin, self.checkout) <= timedelta():
            found.append("Completion grace, safety margin and checkout must be longer than nothing.")
        if min(self.free_cancellation, self.cancellation_grace) < timedelta():
            found.append("The times of free cancellation cannot be negative.")
        if self.notice + self.longest > self.horizon:
            found.append(
                f"Notice ({_hours(self.notice)}) + the longest session ({_hours(self.longest)}) exceed the horizon of "
                f"{_hours(self.horizon)}: nothing could be booked."
            )
        if not 0 <= self.commission_bps <= 10_000:
            found.append("The commission must be between 0 and 10000 basis points.")
        return found + self._problems_of_authorizing_later()

    def _problems_of_authorizing_later(self) -> list[str]:
        found = []
        parts = (self.authorization_lead, self.longest, self.completion_grace, self.safety_margin)
        needed = sum(parts, timedelta())
        if needed > MERCHANT_HOLD:
            lead, longest, grace, margin = map(_hours, parts)
            found.append(
                f"Authorization lead ({lead}) + the longest session ({longest}) + completion grace ({grace}) + safety "
                f"margin ({margin}) = {_hours(needed)}, and the shortest hold lives {_hours(MERCHANT_HOLD)}: it would "
                "lapse before its session could be completed."
            )
        tries = (self.authorization_lead, *self.authorization_retries, self.authorization_deadline, timedelta())
        if any(earlier <= later for earlier, later in pairwise(tries)):
            said = " > ".join(map(_hours, tries))
            found.append(
                "Before a session come the authorization lead, the retries and the authorization deadline, in that "
                f"order; {said} is not so."
            )
        if self.free_cancellation > self.authorization_lead:
            found.append(
                f"Free cancellation ends {_hours(self.free_cancellation)} before the start, but the authorization lead "
                f"is {_hours(self.authorization_lead)}: a late fee could find nothing on the card to be taken from."
            )
        return found


def _hours(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 3600:g} h"


_policy = Policy()


def current() -> Policy:
    return _policy


def use(policy: Policy) -> None:
    global _policy
    _policy = policy
