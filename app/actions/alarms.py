"""What only a person can decide: raised once while it is open, wherever it is noticed.

An alarm of the reconciler ends when a later run finds the thing right, any alarm when an operator says why it can. The
same sentence about the same thing is not raised again after that.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select, text

from app.actions.transactions import atomically
from app.extensions import db, upsert
from app.kit.ids import new_id
from app.models.alarm import Alarm
from app.models.base import all_of
from app.models.states import AlarmState, Party, Transition

OPEN = text("state = 'open'")
RIGHT_NOW = "a later look found it right"


def raise_about(kind: str, subject: str, sentence: str, *, now: datetime) -> None:
    """Tell the operators of something about ``subject``, in the transaction that finds it."""
    sentence = sentence[:500]
    if _is_accepted(kind, subject, sentence):
        return
    row = upsert(Alarm).values(
        id=new_id("al"),
        kind=kind,
        subject=subject,
        sentence=sentence,
        state=AlarmState.OPEN,
        raised_at=now,
        version=1,
    )
    db.session.execute(row.on_conflict_do_nothing(index_elements=["kind", "subject"], index_where=OPEN))


def settle(alarm_id: str, *, because: str, now: datetime) -> None:
    """Take an operator's word that nothing more need be done. Raises: NotFound; IllegalMove if it is settled."""
    with atomically():
        _settle(Alarm.locked(alarm_id), Party.OPERATOR, because, now)


def settle_about(kinds: Collection[str], subjects: Collection[str], *, now: datetime) -> None:
    """Settle what was raised about things that are right by now, inside the caller's transaction."""
    found = select(Alarm).where(Alarm.is_in(AlarmState.OPEN), Alarm.kind.in_(kinds), Alarm.subject.in_(subjects))
    for alarm in db.session.scalars(found.order_by(Alarm.id).with_for_update()):
        _settle(alarm, Party.SYSTEM, RIGHT_NOW, now)


def was_raised(kind: str, subject: str) -> bool:
    """Ever, whether it still stands or not."""
    return bool(db.session.scalar(select(Alarm.id).where(Alarm.subject == subject, Alarm.kind == kind).limit(1)))


def newest(most: int = 20) -> Sequence[Alarm]:
    """Alarms that stand open."""
    open_ones = select(Alarm).where(Alarm.is_in(AlarmState.OPEN))
    return all_of(open_ones.order_by(Alarm.raised_at.desc(), Alarm.id.desc()).limit(most))


def count_open() -> int:
    return db.session.scalar(select(func.count()).select_from(Alarm).where(Alarm.is_in(AlarmState.OPEN))) or 0


def _settle(alarm: Alarm, by: Party, because: str, now: datetime) -> None:
    alarm.move_to(AlarmState.SETTLED, now=now, by=by, because=because)
    alarm.settled_at = now


def _is_accepted(kind: str, subject: str, sentence: str) -> bool:
    """Whether an operator has settled exactly this."""
    word = select(Transition.id).where(Transition.subject == Alarm.id, Transition.by == Party.OPERATOR)
    settled = select(Alarm.id).where(
        Alarm.subject == subject, Alarm.kind == kind, Alarm.sentence == sentence, word.exists()
    )
    return bool(db.session.scalar(select(settled.exists())))
