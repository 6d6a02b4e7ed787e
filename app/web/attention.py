"""What waits for an operator: the first of perhaps many, those that need a person before all others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import contains_eager

from app.extensions import db
from app.models.alarm import Alarm
from app.models.base import all_of
from app.models.booking import Booking
from app.models.event import StripeEvent
from app.models.objection import Objection
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import AlarmState, EventState, ObjectionState, OperationState

MOST_SHOWN = 50
MOST_COUNTED = 1000


@dataclass(frozen=True)
class Waiting:
    """``not_shown`` tells of those for whom there is no room: how many of what, each in words."""

    shown: Sequence[Any]
    not_shown: list[str]


def unsettled_operations() -> Waiting:
    """Money actions without a clear answer: those parked first, to which nobody else will see; oldest first."""
    all_parked, all_pending = _operations(OperationState.PARKED), _operations(OperationState.PENDING)
    parked = db.session.execute(all_parked.limit(MOST_SHOWN)).all()
    pending = db.session.execute(all_pending.limit(MOST_SHOWN - len(parked))).all()
    shown = [*parked, *pending]
    if len(shown) < MOST_SHOWN:
        return Waiting(shown, [])
    return Waiting(
        shown,
        _besides(parked, all_parked, "needing a person")
        + _besides(pending, all_pending, "being confirmed with Stripe"),
    )


def stuck_events() -> Waiting:
    """Events of Stripe's that could not be acted on after many tries, oldest first."""
    return _first(
        select(StripeEvent.id, StripeEvent.type, StripeEvent.error, StripeEvent.received_at)
        .where(StripeEvent.is_set_aside(), StripeEvent.is_in(EventState.STUCK))
        .order_by(StripeEvent.received_at),
        "that came later",
    )


def open_alarms() -> Waiting:
    """What did not agree with Stripe, newest first."""
    return _first(
        select(Alarm.id, Alarm.sentence, Alarm.raised_at, Payment.booking_id)
        .outerjoin(Operation, Operation.id == Alarm.subject)
        .outerjoin(Payment, or_(Payment.id == Operation.subject, Payment.intent_id == Alarm.subject))
        .where(Alarm.is_in(AlarmState.OPEN))
        .order_by(Alarm.raised_at.desc(), Alarm.id.desc()),
        "that are older",
    )


def objections_waiting(state: ObjectionState, *whose: ColumnElement[bool]) -> Sequence[Objection]:
    """Those that wait for one side, or for an operator: the first of them, longest waiting first."""
    waiting = (
        select(Objection)
        .join(Booking, Booking.id == Objection.booking_id)
        .where(Objection.is_in(state), *whose)
        .order_by(Objection.raised_at)
        .limit(MOST_SHOWN)
    )
    return all_of(waiting.options(contains_eager(Objection.booking)))


def _operations(state: OperationState) -> Select[*tuple[Any, ...]]:
    return (
        select(Operation.id, Operation.kind, Operation.state, Operation.error, Operation.created_at, Payment.booking_id)
        .outerjoin(Payment, Payment.id == Operation.subject)
        .where(Operation.is_in(state))
        .order_by(Operation.created_at)
    )


def _first(of_all: Select[*tuple[Any, ...]], what: str) -> Waiting:
    shown = db.session.execute(of_all.limit(MOST_SHOWN)).all()
    return Waiting(shown, _besides(shown, of_all, what) if len(shown) == MOST_SHOWN else [])


def _besides(shown: Sequence[Any], of_all: Select[*tuple[Any, ...]], what: str) -> list[str]:
    """How many there are besides those shown, if any. Who counts gives up early."""
    counted = of_all.order_by(None).limit(len(shown) + MOST_COUNTED + 1).subquery()
    more = (db.session.scalar(select(func.count()).select_from(counted)) or 0) - len(shown)
    if more <= 0:
        return []
    return [f"{more:,} {what}" if more <= MOST_COUNTED else f"more than {MOST_COUNTED:,} {what}"]
