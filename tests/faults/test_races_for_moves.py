"""A session moves to another time while somebody else wants that time, or ends the session, at the same instant."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial

import pytest

from app.actions import cards_for_moves, customers, reschedules
from app.extensions import db
from app.models.availability import SlotClaim
from app.models.booking import Booking
from app.models.states import BookingState, Party, PaymentState
from tests import people
from tests.faults.crowds import ROUNDS, Crowd
from tests.faults.recovery import finish
from tests.faults.rivals import Hour, agree_to_move, book, call_off, expire, held, look, saved, the, work
from tests.faults.truths import untruths
from tests.stripe_double import Stripe

DAY = timedelta(days=1)
A_DAY = 40  # half-hours whose cards can be asked together: two days before the last, and in time for the first

pytestmark = pytest.mark.faults


def asked(stripe: Stripe) -> list[tuple[Hour, str]]:
    """Half-hours for whose price there is a hold, and a proposal about each: a day later."""
    found = []
    for hour in held(stripe, ROUNDS):
        found.append((hour, proposed(hour, the(hour).starts_at + DAY, stripe)))
    return found


def asked_far(stripe: Stripe) -> list[tuple[Hour, str]]:
    """The same with a card saved beside each hold, and a proposal about each that the hold does not reach."""
    found = []
    for hour in held(stripe, ROUNDS):
        cards_for_moves.ask(the(hour), consent=True, now=stripe.now())
        booking = people.saved(the(hour), stripe)
        found.append((hour, proposed(hour, booking.starts_at + 14 * DAY, stripe)))
    return found


def proposed(hour: Hour, starts_at: datetime, stripe: Stripe) -> str:
    reschedules.propose(the(hour), starts_at, by=Party.MENTEE, note="", now=stripe.now())
    proposal = reschedules.open_one(the(hour), now=stripe.now())
    assert proposal is not None
    return proposal.id


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


def test_who_agrees_twice_to_a_move_beyond_the_hold_lets_go_of_it_once(crowd: Crowd, shared_stripe: Stripe):
    for hour, proposal in asked_far(shared_stripe):
        agree = partial(agree_to_move, hour, proposal)
        told = crowd.at_once(agree, agree, now=shared_stripe.now())
        assert sorted(type(failure).__name__ for failure in told) == ["IllegalMove", "NoneType"]
        payment = the(hour).payment
        assert payment is not None
        assert (payment.state, payment.intent_id) == (PaymentState.CARD_SAVED, None)
    finish()
    assert shared_stripe.count("/cancel") == ROUNDS
    assert untruths(shared_stripe) == []


def test_a_hold_is_let_go_for_a_move_or_for_a_cancellation_and_never_comes_back(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    """Whoever cancels has read that 40 euros are released; if they are already, they are asked to look again.

    Who agrees may hold on to the cancellation at the moment at which it is taken up: then the worker finishes it.
    """
    ends = {}
    for hour, proposal in asked_far(shared_stripe):
        told = crowd.at_once(
            partial(agree_to_move, hour, proposal),
            partial(call_off, hour),
            partial(look, hour),
            now=shared_stripe.now(),
        )
        tally[" ".join("done" if failure is None else type(failure).__name__ for failure in told[:2])] += 1
        assert told[2] is None
        ends[hour] = BookingState.CONFIRMED if told[0] is None else BookingState.CANCELLED
    finish()
    assert {hour: the(hour).state for hour in ends} == ends
    assert set(tally) <= {"done IllegalMove", "Busy done", "IllegalMove done"}
    assert untruths(shared_stripe) == []


def test_a_move_beyond_a_hold_and_its_renewal_leave_one_of_both(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    """The worker makes the hold anew, because it is about to end, while both agree on a day that even that one does
    not reach."""
    far, stripe = saved(shared_stripe, min(ROUNDS, A_DAY)), shared_stripe
    stripe.wait_until(the(far[-1]).starts_at - timedelta(hours=48))
    work("authorize_saved_cards")
    finish()
    asked_for = []
    for hour in far:
        begins = the(hour).starts_at
        agree_to_move(hour, proposed(hour, begins + 3 * DAY, stripe))
        asked_for.append((hour, proposed(hour, begins + 30 * DAY, stripe)))
    stripe.wait_until(max(the(hour).payment.release_at for hour in far))  # type: ignore[union-attr, type-var]
    for hour, proposal in asked_for:
        told = crowd.at_once(partial(agree_to_move, hour, proposal), partial(expire, hour), now=stripe.now())
        assert told[1] is None
        tally["moved" if told[0] is None else type(told[0]).__name__] += 1
    finish()
    assert set(tally) <= {"moved", "Busy"}
    for hour, _ in asked_for:
        payment = the(hour).payment
        assert payment is not None
        stands = stripe.client.v1.payment_intents.list({"customer": the(hour).mentee.stripe_customer_id, "limit": 100})
        held_now = [it for it in stands.data if it.status == "requires_capture" and it.metadata["booking"] == hour.id]
        assert [it.id for it in held_now] == [payment.intent_id] * (payment.state == PaymentState.AUTHORIZED)
    assert untruths(stripe) == []
