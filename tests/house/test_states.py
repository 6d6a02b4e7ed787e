"""One table of allowed moves; every move leaves a trace."""

from datetime import timedelta
from enum import StrEnum

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm.exc import StaleDataError

from app.actions import inbox, reschedules
from app.extensions import db
from app.gateways.stripe_objects import Knock
from app.kit.errors import IllegalMove
from app.models.alarm import Alarm
from app.models.base import Base
from app.models.booking import Booking
from app.models.event import StripeEvent
from app.models.mail import Mail
from app.models.objection import About, Objection
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.reconciliation import Reconciliation
from app.models.reschedule import Reschedule
from app.models.states import (
    ENDED_BOOKING,
    FLOW,
    LIVE_BOOKING,
    LIVE_PAYMENT,
    UNSETTLED_OPERATION,
    BookingState,
    OperationState,
    Party,
    PaymentState,
    Stateful,
    Transition,
)
from tests.stripe_double import MONDAY

WITH_A_STATE = sorted((m.class_ for m in Base.registry.mappers if "state" in m.columns), key=lambda kind: kind.__name__)
LIFECYCLES = [kind for kind in WITH_A_STATE if issubclass(kind, Stateful)]
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on the database


def states_of(kind: type[Base]) -> type[StrEnum]:
    """The enum behind the column ``state``."""
    return kind.__table__.c.state.type.enum_class


def test_there_are_lifecycles_to_speak_of():
    assert {kind.__name__ for kind in LIFECYCLES} >= {"Booking", "Payment", "Operation"}


def test_whatever_has_a_state_moves_along_the_table():
    assert [kind.__name__ for kind in WITH_A_STATE if kind not in LIFECYCLES] == []


@pytest.mark.parametrize("kind", LIFECYCLES)
def test_every_state_can_be_reached(kind: type[Base]):
    begins = kind.__table__.c.state.default.arg
    reached, ahead = set(), [begins]
    while ahead:
        state = ahead.pop()
        if state not in reached:
            reached.add(state)
            ahead += FLOW.get(state, ())
    assert reached == set(states_of(kind))


@pytest.mark.parametrize("kind", LIFECYCLES)
def test_a_life_never_leads_into_another_kind_of_thing(kind: type[Base]):
    own = states_of(kind)
    assert [state for state in own for follower in FLOW.get(state, ()) if not isinstance(follower, own)] == []


def test_every_entry_of_the_table_belongs_to_some_lifecycle():
    known = {state for kind in LIFECYCLES for state in states_of(kind)}
    assert set(FLOW) <= known


def test_no_word_means_two_states():
    """They are strings, and equal strings would be one key of the table."""
    words = [state.value for kind in LIFECYCLES for state in states_of(kind)]
    assert sorted(words) == sorted(set(words))


def test_the_groups_of_states_agree_with_the_table():
    assert set(LIVE_BOOKING) | set(ENDED_BOOKING) == set(BookingState)
    assert not set(LIVE_BOOKING) & set(ENDED_BOOKING)
    assert set(LIVE_PAYMENT) == {state for state in PaymentState if state in FLOW}
    assert set(UNSETTLED_OPERATION) == {state for state in OperationState if state in FLOW}
    assert not any(set(FLOW.get(ended, ())) & set(LIVE_BOOKING) for ended in ENDED_BOOKING)


@on_sqlite
def test_every_allowed_move_is_made_and_leaves_a_trace(held_hour: Booking):
    wrong = []
    for row in one_of_each(held_hour):
        for came_from, allowed in FLOW.items():
            for to in allowed:
                if isinstance(came_from, states_of(type(row))) and traces_of(row, came_from, to) != [(came_from, to)]:
                    wrong.append(f"{came_from} -> {to}")
    assert wrong == []


@on_sqlite
def test_no_other_move_is_made_and_none_leaves_a_trace(held_hour: Booking):
    wrong = []
    for row in one_of_each(held_hour):
        for came_from in states_of(type(row)):
            for to in {state for kind in LIFECYCLES for state in states_of(kind)} - FLOW.get(came_from, set()):
                if traces_of(row, came_from, to):
                    wrong.append(f"{came_from} -> {to}")
    assert wrong == []


@on_sqlite
def test_the_second_of_two_writers_is_refused(held_hour: Booking):
    db.session.execute(text("UPDATE booking SET version = version + 1"))
    held_hour.move_to(BookingState.CANCELLED, now=MONDAY, by=Party.MENTOR)
    with pytest.raises(StaleDataError):
        db.session.flush()
    db.session.rollback()


@on_sqlite
def test_a_move_counts_the_version_on(held_hour: Booking):
    before = held_hour.version
    held_hour.move_to(BookingState.CANCELLED, now=MONDAY, by=Party.MENTOR)
    db.session.flush()
    assert held_hour.version == before + 1
    db.session.rollback()


@on_sqlite
def test_a_trace_says_who_when_and_why(held_hour: Booking):
    held_hour.move_to(BookingState.CANCELLED, now=MONDAY, by=Party.MENTOR, because="of the flu")
    db.session.flush()
    trace = db.session.scalars(select(Transition).order_by(Transition.id.desc())).first()
    assert (trace.subject, trace.at, trace.by, trace.because) == (held_hour.id, MONDAY, Party.MENTOR, "of the flu")
    db.session.rollback()


def one_of_each(hour: Booking) -> list[Stateful]:
    """A thing of every kind that has a lifecycle."""
    payment = db.session.scalars(select(Payment)).one()
    operation = db.session.scalars(select(Operation).where(Operation.subject == payment.id)).one()
    knock = Knock("evt_first", "payment_intent.created", None, None, livemode=False)
    inbox.receive(knock, "{}", livemode=False, now=MONDAY)
    event = db.session.scalars(select(StripeEvent)).one()
    alarm = Alarm(kind="missing", subject="pi_1", sentence="It is not there.", raised_at=MONDAY)
    reconciliation = Reconciliation(since=MONDAY, started_at=MONDAY, seen_at=MONDAY)
    reschedules.propose(hour, hour.starts_at + timedelta(days=1), by=Party.MENTEE, note="", now=MONDAY)
    db.session.add_all([alarm, reconciliation])
    payment.method_id = "pm_saved"
    db.session.commit()
    mail = db.session.scalars(select(Mail).limit(1)).one()
    reschedule = db.session.scalars(select(Reschedule)).one()
    objection = Objection(booking_id=hour.id, about=About.SESSION, problem="It was short.", raised_at=MONDAY)
    db.session.add(objection)
    db.session.commit()
    found = [hour, payment, operation, event, alarm, reconciliation, mail, reschedule, objection]
    assert {type(row) for row in found} == set(LIFECYCLES), "a new lifecycle is not tried here yet"
    return found


def traces_of(row: Stateful, came_from: StrEnum, to: StrEnum) -> list[tuple[str, str]]:
    """Put ``row`` into a state, move it, and tell the moves that were written down. Nothing of it stays."""
    kind = type(row)
    subject = row.id
    db.session.execute(update(kind).where(kind.id == subject).values(state=came_from))
    db.session.refresh(row)
    before = select(Transition.id).where(Transition.subject == subject)
    known = list(db.session.scalars(before))
    try:
        row.move_to(to, now=MONDAY, by=Party.SYSTEM)
    except IllegalMove:
        assert row.state == came_from
    else:
        db.session.flush()
        assert row.state == to
    traces = select(Transition.came_from, Transition.went_to).where(
        Transition.subject == subject, Transition.id.not_in(known)
    )
    found = [tuple(trace) for trace in db.session.execute(traces)]
    db.session.rollback()
    return found
