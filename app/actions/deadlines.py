"""What is due at some moment is written down, found and claimed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from app.actions.transactions import at_once
from app.kit.columns import is_one_of
from app.models.deadline import Deadline

RELEASE = "release"  # of a payment's hold that nobody captured
BATCH = 100

_DUE = (
    select(Deadline.subject)
    .where(Deadline.kind == bindparam("due_kind"), Deadline.due_at <= bindparam("now"))
    .order_by(Deadline.due_at)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_CLAIM = (
    delete(Deadline)
    .where(Deadline.kind == bindparam("due_kind"), is_one_of(Deadline.subject, _DUE))
    .returning(Deadline.subject)
)


def put(kind: str, subject: str, due_at: datetime) -> None:
    """From ``due_at`` on, :func:`claim` finds ``subject``. Inside a transaction."""
    Deadline(kind=kind, subject=subject, due_at=due_at).insert()


def lift(kind: str, subject: str) -> None:
    """It need not be seen to any more; does nothing if somebody has claimed it. Inside a transaction."""
    Deadline.erase(Deadline.kind == kind, Deadline.subject == subject)


def claim(kind: str, now: datetime) -> Sequence[str]:
    """Subjects that are due, longest overdue first, at most ``BATCH``: nobody else finds them again."""
    return [subject for (subject,) in at_once(_CLAIM, {"due_kind": kind, "now": now})]
