"""Cancelling costs what the mentor's terms said when the hour was booked, and exactly what the page has shown."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.actions import accounts, bookings, books, cancellations, ledger, refunds
from app.actions.cancellations import Quote
from app.extensions import db
from app.kit.errors import IllegalMove
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.ledger import Balance
from app.models.mentor import Mentor
from app.models.states import BookingState, Party, PaymentState
from app.models.user import User
from tests import people
from tests.people import HOUR, TOMORROW_AT_TEN, fresh
from tests.stripe_double import Stripe

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
NOTHING = Money(0, "EUR")
FREE = Quote(Money(8_000, "EUR"), NOTHING, NOTHING, NOTHING)
HALF = Quote(Money(4_000, "EUR"), NOTHING, Money(4_000, "EUR"), Money(3_600, "EUR"))
WHOLE = Quote(NOTHING, NOTHING, Money(8_000, "EUR"), Money(7_200, "EUR"))


def held(ann: User, stripe: Stripe, terms: Terms, *, starts_at=TOMORROW_AT_TEN, rate=Money(8_000, "EUR")) -> Booking:  # noqa: B008
    """Ann's hour with a mentor on these terms."""
    bob = people.mentor("Bob", rate, terms=terms)
    return people.paid(people.booked(ann, bob, stripe, starts_at=starts_at), stripe)


def called_off(hour: Booking, stripe: Stripe, *, by: Party = Party.MENTEE) -> Booking:
    shown = cancellations.quote(hour, by=by, now=stripe.now())
    cancellations.cancel(hour, by=by, quoted=shown.token, now=stripe.now())
    return fresh(hour)


def balance(account: str) -> int:
    db.session.rollback()
    return db.session.scalar(db.select(Balance.minor).where(Balance.account == account)) or 0


@pytest.mark.parametrize(
    ("terms", "late"), [(Terms.FLEXIBLE, FREE), (Terms.STANDARD, HALF), (Terms.STRICT, WHOLE)], ids=list(Terms)
)
def test_until_a_day_before_it_is_free_and_a_second_later_it_costs_what_the_terms_say(
    ann: User, stripe: Stripe, terms: Terms, late: Quote
):
    hour = held(ann, stripe, terms)
    day_before = hour.starts_at - DAY
    assert cancellations.quote(hour, by=Party.MENTEE, now=day_before) == FREE
    assert cancellations.quote(hour, by=Party.MENTEE, now=day_before + SECOND) == late

    stripe.wait_until(day_before + HOUR)
    hour = called_off(hour, stripe)
    assert (hour.state, hour.ended_by) == (BookingState.CANCELLED, Party.MENTEE)
    assert hour.payment.state == (PaymentState.CAPTURED if late.charged else PaymentState.VOIDED)
    assert hour.payment.captured == late.charged
    intent = stripe.intent_of(hour)
    assert (intent.amount_received, intent.amount_capturable) == (late.charged.minor, 0)
    assert balance(ledger.pending_of(hour.mentor_id)) == late.earned.minor
    assert balance(ledger.COMMISSION) == late.charged.minor - late.earned.minor
    assert books.problems(stripe.now()) == []


def test_within_an_hour_of_booking_ann_may_change_her_mind_for_nothing(ann: User, stripe: Stripe):
    """Also if the session begins in less than a day."""
    hour = held(ann, stripe, Terms.STRICT, starts_at=stripe.now() + 3 * HOUR)
    assert cancellations.quote(hour, by=Party.MENTEE, now=hour.created_at + HOUR) == FREE
    assert cancellations.quote(hour, by=Party.MENTEE, now=hour.created_at + HOUR + SECOND) == WHOLE


@pytest.mark.parametrize("by", [Party.MENTOR, Party.OPERATOR])
def test_who_is_not_the_mentee_never_costs_ann_a_fee(ann: User, stripe: Stripe, by: Party):
    hour = held(ann, stripe, Terms.STRICT)
    stripe.wait_until(hour.starts_at - HOUR)
    hour = called_off(hour, stripe, by=by)
    assert (hour.payment.state, hour.payment.captured) == (PaymentState.VOIDED, NOTHING)


def test_terms_that_change_later_do_not_change_what_was_agreed(ann: User, stripe: Stripe):
    hour = held(ann, stripe, Terms.FLEXIBLE)
    bob = Mentor.one(Mentor.id == hour.mentor_id)
    stricter = accounts.Offer(bob.headline, bob.bio, bob.hourly_rate, bob.time_zone, True, Terms.STRICT)
    accounts.offer(bob.user, stricter, now=stripe.now())
    assert cancellations.quote(fresh(hour), by=Party.MENTEE, now=hour.starts_at - HOUR) == FREE


def test_a_quote_that_is_free_no_more_is_asked_again_instead_of_charged(ann: User, stripe: Stripe):
    hour = held(ann, stripe, Terms.STANDARD)
    stripe.wait_until(hour.starts_at - DAY)
    shown = cancellations.quote(hour, by=Party.MENTEE, now=stripe.now())
    stripe.wait(SECOND)
    with pytest.raises(IllegalMove, match="read the new figures"):
        cancellations.cancel(hour, by=Party.MENTEE, quoted=shown.token, now=stripe.now())
    assert fresh(hour).state == BookingState.CONFIRMED
    assert stripe.intent_of(hour).status == "requires_capture"


@pytest.mark.parametrize(
    ("price", "fee"),
    [(Money(8_001, "JPY"), 4_001), (Money(8_001, "EUR"), 4_001), (Money(8_010, "KWD"), 4_010), (Money(101, "EUR"), 51)],
    ids=str,
)
def test_half_a_price_is_rounded_up_to_what_a_card_can_be_charged(price: Money, fee: int):
    assert Terms.STANDARD.late_fee(price) == Money(fee, price.currency)


def test_of_two_tabs_that_call_off_late_one_is_told_that_it_is_done(ann: User, stripe: Stripe):
    hour = held(ann, stripe, Terms.STANDARD)
    stripe.wait_until(hour.starts_at - HOUR)
    shown = cancellations.quote(hour, by=Party.MENTEE, now=stripe.now())
    cancellations.cancel(hour, by=Party.MENTEE, quoted=shown.token, now=stripe.now())
    with pytest.raises(IllegalMove):
        cancellations.cancel(fresh(hour), by=Party.MENTEE, quoted=shown.token, now=stripe.now())
    with pytest.raises(IllegalMove):
        bookings.complete(fresh(hour), now=hour.ends_at)
    assert stripe.count("/capture") == 1


def test_an_operator_can_give_a_late_fee_back(ann: User, stripe: Stripe):
    hour = held(ann, stripe, Terms.STANDARD)
    stripe.wait_until(hour.starts_at - HOUR)
    hour = called_off(hour, stripe)
    refunds.give_back(
        hour.payment, HALF.charged, by=Party.OPERATOR, because="she was ill", refunded=NOTHING, now=stripe.now()
    )
    hour = fresh(hour)
    assert (hour.state, hour.payment.left) == (BookingState.CANCELLED, NOTHING)
    assert balance(ledger.pending_of(hour.mentor_id)) == balance(ledger.COMMISSION) == 0
    assert books.problems(stripe.now()) == []


def test_a_token_says_every_amount_of_its_quote():
    amounts = [replace(HALF, released=Money(1, "EUR")), replace(HALF, refunded=Money(1, "EUR"))]
    amounts += [replace(HALF, charged=Money(1, "EUR")), HALF]
    assert len({quote.token for quote in amounts}) == len(amounts)
