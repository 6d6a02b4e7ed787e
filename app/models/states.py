"""Every lifecycle as data, and the one way to move along it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ColumnElement, Enum, ForeignKey, Identity, Index, Integer, String, bindparam
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.extensions import db
from app.kit.columns import UtcDateTime
from app.kit.errors import IllegalMove
from app.models.base import Base


class BookingState(StrEnum):
    """``requested``: paid for, as far as the mentee is concerned, and the mentor has yet to say yes."""

    PENDING_PAYMENT = "pending_payment"
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    EXPIRED = "expired"


class PaymentState(StrEnum):
    NEEDS_CARD = "needs_card"
    CARD_SAVED = "card_saved"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"
    LAPSED = "lapsed"
    FAILED = "failed"


class OperationState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"
    PARKED = "parked"


class EventState(StrEnum):
    """``quarantined``: not meant for this installation. ``stuck``: failed too often, an operator should look."""

    RECEIVED = "received"
    HANDLED = "handled"
    QUARANTINED = "quarantined"
    STUCK = "stuck"


class AlarmState(StrEnum):
    OPEN = "open"
    SETTLED = "settled"


class MailState(StrEnum):
    """``given_up``: the address does not exist, or what it tells is of no use any more."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"


class RescheduleState(StrEnum):
    PROPOSED = "move_proposed"
    AGREED = "move_agreed"
    DECLINED = "move_declined"
    WITHDRAWN = "move_withdrawn"
    UNANSWERED = "move_unanswered"


class ObjectionState(StrEnum):
    """Whose turn it is; ``promised``: the mentor owes a new session, and the mentee says whether it took place."""

    WITH_MENTOR = "with_mentor"
    WITH_MENTEE = "with_mentee"
    WITH_OPERATOR = "with_operator"
    PROMISED = "promised"
    AGREED = "agreed"
    RULED = "ruled"
    WITHDRAWN = "withdrawn"


class ReconciliationState(StrEnum):
    RUNNING = "running"
    CLEAN = "clean"
    ALARMED = "alarmed"
    BROKEN_OFF = "broken_off"


class Party(StrEnum):
    """Who brought something about."""

    MENTEE = "mentee"
    MENTOR = "mentor"
    OPERATOR = "operator"
    SYSTEM = "system"
    STRIPE = "stripe"


B, P, O, E = BookingState, PaymentState, OperationState, EventState  # noqa: E741 - read as a table below
A, R, M, S, J = AlarmState, ReconciliationState, MailState, RescheduleState, ObjectionState

# A state that is missing on the left is an end.
FLOW: dict[StrEnum, set[StrEnum]] = {
    B.PENDING_PAYMENT: {B.REQUESTED, B.CONFIRMED, B.CANCELLED, B.EXPIRED},
    B.REQUESTED: {B.CONFIRMED, B.CANCELLED, B.EXPIRED},
    B.CONFIRMED: {B.COMPLETED, B.CANCELLED, B.NO_SHOW, B.EXPIRED},
    B.COMPLETED: {B.CANCELLED},
    P.NEEDS_CARD: {P.AUTHORIZED, P.CARD_SAVED, P.VOIDED, P.FAILED},
    P.CARD_SAVED: {P.AUTHORIZED, P.FAILED, P.VOIDED},
    P.AUTHORIZED: {P.CAPTURED, P.VOIDED, P.LAPSED, P.CARD_SAVED},
    O.PENDING: {O.DONE, O.REFUSED, O.PARKED},
    O.PARKED: {O.PENDING, O.DONE, O.REFUSED},
    E.RECEIVED: {E.HANDLED, E.QUARANTINED, E.STUCK},
    E.STUCK: {E.RECEIVED, E.HANDLED},
    A.OPEN: {A.SETTLED},
    M.WAITING: {M.SENT, M.GIVEN_UP},
    S.PROPOSED: {S.AGREED, S.DECLINED, S.WITHDRAWN, S.UNANSWERED},
    J.WITH_MENTOR: {J.WITH_MENTEE, J.WITH_OPERATOR, J.PROMISED, J.AGREED, J.WITHDRAWN},
    J.WITH_MENTEE: {J.WITH_MENTOR, J.WITH_OPERATOR, J.PROMISED, J.AGREED, J.WITHDRAWN},
    J.WITH_OPERATOR: {J.RULED, J.AGREED, J.WITHDRAWN},
    J.PROMISED: {J.AGREED, J.WITH_OPERATOR, J.WITHDRAWN},
    R.RUNNING: {R.CLEAN, R.ALARMED, R.BROKEN_OFF},
}

LIVE_BOOKING = (B.PENDING_PAYMENT, B.REQUESTED, B.CONFIRMED)
ENDED_BOOKING = (B.COMPLETED, B.CANCELLED, B.NO_SHOW, B.EXPIRED)
COUNTED_BOOKING = (*LIVE_BOOKING, B.COMPLETED, B.NO_SHOW)  # toward the most sessions that a mentor gives in a day
LIVE_PAYMENT = (P.NEEDS_CARD, P.CARD_SAVED, P.AUTHORIZED)
UNSETTLED_OPERATION = (O.PENDING, O.PARKED)
LIVE_OBJECTION = (J.WITH_MENTOR, J.WITH_MENTEE, J.WITH_OPERATOR, J.PROMISED)


def stored(states: type[StrEnum], name: str = "state") -> Enum:
    """A column type that keeps the words of ``states`` and lets the database refuse any other."""
    return Enum(
        states,
        name=name,
        native_enum=False,
        length=20,
        create_constraint=True,
        values_callable=lambda members: [member.value for member in members],
    )


class Transition(Base):
    """One move of one thing: the history that a timeline tells."""

    __tablename__ = "transition"
    __table_args__ = (Index("ix_transition_subject_id", "subject", "id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True)
    subject: Mapped[str] = mapped_column(String(40))
    came_from: Mapped[str] = mapped_column(String(20))
    went_to: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[Party] = mapped_column(stored(Party, "by"))
    because: Mapped[str] = mapped_column(String(200))
    operation_id: Mapped[str | None] = mapped_column(ForeignKey("operation.id"), index=True)


class Stateful:
    """A row with a lifecycle. ``version`` makes a lost update impossible: the second writer is refused."""

    id: Mapped[str]
    state: Mapped[StrEnum]
    version: Mapped[int] = mapped_column(default=1)

    @classmethod
    def is_in(cls, state: StrEnum) -> ColumnElement[bool]:
        """A condition with the state written out: a bound value would keep a database from its partial indexes."""
        return cls.state == bindparam(None, state, literal_execute=True)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, object]:
        return {"version_id_col": cls.version}

    def check_move(self, state: StrEnum) -> None:
        """Raises: IllegalMove if ``state`` cannot follow the present one."""
        if state not in FLOW.get(self.state, ()):
            raise IllegalMove(f"This is already {self.state.replace('_', ' ')}.")

    def move_to(
        self, state: StrEnum, *, now: datetime, by: Party, because: str = "", operation_id: str | None = None
    ) -> None:
        """Go to ``state`` and leave a trace. Raises: IllegalMove."""
        self.check_move(state)
        db.session.add(
            Transition(
                subject=self.id,
                came_from=self.state,
                went_to=state,
                at=now,
                by=by,
                because=because,
                operation_id=operation_id,
            )
        )
        self.state = state
