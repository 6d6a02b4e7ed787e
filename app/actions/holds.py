"""When money is held for a session, and for how long it must and can stand: pure functions, the hold planner.

Every date counts elapsed time from the session's instants, so that no change of clocks moves one. That the plans of a
configuration fit is checked by :meth:`app.kit.policy.Policy.problems` before anything starts.
"""

from dataclasses import dataclass
from datetime import datetime

from app.kit import policy


@dataclass(frozen=True)
class Plan:
    """``authorize_at`` is None if the hold is made at once, with the mentee at the card form.

    Else the card is saved now and asked then, again at each of ``retries`` as long as the bank declines, and at
    ``give_up_at`` the time is free again. ``complete_by`` is the last moment to complete the session.
    """

    authorize_at: datetime | None
    retries: tuple[datetime, ...]
    give_up_at: datetime | None
    complete_by: datetime

    @property
    def is_deferred(self) -> bool:
        return self.authorize_at is not None


def plan(starts_at: datetime, ends_at: datetime, *, now: datetime) -> Plan:
    """What happens to the money of a session that is booked now."""
    until = complete_by(ends_at)
    if until + policy.current().safety_margin <= now + policy.CUSTOMER_HOLD:
        return Plan(None, (), None, until)
    return Plan(authorize_at(starts_at), retries(starts_at), give_up_at(starts_at), until)


def authorize_at(starts_at: datetime) -> datetime:
    """When a saved card is first asked."""
    return starts_at - policy.current().authorization_lead


def retries(starts_at: datetime) -> tuple[datetime, ...]:
    """When a bank that declined is asked again, soonest first."""
    return tuple(starts_at - before for before in policy.current().authorization_retries)


def next_retry(starts_at: datetime, *, now: datetime) -> datetime | None:
    """When a bank that has declined now is asked again; None: not any more."""
    return next((at for at in retries(starts_at) if at > now), None)


def give_up_at(starts_at: datetime) -> datetime:
    """When the time of a session is free again for which nothing could be held."""
    return starts_at - policy.current().authorization_deadline


def complete_by(ends_at: datetime) -> datetime:
    """The last moment at which the mentor may complete a session that ends then."""
    return ends_at + policy.current().completion_grace


def release_at(complete_until: datetime, capture_before: datetime | None) -> datetime:
    """When an uncompleted session's hold is let go: at its deadline, or well before the bank lets it lapse."""
    if capture_before is None:
        return complete_until
    return min(complete_until, capture_before - policy.current().safety_margin)


def latest_end(capture_before: datetime, *, can_be_renewed: bool = False) -> datetime:
    """The latest end of a session that a hold, or the one that is made in its place, outlives with the time to
    complete it."""
    lasts_until = capture_before - policy.current().safety_margin
    if can_be_renewed:
        lasts_until += policy.MERCHANT_HOLD - policy.current().safety_margin
    return lasts_until - policy.current().completion_grace
