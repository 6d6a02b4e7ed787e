"""Stripe's objects beside ours: what was missed is learned, what is strange is told, what is not ours is left alone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from structlog.testing import capture_logs

from app import jobs
from app.actions import alarms, bookings, cancellations, reconcile, settlements
from app.actions.courses import Course
from app.actions.transactions import atomically
from app.extensions import db
from app.kit.errors import Busy, GatewayDown, IllegalMove, WrongAccount
from app.models.alarm import Alarm
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.reconciliation import Reconciliation
from app.models.states import AlarmState, BookingState, OperationState, Party, PaymentState, ReconciliationState
from app.models.user import User
from tests.backups import rows
from tests.faults.meddlers import Meddler, meddled
from tests.faults.recovery import finish
from tests.faults.truths import untruths
from tests.house.conftest import inside
from tests.people import HOUR, TOMORROW_AT_TEN, booked, completed, fresh, paid
from tests.stripe_double import Kept, Stripe

B, P, R = BookingState, PaymentState, ReconciliationState
DAY = timedelta(days=1)


def reconciled(stripe: Stripe, back: timedelta = 30 * DAY) -> Reconciliation:
    return jobs.reconcile_since(stripe.now() - back)


def open_alarms() -> list[tuple[str, str]]:
    db.session.rollback()
    return [(alarm.kind, alarm.subject) for alarm in alarms.newest()]


def intent_id(hour: Booking) -> str:
    found = fresh(hour).payment.intent_id
    assert found is not None
    return found


def by_hand(statement: object) -> None:
    """Somebody with a database client."""
    db.session.rollback()
    with db.engine.begin() as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def test_where_all_is_the_same_nothing_is_done_but_noted(held_hour: Booking, stripe: Stripe):
    before = stripe.count("")
    run = reconciled(stripe)
    assert (run.state, run.compared, run.mended, run.not_ours, run.alarms) == (R.CLEAN, 1, 0, 0, 0)
    assert run.told == "1 compared, 0 mended, 0 not ours, 0 open alarms."
    assert run.finished_at == stripe.now()
    assert stripe.count("") == before


def test_what_was_done_in_the_dashboard_while_events_were_lost_is_adopted_as_theirs(
    ann: User, bob: Mentor, stripe: Stripe
):
    hours = {
        name: paid(booked(ann, bob, stripe, starts_at=TOMORROW_AT_TEN + n * HOUR, key=f"form {n}"), stripe)
        for n, name in enumerate(("captured", "canceled", "refunded"))
    }
    dashboard = stripe.client.v1
    dashboard.payment_intents.capture(intent_id(hours["captured"]))
    dashboard.payment_intents.cancel(intent_id(hours["canceled"]))
    dashboard.payment_intents.capture(intent_id(hours["refunded"]))
    dashboard.refunds.create({"payment_intent": intent_id(hours["refunded"]), "amount": 8_000})
    run = reconciled(stripe)
    assert (run.state, run.compared, run.mended) == (R.CLEAN, 4, 3)  # three payments, one refund
    ends = {name: fresh(hour) for name, hour in hours.items()}
    assert {name: (hour.state, hour.payment.state) for name, hour in ends.items()} == {
        "captured": (B.COMPLETED, P.CAPTURED),
        "canceled": (B.CANCELLED, P.VOIDED),
        "refunded": (B.CANCELLED, P.CAPTURED),
    }
    adopted = db.session.scalars(select(Operation).where(Operation.tries == 0, Operation.kind != "movement")).all()
    assert sorted(operation.kind for operation in adopted) == ["capture", "capture", "refund", "void"]
    assert {operation.by for operation in adopted} == {Party.STRIPE}
    assert untruths(stripe) == []
    assert reconciled(stripe).mended == 0


def test_a_refund_of_long_ago_in_the_dashboard_is_found_though_its_payment_is_older(
    completed_hour: Booking, stripe: Stripe
):
    stripe.wait(40 * DAY)
    stripe.client.v1.refunds.create({"payment_intent": intent_id(completed_hour), "amount": 1_000})
    run = reconciled(stripe, 2 * DAY)
    assert (run.compared, run.mended) == (1, 1)
    assert fresh(completed_hour).payment.refunded_minor == 1_000
    assert untruths(stripe) == []


def test_a_refund_that_came_back_unheard_of_is_learned(anns_hour: Booking, stripe: Stripe):
    hour = completed(paid(anns_hour, stripe, "pm_card_refundFail"), stripe)
    cancellations.cancel(hour, by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())
    stripe.wait(2 * HOUR)
    assert fresh(hour).payment.refunded_minor == 8_000
    reconciled(stripe)
    assert fresh(hour).payment.refunded_minor == 0
    assert [kind for kind, _ in open_alarms()] == ["refund_failure"]


def test_a_card_that_was_entered_unheard_of_confirms_its_hour(anns_hour: Booking, stripe: Stripe):
    stripe.pay(anns_hour)
    assert reconciled(stripe).mended == 1
    assert fresh(anns_hour).state == B.CONFIRMED


def test_objects_of_others_are_counted_and_left_alone(held_hour: Booking, app: Flask, stripe: Stripe):
    dashboard = stripe.client.v1.payment_intents
    dashboard.create({"amount": 500, "currency": "eur"})
    theirs = {"environment": "staging", "payment": held_hour.payment.id, "booking": held_hour.id}
    dashboard.create({"amount": 500, "currency": "eur", "metadata": theirs})
    shop = dashboard.create(
        {
            "amount": 700,
            "currency": "eur",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "return_url": "http://localhost/",
            "metadata": {"environment": "test", "order": "17"},
        }
    )
    stripe.client.v1.refunds.create({"payment_intent": shop.id})
    before = [(intent.id, intent.status) for intent in stripe.intents()]
    run = reconciled(stripe)
    assert (run.state, run.compared, run.not_ours) == (R.CLEAN, 1, 4)
    assert [(intent.id, intent.status) for intent in stripe.intents()] == before
    assert db.session.query(Booking).count() == 1


@pytest.fixture
def forgetful(ann: User, bob: Mentor, stripe: Stripe) -> list[Kept]:
    """What Stripe was like before an hour was booked, when it was held, when it was charged; the last is now."""
    moments = [stripe.keep()]
    hour = paid(booked(ann, bob, stripe), stripe)
    moments.append(stripe.keep())
    completed(hour, stripe)
    settlements.follow(now=stripe.now())
    return [*moments, stripe.keep()]


def the_hour() -> Booking:
    db.session.rollback()
    return Booking.one()


def test_a_payment_that_stripe_knows_nothing_of_is_told_once_and_settles_when_it_does(
    forgetful: list[Kept], stripe: Stripe
):
    before_it, _, charged = forgetful
    stripe.put_back(before_it)
    stripe.wait(3 * DAY)
    assert reconciled(stripe).state == R.ALARMED
    assert reconciled(stripe).alarms == 2
    assert sorted(open_alarms()) == [("balance", "stripe"), ("missing", intent_id(the_hour()))]
    told = next(alarm for alarm in alarms.newest() if alarm.kind == "missing").sentence
    assert "€80.00, captured" in told
    assert "which Stripe does not know" in told

    stripe.put_back(charged)
    assert reconciled(stripe).state == R.CLEAN
    settled = db.session.scalars(select(Alarm).where(Alarm.kind == "missing")).one()
    assert (settled.state, settled.settled_at) == (AlarmState.SETTLED, stripe.now())
    assert untruths(stripe) == []


def test_a_payment_that_is_further_here_than_at_stripe_is_told_and_not_taken_back(
    forgetful: list[Kept], stripe: Stripe
):
    _, held, charged = forgetful
    stripe.put_back(held)
    reconciled(stripe)
    assert (the_hour().state, the_hour().payment.state) == (B.COMPLETED, P.CAPTURED)
    assert ("differs", intent_id(the_hour())) in open_alarms()
    assert stripe.intent_of(the_hour()).status == "requires_capture", "nothing is charged by guess"
    stripe.put_back(charged)
    assert reconciled(stripe).state == R.CLEAN


def test_a_hold_that_stands_though_its_payment_has_ended_is_let_go_and_told(held_hour: Booking, stripe: Stripe):
    held = stripe.keep()
    cancellations.cancel(held_hour, by=Party.MENTOR, quoted="8000-0-0", now=stripe.now())
    stripe.put_back(held)
    assert reconciled(stripe).state == R.ALARMED
    assert stripe.intent_of(held_hour).status == "canceled"
    assert open_alarms() == [("differs", intent_id(held_hour))]
    assert reconciled(stripe).state == R.CLEAN


def test_a_second_hold_for_one_payment_is_let_go_and_told(held_hour: Booking, stripe: Stripe):
    first = stripe.intent_of(held_hour)
    second = stripe.client.v1.payment_intents.create(
        {
            "amount": 8_000,
            "currency": "eur",
            "customer": first.customer,
            "capture_method": "manual",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "return_url": "http://localhost/",
            "metadata": first.metadata.to_dict(),
        }
    )
    assert reconciled(stripe).state == R.ALARMED
    assert {intent.id: intent.status for intent in stripe.intents()} == {
        first.id: "requires_capture",
        second.id: "canceled",
    }
    assert open_alarms() == [("stray", second.id)]
    assert f"has another PaymentIntent ({first.id})" in alarms.newest()[0].sentence
    assert fresh(held_hour).state == B.CONFIRMED


def test_what_the_worker_is_at_is_left_to_the_worker(held_hour: Booking, stripe: Stripe):
    stripe.wait_until(held_hour.ends_at)
    stripe.fail_next("lose_answer", "*/capture", count=2)
    with pytest.raises(GatewayDown):
        bookings.complete(held_hour, now=stripe.now())
    run = reconciled(stripe)
    assert (run.state, run.compared, run.mended) == (R.CLEAN, 1, 0)
    assert db.session.scalar(select(Operation.state).where(Operation.kind == "capture")) == OperationState.PENDING
    finish()
    assert fresh(held_hour).state == B.COMPLETED
    assert (reconciled(stripe).state, untruths(stripe)) == (R.CLEAN, [])


def test_a_payment_that_lost_its_intent_finds_it_by_what_is_written_on_it(held_hour: Booking, stripe: Stripe):
    theirs = intent_id(held_hour)
    by_hand(update(Payment).values(intent_id=None))
    assert reconciled(stripe).state == R.CLEAN
    assert intent_id(held_hour) == theirs


def test_money_that_only_one_side_knows_of_is_told(forgetful: list[Kept], stripe: Stripe):
    stripe.put_back(forgetful[1])
    reconciled(stripe)
    assert ("balance", "stripe") in open_alarms()
    stripe.put_back(forgetful[2])
    reconciled(stripe)
    assert ("balance", "stripe") not in open_alarms()


def test_with_the_key_of_another_account_nothing_is_written(
    held_hour: Booking, stripe: Stripe, another_account: Stripe, elsewhere: Callable[..., Flask]
):
    reconciled(stripe)
    before = rows()
    another_account.wait_until(stripe.now() + DAY)
    stripe.client.v1.payment_intents.capture(intent_id(held_hour))
    for other in (
        elsewhere(another_account),
        elsewhere(environment="staging"),
        elsewhere(stripe_secret_key="sk_live_x"),
    ):
        with inside(other), pytest.raises(WrongAccount):
            reconciled(stripe)
    assert rows() == before


def test_a_run_that_stripe_breaks_off_says_so_and_the_next_one_goes_over_it_again(held_hour: Booking, stripe: Stripe):
    stripe.client.v1.payment_intents.capture(intent_id(held_hour))
    stripe.fail_next("error_500_unsaved", "/v1/payment_intents", method="GET", count=2)
    with pytest.raises(GatewayDown):
        reconciled(stripe)
    broken = db.session.scalars(select(Reconciliation)).one()
    assert (broken.state, broken.compared, broken.finished_at) == (R.BROKEN_OFF, 0, stripe.now())
    assert reconciled(stripe).mended == 1


def test_a_run_that_a_mistake_of_ours_breaks_off_says_so_and_the_next_one_need_not_wait(
    held_hour: Booking, database_url: str, stripe: Stripe
):
    meddler = Meddler(stripe)
    meddler.breaks = {"/v1/refunds": RuntimeError("a mistake of ours")}
    with meddled(database_url, meddler, stripe):
        with capture_logs() as told, pytest.raises(RuntimeError):
            reconciled(stripe)
        broken = db.session.scalars(select(Reconciliation)).one()
        assert (broken.state, broken.finished_at) == (R.BROKEN_OFF, stripe.now())
        assert broken.told == "RuntimeError: a mistake of ours"
        assert [entry["because"] for entry in told if entry["event"] == "reconciliation broken off"] == [broken.told]
        meddler.breaks = {}
        assert jobs.run("reconcile") == 1


def test_of_two_runs_the_newer_takes_over_and_the_older_stops(held_hour: Booking, stripe: Stripe):
    older = reconcile.start(stripe.now() - DAY, now=stripe.now())
    steps = Course.of(older).steps()
    assert reconciled(stripe).state == R.CLEAN
    with pytest.raises(Busy):
        next(steps).do(now=stripe.now())
    reconcile.break_off(older, Busy(), now=stripe.now())
    assert Reconciliation.one(Reconciliation.id == older).told == "It died, or a newer one took over."


def test_everything_is_compared_every_day_and_what_is_recent_every_hour(held_hour: Booking, stripe: Stripe):
    def runs() -> list[timedelta]:
        jobs.run("reconcile")
        found = db.session.scalars(select(Reconciliation).order_by(Reconciliation.started_at, Reconciliation.id))
        return [run.started_at - run.since for run in found]

    stripe.wait(20 * DAY)
    assert runs() == [20 * DAY]
    stripe.wait(timedelta(minutes=59))
    assert len(runs()) == 1
    stripe.wait(timedelta(minutes=1))
    assert runs()[1:] == [8 * DAY]
    stripe.wait(23 * HOUR)
    assert runs()[2:] == [21 * DAY]


def test_while_a_run_is_alive_the_job_begins_no_other(held_hour: Booking, stripe: Stripe):
    reconcile.start(stripe.now() - DAY, now=stripe.now())
    stripe.wait(timedelta(minutes=14))
    assert jobs.run("reconcile") == 0
    stripe.wait(timedelta(minutes=1))
    assert jobs.run("reconcile") == 1, "one that gives no sign of life is dead"


def test_an_operators_word_settles_an_alarm_and_is_asked_for_anew_when_something_changes(
    held_hour: Booking, stripe: Stripe
):
    def ring(sentence: str) -> list[Alarm]:
        with atomically():
            alarms.raise_about("differs", "pi_1", sentence, now=stripe.now())
        return list(alarms.newest())

    assert len(ring("It is one euro too much.")) == 1
    [alarm] = ring("It is two euros too much.")
    assert alarm.sentence == "It is one euro too much.", "what is open is not raised again"
    alarms.settle(alarm.id, because="Ann has been paid", now=stripe.now())
    with pytest.raises(IllegalMove):
        alarms.settle(alarm.id, because="twice", now=stripe.now())
    assert ring("It is one euro too much.") == []
    assert len(ring("It is two euros too much.")) == 1
