"""A session moves to another time while somebody else wants that time, or ends the session, at the same instant."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from app.actions import customers, reschedules
from app.extensions import db
from app.models.availability import SlotClaim
from app.models.booking import Booking
from app.models.states import BookingState, Party
from tests import people
from tests.faults.crowds import ROUNDS, Crowd
from tests.faults.recovery import finish
from tests.faults.rivals import Hour, agree_to_move, book, call_off, held, the
from tests.faults.truths import untruths
from tests.stripe_double import Stripe

DAY = timedelta(days=1)

pytestmark = pytest.mark.faults


def asked(stripe: Stripe) -> list[tuple[Hour, str]]:
    """Half-hours for whose price there is a hold, and a proposal about each: a day later."""
    found = []
    for hour in held(stripe, ROUNDS):
        booking = the(hour)
        reschedules.propose(booking, booking.starts_at + DAY, by=Party.MENTEE, note="", now=stripe.now())
        found.append((hour, the(hour).reschedules[-1].id))
    return found


def known(name: str, stripe: Stripe) -> str:
    """The id of somebody whom Stripe knows already, so that nothing holds them up when they book."""
    person = people.person(name)
    customers.ensure(person, now=stripe.now())
    return person.id


def claims_of(hour: Hour) -> int:
    return db.session.scalar(db.select(db.func.count()).where(SlotClaim.booking_id == hour.id)) or 0


def test_a_session_does_not_move_to_where_somebody_has_just_booked(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    for n, (hour, proposal) in enumerate(asked(shared_stripe)):
        mentor = the(hour).mentor_id
        wish = people.wish(the(hour).starts_at + DAY, minutes=30, key=f"the same time {n}")
        rival = partial(book, known(f"Cho{n}", shared_stripe), mentor, wish)
        told = crowd.at_once(partial(agree_to_move, hour, proposal), rival, now=shared_stripe.now())
        assert sorted(type(failure).__name__ for failure in told) == ["NoneType", "SlotTaken"]
        tally[("moved", "booked")[told.index(None)]] += 1
        assert claims_of(hour) > 0
    finish()
    assert untruths(shared_stripe) == []


def test_who_agrees_twice_moves_it_once(crowd: Crowd, shared_stripe: Stripe):
    for hour, proposal in asked(shared_stripe):
        before = the(hour).starts_at
        agree = partial(agree_to_move, hour, proposal)
        told = crowd.at_once(agree, agree, now=shared_stripe.now())
        assert sorted(type(failure).__name__ for failure in told) == ["IllegalMove", "NoneType"]
        assert the(hour).starts_at == before + DAY
    assert untruths(shared_stripe) == []


def test_a_session_that_is_called_off_takes_no_time_whichever_comes_first(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    for hour, proposal in asked(shared_stripe):
        told = crowd.at_once(partial(agree_to_move, hour, proposal), partial(call_off, hour), now=shared_stripe.now())
        assert told[1] is None
        tally["moved first" if told[0] is None else type(told[0]).__name__] += 1
    finish()
    db.session.rollback()
    assert {hour.state for hour in db.session.scalars(db.select(Booking))} == {BookingState.CANCELLED}
    assert db.session.scalar(db.select(db.func.count()).select_from(SlotClaim)) == 0
    assert set(tally) <= {"moved first", "Busy", "IllegalMove"}
    assert untruths(shared_stripe) == []
