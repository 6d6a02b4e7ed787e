"""Test bank accounts: what each number does to a payout, and the checks any number goes through.

Source: https://docs.stripe.com/connect/testing#account-numbers
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from .errors import ApiError, invalid, missing_parameter

_IBAN = re.compile(r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}$")
# The German test account number; its last digit says what happens, and any country may stand before it.
_TEST_IBAN = re.compile(r"^[A-Z]{2}[0-9]{2}37040044053201300([0-9])$")
_FATES_OF_IBANS = {
    "1": "no_account",
    "2": "account_closed",
    "3": "insufficient_funds",
    "4": "debit_not_authorized",
    "5": "invalid_currency",
}
# Written without leading zeros, which differ from country to country.
_FATES = {
    "111111116": "no_account",
    "11111116": "no_account",
    "111111113": "account_closed",
    "11111113": "account_closed",
    "222222227": "insufficient_funds",
    "22222227": "insufficient_funds",
    "333333335": "debit_not_authorized",
    "33333335": "debit_not_authorized",
    "444444440": "invalid_currency",
    "44444440": "invalid_currency",
}
_GOOD = frozenset(("123456789", "123456", "12345", "1234"))
_GOOD_IBANS = frozenset(
    """AT611904300234573201 BE12345678912345 CH9300762011623852957 ES0700120345030000067890
    FR1420041010050500013M02606 IE29AIBK93115212345678 IT40S0542811101000000123456 NL39RABO0300065264""".split()
)
# This simulator's own: the money arrives, and comes back a day later.
_RETURNED, _RETURNED_IBAN = "555555559", "9"

FAILURES = {
    "account_closed": "The bank account has been closed.",
    "debit_not_authorized": "Debit transactions are not approved on your bank account.",
    "insufficient_funds": "Your bank account has insufficient funds to cover the debit.",
    "invalid_currency": "The bank was unable to process this payout because of its currency.",
    "no_account": "Your bank account details on file are probably incorrect. No bank account could be located.",
    "could_not_process": "The bank could not process this payout.",
}


@dataclass(frozen=True)
class TestBank:
    """One account number and what becomes of payouts to it."""

    number: str
    failure: str | None = None
    returned: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


def read_bank(number: str, param: str) -> TestBank:
    """The bank account behind a number or an IBAN.

    Raises: ApiError 400 `account_number_invalid` for a malformed number, and for a real one.
    """
    plain = number.replace(" ", "").replace("-", "").upper()
    if match := _TEST_IBAN.match(plain):
        failure = _FATES_OF_IBANS.get(match[1])
        return TestBank(plain, failure or ("no_account" if match[1] == _RETURNED_IBAN else None), match[1] == "9")
    digits = plain.lstrip("0")
    if digits == _RETURNED:
        return TestBank(plain, "no_account", returned=True)
    if plain in _GOOD_IBANS or digits in _GOOD or digits in _FATES:
        return TestBank(plain, _FATES.get(digits))
    if not _IBAN.match(plain) and not (plain.isascii() and plain.isdigit() and 4 <= len(plain) <= 17):
        raise _wrong("Invalid account number: it must contain only digits, or be an IBAN.", param)
    raise _wrong(
        "You must use a test bank account number in test mode. Try 000123456789 or see more options at "
        "https://stripe.com/docs/connect/testing#account-numbers.",
        param,
    )


def check_routing(country: str, number: str, routing: str | None, param: str) -> None:
    """Where there is no IBAN, a bank is known by its routing number or sort code.

    Raises: ApiError 400 `parameter_missing` or `routing_number_invalid`.
    """
    if number[:2].isalpha():
        return
    if routing is None:
        raise missing_parameter(param)
    plain = routing.replace("-", "")
    if not (plain.isascii() and plain.isdigit() and 4 <= len(plain) <= 9) or (country == "US" and len(plain) != 9):
        raise invalid(
            "Invalid routing number for the country. A US routing number has 9 digits; try 110000000.",
            param=param,
            code="routing_number_invalid",
        )


def _wrong(message: str, param: str) -> ApiError:
    return invalid(message, param=param, code="account_number_invalid")
