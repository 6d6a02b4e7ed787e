"""Currencies, the amounts Stripe accepts in them, and what it keeps.

Source: https://docs.stripe.com/currencies
"""

from __future__ import annotations

from typing import Any

from .errors import invalid
from .params import Integer, Text

LARGEST = 99_999_999
CURRENCIES = frozenset(
    """usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd
    cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq
    gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd
    lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk
    php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top
    try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw""".split()
)
ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
# Amounts of these must be whole multiples: Stripe keeps two decimals of the dinars, none of the krona.
STEPS = {**dict.fromkeys(THREE_DECIMAL, 10), "isk": 100, "ugx": 100}
SMALLEST = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk":
    250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200,
    "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
_SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
_FIXED_FEE = {"usd": 30, "eur": 25, "gbp": 20, "jpy": 40, "kwd": 100}


class Currency:
    """A parameter type: a supported code in lower case."""

    def read(self, value: Any, name: str) -> str:
        code = Text(most=20).read(value, name)
        if code not in CURRENCIES:
            raise invalid(
                f"Invalid currency: {code}. Stripe currently supports these currencies: "
                f"{', '.join(sorted(CURRENCIES))}",
                param=name,
            )
        return code


POSITIVE = Integer(least=1)


def display(amount: int, currency: str) -> str:
    """An amount (minor units) as Stripe writes it: `$20.00`, `€60.00`, `¥500`, else `20.00 CHF`."""
    places = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    whole, rest = divmod(abs(amount), 10**places)
    number = f"{whole:,}.{rest:0{places}d}" if places else f"{whole:,}"
    minus = "-" if amount < 0 else ""
    if sign := _SIGNS.get(currency):
        return f"{minus}{sign}{number}"
    return f"{minus}{number} {currency.upper()}"


def check_charge(amount: int, currency: str) -> None:
    """Refuse an amount (minor units) that cannot be charged: too small, too large, or a wrong fraction."""
    if amount < SMALLEST.get(currency, 1):
        raise invalid(
            f"Amount must be at least {display(SMALLEST[currency], currency)}",
            param="amount",
            code="amount_too_small",
        )
    if amount > LARGEST:
        raise invalid(
            f"Amount must be no more than {display(LARGEST, currency)}",
            param="amount",
            code="amount_too_large",
        )
    if amount % STEPS.get(currency, 1):
        raise invalid(f"Invalid amount: in {currency} it must be a multiple of {STEPS[currency]}.", param="amount")


def stripe_fee(amount: int, currency: str) -> int:
    """What Stripe keeps of a charge, in minor units: 2.9 % half up plus a fixed part, at most all of it."""
    fixed = _FIXED_FEE.get(currency, 0 if currency in ZERO_DECIMAL else 30)
    return min(amount, (amount * 29 + 500) // 1000 + fixed)
