"""Money given back: whole, in parts, by several people at once, in Stripe's dashboard; and sent back by the bank."""

import json
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from structlog.testing import capture_logs

from app import jobs
from app.actions import alarms, books, cancellations, ledger, payments, refunds, settlements
from app.extensions import db
from app.kit import clock
from app.kit.errors import GatewayDown, IllegalMove, Invalid
from app.kit.money import Money
from app.models.alarm import Alarm
from app.models.booking import Booking
from app.models.ledger import Balance, LedgerEntry
from app.models.mentor import Mentor
from app.models.operation import Operation
from app.models.states import AlarmState, BookingState, OperationState, Party, PaymentState
from app.models.user import User
from tests.faults.recovery import finish, knock
from tests.faults.truths import untruths
from tests.people import HOUR, TOMORROW_AT_TEN, booked, completed, fresh, paid
from tests.stripe_double import Stripe

B, P = BookingState, PaymentState


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def give_back(hour: Booking, cents: int, stripe: Stripe, *, seen: int | None = None) -> Booking:
    """The operator refunds some of it, having seen what was refunded before."""
    hour = fresh(hour)
    refunded = hour.payment.refunded if seen is None else euros(seen)
    refunds.give_back(
        hour.payment, euros(cents), by=Party.OPERATOR, because="the room was loud", refunded=refunded, now=stripe.now()
    )
    return fresh(hour)


def balance_of(account: str) -> int:
    db.session.rollback()
    return db.session.scalar(select(Balance.minor).where(Balance.account == account)) or 0


def refund_at_stripe(hour: Booking, stripe: Stripe, cents: int) -> None:
    stripe.client.v1.refunds.create({"payment_intent": stripe.intent_of(hour).id, "amount": cents})


@pytest.fixture
def followed(completed_hour: Booking) -> Booking:
    """Completed, and Stripe's own entry about the charge is booked."""
    settlements.follow(now=clock.now())
    return fresh(completed_hour)


def test_a_part_is_given_back_and_the_session_stays_completed(followed: Booking, bob: Mentor, stripe: Stripe):
    hour = give_back(followed, 3_000, stripe)
    assert (hour.state, hour.payment.state, hour.payment.refunded) == (B.COMPLETED, P.CAPTURED, euros(3_000))
    assert balance_of(ledger.pending_of(bob.id)) == 7_200 - 2_700
    assert balance_of(ledger.COMMISSION) == 800 - 300
    assert untruths(stripe) == []


def test_several_parts_that_make_the_whole_cancel_the_session_and_give_back_the_whole_commission(
    followed: Booking, bob: Mentor, stripe: Stripe
):
    for cents in (3_333, 1, 4_665):
        assert fresh(followed).state == B.COMPLETED
        give_back(followed, cents, stripe)
        finish()
    hour = give_back(followed, 1, stripe)
    assert (hour.state, hour.payment.refunded) == (B.CANCELLED, euros(8_000))
    assert [balance_of(ledger.pending_of(bob.id)), balance_of(ledger.COMMISSION)] == [0, 0]
    assert len(stripe.refunds_of(hour)) == 4


@pytest.mark.parametrize("cents", [0, -1, 5_001, 8_000, 99_999_999_999])
def test_more_than_is_left_or_nothing_cannot_be_given_back(cents: int, followed: Booking, stripe: Stripe):
    give_back(followed, 3_000, stripe)
    with pytest.raises(Invalid, match="can be refunded"):
        give_back(followed, cents, stripe)
    assert len(stripe.refunds_of(followed)) == 1


def test_another_currency_cannot_be_given_back(followed: Booking, stripe: Stripe):
    with pytest.raises(Invalid):
        refunds.give_back(
            followed.payment, Money(100, "USD"), by=Party.OPERATOR, because="", refunded=euros(0), now=stripe.now()
        )


def test_a_form_that_is_sent_twice_refunds_once(followed: Booking, stripe: Stripe):
    give_back(followed, 1_000, stripe, seen=0)
    with pytest.raises(IllegalMove, match="since you looked"):
        give_back(followed, 1_000, stripe, seen=0)
    assert fresh(followed).payment.refunded == euros(1_000)


def test_a_refund_that_the_bank_confirms_later_counts_at_once_and_once(anns_hour: Booking, app: Flask, stripe: Stripe):
    hour = completed(paid(anns_hour, stripe, "pm_card_pendingRefund"), stripe)
    give_back(hour, 2_000, stripe)
    assert stripe.refunds_of(hour)[0].status == "pending"
    assert fresh(hour).payment.refunded == euros(2_000)
    stripe.wait(timedelta(days=2))
    assert stripe.refunds_of(hour)[0].status == "succeeded"
    stripe.deliver(app)
    finish()
    assert fresh(hour).payment.refunded == euros(2_000)
    assert untruths(stripe) == []


@pytest.fixture
def bounced(anns_hour: Booking, app: Flask, stripe: Stripe) -> Booking:
    """Ann's card is closed: the whole refund came back from her bank a minute later, and Stripe says so."""
    hour = completed(paid(anns_hour, stripe, "pm_card_refundFail"), stripe)
    hour = give_back(hour, 8_000, stripe)
    assert (hour.state, hour.payment.refunded) == (B.CANCELLED, euros(8_000))
    stripe.wait(timedelta(minutes=5))
    stripe.deliver(app)
    finish()
    return fresh(hour)


def test_a_refund_that_comes_back_is_taken_off_shared_again_and_rings_an_alarm(
    bounced: Booking, bob: Mentor, stripe: Stripe
):
    assert (bounced.state, bounced.payment.refunded) == (B.CANCELLED, euros(0))
    assert balance_of(ledger.pending_of(bob.id)) == 7_200
    assert balance_of(ledger.COMMISSION) == 800
    alarm = db.session.scalars(select(Alarm)).one()
    returned = Operation.one(Operation.kind == refunds.FAILURE)
    assert (alarm.subject, "did not reach Ann" in alarm.sentence) == (returned.id, True)


def test_what_comes_back_again_rings_another_alarm_whatever_was_said_about_the_first(
    bounced: Booking, app: Flask, stripe: Stripe
):
    alarms.settle(Alarm.one().id, because="I refund it again", now=stripe.now())
    for _ in range(2):
        give_back(bounced, 4_000, stripe)
    stripe.wait(timedelta(minutes=5))
    stripe.deliver(app)
    finish()
    told = [alarm.state for alarm in db.session.scalars(select(Alarm).order_by(Alarm.raised_at))]
    assert told == [AlarmState.SETTLED, AlarmState.OPEN, AlarmState.OPEN]


def test_a_cancellation_ends_the_session_also_if_an_earlier_refund_comes_back_before_it_is_settled(
    anns_hour: Booking, app: Flask, stripe: Stripe
):
    hour = completed(paid(anns_hour, stripe, "pm_card_refundFail"), stripe)
    give_back(hour, 3_000, stripe)
    quote = cancellations.quote(fresh(hour), by=Party.OPERATOR, now=stripe.now())
    stripe.fail_next("drop_request", "/v1/refunds", count=2)
    with pytest.raises(GatewayDown):
        cancellations.cancel(fresh(hour), by=Party.OPERATOR, quoted=quote.token, now=stripe.now())
    stripe.wait(timedelta(minutes=5))
    stripe.deliver(app)  # the 3,000 came back
    jobs.run("handle_events")
    assert fresh(hour).payment.refunded == euros(0)
    finish()
    assert (fresh(hour).state, fresh(hour).payment.refunded) == (B.CANCELLED, euros(5_000))
    assert [alarm.state for alarm in db.session.scalars(select(Alarm))] == [AlarmState.OPEN]


def test_hearing_twice_that_a_refund_came_back_changes_nothing_more(bounced: Booking, app: Flask, stripe: Stripe):
    for event in stripe.simulator.events_since(None):
        body = json.dumps(event | {"id": f"{event['id']}again"}).encode()
        assert knock(app, body, stripe.simulator.sign(body, stripe.now().timestamp())) == 200
    finish()
    assert fresh(bounced).payment.refunded == euros(0)
    assert db.session.query(Alarm).count() == 1


def test_what_came_back_can_be_refunded_again(bounced: Booking, stripe: Stripe):
    hour = give_back(bounced, 8_000, stripe)
    assert (hour.state, hour.payment.refunded) == (B.CANCELLED, euros(8_000))


def test_the_books_are_right_after_a_refund_came_back(bounced: Booking, stripe: Stripe):
    settlements.follow(now=clock.now())
    assert [balance_of(ledger.CHARGES), balance_of(ledger.REFUNDS)] == [0, 0]
    assert settlements.differences() == []
    assert books.problems(stripe.now()) == []


def test_a_refund_whose_answer_was_lost_and_that_came_back_meanwhile_ends_as_nothing_refunded(
    anns_hour: Booking, stripe: Stripe
):
    hour = completed(paid(anns_hour, stripe, "pm_card_refundFail"), stripe)
    stripe.fail_next("lose_answer", "/v1/refunds", count=2)
    with pytest.raises(GatewayDown):
        give_back(hour, 8_000, stripe)
    stripe.wait(timedelta(minutes=5))
    finish()
    assert fresh(hour).payment.refunded == euros(0)
    assert len(stripe.refunds_of(hour)) == 1
    settlements.follow(now=clock.now())
    assert books.problems(stripe.now()) + settlements.differences() == []


def test_refunds_that_came_back_one_after_the_other_are_learned_all_at_once(anns_hour: Booking, stripe: Stripe):
    hour = completed(paid(anns_hour, stripe, "pm_card_refundFail"), stripe)
    give_back(hour, 4_000, stripe)
    stripe.wait(timedelta(minutes=5))  # and it has come back, of which we have not heard
    refund_at_stripe(hour, stripe, 8_000)
    stripe.wait(timedelta(minutes=5))
    hour = give_back(hour, 4_000, stripe)
    assert hour.payment.refunded == euros(8_000)
    payments.check(hour.payment, now=stripe.now())  # the 8,000 of the dashboard were given, and came back as well
    assert (fresh(hour).state, fresh(hour).payment.refunded) == (B.CANCELLED, euros(4_000))
    settlements.follow(now=clock.now())
    assert books.problems(stripe.now()) + settlements.differences() == []


def test_a_refund_of_the_dashboard_that_came_back_before_we_heard_of_it_is_in_the_books_too(
    anns_hour: Booking, app: Flask, stripe: Stripe
):
    hour = completed(paid(anns_hour, stripe, "pm_card_refundFail"), stripe)
    refund_at_stripe(hour, stripe, 3_000)
    stripe.wait(timedelta(minutes=5))
    stripe.deliver(app)
    finish()
    assert fresh(hour).payment.refunded == euros(0)
    assert db.session.query(Alarm).count() == 1
    settlements.follow(now=clock.now())
    assert db.session.query(LedgerEntry).filter_by(leg="settled").count() == 3  # the charge, there and back
    assert books.problems(stripe.now()) + settlements.differences() == []


def test_what_stripe_lets_be_refunded_because_another_refund_came_back_is_settled_before_we_hear_of_that(
    anns_hour: Booking, app: Flask, stripe: Stripe
):
    hour = completed(paid(anns_hour, stripe, "pm_card_refundFail"), stripe)
    stripe.fail_next("drop_request", "/v1/refunds", count=2)
    with pytest.raises(GatewayDown):
        give_back(hour, 3_000, stripe)
    refund_at_stripe(hour, stripe, 6_000)
    stripe.deliver(app)
    jobs.run("handle_events")
    assert fresh(hour).payment.refunded == euros(6_000)
    stripe.wait(timedelta(minutes=5))  # and the 6,000 have come back
    with capture_logs() as logs:
        finish()
    assert [entry for entry in logs if entry["log_level"] == "error"] == []
    assert fresh(hour).payment.refunded == euros(3_000)
    settlements.follow(now=clock.now())
    assert books.problems(stripe.now()) + settlements.differences() == []


def test_refunds_made_in_stripes_dashboard_are_adopted_as_somebody_elses(followed: Booking, app: Flask, stripe: Stripe):
    refund_at_stripe(followed, stripe, 500)
    refund_at_stripe(followed, stripe, 700)
    stripe.deliver(app)
    finish()
    assert fresh(followed).payment.refunded == euros(1_200)
    adopted = db.session.scalars(select(Operation).where(Operation.kind == "refund")).all()
    assert {(row.by, row.state) for row in adopted} == {(Party.STRIPE, OperationState.DONE)}
    assert len(adopted) == 2
    settlements.follow(now=clock.now())
    assert books.problems(stripe.now()) + settlements.differences() == []


def test_a_refund_that_is_no_longer_possible_at_stripe_is_refused_and_nothing_is_booked_twice(
    followed: Booking, stripe: Stripe
):
    refund_at_stripe(followed, stripe, 6_000)  # and we have not heard of it yet
    with pytest.raises(Exception, match=r"greater than unrefunded amount"):
        give_back(followed, 3_000, stripe)
    finish()
    assert fresh(followed).payment.refunded == euros(0)
    refused = db.session.scalars(select(Operation).where(Operation.kind == "refund")).one()
    assert refused.state == OperationState.REFUSED


def test_a_mentor_who_was_paid_out_owes_a_refund_and_pays_it_off_with_the_next_session(
    followed: Booking, ann: User, bob: Mentor, stripe: Stripe
):
    account = ledger.pending_of(bob.id)
    paid_out = db.session.scalars(select(Operation).where(Operation.kind == "capture")).one()
    ledger.post(paid_out.id, "paid_out", account, ledger.BANK, euros(7_200), now=stripe.now())
    db.session.commit()
    give_back(followed, 8_000, stripe)
    assert balance_of(account) == -7_200
    later = booked(ann, bob, stripe, starts_at=TOMORROW_AT_TEN + 24 * HOUR, key="the next form")
    completed(paid(later, stripe), stripe)
    assert balance_of(account) == 0
