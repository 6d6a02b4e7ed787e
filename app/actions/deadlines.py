"""What is due at some moment is written down, found and claimed, or taken away by whoever has seen to it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from app.actions.transactions import at_once
from app.extensions import db, upsert
from app.kit.columns import is_one_of
from app.models.deadline import Deadline

ANSWER = "answer"  # of a mentor to a request
TRIAL = "trial"  # of people to say how a free trial went
RELEASE = "release"  # of a payment's hold that nobody captured
AUTHORIZE = "authorize"  # a payment whose card is saved
GIVE_UP = "give_up"  # on such a payment, if its bank has declined until then
OF_SAVED_CARDS = (AUTHORIZE, GIVE_UP)
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


@dataclass(frozen=True)
class Due:
    """A deadline that is over, and that somebody has yet to see to."""

    kind: str
    subject: str


def put(kind: str, subject: str, due_at: datetime) -> None:
    """From ``due_at`` on, :func:`claim` finds ``subject``. Inside a transaction."""
    Deadline(kind=kind, subject=subject, due_at=due_at).insert()


def put_all(subject: str, due: Mapping[str, datetime]) -> None:
    """The same for several kinds, in one statement; what is there already stays. Inside a transaction."""
    rows = [{"kind": kind, "subject": subject, "due_at": due_at} for kind, due_at in due.items()]
    if rows:
        db.session.connection().execute(upsert(Deadline.__table__).on_conflict_do_nothing(), rows)


def lift(kind: str, subject: str) -> None:
    """It need not be seen to any more; does nothing if somebody has claimed it. Inside a transaction."""
    Deadline.erase(Deadline.kind == kind, Deadline.subject == subject)


def lift_all(kinds: Collection[str], subject: str) -> None:
    """The same for several kinds, in one statement. Inside a transaction."""
    Deadline.erase(Deadline.kind.in_(kinds), Deadline.subject == subject)


def claim(kind: str, now: datetime) -> Sequence[str]:
    """Subjects that are due, longest overdue first, at most ``BATCH``: nobody else finds them again."""
    return [subject for (subject,) in at_once(_CLAIM, {"due_kind": kind, "now": now})]


def overdue(kinds: Collection[str], now: datetime) -> Sequence[Due]:
    """What is due, longest overdue first, at most ``BATCH``: it stays so until somebody has taken it away."""
    found = select(Deadline.kind, Deadline.subject).where(Deadline.kind.in_(kinds), Deadline.due_at <= now)
    rows = db.session.execute(found.order_by(Deadline.due_at).limit(BATCH))
    return [Due(kind, subject) for kind, subject in rows]


def take_away(due: Due) -> bool:
    """Take it away in the transaction that sees to it: whoever is killed in it leaves it due. False: somebody has."""
    return Deadline.erase(Deadline.kind == due.kind, Deadline.subject == due.subject) == 1
