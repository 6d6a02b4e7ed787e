"""Setup attempts: each try to keep a card by a SetupIntent, and how it ended.

Source: https://docs.stripe.com/api/setup_attempts
"""

from __future__ import annotations

from ..expansion import expandable
from ..ids import new_id, token
from ..lists import CREATED, listing
from ..params import Required, Text
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work

expandable("setup_attempt", customer="customer", payment_method="payment_method", setup_intent="setup_intent")
_UNKNOWN_TO_TESTS = ("description", "iin", "issuer")


def begin(work: Work, intent: Object, method: Object) -> None:
    """A new try, noted on the intent (not stored here); one that was still waiting is abandoned by it."""
    before = work.find("setup_attempt", intent["latest_attempt"] or "")
    if before and before["status"] == "requires_action":
        work.save(before | {"status": "abandoned"})
    intent["latest_attempt"] = work.add(_blank(work, intent, method))["id"]


def move(
    work: Work, intent: Object, status: str, *, error: Object | None = None, authenticated: bool | None = None
) -> None:
    """The latest try waits for the cardholder, has succeeded or has failed. `authenticated`: None, nobody asked."""
    attempt = work.get("setup_attempt", intent["latest_attempt"])
    attempt |= {"status": status, "setup_error": error}
    if authenticated is not None:
        attempt["payment_method_details"]["card"]["three_d_secure"] = _three_d_secure(authenticated)
    work.save(attempt)


@endpoint("GET", "/v1/setup_attempts", {**CREATED, "setup_intent": Required(Text())})
def list_all(call: Call) -> Object:
    intent = call.work.get("setup_intent", call.params["setup_intent"], param="setup_intent", status=400)
    return listing(call, "setup_attempt", setup_intent=intent["id"])


def _blank(work: Work, intent: Object, method: Object) -> Object:
    shown = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
    return {
        "id": new_id("setatt"),
        "object": "setup_attempt",
        "application": None,
        "created": work.moment,
        "customer": intent["customer"],
        "customer_account": None,
        "flow_directions": None,
        "livemode": False,
        "on_behalf_of": None,
        "payment_method": method["id"],
        "payment_method_details": {
            "card": {
                **{name: method["card"][name] for name in shown},
                **dict.fromkeys(_UNKNOWN_TO_TESTS),
                "network": method["card"]["brand"],
                "three_d_secure": None,
            },
            "type": "card",
        },
        "setup_error": None,
        "setup_intent": intent["id"],
        "status": "processing",
        "usage": intent["usage"],
    }


def _three_d_secure(passed: bool) -> Object:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05" if passed else None,
        "result": "authenticated" if passed else "failed",
        "result_reason": None if passed else "rejected",
        "transaction_id": token(24),
        "version": "2.2.0",
    }
