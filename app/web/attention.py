"""What waits for an operator: the first of perhaps many, those that need a person before all others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select

from app.extensions import db
from app.models.alarm import Alarm
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import AlarmState, OperationState

MOST_SHOWN = 50
MOST_COUNTED = 1000


@dataclass(frozen=True)
class Waiting:
    """``not_shown`` tells of those for whom there is no room: how many of what, each in words."""

    shown: Sequence[Any]
    not_shown: list[str]


def unsettled_operations() -> Waiting:
    """Money actions without a clear answer: those parked first, to which nobody else will see; oldest first."""
    parked = _operations(OperationState.PARKED, MOST_SHOWN)
    pending = _operations(OperationState.PENDING, MOST_SHOWN - len(parked))
    found = Waiting([*parked, *pending], [])
    if len(found.shown) == MOST_SHOWN:
        for state, shown, what in (
            (OperationState.PARKED, parked, "needing a person"),
            (OperationState.PENDING, pending, "being confirmed with Stripe"),
        ):
            found.not_shown.extend(_besides(shown, select(Operation.id).where(Operation.is_in(state)), what))
    return found


def open_alarms() -> Waiting:
    """What did not agree with Stripe, newest first."""
    shown = db.session.execute(
        select(Alarm.id, Alarm.sentence, Alarm.raised_at, Payment.booking_id)
        .outerjoin(Operation, Operation.id == Alarm.subject)
        .outerjoin(Payment, or_(Payment.id == Operation.subject, Payment.intent_id == Alarm.subject))
        .where(Alarm.is_in(AlarmState.OPEN))
        .order_by(Alarm.raised_at.desc(), Alarm.id.desc())
        .limit(MOST_SHOWN)
    ).all()
    if len(shown) < MOST_SHOWN:
        return Waiting(shown, [])
    return Waiting(shown, _besides(shown, select(Alarm.id).where(Alarm.is_in(AlarmState.OPEN)), "that are older"))


def _operations(state: OperationState, most: int) -> Sequence[Any]:
    return db.session.execute(
        select(Operation.id, Operation.kind, Operation.state, Operation.error, Operation.created_at, Payment.booking_id)
        .outerjoin(Payment, Payment.id == Operation.subject)
        .where(Operation.is_in(state))
        .order_by(Operation.created_at)
        .limit(most)
    ).all()


def _besides(shown: Sequence[Any], all_of_them: Select[str], what: str) -> list[str]:
    """How many there are besides those shown, if any. Who counts gives up early."""
    counted = all_of_them.limit(len(shown) + MOST_COUNTED + 1).subquery()
    more = (db.session.scalar(select(func.count()).select_from(counted)) or 0) - len(shown)
    if more <= 0:
        return []
    return [f"{more:,} {what}" if more <= MOST_COUNTED else f"more than {MOST_COUNTED:,} {what}"]
