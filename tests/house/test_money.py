"""Money: what is refused, what is shared, and what every currency can be charged."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from app.actions import ledger, operations, refunds
from app.actions.transactions import atomically
from app.gateways.stripe_gateway import stripe_gateway
from app.gateways.stripe_objects import Key
from app.kit import policy
from app.kit.errors import GatewayRefused, Invalid
from app.kit.money import THREE_DECIMAL, WHOLE_UNITS_ONLY, Money
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.payment import Payment
from app.models.states import BookingState, Party, PaymentState
from app.web.forms import CURRENCIES, LEAST_RATE_MINOR, MOST_RATE_MINOR
from tests.people import booked, completed, fresh, mentor, paid, person
from tests.stripe_double import Stripe

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_two_currencies_never_add_up():
    euro, dollar = Money(100, "EUR"), Money(100, "USD")
    for mix in (euro.__add__, euro.__sub__, euro.__lt__, euro.__le__):
        with pytest.raises(ValueError, match="EUR and USD"):
            mix(dollar)


def test_the_commission_of_every_amount_is_given_back_whole_in_two_steps():
    """All amounts to 100,000 minor units, refunded in two unequal parts, at an awkward rate."""
    wrong = []
    for minor in range(1, 100_001):
        captured = Money(minor, "EUR")
        part = Money(minor // 3, "EUR")
        whole = ledger.commission_of(captured, Money(0, "EUR"), 1_000)
        left = ledger.commission_of(captured, part, 1_000)
        if not 0 <= left.minor <= whole.minor or ledger.commission_of(captured, captured, 1_000):
            wrong.append(minor)
    assert wrong == []


@pytest.mark.parametrize("basis_points", [0, 1, 999, 1_000, 3_333, 10_000])
def test_however_a_charge_is_refunded_nobody_is_left_with_what_is_not_theirs(basis_points: int):
    """The more is refunded, the less commission and the less of the mentor's share is left: neither ever grows."""
    captured = Money(9_999, "EUR")
    commission, share = captured.share(basis_points), captured - captured.share(basis_points)
    for refunded in range(1, captured.minor + 1):
        back = Money(refunded, "EUR")
        commission_left = ledger.commission_of(captured, back, basis_points)
        share_left = captured - back - commission_left
        assert Money(0, "EUR") <= commission_left <= commission
        assert Money(0, "EUR") <= share_left <= share
        commission, share = commission_left, share_left
    assert not commission
    assert not share


@pytest.mark.parametrize("currency", sorted({*CURRENCIES, *WHOLE_UNITS_ONLY}))
def test_every_price_that_a_rate_leads_to_can_be_charged(currency: str):
    """A price is worked out, not typed; a card must take it all the same."""
    step = step_of(currency)
    first = -(-LEAST_RATE_MINOR // step) * step
    rates = [*range(first, first + 40 * step, step), MOST_RATE_MINOR - step, MOST_RATE_MINOR]
    wrong = []
    for rate in rates:
        for minutes in policy.current().durations:
            price = Mentor(hourly_rate_minor=rate, currency=currency).price_for(minutes)
            try:
                assert Money.parse(f"{price.decimal:f}", currency) == price
            except Invalid as failure:
                wrong.append(f"{minutes} minutes at {Money(rate, currency).decimal}: {price.decimal} ({failure})")
    assert wrong == []


@pytest.mark.parametrize(
    ("rate", "minor"), [(Money(8_000, "JPY"), 8_000), (Money(25_500, "KWD"), 25_500)], ids=["yen", "dinars"]
)
@on_sqlite
def test_an_hour_in_another_kind_of_currency_is_held_and_charged_to_the_unit(
    app: Flask, stripe: Stripe, rate: Money, minor: int
):
    hour = completed(paid(booked(person("Ann"), mentor("Bob", rate), stripe), stripe), stripe)
    intent = stripe.intent_of(hour)
    assert (intent.amount, intent.amount_received, intent.currency) == (minor, minor, rate.currency.lower())
    assert hour.payment.captured == rate


@pytest.mark.parametrize("amount", [Money(0, "EUR"), Money(-1, "EUR")], ids=["nothing", "less than nothing"])
@on_sqlite
def test_a_refund_of_no_amount_is_not_even_written_down(completed_hour: Booking, stripe: Stripe, amount: Money):
    with pytest.raises((IntegrityError, ValueError, Invalid)):
        refund(completed_hour, amount, stripe)
    assert stripe.refunds_of(completed_hour) == []


@on_sqlite
def test_a_refund_of_more_than_was_charged_is_refused_and_changes_nothing(completed_hour: Booking, stripe: Stripe):
    with pytest.raises(Invalid, match=r"€80\.00 can be refunded"):
        refund(completed_hour, Money(8_001, "EUR"), stripe)
    hour = fresh(completed_hour)
    assert (hour.state, hour.payment.state, hour.payment.refunded) == (
        BookingState.COMPLETED,
        PaymentState.CAPTURED,
        Money(0, "EUR"),
    )
    assert stripe.refunds_of(hour) == []


@pytest.mark.parametrize("minor", [8_001, 0, -1])
@on_sqlite
def test_what_should_slip_through_all_the_same_is_refused_by_stripe(
    completed_hour: Booking, stripe: Stripe, minor: int
):
    params = {"payment_intent": completed_hour.payment.intent_id, "amount": minor}
    with pytest.raises(GatewayRefused):
        stripe_gateway().refund(params, Key(f"test:op_none:{minor}"))
    assert stripe.refunds_of(completed_hour) == []


@on_sqlite
def test_a_refund_in_another_currency_is_not_made(completed_hour: Booking, stripe: Stripe):
    with pytest.raises((ValueError, Invalid)):
        refund(completed_hour, Money(100, "USD"), stripe)
    assert stripe.refunds_of(completed_hour) == []


def step_of(currency: str) -> int:
    """The smallest amount that a card can be charged, and whose multiples it can, in minor units."""
    if currency in WHOLE_UNITS_ONLY:
        return 100
    return 10 if currency in THREE_DECIMAL else 1


def refund(hour: Booking, amount: Money, stripe: Stripe) -> None:
    """Ask for a refund as an operator's tool might, without the quote that a person sees."""
    stripe.wait(timedelta(minutes=1))
    with atomically():
        payment = Payment.locked(hour.payment.id)
        operation = refunds.start(payment, amount, by=Party.OPERATOR, because="of a mistake", now=stripe.now())
    operations.execute(operation.id, now=stripe.now())
