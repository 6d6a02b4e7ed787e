"""Yesterday's backup is restored, and the reconciler makes today of it again, from what Stripe keeps."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app import jobs
from app.actions import accounts, alarms, bookings, books, cancellations, refunds, settlements
from app.actions.transactions import atomically
from app.actions.wishes import Wish
from app.extensions import db
from app.kit.errors import IllegalMove
from app.kit.money import Money
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.reconciliation import Reconciliation
from app.models.states import BookingState, OperationState, Party, PaymentState, ReconciliationState
from app.models.user import User
from tests import people
from tests.backups import Backup, rows
from tests.faults.recovery import deliver, finish
from tests.faults.truths import untruths
from tests.people import HOUR, TOMORROW_AT_TEN, booked, completed, fresh, paid, person
from tests.stripe_double import Stripe

DAY = timedelta(days=1)


def reconciled(stripe: Stripe) -> Reconciliation:
    return jobs.reconcile_since(stripe.now() - 30 * DAY)


def cancel(hour: Booking, by: Party, stripe: Stripe) -> None:
    standing = fresh(hour)
    quote = cancellations.quote(standing, by=by, now=stripe.now())
    cancellations.cancel(standing, by=by, quoted=quote.token, now=stripe.now())


@dataclass
class Life:
    """The hours of a few days by what becomes of them. Ann and Bob are there from the beginning; Cho comes later."""

    stripe: Stripe

    def until_the_backup(self) -> dict[str, Booking]:
        hours = {
            name: self.book(n, name) for n, name in enumerate(("completed", "called off", "unpaid", "held", "full"))
        }
        for name in ("completed", "called off", "held", "full"):
            hours[name] = paid(hours[name], self.stripe)
        hours["refunded"] = self.book(5, "refunded")
        paid(hours["refunded"], self.stripe)
        return hours

    def after_the_backup(self, hours: dict[str, Booking]) -> dict[str, Booking]:
        cancel(hours["called off"], Party.MENTEE, self.stripe)
        self.stripe.wait(timedelta(minutes=20))
        jobs.run("expire_checkouts")
        person("Cho", time_zone="Asia/Tokyo")
        hours = {**hours, **{f"new {n}": self.book(10 + n, f"new {n}", "Cho") for n in range(4)}}
        hours["again"] = self.book(1, "the time of the one that was called off", "Cho")
        for name in ("new 0", "new 1", "new 2", "again"):
            hours[name] = paid(hours[name], self.stripe)
        cancel(hours["new 1"], Party.MENTOR, self.stripe)
        hours["once more"] = paid(self.book(11, "the time of new 1"), self.stripe)
        cancel(hours["once more"], Party.MENTEE, self.stripe)
        for name in ("completed", "full", "refunded", "new 0"):
            hours[name] = completed(hours[name], self.stripe)
        self.refund(hours["refunded"], 1_234)
        self.refund(hours["refunded"], 777)
        cancel(hours["full"], Party.MENTOR, self.stripe)
        settlements.follow(now=self.stripe.now())
        return {name: fresh(hour) for name, hour in hours.items()}

    def book(self, slot: int, title: str, by: str = "Ann") -> Booking:
        wanted = Wish(TOMORROW_AT_TEN + slot * HOUR, 60, title, "", f"the form for {title}")
        db.session.rollback()
        return bookings.book(User.one(User.name == by), Mentor.one(), wanted, now=self.stripe.now())

    def refund(self, hour: Booking, cents: int) -> None:
        payment = fresh(hour).payment
        assert payment is not None
        amount, because = Money(cents, "EUR"), "as agreed"
        refunds.give_back(
            payment, amount, by=Party.OPERATOR, because=because, refunded=payment.refunded, now=self.stripe.now()
        )


@pytest.fixture
def life(ann: User, bob: Mentor, stripe: Stripe) -> Life:
    return Life(stripe)


@pytest.fixture
def backups() -> Iterator[list[Backup]]:
    taken: list[Backup] = []
    yield taken
    for backup in taken:
        backup.close()


def what_matters() -> dict[str, Any]:
    """Rows as they must be again. Left out: times of learning, versions, and what Stripe does not keep: who called off,
    and where one meets."""
    all_rows = rows()
    forgets = {"booking": {"version", "ended_at", "ended_by", "ended_because", "meeting_url"}, "payment": {"version"}}
    forgets["user_account"] = {"password_hash"}
    found = {
        table: {
            row["id"]: {name: value for name, value in row.items() if name not in forgotten} for row in all_rows[table]
        }
        for table, forgotten in forgets.items()
    }
    found["claims"] = {(row["who"], row["cell"]): row["booking_id"] for row in all_rows["slot_claim"]}
    found["balances"] = {(row["account"], row["currency"]): row["minor"] for row in all_rows["balance"] if row["minor"]}
    found["ledger"] = sorted(
        (row["operation_id"], row["leg"], row["debit"], row["credit"], row["amount"], row["currency"])
        for row in all_rows["ledger_entry"]
    )
    return found


def test_yesterdays_backup_becomes_today_again(app: Flask, life: Life, stripe: Stripe, backups: list[Backup]):
    hours = life.until_the_backup()
    backups.append(Backup())
    hours = life.after_the_backup(hours)
    assert untruths(stripe) == []
    today = what_matters()
    backups[0].restore()
    assert what_matters() != today

    run = reconciled(stripe)
    settlements.follow(now=stripe.now())
    assert what_matters() == today
    assert run.state == ReconciliationState.CLEAN
    assert (run.not_ours, run.alarms) == (0, 0)
    assert untruths(stripe) == []
    assert books.problems(stripe.now()) == []
    assert settlements.differences() == []


def test_after_it_the_same_requests_and_news_do_nothing_twice(
    app: Flask, life: Life, stripe: Stripe, backups: list[Backup]
):
    hours = life.until_the_backup()
    backups.append(Backup())
    ids = {name: hour.id for name, hour in life.after_the_backup(hours).items()}
    backups[0].restore()
    reconciled(stripe)
    settlements.follow(now=stripe.now())
    today, effects = what_matters(), stripe.count("")

    assert life.book(10, "new 0", "Cho").id == ids["new 0"]
    with pytest.raises(IllegalMove):
        bookings.complete(Booking.one(Booking.id == ids["completed"]), now=stripe.now())
    assert set(deliver(app, stripe)) == {200}
    finish()
    again = reconciled(stripe)
    assert (again.state, again.mended, again.not_ours) == (ReconciliationState.CLEAN, 0, 0)
    assert (what_matters(), stripe.count("")) == (today, effects)
    assert untruths(stripe) == []


def test_who_was_lost_comes_back_without_a_password(app: Flask, life: Life, stripe: Stripe, backups: list[Backup]):
    backups.append(Backup())
    person("Cho", time_zone="Asia/Tokyo")
    life.book(0, "an hour", "Cho")
    backups[0].restore()
    reconciled(stripe)
    cho = User.one(User.email == "cho@example.com")
    assert (cho.name, cho.time_zone, cho.is_operator) == ("Cho", "Asia/Tokyo", False)
    assert accounts.with_password("cho@example.com", people.PASSWORD) is None
    accounts.set_password(cho, "a new long password")
    assert accounts.with_password("cho@example.com", "a new long password") is not None


@pytest.mark.parametrize("card", ["held", "still to come"])
def test_an_hour_whose_time_was_given_away_meanwhile_comes_back_cancelled_and_released(
    card: str, life: Life, stripe: Stripe, backups: list[Backup]
):
    backups.append(Backup())
    person("Cho")
    lost = life.book(0, "an hour", "Cho")
    if card == "held":
        paid(lost, stripe)
    lost_id = lost.id
    backups[0].restore()
    anns = paid(life.book(0, "the same hour"), stripe)

    run = reconciled(stripe)
    finish()
    lost = Booking.one(Booking.id == lost_id)
    assert (lost.state, lost.ended_by, lost.payment.state) == (
        BookingState.CANCELLED,
        Party.SYSTEM,
        PaymentState.VOIDED,
    )
    assert "given to somebody else" in lost.ended_because
    assert stripe.intent_of(lost).status == "canceled"
    assert fresh(anns).state == BookingState.CONFIRMED
    assert (run.state, [alarm.kind for alarm in alarms.newest()]) == (ReconciliationState.ALARMED, ["taken"])
    assert "Cho's hour with Bob" in alarms.newest()[0].sentence
    assert untruths(stripe) == []


def test_a_hold_for_a_mentor_who_was_lost_is_let_go_and_told(
    app: Flask, ann: User, stripe: Stripe, backups: list[Backup]
):
    backups.append(Backup())
    bob = people.mentor("Bob")
    held = paid(booked(ann, bob, stripe), stripe)
    asked = booked(ann, bob, stripe, starts_at=TOMORROW_AT_TEN + HOUR, key="another form")
    charged = completed(
        paid(booked(ann, bob, stripe, starts_at=TOMORROW_AT_TEN + 2 * HOUR, key="a third"), stripe), stripe
    )
    theirs = {hour.payment.intent_id: name for hour, name in ((held, "held"), (asked, "asked"), (charged, "charged"))}
    backups[0].restore()

    run = reconciled(stripe)
    assert run.alarms == 4
    assert {theirs[intent.id]: intent.status for intent in stripe.intents()} == {
        "held": "canceled",
        "asked": "canceled",
        "charged": "succeeded",
    }
    told = {theirs.get(alarm.subject, alarm.subject): alarm.sentence for alarm in alarms.newest()}
    assert "were moved at Stripe for reasons unknown here" in told.pop("books")
    assert all("Its mentor mt_" in sentence for sentence in told.values())
    assert "€80.00 were charged" in told["charged"]
    assert "are let go" in told["held"]
    voids = db.session.query(Operation).filter_by(kind="void_stray", state=OperationState.DONE).all()
    assert {theirs[void.subject] for void in voids} == {"held", "asked"}, "each by an operation"

    cancels = stripe.count("/cancel")
    assert reconciled(stripe).alarms == 4, "they stand until a person has seen to it"
    for alarm in alarms.newest():
        alarms.settle(alarm.id, because="Ann was told, and paid back by hand", now=stripe.now())
    assert reconciled(stripe).state == ReconciliationState.CLEAN, "and are not raised again"
    assert stripe.count("/cancel") == cancels


def test_who_booked_the_same_form_again_before_the_reconciler_came_is_held_once(
    life: Life, stripe: Stripe, backups: list[Backup]
):
    life.book(5, "a first hour, so that Stripe knows Ann")
    backups.append(Backup())
    paid(life.book(0, "the hour"), stripe)
    backups[0].restore()
    again = paid(life.book(0, "the hour"), stripe)
    assert len(stripe.intents()) == 3
    run = reconciled(stripe)
    assert run.alarms == 1
    assert "has been booked as" in alarms.newest()[0].sentence
    live = [intent.id for intent in stripe.intents() if intent.status == "requires_capture"]
    assert live == [again.payment.intent_id]


def test_an_address_that_has_another_log_in_by_now_gets_nobody_elses_hours(
    life: Life, stripe: Stripe, backups: list[Backup]
):
    backups.append(Backup())
    person("Cho")
    life.book(0, "an hour", "Cho")
    backups[0].restore()
    stranger = person("Cho")
    assert reconciled(stripe).alarms == 1
    assert "has another log-in here" in alarms.newest()[0].sentence
    assert db.session.query(Booking).filter_by(mentee_id=stranger.id).count() == 0
    assert [intent.status for intent in stripe.intents()] == ["canceled"]


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("mentor", ""),
        ("mentor", "mt_" + "x" * 60),
        ("minutes", "1e2"),
        ("minutes", "99999"),
        ("starts_at", "tomorrow"),
        ("starts_at", "2026-06-02T10:00:00"),
        ("starts_at", "9999-12-31T23:30:00+00:00"),
        ("starts_at", "0001-01-01T00:00:00+14:00"),
        ("complete_by", "9999-12-31T23:59:59-12:00"),
        ("created_at", "1999-12-31T23:59:59+00:00"),
        ("commission_bps", "-1"),
        ("title", ""),
        ("request_key", "x" * 65),
    ],
)
def test_what_was_scribbled_on_at_stripe_is_not_believed(
    key: str, word: str, life: Life, stripe: Stripe, backups: list[Backup]
):
    backups.append(Backup())
    hour = paid(life.book(0, "an hour"), stripe)
    stripe.client.v1.payment_intents.update(hour.payment.intent_id, {"metadata": {key: word}})
    backups[0].restore()
    assert reconciled(stripe).alarms == 1
    assert "cannot be read" in alarms.newest()[0].sentence
    assert db.session.query(Booking).count() == 0
    assert [intent.status for intent in stripe.intents()] == ["canceled"]


@pytest.mark.parametrize("later", [timedelta(minutes=10), 2 * DAY], ids=["soon", "when Stripe has forgotten its keys"])
def test_what_a_backup_still_had_before_it_is_not_done_twice(
    later: timedelta, life: Life, stripe: Stripe, backups: list[Backup]
):
    refunded = completed(paid(life.book(0, "refunded"), stripe), stripe)
    payment_id, amount = refunded.payment.id, Money(500, "EUR")
    with atomically():
        payment = Payment.locked(payment_id)
        given = refunds.start(payment, amount, by=Party.OPERATOR, because="a part", now=stripe.now()).id
    stripe.fail_next("drop_request", "/v1/payment_intents", count=2)
    asked_id = life.book(40, "asked").id
    with db.engine.begin() as connection:
        connection.execute(update(Operation).values(tries=0))
    backups.append(Backup())
    finish()
    refunded_id = refunded.id
    assert (len(stripe.refunds_of(refunded)), len(stripe.intents())) == (1, 2)

    backups[0].restore()
    stripe.wait(later)
    if later > DAY:
        stripe.simulator.forget_idempotency_keys()
    finish()
    refunded, asked = (Booking.one(Booking.id == booking_id) for booking_id in (refunded_id, asked_id))
    assert (len(stripe.refunds_of(refunded)), len(stripe.intents())) == (1, 2)
    assert asked.payment.intent_id is not None
    assert db.session.get(Operation, given).state == OperationState.DONE
    assert untruths(stripe) == []
