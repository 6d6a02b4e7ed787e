"""The scheduler runs on several hosts, and all of them find the same rows due: each is done once.

ROUNDS says how many rows there are of each kind, SEED in which order each worker comes to its jobs.
"""

import json
from collections import Counter
from functools import partial
from random import Random

import pytest
from flask import current_app
from sqlalchemy import delete, func, select, update

from app import jobs
from app.actions import bookings
from app.extensions import db
from app.kit.errors import GatewayDown
from app.models.availability import SlotClaim
from app.models.booking import Booking
from app.models.event import EventState, StripeEvent
from app.models.states import BookingState, Party
from tests.faults import rivals
from tests.faults.crowds import ROUNDS, SEED, Act, Crowd
from tests.faults.flows import CAPTURE, INTENTS
from tests.faults.recovery import finish, knock, let_leases_run_out
from tests.faults.rivals import Hour, the, work
from tests.faults.truths import untruths
from tests.stripe_double import Stripe

WORKERS = 4
BATCH = 50  # the smallest batch of a job
B = BookingState

pytestmark = pytest.mark.faults


def unpaid(stripe: Stripe) -> list[Hour]:
    """For ``expire_checkouts``."""
    return rivals.reserved(stripe, ROUNDS)


def never_completed(stripe: Stripe) -> list[Hour]:
    """For ``expire_stale_holds``."""
    return rivals.held(stripe, ROUNDS)


def paid_unseen(stripe: Stripe) -> list[Hour]:
    """For ``handle_events``: Stripe has knocked."""
    hours = rivals.reserved(stripe, ROUNDS)
    for hour in hours:
        stripe.pay(the(hour))
        body = json.dumps(stripe.simulator.events_since(None)[-1]).encode()
        signature = stripe.simulator.sign(body, stripe.now().timestamp())
        assert knock(current_app._get_current_object(), body, signature) == 200  # type: ignore[attr-defined]
    return hours


def hold_unanswered(stripe: Stripe) -> list[Hour]:
    """For ``finish_operations``: the mentee has no card form yet."""
    stripe.fail_next("lose_answer", INTENTS, count=2 * ROUNDS)
    return rivals.reserved(stripe, ROUNDS)


def capture_unanswered(stripe: Stripe) -> list[Hour]:
    """For ``finish_operations``: the mentor was told that it is being confirmed."""
    hours = rivals.held(stripe, ROUNDS)
    stripe.fail_next("lose_answer", CAPTURE, count=2 * ROUNDS)
    for hour in hours:
        with pytest.raises(GatewayDown):
            bookings.complete(the(hour), now=hour.complete_by)
    return hours


def held_for_nothing(stripe: Stripe) -> list[Hour]:
    """For ``release_forgotten_holds``: ended by hand, which is the only way to it that we know."""
    hours = rivals.held(stripe, ROUNDS)
    ids = [hour.id for hour in hours]
    db.session.rollback()
    db.session.execute(update(Booking).where(Booking.id.in_(ids)).values(state=B.CANCELLED, ended_by=Party.OPERATOR))
    db.session.execute(delete(SlotClaim).where(SlotClaim.booking_id.in_(ids)))
    db.session.commit()
    return hours


LEFT_BEHIND = {
    unpaid: B.EXPIRED,
    never_completed: B.EXPIRED,
    paid_unseen: B.EXPIRED,
    hold_unanswered: B.EXPIRED,
    capture_unanswered: B.COMPLETED,
    held_for_nothing: B.CANCELLED,
}


def a_worker(chance: Random) -> Act:
    """One that does the whole timetable once, in an order of its own."""
    return partial(work, *chance.sample(list(jobs.JOBS), len(jobs.JOBS)))


def test_workers_on_several_hosts_do_what_is_due_once(crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]):
    chance = Random(SEED)
    ends = {hour: end for leave, end in LEFT_BEHIND.items() for hour in leave(shared_stripe)}
    long_after = max(hour.complete_by for hour in ends)
    for _ in range(2 + len(ends) // BATCH):
        let_leases_run_out()
        crowd.at_once(*(a_worker(chance) for _ in range(WORKERS)), now=long_after)
    finish()
    tally.update(str(the(hour).state) for hour in ends)
    assert {hour: the(hour).state for hour in ends} == ends
    assert shared_stripe.count("/capture") == ROUNDS
    assert shared_stripe.count("/cancel") == 5 * ROUNDS
    waiting = select(func.count()).where(StripeEvent.state != EventState.HANDLED)
    assert db.session.scalar(waiting) == 0
    assert untruths(shared_stripe) == []
