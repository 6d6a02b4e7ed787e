"""Amounts of money: whole minor units and a currency, never a float."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Self

from babel.numbers import format_currency

from app.kit.errors import Invalid

# How many decimals Stripe's API counts per currency. Source: https://docs.stripe.com/currencies#zero-decimal
# ISK and UGX have no decimals in life, but Stripe keeps them as two-decimal currencies whose decimals are 00.
ZERO_DECIMAL = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
THREE_DECIMAL = frozenset("BHD JOD KWD OMR TND".split())
WHOLE_UNITS_ONLY = frozenset({"ISK", "UGX"})

MOST_MINOR = 99_999_999  # Stripe's largest amount of a charge, in minor units

_LETTERS_THEN_DIGITS = re.compile(r"(?<=[A-Z])(?=[0-9])")
_DIGITS = re.compile(r"[0-9]{1,8}(?:\.([0-9]{1,3}))?")


def step(currency: str) -> int:
    """The least amount, in minor units, of which a card charge must be a multiple."""
    if currency in WHOLE_UNITS_ONLY:
        return 100
    return 10 if currency in THREE_DECIMAL else 1


def exponent(currency: str) -> int:
    """How many decimals the minor unit of ``currency`` stands for."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


@dataclass(frozen=True, order=False)
class Money:
    """``minor`` minor units (cents; yen for JPY) of ``currency`` (ISO 4217, upper case)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are whole: {self.minor!r}")
        if len(self.currency) != 3 or not (self.currency.isalpha() and self.currency.isupper()):
            raise ValueError(f"not an ISO 4217 code: {self.currency!r}")

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read what a person typed: ASCII digits with at most one point and no more decimals than the currency has.

        Raises: Invalid for anything else (``1e3``, ``1,50``, ``-0``, ``NaN``, full-width digits).
        """
        match = _DIGITS.fullmatch(text.strip())
        places = exponent(currency)
        if match is None or len(match[1] or "") > places:
            example = cls(80 * 10**places, currency).decimal
            raise Invalid(f"Please give an amount like {example}.")
        minor = int(Decimal(match[0]).scaleb(places))
        if minor % step(currency):
            raise Invalid(f"Cards take {currency} in steps of {cls(step(currency), currency).decimal.normalize()}.")
        if minor > MOST_MINOR:
            raise Invalid(f"The most a card can be charged is {cls(MOST_MINOR, currency)}.")
        return cls(minor, currency)

    @classmethod
    def rounded(cls, numerator: int, denominator: int, currency: str) -> Self:
        """``numerator / denominator`` (not negative) minor units, half up to what a card can be charged."""
        whole = denominator * step(currency)
        return cls((2 * numerator + whole) // (2 * whole) * step(currency), currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, with the currency's decimals."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def share(self, basis_points: int) -> Self:
        """``basis_points`` / 10,000 of the amount, rounded half up to a whole minor unit."""
        if basis_points < 0 or self.minor < 0:
            raise ValueError("a share is of a positive amount")
        return type(self)((self.minor * basis_points + 5_000) // 10_000, self.currency)

    def _other(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return other.minor

    def __add__(self, other: "Money") -> Self:
        return type(self)(self.minor + self._other(other), self.currency)

    def __sub__(self, other: "Money") -> Self:
        return type(self)(self.minor - self._other(other), self.currency)

    def __neg__(self) -> Self:
        return type(self)(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._other(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._other(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return _written(self)


@lru_cache(maxsize=4096)
def _written(amount: Money) -> str:
    """A list shows the same few prices again and again, and finding the words of a locale takes a while."""
    text = format_currency(amount.decimal, amount.currency, locale="en")
    return _LETTERS_THEN_DIGITS.sub("\u00a0", text)  # CHF 80.00, as English sets it
