"""A mentee who does not come pays what the terms say, of the hold and nothing more; and who was there can say so."""

from datetime import timedelta

import pytest

from app.actions import bookings, books, check_ins, settlements
from app.kit.errors import IllegalMove
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.states import BookingState, Party, PaymentState
from app.models.user import User
from tests import people
from tests.people import HOUR, fresh
from tests.stripe_double import Stripe

B, P = BookingState, PaymentState
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("terms", "charged", "state"),
    [(Terms.FLEXIBLE, 0, P.VOIDED), (Terms.STANDARD, 4_000, P.CAPTURED), (Terms.STRICT, 8_000, P.CAPTURED)],
    ids=list(Terms),
)
def test_a_no_show_costs_what_the_terms_say_and_the_rest_is_released(
    ann: User, stripe: Stripe, terms: Terms, charged: int, state: PaymentState
):
    hour = people.paid(people.booked(ann, people.mentor("Bob", terms=terms), stripe), stripe)
    stripe.wait_until(hour.starts_at + 20 * MINUTE)
    bookings.report_no_show(hour, now=stripe.now())
    hour, intent = fresh(hour), stripe.intent_of(hour)
    assert (hour.state, hour.ended_by, hour.payment.state) == (B.NO_SHOW, Party.MENTOR, state)
    assert hour.payment.captured == Money(charged, "EUR")
    assert (intent.amount_received, intent.amount_capturable) == (charged, 0)
    settlements.follow(now=stripe.now())
    assert books.problems(stripe.now()) + settlements.differences() == []


def test_ann_cannot_be_said_to_have_missed_an_hour_before_it_begins_or_once_its_time_is_over(
    held_hour: Booking, stripe: Stripe
):
    with pytest.raises(IllegalMove, match="has not started"):
        bookings.report_no_show(held_hour, now=held_hour.starts_at - SECOND)
    with pytest.raises(IllegalMove, match="time to say so is over"):
        bookings.report_no_show(held_hour, now=held_hour.complete_by + SECOND)
    assert stripe.intent_of(held_hour).status == "requires_capture"


def test_ann_cannot_be_said_to_have_missed_an_hour_that_she_called_done(held_hour: Booking, stripe: Stripe):
    stripe.wait_until(held_hour.starts_at + 30 * MINUTE)
    bookings.agree_done(held_hour, now=stripe.now())
    with pytest.raises(IllegalMove, match="Ann has been there"):
        bookings.report_no_show(held_hour, now=stripe.now())


def test_both_check_in_and_the_first_time_counts(held_hour: Booking, stripe: Stripe):
    early = held_hour.starts_at - 15 * MINUTE
    check_ins.check_in(held_hour, Party.MENTEE, now=early)
    check_ins.check_in(held_hour, Party.MENTOR, now=early + 20 * MINUTE)
    check_ins.check_in(held_hour, Party.MENTEE, now=early + 30 * MINUTE)
    assert check_ins.of(fresh(held_hour)) == {Party.MENTEE: early, Party.MENTOR: early + 20 * MINUTE}


@pytest.mark.parametrize("after_start", [-15 * MINUTE - SECOND, HOUR], ids=["too_early", "too_late"])
def test_nobody_checks_in_at_another_time(held_hour: Booking, after_start: timedelta):
    with pytest.raises(IllegalMove, match="One checks in from 15 minutes before"):
        check_ins.check_in(held_hour, Party.MENTEE, now=held_hour.starts_at + after_start)
    assert check_ins.of(fresh(held_hour)) == {}


def test_nobody_checks_in_to_an_hour_that_is_not_paid(anns_hour: Booking):
    with pytest.raises(IllegalMove):
        check_ins.check_in(anns_hour, Party.MENTEE, now=anns_hour.starts_at)
