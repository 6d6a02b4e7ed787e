"""A worker that slept for three days, and hosts whose clocks disagree by an hour."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app import jobs
from app.actions import cancellations, leases
from app.extensions import db
from app.kit import clock
from app.kit.errors import Busy, GatewayDown
from app.models.booking import Booking
from app.models.event import StripeEvent
from app.models.operation import Operation
from app.models.states import BookingState, EventState, OperationState, Party
from tests import people
from tests.faults.recovery import deliver, let_leases_run_out, let_pass
from tests.faults.truths import untruths
from tests.processes import eventually
from tests.stripe_double import Stripe
from tests.test_crew import held_hours, written_down

LEASE = timedelta(seconds=leases.LEASE)
LONGEST_PAUSE = timedelta(seconds=leases.LONGEST_PAUSE)
A_MOMENT = timedelta(seconds=2)
FAILURES = 4  # after which the pause is longer than even a slow machine needs for the next lines
HOURS_OFF = [timedelta(hours=-1), timedelta(hours=1)]


@pytest.fixture
def crew(app: Flask) -> Iterator[jobs.Crew]:
    made = jobs.Crew(app, 4)
    yield made
    made.close()


@pytest.mark.parametrize("off", HOURS_OFF, ids=["an_hour_behind", "an_hour_ahead"])
def test_a_host_whose_clock_is_wrong_respects_a_lease_and_takes_it_when_it_is_over(
    off: timedelta, app: Flask, stripe: Stripe
):
    written_down(held_hours(stripe, 1), stripe)
    assert leases.claim(stripe.now()), "by a host whose clock is right, which is then never heard of again"
    clock.use(lambda: stripe.now() + off)
    let_pass(LEASE - A_MOMENT)
    assert jobs.run("finish_operations") == 0
    let_pass(2 * A_MOMENT)
    assert jobs.run("finish_operations") == 1
    assert stripe.count("/cancel") == 1
    assert untruths(stripe) == []


@pytest.mark.parametrize("off", HOURS_OFF, ids=["an_hour_behind", "an_hour_ahead"])
def test_a_pause_after_a_failure_is_as_long_for_a_host_whose_clock_is_wrong(off: timedelta, app: Flask, stripe: Stripe):
    (hour,) = held_hours(stripe, 1)
    clock.use(lambda: stripe.now() + off)
    stripe.fail_next("drop_request", "*/cancel", count=2 * FAILURES)
    with pytest.raises(GatewayDown):
        cancellations.cancel(hour, by=Party.MENTOR, quoted="4000-0-0", now=clock.now())
    for _ in range(FAILURES - 1):
        let_pass(LONGEST_PAUSE)
        assert jobs.run("finish_operations") == 0
    clock.use(stripe.now)
    assert jobs.run("finish_operations") == 0
    with pytest.raises(Busy):
        cancellations.cancel(people.fresh(hour), by=Party.MENTOR, quoted="4000-0-0", now=clock.now())
    let_pass(LONGEST_PAUSE)
    assert jobs.run("finish_operations") == 1
    assert people.fresh(hour).state == BookingState.CANCELLED


def test_after_three_days_without_a_worker_its_first_tick_catches_up(app: Flask, stripe: Stripe, crew: jobs.Crew):
    held, called_off = held_hours(stripe, 2)
    written_down([called_off], stripe)
    ann, bob = held.mentee, held.mentor
    unpaid = people.booked(ann, bob, stripe, starts_at=people.TOMORROW_AT_TEN + timedelta(hours=5), key="unpaid")
    assert set(deliver(app, stripe)) == {200}
    stripe.wait(timedelta(days=3, hours=4))
    let_leases_run_out()
    worker = jobs.scheduler(crew)
    worker.start()
    try:
        eventually(_nothing_is_due)
        late = [(job.misfire_grace_time, job.coalesce, job.max_instances) for job in worker.get_jobs()]
        assert set(late) == {(None, True, 1)}, "a tick that comes late is made up for once, however late"
    finally:
        worker.shutdown()
    assert {people.fresh(hour).state for hour in (held, unpaid)} == {BookingState.EXPIRED}
    assert people.fresh(called_off).state == BookingState.CANCELLED
    assert untruths(stripe) == []


def _nothing_is_due() -> bool:
    db.session.rollback()
    live = select(Booking.id).where(Booking.state.in_((BookingState.PENDING_PAYMENT, BookingState.CONFIRMED)))
    waiting = select(StripeEvent.id).where(StripeEvent.state == EventState.RECEIVED)
    pending = select(Operation.id).where(Operation.state == OperationState.PENDING)
    return not any(db.session.scalar(query.limit(1)) for query in (live, waiting, pending))
