"""The worker's crew: many rows at once, none of which stops another, and a clean end when it is told to leave."""

from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import jobs
from app.actions import leases, payments
from app.actions.transactions import atomically
from app.extensions import db
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, OperationState, Party, PaymentState
from tests import people
from tests.faults.recovery import let_leases_run_out
from tests.statements import overheard
from tests.stripe_double import Stripe

HALF_AN_HOUR = people.HOUR / 2


@pytest.fixture
def crew(app: Flask) -> Iterator[jobs.Crew]:
    made = jobs.Crew(app, 4)
    yield made
    made.close()


def held_hours(stripe: Stripe, count: int) -> list[Booking]:
    ann, bob = people.person("Ann"), people.mentor("Bob")
    starts = [people.TOMORROW_AT_TEN + n * HALF_AN_HOUR for n in range(count)]
    return [
        people.paid(people.booked(ann, bob, stripe, starts_at=start, minutes=30, key=f"form {n}"), stripe)
        for n, start in enumerate(starts)
    ]


def written_down(hours: list[Booking], stripe: Stripe) -> None:
    """Somebody has begun to call each of them off, and was killed before Stripe heard of it, a while ago."""
    for hour in hours:
        with atomically():
            payment = Payment.locked(people.fresh(hour).payments[0].id)
            payments.start(
                payments.VOID, payment, by=Party.MENTOR, now=stripe.now(), ends_as=BookingState.CANCELLED, because=""
            )
    let_leases_run_out()


def operations_in(state: OperationState) -> list[Operation]:
    db.session.rollback()
    found = select(Operation).where(Operation.kind == payments.VOID, Operation.state == state)
    return list(db.session.scalars(found.execution_options(populate_existing=True)))


def test_more_than_a_batch_is_done_in_one_go_by_many_at_once(app: Flask, stripe: Stripe, crew: jobs.Crew):
    hours = held_hours(stripe, leases.BATCH + 2)
    written_down(hours, stripe)
    assert crew.work("finish_operations") == len(hours)
    assert crew.work("finish_operations") == 0
    assert {people.fresh(hour).state for hour in hours} == {BookingState.CANCELLED}
    assert stripe.count("/cancel") == len(hours)
    assert {operation.tries for operation in operations_in(OperationState.DONE)} == {1}


def test_two_crews_share_what_is_due_and_do_nothing_twice(app: Flask, stripe: Stripe, crew: jobs.Crew):
    hours = held_hours(stripe, leases.BATCH + 2)
    written_down(hours, stripe)
    other, done = jobs.Crew(app, 4), list[int]()
    threads = [Thread(target=lambda c=each: done.append(c.work("finish_operations"))) for each in (crew, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert sum(done) == len(hours)
    assert stripe.count("/cancel") == len(hours)
    assert {operation.tries for operation in operations_in(OperationState.DONE)} == {1}, "nobody took another's lease"


def test_one_bad_row_stops_no_other(app: Flask, stripe: Stripe, crew: jobs.Crew):
    hours = held_hours(stripe, 5)
    written_down(hours, stripe)
    operations_in(OperationState.PENDING)[0].params = {}  # what it works on is not even named: our own mistake
    db.session.commit()
    assert crew.work("finish_operations") == len(hours) - 1
    assert len(operations_in(OperationState.PENDING)) == 1
    assert stripe.count("/cancel") == len(hours) - 1


def test_what_fails_and_stays_due_is_not_tried_for_ever(
    app: Flask, anns_hour: Booking, stripe: Stripe, crew: jobs.Crew
):
    stripe.wait_until(anns_hour.pay_by)
    db.session.execute(db.delete(Payment))  # nothing that could be let go of: expiring it fails
    db.session.commit()
    assert crew.work("expire_checkouts") == 0
    assert jobs.run("expire_checkouts") == 0


def test_a_batch_is_claimed_by_one_statement(app: Flask, stripe: Stripe):
    written_down(held_hours(stripe, 5), stripe)
    with overheard(db.engine) as heard:
        assert len(leases.claim(stripe.now())) == 5
        assert leases.claim(stripe.now()) == []
    assert [words.split()[0] for words in heard] == ["WITH", "WITH"]


def test_whoever_is_told_to_leave_finishes_what_is_begun_and_begins_nothing_else(
    app: Flask, stripe: Stripe, crew: jobs.Crew
):
    hours = held_hours(stripe, 12)
    written_down(hours, stripe)
    under_way = Event()

    def leave_as_soon_as_stripe_is_asked(*_: Any) -> None:
        crew.leaving.set()
        under_way.set()

    stripe.simulator.watchers.append(leave_as_soon_as_stripe_is_asked)
    try:
        done = crew.work("finish_operations")
    finally:
        stripe.simulator.watchers.remove(leave_as_soon_as_stripe_is_asked)
    assert under_way.is_set()
    assert 1 <= done <= 4, "a thread each"
    assert stripe.count("/cancel") == done
    left = operations_in(OperationState.PENDING)
    assert len(left) == len(hours) - done
    assert {(operation.tries, operation.lease_until) for operation in left} == {(0, 0)}, "as if never claimed"


def test_what_all_of_them_try_again_does_not_come_back_at_one_moment(app: Flask, stripe: Stripe):
    hours = held_hours(stripe, 12)
    written_down(hours, stripe)
    db.session.execute(db.update(Operation).values(tries=5))
    db.session.commit()
    stripe.simulator.faults.add("drop_request", method="*", count=None)
    assert jobs.run("finish_operations") == 0
    moments = [operation.not_before for operation in operations_in(OperationState.PENDING)]
    assert len(set(moments)) > 3
    assert max(moments) - min(moments) <= leases.LONGEST_PAUSE
    assert {people.fresh(hour).payments[0].state for hour in hours} == {PaymentState.AUTHORIZED}
