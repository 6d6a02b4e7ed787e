"""How amounts are written, in messages and on pages."""

from __future__ import annotations

import pytest

from stripe_simulator.money import display


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (2000, "usd", "$20.00"),
        (6000, "eur", "€60.00"),
        (123_456_789, "gbp", "£1,234,567.89"),
        (500, "jpy", "¥500"),
        (2000, "chf", "20.00 CHF"),
        (5000, "kwd", "5.000 KWD"),
        (1200, "vnd", "1,200 VND"),
        (-5, "usd", "-$0.05"),
        (-2050, "chf", "-20.50 CHF"),
    ],
)
def test_an_amount_names_its_currency_once(amount: int, currency: str, shown: str) -> None:
    assert display(amount, currency) == shown
