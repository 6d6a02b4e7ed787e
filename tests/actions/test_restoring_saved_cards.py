"""A backup from before some hours were booked far ahead: their saved cards come back, and nothing is held twice."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from app import jobs
from app.actions import alarms, cancellations, deadlines
from app.extensions import db
from app.models.booking import Booking
from app.models.deadline import Deadline
from app.models.mentor import Mentor
from app.models.reconciliation import Reconciliation
from app.models.states import BookingState, Party, PaymentState, ReconciliationState
from app.models.user import User
from tests import people
from tests.backups import Backup
from tests.faults.recovery import finish
from tests.faults.truths import untruths
from tests.people import HOUR, IN_A_MONTH, booked, fresh, saved
from tests.stripe_double import Stripe

B, P = BookingState, PaymentState
DECLINES_LATER = "pm_card_chargeCustomerFail"


@pytest.fixture
def backup(app: Flask, ann: User, bob: Mentor) -> Iterator[Backup]:
    """From before anything was booked; taken anew by whoever needs a later one."""
    taken = Backup()
    yield taken
    taken.close()


def book(n: int, stripe: Stripe, card: str | None = "pm_card_visa") -> Booking:
    db.session.rollback()
    ann, bob = User.one(User.name == "Ann"), Mentor.one()
    hour = booked(ann, bob, stripe, starts_at=IN_A_MONTH + n * HOUR, key=f"the form of hour {n}")
    return saved(hour, stripe, card) if card else hour


def cancel(hour: Booking, stripe: Stripe) -> None:
    quoted = cancellations.quote(fresh(hour), by=Party.MENTEE, now=stripe.now())
    cancellations.cancel(fresh(hour), by=Party.MENTEE, quoted=quoted.token, now=stripe.now())


def worked(stripe: Stripe, before: int) -> None:
    """The worker comes by so many hours before the first of them."""
    stripe.wait_until(IN_A_MONTH - before * HOUR)
    jobs.run("authorize_saved_cards")
    finish()


def reconciled(stripe: Stripe) -> Reconciliation:
    return jobs.reconcile_since(stripe.now() - 40 * 24 * HOUR)


def standing() -> dict[str, tuple[BookingState, PaymentState, str | None]]:
    """By the form: how each hour and its payment stand, and with which card."""
    db.session.rollback()
    db.session.expire_all()
    hours = db.session.scalars(select(Booking).order_by(Booking.request_key)).unique()
    return {hour.request_key[-1]: (hour.state, hour.payment.state, hour.payment.method_id) for hour in hours}


def due() -> dict[tuple[str, str], object]:
    rows = db.session.scalars(select(Deadline).where(Deadline.kind.in_(deadlines.OF_SAVED_CARDS)))
    return {(row.kind, row.subject): row.due_at for row in rows}


def test_hours_that_stand_on_saved_cards_are_put_back_with_all_that_is_due_of_them(backup: Backup, stripe: Stripe):
    """One is saved, one called off since, one still waits for its card, and the time of the second is another's."""
    hours = [book(0, stripe), book(1, stripe), book(2, stripe, None)]
    cancel(hours[1], stripe)
    db.session.rollback()
    again = saved(
        booked(people.person("Cho"), Mentor.one(), stripe, starts_at=IN_A_MONTH + HOUR, key="the form of hour 3"),
        stripe,
    )
    before, when = standing(), due()
    assert [state for state, *_ in before.values()] == [B.CONFIRMED, B.CANCELLED, B.PENDING_PAYMENT, B.CONFIRMED]
    backup.restore()
    assert standing() == {}

    assert reconciled(stripe).state == ReconciliationState.CLEAN
    assert standing() == before
    assert due() == when
    assert untruths(stripe) == []
    worked(stripe, 47)
    assert standing()["0"][:2] == standing()["3"][:2] == (B.CONFIRMED, P.AUTHORIZED)
    assert fresh(again).state == B.CONFIRMED
    assert untruths(stripe) == []


def test_a_hold_that_the_backup_knows_nothing_of_is_found_and_not_made_again(
    app: Flask, ann: User, bob: Mentor, stripe: Stripe
):
    """The worker is faster than the reconciler; to it, the bank has still to be asked."""
    book(0, stripe)
    backup = Backup()
    worked(stripe, 48)
    backup.restore()
    backup.close()
    assert standing()["0"][1] == P.CARD_SAVED
    jobs.run("authorize_saved_cards")
    finish()
    assert standing()["0"][:2] == (B.CONFIRMED, P.AUTHORIZED)
    assert len(stripe.client.v1.payment_intents.list({}).data) == 1
    assert untruths(stripe) == []


def test_what_became_of_the_holds_comes_back_too(backup: Backup, stripe: Stripe):
    """One is held, one was declined and is asked again, one was called off when it was held."""
    hours = [book(0, stripe), book(1, stripe, DECLINES_LATER), book(2, stripe)]
    worked(stripe, 45)
    cancel(hours[2], stripe)
    before = standing()
    assert [state for _, state, _ in before.values()] == [P.AUTHORIZED, P.CARD_SAVED, P.VOIDED]
    backup.restore()
    assert reconciled(stripe).state == ReconciliationState.CLEAN
    assert standing() == before
    assert untruths(stripe) == []
    for hours_before in (36, 24, 11):
        worked(stripe, hours_before)
    assert standing()["1"][:2] == (B.EXPIRED, P.FAILED)
    assert untruths(stripe) == []


def test_a_backup_from_before_an_hour_was_called_off_hears_of_it(app: Flask, ann: User, bob: Mentor, stripe: Stripe):
    hour = book(0, stripe)
    backup = Backup()
    cancel(hour, stripe)
    backup.restore()
    backup.close()
    reconciled(stripe)
    assert standing()["0"][:2] == (B.CANCELLED, P.VOIDED)
    assert untruths(stripe) == []


def test_a_card_for_an_hour_that_cannot_be_put_back_is_told_to_a_person(backup: Backup, stripe: Stripe):
    hour = book(0, stripe)
    setup = stripe.setup_of(hour)
    stripe.client.v1.setup_intents.update(setup.id, {"metadata": {"mentor": "mt_nobody"}})
    backup.restore()
    assert reconciled(stripe).state == ReconciliationState.ALARMED
    assert standing() == {}
    (alarm,) = db.session.scalars(select(alarms.Alarm))
    assert "a card was saved for a booking that is not here" in alarm.sentence
    stripe.client.v1.setup_intents.update(setup.id, {"metadata": {"mentor": Mentor.one().id}})
    stripe.wait(HOUR)
    assert reconciled(stripe).state == ReconciliationState.CLEAN
    assert standing()["0"][:2] == (B.CONFIRMED, P.CARD_SAVED)
