"""The test cards: what each number does, and the checks any card number goes through.

Source: https://docs.stripe.com/testing
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from .errors import ApiError


class Authentication(StrEnum):
    """When the bank asks for 3-D Secure."""

    NEVER = "never"
    UNLESS_SET_UP = "unless_set_up"
    ON_SESSION = "on_session"
    ALWAYS = "always"


@dataclass(frozen=True)
class Decline:
    """Why the bank says no: Stripe's code, the bank's own, and the words for the customer."""

    code: str
    decline_code: str | None
    message: str


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", decline_code, message)


GENERIC = _declined("generic_decline")
NO_FUNDS = _declined("insufficient_funds", "Your card has insufficient funds.")
_LOST = _declined("lost_card")
_STOLEN = _declined("stolen_card")
_VELOCITY = _declined(
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)
_EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.")
_WRONG_CVC = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
_PROCESSING = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
AUTHENTICATION_FAILED = Decline(
    "payment_intent_authentication_failure",
    None,
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
)
SETUP_AUTHENTICATION_FAILED = Decline(
    "setup_intent_authentication_failure", None, AUTHENTICATION_FAILED.message
)  # fmt: skip


@dataclass(frozen=True)
class TestCard:
    """One number and its temper. `refund`: what becomes of refunds; `dispute`: why charges are taken back."""

    number: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: Decline | None = None
    attaches: bool = True
    authentication: Authentication = Authentication.NEVER
    refund: str = "succeeds"
    available_at_once: bool = False
    dispute: str | None = None

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


def _refusing(number: str, decline: Decline) -> TestCard:
    return TestCard(number, decline=decline, attaches=False)


# A set-up spares the owner the question while away only; on-session the bank of these cards always asks.
_UNLESS, _ALWAYS = Authentication.UNLESS_SET_UP, Authentication.ALWAYS
_CARDS = (
    TestCard("4242424242424242"),
    TestCard("4000056655665556", funding="debit"),
    TestCard("5555555555554444", "mastercard"),
    TestCard("2223003122003222", "mastercard"),
    TestCard("5200828282828210", "mastercard", "debit"),
    TestCard("5105105105105100", "mastercard", "prepaid"),
    TestCard("378282246310005", "amex"),
    TestCard("371449635398431", "amex"),
    TestCard("6011111111111117", "discover"),
    TestCard("3056930009020004", "diners"),
    TestCard("3566002020360505", "jcb"),
    TestCard("6200000000000005", "unionpay"),
    TestCard("4000008260000000", country="GB"),
    TestCard("4000002500000003", country="FR"),
    TestCard("4000002760000016", country="DE"),
    TestCard("4000003920000003", country="JP"),
    _refusing("4000000000000002", GENERIC),
    _refusing("4000000000009995", NO_FUNDS),
    _refusing("4000000000009987", _LOST),
    _refusing("4000000000009979", _STOLEN),
    _refusing("4000000000000069", _EXPIRED),
    _refusing("4000000000000127", _WRONG_CVC),
    _refusing("4000000000000119", _PROCESSING),
    _refusing("4000000000006975", _VELOCITY),
    TestCard("4000000000000341", decline=GENERIC),
    TestCard("4000002500003155", authentication=_UNLESS),
    TestCard("4000002760003184", authentication=_ALWAYS),
    TestCard("4000003800000446", authentication=Authentication.ON_SESSION),
    TestCard("4000008260003178", country="GB", authentication=_UNLESS, decline=NO_FUNDS),
    TestCard("4000000000003220", authentication=_ALWAYS),
    TestCard("4000000000003063", authentication=_ALWAYS),
    TestCard("4000008400001629", authentication=_ALWAYS, decline=GENERIC),
    TestCard("4000000000003055"),
    TestCard("4000000000000259", dispute="fraudulent"),
    TestCard("4000000000002685", dispute="product_not_received"),
    TestCard("4000000000007726", refund="settles_later"),
    TestCard("4000000000005126", refund="fails_later"),
    TestCard("4000000000000077", available_at_once=True),
)
CARDS = {card.number: card for card in _CARDS}

# Ready-made payment methods; the tokens (`tok_visa`) are spelt the same.
_MAGIC = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "mastercard_debit": "5200828282828210",
    "mastercard_prepaid": "5105105105105100",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "us": "4242424242424242",
    "gb": "4000008260000000",
    "fr": "4000002500000003",
    "de": "4000002760000016",
    "jp": "4000003920000003",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "chargeCustomerFail": "4000000000000341",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "authenticationRequiredSetupForOffSession": "4000003800000446",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000000000003063",
    "threeDSecureRequiredChargeDeclined": "4000008400001629",
    "threeDSecureOptional": "4000000000003055",
    "createDispute": "4000000000000259",
    "createDisputeProductNotReceived": "4000000000002685",
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
    "bypassPending": "4000000000000077",
}


def magic_card(name: str) -> TestCard | None:
    """The card behind `pm_card_visa`, `tok_visa` and their like."""
    for prefix in ("pm_card_", "tok_"):
        if name.startswith(prefix) and (number := _MAGIC.get(name.removeprefix(prefix))):
            return CARDS[number]
    return None


def _card_error(code: str, message: str, param: str, **extra: object) -> ApiError:
    return ApiError(402, message, type="card_error", code=code, param=param, saved=True, extra=extra)


def read_number(text: str) -> TestCard:
    """The card of a typed number.

    Raises: ApiError 402 `invalid_number`, `incorrect_number` or `card_declined`.
    """
    number = text.replace(" ", "").replace("-", "")
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):
        raise _card_error("invalid_number", "The card number is not a valid credit card number.", "number")
    if not _luhn(number):
        raise _card_error("incorrect_number", "Your card number is incorrect.", "number")
    card = CARDS.get(number)
    if card is None:
        raise _card_error(
            "card_declined",
            "Your card was declined. Your request was in test mode, but used a non test (live) card. For a "
            "list of "
            "valid test cards, visit: https://stripe.com/docs/testing.",
            "number",
            decline_code="test_mode_live_card",
        )
    return card


def check_expiry(month: int, year: int, now: float) -> int:
    """The four-digit year. Raises: ApiError 402 `invalid_expiry_month` or `invalid_expiry_year`."""
    year = year + 2000 if 0 <= year < 100 else year
    today = datetime.fromtimestamp(now, UTC)
    if not 1 <= month <= 12 or (year == today.year and month < today.month):
        raise _card_error("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    if not today.year <= year <= today.year + 50:
        raise _card_error("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year")
    return year


def check_cvc(cvc: str | None, brand: str) -> None:
    """Raises: ApiError 402 `invalid_cvc` for anything but three digits (four for Amex)."""
    length = 4 if brand == "amex" else 3
    if cvc is not None and not (cvc.isascii() and cvc.isdigit() and len(cvc) == length):
        raise _card_error("invalid_cvc", "Your card's security code is invalid.", "cvc")


def _luhn(number: str) -> bool:
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
