"""Amounts as people type and read them, and the arithmetic of minor units."""

from decimal import Decimal

import pytest

from app.kit.errors import Invalid
from app.kit.money import MOST_MINOR, THREE_DECIMAL, WHOLE_UNITS_ONLY, ZERO_DECIMAL, Money, exponent

NOT_AMOUNTS = [
    "",
    " ",
    "1e3",
    "1E3",
    "１２",
    "١٢",
    "½",
    "²",
    "-0",
    "-1",
    "+1",
    "NaN",
    "nan",
    "Infinity",
    "1,50",
    "1,000.00",
    "1 000",
    "1_000",
    "0x10",
    "1.",
    ".5",
    "1..5",
    "1.2.3",
    "80 EUR",
    "€80",
    "8\u200b0",
    "80\x00",
    "1/2",
    "eighty",
    "123456789",
    "9" * 5_000,
]


@pytest.mark.parametrize("text", NOT_AMOUNTS, ids=lambda text: ascii(text[:12]))
@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD", "ISK"])
def test_what_is_not_an_amount_is_refused_with_an_example(text: str, currency: str):
    with pytest.raises(Invalid, match=r"Please give an amount like 80(\.0+)?\.$"):
        Money.parse(text, currency)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("80", "EUR", 8_000),
        ("80.5", "EUR", 8_050),
        ("80.05", "EUR", 8_005),
        (" 80.00 ", "EUR", 8_000),
        ("0080", "EUR", 8_000),
        ("0", "EUR", 0),
        ("0.01", "EUR", 1),
        ("80", "JPY", 80),
        ("8.05", "KWD", 8_050),
        ("8.050", "KWD", 8_050),
        ("80", "ISK", 8_000),
        ("80.00", "ISK", 8_000),
        ("80", "UGX", 8_000),
    ],
)
def test_an_amount_is_read_to_the_minor_unit_that_stripe_counts_in(text: str, currency: str, minor: int):
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(("text", "currency"), [("1.234", "EUR"), ("1.5", "JPY"), ("1.0", "JPY"), ("1.2345", "KWD")])
def test_no_more_decimals_than_the_currency_has(text: str, currency: str):
    with pytest.raises(Invalid, match="like 80"):
        Money.parse(text, currency)


@pytest.mark.parametrize("text", ["8.055", "0.001"])
def test_three_decimal_currencies_go_in_steps_that_cards_take(text: str):
    with pytest.raises(Invalid, match=r"Cards take KWD in steps of 0\.01"):
        Money.parse(text, "KWD")


@pytest.mark.parametrize("currency", sorted(WHOLE_UNITS_ONLY))
def test_a_currency_whose_decimals_are_only_stripes_takes_whole_amounts(currency: str):
    with pytest.raises(Invalid, match=f"Cards take {currency} in steps of 1"):
        Money.parse("80.50", currency)


@pytest.mark.parametrize(
    ("most", "more", "currency"),
    [("999999.99", "1000000.00", "EUR"), ("99999999", "", "JPY"), ("99999.990", "100000.000", "KWD")],
)
def test_the_most_is_what_a_card_can_be_charged(most: str, more: str, currency: str):
    assert Money.parse(most, currency).minor <= MOST_MINOR
    if more:
        with pytest.raises(Invalid, match="The most a card can be charged"):
            Money.parse(more, currency)


@pytest.mark.parametrize(
    ("money", "read"),
    [
        (Money(8_000, "EUR"), "€80.00"),
        (Money(123_456_789, "USD"), "$1,234,567.89"),
        (Money(8_000, "JPY"), "¥8,000"),
        (Money(8_050, "KWD"), "KWD\u00a08.050"),
        (Money(8_000, "ISK"), "ISK\u00a080"),
        (Money(8_000, "CHF"), "CHF\u00a080.00"),
        (Money(-8_000, "GBP"), "-£80.00"),
        (Money(0, "EUR"), "€0.00"),
    ],
)
def test_an_amount_reads_as_people_write_it(money: Money, read: str):
    assert str(money) == read


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD", "ISK"])
def test_what_is_shown_in_major_units_is_read_back_the_same(currency: str):
    for minor in (0, 100, 8_000, 99_999_900):
        money = Money(minor, currency)
        assert Money.parse(f"{money.decimal:f}", currency) == money


def test_currencies_count_as_stripe_does():
    assert {exponent(currency) for currency in ZERO_DECIMAL} == {0}
    assert {exponent(currency) for currency in THREE_DECIMAL} == {3}
    assert {exponent(currency) for currency in WHOLE_UNITS_ONLY | {"EUR", "USD"}} == {2}
    assert not ZERO_DECIMAL & THREE_DECIMAL
    assert not WHOLE_UNITS_ONLY & ZERO_DECIMAL


@pytest.mark.parametrize("minor", [1.0, True, "1", None, Decimal(1)])
def test_minor_units_are_whole_numbers_and_nothing_that_looks_like_one(minor: object):
    with pytest.raises(TypeError, match="minor units are whole"):
        Money(minor, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["eur", "EU", "EURO", ""])
def test_a_currency_is_an_iso_code(currency: str):
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, currency)


def test_a_tenth_is_rounded_half_up_for_every_amount():
    assert [n for n in range(100_001) if Money(n, "EUR").share(1_000).minor != (n + 5) // 10] == []


@pytest.mark.parametrize("basis_points", [0, 1, 250, 9_999, 10_000])
def test_a_share_is_the_nearest_whole_minor_unit(basis_points: int):
    for minor in range(0, 100_001, 7):
        twice_the_error = abs(2 * (Money(minor, "EUR").share(basis_points).minor * 10_000 - minor * basis_points))
        assert twice_the_error <= 10_000


@pytest.mark.parametrize(("minor", "basis_points"), [(-1, 1_000), (1, -1)])
def test_a_share_is_of_something(minor: int, basis_points: int):
    with pytest.raises(ValueError, match="positive"):
        Money(minor, "EUR").share(basis_points)


def test_amounts_of_one_currency_add_up_and_compare():
    three, five = Money(300, "EUR"), Money(500, "EUR")
    assert three + five == Money(800, "EUR")
    assert three - five == Money(-200, "EUR") == -Money(200, "EUR")
    assert three < five
    assert three <= three
    assert sorted([five, three]) == [three, five]
    assert five
    assert not five - five


def test_equal_numbers_of_two_currencies_are_not_equal():
    assert Money(100, "EUR") != Money(100, "USD")


def test_two_currencies_do_not_add_up_or_compare():
    euro, yen = Money(100, "EUR"), Money(100, "JPY")
    for mix in (euro.__add__, euro.__sub__, euro.__lt__, euro.__le__):
        with pytest.raises(ValueError, match="EUR and JPY do not add up"):
            mix(yen)


def test_an_amount_cannot_be_changed():
    with pytest.raises(AttributeError):
        Money(1, "EUR").minor = 2  # type: ignore[misc]
