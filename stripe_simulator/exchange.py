"""Exchange rates, fixed for ever, for money that reaches an account in another currency than it keeps.

The rates are invented; what counts is that a rate is applied, noted and undone the same way.
Source: https://docs.stripe.com/connect/currencies
"""

from __future__ import annotations

from .money import THREE_DECIMAL, ZERO_DECIMAL

# Units of the currency for one US dollar.
_PER_DOLLAR = {
    "usd": 1.0, "eur": 0.9, "gbp": 0.8, "chf": 0.85, "cad": 1.4, "aud": 1.5, "nzd": 1.7, "jpy": 150.0, "sek": 10.0,
    "nok": 10.5, "dkk": 6.7, "pln": 3.9, "czk": 23.0, "sgd": 1.3, "hkd": 7.8, "mxn": 18.0, "brl": 5.5, "inr": 85.0,
}  # fmt: skip


def rate(source: str, target: str) -> float | None:
    """How many minor units of the target one minor unit of the source is; None if that is the same currency."""
    if source == target or source not in _PER_DOLLAR or target not in _PER_DOLLAR:
        return None
    return _PER_DOLLAR[target] / _PER_DOLLAR[source] * 10.0 ** (_places(target) - _places(source))


def convert(amount: int, at: float | None) -> int:
    """An amount (minor units) at a rate, half up; unchanged without one."""
    return amount if at is None else int(amount * at + 0.5)


def _places(currency: str) -> int:
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
