"""The whole life of an hour: booked, held, completed, cancelled, expired."""

from datetime import timedelta

import pytest
import stripe as library
from flask import Flask

from app import jobs
from app.actions import bookings, cancellations, ledger, payments
from app.kit.errors import Busy, IllegalMove, Invalid, SlotTaken
from app.kit.money import Money
from app.models.base import all_of
from app.models.booking import Booking
from app.models.ledger import Balance
from app.models.mentor import Mentor
from app.models.states import BookingState, Party, PaymentState
from app.models.user import User
from tests.people import HOUR, TOMORROW_AT_TEN, booked, completed, fresh, paid, person, wish
from tests.stripe_double import Stripe

EIGHTY = Money(8_000, "EUR")
B, P = BookingState, PaymentState


def balances() -> dict[str, Money]:
    from sqlalchemy import select

    return {row.account.split(":")[0] + ":" + row.account.split(":")[-1]: row.money for row in all_of(select(Balance))}


def test_booking_reserves_the_slot_and_asks_stripe_for_a_manual_capture(anns_hour: Booking, stripe: Stripe):
    assert anns_hour.state == B.PENDING_PAYMENT
    intent = stripe.intent_of(anns_hour)
    assert (intent.capture_method, intent.amount, intent.currency) == ("manual", 8_000, "eur")
    assert intent.metadata["booking"] == anns_hour.id
    assert intent.metadata["operation"].startswith("op_")
    assert intent.customer == anns_hour.mentee.stripe_customer_id


def test_an_authorized_card_confirms_the_booking_and_charges_nothing(held_hour: Booking, stripe: Stripe):
    assert held_hour.state == B.CONFIRMED
    assert held_hour.payment.state == P.AUTHORIZED
    assert held_hour.payment.authorized == EIGHTY
    assert not held_hour.payment.captured
    assert held_hour.payment.card_last4 == "4242"
    assert stripe.intent_of(held_hour).status == "requires_capture"
    assert abs(held_hour.payment.capture_before - stripe.now() - timedelta(days=7)) < timedelta(minutes=1)


def test_completing_captures_the_hold_and_shares_it_ninety_to_ten(completed_hour: Booking, stripe: Stripe):
    assert completed_hour.state == B.COMPLETED
    assert completed_hour.payment.captured == EIGHTY
    assert stripe.intent_of(completed_hour).amount_received == 8_000
    assert balances() == {
        "clearing:charges": -EIGHTY,
        "mentor:pending": Money(7_200, "EUR"),
        "platform:commission": Money(800, "EUR"),
    }


def test_completing_twice_is_refused_and_captures_once(completed_hour: Booking, stripe: Stripe):
    with pytest.raises(IllegalMove):
        bookings.complete(completed_hour, now=stripe.now())
    assert stripe.count("/capture") == 1


def test_a_session_cannot_be_completed_before_it_starts(held_hour: Booking, stripe: Stripe):
    with pytest.raises(IllegalMove, match="not started"):
        bookings.complete(held_hour, now=stripe.now())
    assert stripe.count("/capture") == 0


def test_before_its_end_a_session_is_completed_only_with_the_mentees_word(held_hour: Booking, stripe: Stripe):
    stripe.wait_until(held_hour.starts_at + timedelta(minutes=20))
    with pytest.raises(IllegalMove, match="Ann agrees"):
        bookings.complete(held_hour, now=stripe.now())
    bookings.agree_done(held_hour, now=stripe.now())
    bookings.complete(held_hour, now=stripe.now())
    assert fresh(held_hour).state == B.COMPLETED


@pytest.mark.parametrize("party", [Party.MENTEE, Party.MENTOR, Party.OPERATOR])
def test_cancelling_a_held_booking_voids_the_hold(held_hour: Booking, stripe: Stripe, party: Party):
    quoted = cancellations.quote(held_hour, by=party, now=stripe.now())
    assert quoted.released == EIGHTY
    cancellations.cancel(held_hour, by=party, quoted=quoted.token, now=stripe.now())
    hour = fresh(held_hour)
    assert (hour.state, hour.ended_by, hour.payment.state) == (B.CANCELLED, party, P.VOIDED)
    assert stripe.intent_of(hour).status == "canceled"
    assert stripe.refunds_of(hour) == []
    assert balances() == {}


def test_a_cancelled_hour_can_be_booked_by_someone_else(held_hour: Booking, bob: Mentor, stripe: Stripe):
    quoted = cancellations.quote(held_hour, by=Party.MENTEE, now=stripe.now())
    cancellations.cancel(held_hour, by=Party.MENTEE, quoted=quoted.token, now=stripe.now())
    cho = person("Cho")
    assert booked(cho, bob, stripe).state == B.PENDING_PAYMENT


def test_cancelling_a_completed_session_refunds_everything_and_empties_the_books(
    completed_hour: Booking, stripe: Stripe
):
    quoted = cancellations.quote(completed_hour, by=Party.MENTOR, now=stripe.now())
    assert quoted.refunded == EIGHTY
    cancellations.cancel(completed_hour, by=Party.MENTOR, quoted=quoted.token, now=stripe.now())
    hour = fresh(completed_hour)
    assert (hour.state, hour.payment.state, hour.payment.refunded) == (B.CANCELLED, P.CAPTURED, EIGHTY)
    assert [refund.amount for refund in stripe.refunds_of(hour)] == [8_000]
    shares = {account: money for account, money in balances().items() if not account.startswith("clearing")}
    assert all(not money for money in shares.values())


def test_a_mentee_cannot_take_back_a_completed_session(completed_hour: Booking, stripe: Stripe):
    with pytest.raises(IllegalMove, match="ask your mentor"):
        cancellations.quote(completed_hour, by=Party.MENTEE, now=stripe.now())


def test_a_quote_that_no_longer_holds_is_not_executed(held_hour: Booking, stripe: Stripe):
    quoted = cancellations.quote(held_hour, by=Party.MENTOR, now=stripe.now())
    done = completed(held_hour, stripe)
    with pytest.raises(IllegalMove, match="changed since"):
        cancellations.cancel(done, by=Party.MENTOR, quoted=quoted.token, now=stripe.now())
    assert stripe.refunds_of(done) == []


def test_a_declined_card_charges_nothing_and_another_card_works_on_the_same_intent(anns_hour: Booking, stripe: Stripe):
    intent_id = stripe.intent_of(anns_hour).id
    with pytest.raises(library.CardError):
        stripe.pay(anns_hour, "pm_card_chargeDeclined")
    payments.check(fresh(anns_hour).payment, now=stripe.now())
    hour = fresh(anns_hour)
    assert (hour.state, hour.payment.state) == (B.PENDING_PAYMENT, P.NEEDS_CARD)
    assert "declined" in hour.payment.decline_message
    hour = paid(hour, stripe)
    assert hour.state == B.CONFIRMED
    assert stripe.intent_of(hour).id == intent_id


def test_an_unpaid_booking_expires_after_fifteen_minutes_and_frees_the_slot(
    anns_hour: Booking, bob: Mentor, stripe: Stripe
):
    stripe.wait(timedelta(minutes=14))
    jobs.run("expire_checkouts")
    assert fresh(anns_hour).state == B.PENDING_PAYMENT
    stripe.wait(timedelta(minutes=1))
    jobs.run("expire_checkouts")
    hour = fresh(anns_hour)
    assert (hour.state, hour.ended_by, hour.payment.state) == (B.EXPIRED, Party.SYSTEM, P.VOIDED)
    assert stripe.intent_of(hour).status == "canceled"
    assert booked(person("Cho"), bob, stripe).state == B.PENDING_PAYMENT


def test_a_hold_that_nobody_completes_is_released_after_forty_eight_hours(held_hour: Booking, stripe: Stripe):
    stripe.wait_until(held_hour.ends_at + timedelta(hours=47, minutes=59))
    jobs.run("expire_stale_holds")
    assert fresh(held_hour).state == B.CONFIRMED
    stripe.wait(timedelta(minutes=1))
    jobs.run("expire_stale_holds")
    hour = fresh(held_hour)
    assert (hour.state, hour.payment.state) == (B.EXPIRED, P.VOIDED)
    assert "not marked complete" in hour.ended_because
    assert stripe.intent_of(hour).status == "canceled"


def test_a_hold_that_lapsed_at_the_bank_while_the_worker_was_down_expires_the_booking(
    held_hour: Booking, stripe: Stripe
):
    stripe.wait(timedelta(days=8))
    jobs.run("expire_stale_holds")
    hour = fresh(held_hour)
    assert (hour.state, hour.payment.state) == (B.EXPIRED, P.LAPSED)


def test_a_no_show_releases_the_hold(held_hour: Booking, stripe: Stripe):
    stripe.wait_until(held_hour.starts_at + timedelta(minutes=30))
    bookings.report_no_show(held_hour, now=stripe.now())
    hour = fresh(held_hour)
    assert (hour.state, hour.payment.state) == (B.NO_SHOW, P.VOIDED)


def test_submitting_the_same_form_twice_makes_one_booking(anns_hour: Booking, ann: User, bob: Mentor, stripe: Stripe):
    again = bookings.book(ann, bob, wish(), now=stripe.now())
    assert again.id == anns_hour.id
    assert len(stripe.intents()) == 1


def test_a_taken_slot_cannot_be_booked_and_its_loser_is_not_known_to_stripe(
    anns_hour: Booking, bob: Mentor, stripe: Stripe
):
    with pytest.raises(SlotTaken):
        booked(person("Cho"), bob, stripe, starts_at=TOMORROW_AT_TEN + HOUR / 2)
    assert len(stripe.intents()) == 1


def test_one_mentee_cannot_be_in_two_sessions_at_once(anns_hour: Booking, ann: User, stripe: Stripe, app: Flask):
    from tests.people import mentor

    dia = mentor("Dia")
    with pytest.raises(SlotTaken):
        booked(ann, dia, stripe, key="another-form-for-dia")


@pytest.mark.parametrize("minutes", [0, 45, 61, 100_000])
def test_only_offered_durations_can_be_booked(ann: User, bob: Mentor, stripe: Stripe, minutes: int):
    with pytest.raises(Invalid, match="30, 60, 90"):
        booked(ann, bob, stripe, minutes=minutes)


def test_a_past_slot_cannot_be_booked(ann: User, bob: Mentor, stripe: Stripe):
    with pytest.raises(Invalid, match="passed"):
        booked(ann, bob, stripe, starts_at=stripe.now() - HOUR)


def test_a_session_beyond_the_horizon_cannot_be_booked(ann: User, bob: Mentor, stripe: Stripe):
    last = stripe.now() + timedelta(days=60) - HOUR
    with pytest.raises(Invalid, match="does not offer"):
        booked(ann, bob, stripe, starts_at=last + HOUR / 2)
    assert booked(ann, bob, stripe, starts_at=last).starts_at == last


def test_while_a_capture_is_unsettled_nothing_else_happens_to_the_payment(held_hour: Booking, stripe: Stripe):
    from app.kit.errors import GatewayDown

    stripe.wait_until(held_hour.ends_at)
    stripe.fail_next("drop_request", "*/capture", count=2)
    with pytest.raises(GatewayDown):
        bookings.complete(held_hour, now=stripe.now())
    with pytest.raises(Busy):
        bookings.complete(held_hour, now=stripe.now())
    assert fresh(held_hour).payment.is_busy


def test_commission_is_given_back_whole_whatever_the_steps():
    captured = Money(9_999, "EUR")
    for step in (1, 7, 333, 9_999):
        back, returned = 0, Money(0, "EUR")
        while returned < captured:
            after = Money(min(returned.minor + step, captured.minor), "EUR")
            back += (
                ledger.commission_of(captured, returned, 1_000) - ledger.commission_of(captured, after, 1_000)
            ).minor
            returned = after
        assert back == captured.share(1_000).minor
