"""How long a hold must and can stand: pure functions."""

from datetime import datetime

from app.kit import policy


def reach(now: datetime) -> datetime:
    """The latest end of a session that can be booked: a hold made now outlives the time to complete it."""
    return now + policy.current().reach


def complete_by(ends_at: datetime) -> datetime:
    """The last moment at which the mentor may complete a session that ends then."""
    return ends_at + policy.current().completion_grace


def release_at(complete_until: datetime, capture_before: datetime | None) -> datetime:
    """When an uncompleted session's hold is let go: at its deadline, or well before the bank lets it lapse."""
    if capture_before is None:
        return complete_until
    return min(complete_until, capture_before - policy.current().safety_margin)
