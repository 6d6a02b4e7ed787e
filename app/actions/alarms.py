"""What only a person can decide: raised once while it is open, wherever it is noticed."""

from datetime import datetime

from sqlalchemy import text

from app.extensions import db, upsert
from app.kit.ids import new_id
from app.models.alarm import Alarm
from app.models.states import AlarmState

OPEN = text("state = 'open'")


def raise_about(kind: str, subject: str, sentence: str, *, now: datetime) -> None:
    """Tell the operators of something about ``subject``, in the transaction that finds it."""
    row = upsert(Alarm).values(
        id=new_id("al"),
        kind=kind,
        subject=subject,
        sentence=sentence[:500],
        state=AlarmState.OPEN,
        raised_at=now,
        version=1,
    )
    db.session.execute(row.on_conflict_do_nothing(index_elements=["kind", "subject"], index_where=OPEN))
