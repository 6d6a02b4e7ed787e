"""What is contested: whose turn it is, until when, and how it ends. What people do about it: app.actions.objections."""

from datetime import datetime, timedelta

from sqlalchemy import select

from app.actions import deadlines, earnings, news
from app.extensions import db
from app.models.booking import Booking
from app.models.objection import Objection
from app.models.payment import Payment
from app.models.states import ObjectionState, Party

J = ObjectionState
ANSWER = "objection"  # what is due of an objection when silence accepts
TO_ANSWER = timedelta(hours=72)
TO_KEEP_A_PROMISE = timedelta(days=14)
MOOT = "nothing is charged any more"


def hand_to(
    objection: Objection,
    state: ObjectionState,
    *,
    by: Party,
    because: str = "",
    answer_by: datetime | None,
    now: datetime,
) -> None:
    """It is somebody's turn, whose silence accepts at ``answer_by`` (None: it does not). Inside a transaction."""
    if objection.state != state:
        objection.move_to(state, now=now, by=by, because=because[:200])
    objection.answer_by = answer_by
    deadlines.lift(ANSWER, objection.id)
    if answer_by is not None:
        deadlines.put(ANSWER, objection.id, answer_by)


def end(
    objection: Objection, payment: Payment, state: ObjectionState, *, by: Party, outcome: str, now: datetime
) -> None:
    """Nobody has to answer any more, and the mentor's share is free. Inside a transaction, which locked both."""
    deadlines.lift(ANSWER, objection.id)
    objection.answer_by, objection.ended_at, objection.outcome = None, now, outcome[:300]
    objection.move_to(state, now=now, by=by, because=outcome[:200])
    if payment.captured_minor:
        earnings.let_go(payment, now=now)
    news.of_objection(news.OBJECTION_ENDED, objection, payment, cause=objection.id, by=by, now=now)


def end_with(booking: Booking, payment: Payment, *, by: Party, because: str, now: datetime) -> None:
    """Nothing is charged for the booking (any more): there is nothing left to object to. Inside a transaction."""
    objection = None if payment.left else Objection.live_of(booking.id)
    if objection is not None:
        end(objection, payment, J.AGREED, by=by, outcome=because or MOOT, now=now)


def was_decided(operation_id: str) -> bool:
    """Whether a refund is what an objection came to."""
    decided = select(Objection.id).where(Objection.operation_id == operation_id)
    return db.session.scalar(decided) is not None
