"""A hold of a saved card that would lapse before its session: another is made first, then it is voided."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from app import jobs
from app.actions import bookings, endings, renewals, reschedules, settlements
from app.actions.transactions import atomically
from app.extensions import db
from app.kit.errors import Busy
from app.kit.policy import MERCHANT_HOLD
from app.models.alarm import Alarm
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, Party, PaymentState, ReconciliationState
from app.models.user import User
from tests.backups import Backup
from tests.faults.recovery import deliver, finish
from tests.faults.truths import untruths
from tests.people import HOUR, IN_A_MONTH, booked, completed, fresh, saved
from tests.stripe_double import Stripe

B, P = BookingState, PaymentState
LATER = IN_A_MONTH + timedelta(days=3)


@pytest.fixture
def moved_hour(ann: User, bob: Mentor, stripe: Stripe) -> Booking:
    """Held for a session that both have moved to three days later, which the hold does not outlive."""
    hour = saved(booked(ann, bob, stripe, starts_at=IN_A_MONTH), stripe)
    stripe.wait_until(IN_A_MONTH - 48 * HOUR)
    jobs.run("authorize_saved_cards")
    reschedules.propose(fresh(hour), LATER, by=Party.MENTEE, note="", now=stripe.now())
    reschedules.accept(fresh(hour), fresh(hour).reschedules[0].id, by=Party.MENTOR, now=stripe.now())
    return fresh(hour)


def let_it_end(hour: Booking, stripe: Stripe) -> Booking:
    """Until we would let go of the hold, and the worker comes by."""
    assert fresh(hour).payment.release_at < fresh(hour).complete_by
    stripe.wait_until(fresh(hour).payment.release_at)
    jobs.run("expire_stale_holds")
    finish()
    return fresh(hour)


def states(hour: Booking) -> tuple[BookingState, PaymentState]:
    return fresh(hour).state, fresh(hour).payment.state


def test_the_newer_hold_is_made_before_the_older_one_is_let_go(moved_hour: Booking, stripe: Stripe):
    older = moved_hour.payment.intent_id
    hour = let_it_end(moved_hour, stripe)
    assert states(hour) == (B.CONFIRMED, P.AUTHORIZED)
    assert hour.payment.intent_id != older
    assert hour.payment.capture_before == stripe.now() + MERCHANT_HOLD
    assert hour.payment.release_at == hour.complete_by
    told = [
        (event["type"], event["data"]["object"]["id"])
        for event in stripe.simulator.events_since(None)
        if event["type"] in ("payment_intent.amount_capturable_updated", "payment_intent.canceled")
    ]
    assert told == [
        ("payment_intent.amount_capturable_updated", older),
        ("payment_intent.amount_capturable_updated", hour.payment.intent_id),
        ("payment_intent.canceled", older),
    ]
    assert states(completed(hour, stripe)) == (B.COMPLETED, P.CAPTURED)
    assert stripe.client.v1.payment_intents.retrieve(older).amount_received == 0
    assert untruths(stripe) == []


def test_an_answer_that_is_lost_makes_no_third_hold(moved_hour: Booking, stripe: Stripe):
    stripe.fail_next("lose_answer", "/v1/payment_intents", count=2)
    stripe.fail_next("lose_answer", "*/cancel", count=2)
    assert states(let_it_end(moved_hour, stripe)) == (B.CONFIRMED, P.AUTHORIZED)
    assert len(stripe.client.v1.payment_intents.list({}).data) == 2
    assert untruths(stripe) == []


def test_meanwhile_nobody_captures_the_older_one(moved_hour: Booking, stripe: Stripe):
    stripe.fail_next("lose_answer", "/v1/payment_intents", count=2)
    stripe.wait_until(moved_hour.payment.release_at)
    jobs.run("expire_stale_holds")
    stripe.wait_until(max(stripe.now(), moved_hour.ends_at))
    with pytest.raises(Busy):
        bookings.complete(fresh(moved_hour), now=stripe.now())
    finish()
    bookings.complete(fresh(moved_hour), now=stripe.now())
    assert states(moved_hour) == (B.COMPLETED, P.CAPTURED)
    assert untruths(stripe) == []


@pytest.mark.parametrize("why", ["declined", "removed"])
def test_if_the_bank_says_no_the_older_one_is_let_go_as_always(moved_hour: Booking, stripe: Stripe, why: str):
    if why == "removed":
        stripe.client.v1.payment_methods.detach(moved_hour.payment.method_id)
    else:
        another = stripe.client.v1.payment_methods.attach(
            "pm_card_chargeCustomerFail", {"customer": moved_hour.mentee.stripe_customer_id}
        )
        with atomically():
            Payment.locked(moved_hour.payment.id).method_id = another.id
    hour = let_it_end(moved_hour, stripe)
    assert states(hour) == (B.CONFIRMED, P.AUTHORIZED)
    stripe.wait(renewals.SOON)
    jobs.run("expire_stale_holds")
    finish()
    assert states(hour) == (B.EXPIRED, P.VOIDED)
    assert fresh(hour).ended_because == endings.BANK_WOULD_LET_GO
    assert db.session.query(Operation).filter_by(kind=renewals.RENEW).count() == 1, "it is asked once"
    assert all(intent.status == "canceled" for intent in stripe.client.v1.payment_intents.list({}).data)
    assert untruths(stripe) == []


def test_webhooks_of_both_holds_break_nothing_in_whatever_order(app: Flask, moved_hour: Booking, stripe: Stripe):
    hour = let_it_end(moved_hour, stripe)
    for _ in range(2):
        assert set(deliver(app, stripe)) <= {200}
        jobs.run("handle_events")
    assert states(hour) == (B.CONFIRMED, P.AUTHORIZED)
    assert db.session.execute(db.text("SELECT count(*) FROM stripe_event WHERE state <> 'handled'")).scalar() == 0
    assert untruths(stripe) == []


@pytest.mark.parametrize("pause", [0 * HOUR, 7 * HOUR], ids=["still held", "lapsed"])
def test_nobody_is_alarmed_by_an_older_one_that_we_have_not_come_to_let_go_of(
    moved_hour: Booking, stripe: Stripe, pause: timedelta
):
    """Workers were away just then, and then the bank may let it go before we do."""
    older = moved_hour.payment.intent_id
    stripe.wait_until(moved_hour.payment.release_at)
    jobs.run("expire_stale_holds")
    stripe.wait(pause)
    assert stripe.client.v1.payment_intents.retrieve(older).status == ("canceled" if pause else "requires_capture")
    assert jobs.reconcile_since(stripe.now() - 40 * 24 * HOUR).state == ReconciliationState.CLEAN
    finish()
    assert states(moved_hour) == (B.CONFIRMED, P.AUTHORIZED)
    assert untruths(stripe) == []


@pytest.fixture
def backup(moved_hour: Booking) -> Iterator[Backup]:
    """From before the newer hold was made."""
    taken = Backup()
    yield taken
    taken.close()


def test_a_backup_from_before_finds_the_newer_hold_and_keeps_it(moved_hour: Booking, backup: Backup, stripe: Stripe):
    hour = let_it_end(moved_hour, stripe)
    newer = hour.payment.intent_id
    backup.restore()
    assert jobs.reconcile_since(stripe.now() - 40 * 24 * HOUR).state == ReconciliationState.CLEAN
    assert states(moved_hour) == (B.CONFIRMED, P.AUTHORIZED)
    assert fresh(moved_hour).payment.intent_id == newer
    assert untruths(stripe) == []


def test_beyond_one_newer_hold_a_session_goes_back_to_its_saved_card(moved_hour: Booking, stripe: Stripe):
    reschedules.propose(moved_hour, IN_A_MONTH + timedelta(days=7), by=Party.MENTOR, note="", now=stripe.now())
    proposal = reschedules.open_one(fresh(moved_hour), now=stripe.now())
    reschedules.accept(fresh(moved_hour), proposal.id, by=Party.MENTEE, now=stripe.now())
    finish()
    assert states(moved_hour) == (B.CONFIRMED, P.CARD_SAVED)
    assert untruths(stripe) == []


@pytest.fixture
def twice_held_hour(moved_hour: Booking, stripe: Stripe) -> Booking:
    """The newer hold is made, and Stripe does not answer when the older one is to be let go."""
    stripe.fail_next("error_500_unsaved", "*/cancel", count=2 * 8)
    stripe.wait_until(moved_hour.payment.release_at)
    jobs.run("expire_stale_holds")
    return moved_hour


@pytest.mark.parametrize("minor", [8_000, 3_000], ids=["all of it", "a part of it"])
def test_an_older_one_that_is_charged_in_the_dashboard_is_what_was_paid(
    twice_held_hour: Booking, stripe: Stripe, minor: int
):
    """Nothing has moved in its place, and nobody is charged twice: the newer one is let go."""
    older = str(stripe.client.v1.payment_intents.list({}).data[-1].id)
    stripe.client.v1.payment_intents.capture(older, {"amount_to_capture": minor})
    stripe.simulator.faults.clear()
    finish()
    assert states(twice_held_hour) == (B.COMPLETED, P.CAPTURED)
    payment = fresh(twice_held_hour).payment
    assert (payment.intent_id, payment.captured_minor) == (older, minor)
    assert {intent.status for intent in stripe.client.v1.payment_intents.list({}).data} == {"succeeded", "canceled"}
    jobs.run("follow_stripes_books")
    assert settlements.differences() == []
    assert untruths(stripe) == []


def test_one_that_is_charged_while_money_moves_in_its_place_is_told_to_a_person(
    twice_held_hour: Booking, stripe: Stripe
):
    """One of the two is too much, and nobody here can know which."""
    older = str(stripe.client.v1.payment_intents.list({}).data[-1].id)
    stripe.client.v1.payment_intents.capture(older)
    stripe.wait_until(twice_held_hour.ends_at)
    bookings.complete(fresh(twice_held_hour), now=stripe.now())
    stripe.simulator.faults.clear()
    finish()
    assert states(twice_held_hour) == (B.COMPLETED, P.CAPTURED)
    db.session.rollback()
    (told,) = db.session.scalars(db.select(Alarm.sentence).where(Alarm.subject == older))
    assert told.startswith(f"€80.00 were charged in Stripe's dashboard on {older}")
    assert settlements.follow(now=stripe.now()) == 2, "the books know of it"
    assert settlements.differences() == []
