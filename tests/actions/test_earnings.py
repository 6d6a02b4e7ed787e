"""What mentors earn is pending for three days and available after that; a refund comes from where it is then."""

from collections import Counter
from datetime import timedelta

import pytest

from app import jobs
from app.actions import bookings, books, cancellations, earnings, ledger, payments, refunds, settlements
from app.extensions import db
from app.kit.errors import GatewayDown
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.deadline import Deadline
from app.models.ledger import Balance, LedgerEntry
from app.models.mentor import Mentor
from app.models.states import Party
from app.models.user import User
from tests import people
from tests.faults.recovery import finish
from tests.people import HOUR, TOMORROW_AT_TEN, fresh
from tests.stripe_double import Stripe

SECOND = timedelta(seconds=1)
NOTHING, PART = Money(0, "EUR"), Money(3_000, "EUR")


def shares(mentor: Mentor) -> tuple[int, int]:
    """What is pending and what is available, in cents."""
    mentor_id = mentor.id
    db.session.rollback()
    has = Counter({row.account: row.minor for row in db.session.scalars(db.select(Balance))})
    return has[ledger.pending_of(mentor_id)], has[ledger.available_of(mentor_id)]


def cleared(stripe: Stripe) -> None:
    stripe.wait(earnings.CLEARING)
    jobs.run("clear_earnings")


def refunded(hour: Booking, stripe: Stripe, amount: Money = PART) -> None:
    payment = fresh(hour).payment
    refunds.give_back(
        payment, amount, by=Party.OPERATOR, because="it was late", refunded=payment.refunded, now=stripe.now()
    )


def test_what_is_earned_is_available_after_three_days_and_not_a_second_before(
    completed_hour: Booking, bob: Mentor, stripe: Stripe
):
    assert shares(bob) == (7_200, 0)
    stripe.wait(earnings.CLEARING - SECOND)
    jobs.run("clear_earnings")
    assert shares(bob) == (7_200, 0)
    stripe.wait(SECOND)
    jobs.run("clear_earnings")
    assert shares(bob) == (0, 7_200)
    assert fresh(completed_hour).payment.cleared_at == stripe.now()


def test_it_is_moved_once_however_often_the_worker_comes(completed_hour: Booking, bob: Mentor, stripe: Stripe):
    stripe.wait(earnings.CLEARING)
    due = earnings.due(stripe.now())
    for _ in range(2):
        for reached in due:
            earnings.clear(reached, now=stripe.now())
    moved = db.session.scalars(db.select(LedgerEntry).where(LedgerEntry.leg == "available")).all()
    assert [(entry.amount, entry.credit) for entry in moved] == [(7_200, ledger.available_of(bob.id))]
    assert db.session.scalar(db.select(Deadline).where(Deadline.kind == earnings.CLEAR)) is None


def test_what_was_refunded_before_is_not_made_available(completed_hour: Booking, bob: Mentor, stripe: Stripe):
    refunded(completed_hour, stripe)
    assert shares(bob) == (4_500, 0)
    cleared(stripe)
    assert shares(bob) == (0, 4_500)


def test_a_refund_after_that_comes_from_what_is_available_and_may_leave_a_debt(
    completed_hour: Booking, ann: User, bob: Mentor, stripe: Stripe
):
    cleared(stripe)
    tomorrow = stripe.now().replace(hour=10, minute=0) + 24 * HOUR
    people.completed(
        people.paid(people.booked(ann, bob, stripe, starts_at=tomorrow, key="another form"), stripe), stripe
    )
    assert shares(bob) == (7_200, 7_200)
    refunded(completed_hour, stripe, Money(8_000, "EUR"))
    assert shares(bob) == (7_200, 0)
    settlements.follow(now=stripe.now())
    assert books.problems(stripe.now()) + settlements.differences() == []


def test_a_refund_that_the_bank_sends_back_later_is_available_again(anns_hour: Booking, bob: Mentor, stripe: Stripe):
    hour = people.completed(people.paid(anns_hour, stripe, "pm_card_refundFail"), stripe)
    cancellations.cancel(hour, by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())
    assert shares(bob) == (0, 0)
    payment = fresh(hour).payment
    cleared(stripe)
    payments.check(payment, now=stripe.now())
    assert shares(bob) == (0, 7_200)
    settlements.follow(now=stripe.now())
    assert books.problems(stripe.now()) + settlements.differences() == []


def test_while_a_refund_is_being_confirmed_nothing_is_made_available(
    completed_hour: Booking, bob: Mentor, stripe: Stripe
):
    stripe.wait(earnings.CLEARING)
    stripe.fail_next("drop_request", "/v1/refunds", count=2)
    with pytest.raises(GatewayDown):
        refunded(completed_hour, stripe)
    jobs.run("clear_earnings")
    assert shares(bob) == (7_200, 0)
    finish()
    stripe.wait(earnings.AGAIN)
    jobs.run("clear_earnings")
    assert shares(bob) == (0, 4_500)


def test_a_charge_is_cleared_whatever_it_was_for(ann: User, stripe: Stripe):
    bob = people.mentor("Bob", terms=Terms.STANDARD)
    hour = people.paid(people.booked(ann, bob, stripe, starts_at=TOMORROW_AT_TEN), stripe)
    stripe.wait_until(hour.starts_at + HOUR / 2)
    bookings.report_no_show(hour, now=stripe.now())
    assert shares(bob) == (3_600, 0)
    cleared(stripe)
    assert shares(bob) == (0, 3_600)
