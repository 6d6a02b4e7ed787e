"""Confirming a PaymentIntent: 3-D Secure if the bank asks, then the charge, then what follows from it.

Source: https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from ..cards import AUTHENTICATION_FAILED, AUTHENTICATION_REQUIRED, Authentication, Decline
from ..errors import ApiError, refused
from ..shapes import Object, public
from ..work import Work
from .charges import make_charge, settle
from .customers import chargeable
from .payment_methods import attach, card_of, spent

LAPSE = "hold_lapses"


def confirm(
    work: Work, intent: Object, method: Object, params: dict[str, Any], base_url: str, *, may_wait: bool = False
) -> Object:
    """Try to pay. The intent comes back waiting for authentication, held, or paid.

    `may_wait`: even off-session it waits for its holder, as invoices' do, where others fail.
    Raises: ApiError 402 with the whole intent when the bank declines; what happened by then stays.
    """
    _check_owner(work, intent, method)
    off_session = params.get("off_session", "false") != "false"
    intent["_merchant_initiated"] = off_session
    intent["payment_method"] = method["id"]
    if not _needs_authentication(intent, method, off_session=off_session):
        return charge(work, intent, method)
    if (off_session and not may_wait) or params.get("error_on_requires_action"):
        raise _fail(work, intent, method, AUTHENTICATION_REQUIRED)
    intent["status"] = "requires_action"
    intent["next_action"] = next_action(intent, params, base_url)
    work.save(intent)
    work.emit("payment_intent.requires_action", intent)
    return intent


def authenticate(work: Work, intent: Object, *, passed: bool) -> Object:
    """The cardholder's answer to 3-D Secure. Declines are kept on the intent, not raised."""
    method = work.get("payment_method", intent["payment_method"])
    try:
        if not passed:
            raise _fail(work, intent, method, AUTHENTICATION_FAILED)
        return charge(work, intent, method, authenticated=True)
    except ApiError as declined:
        if not declined.effect:
            raise
        return work.get("payment_intent", intent["id"])


def charge(work: Work, intent: Object, method: Object, *, authenticated: bool = False) -> Object:
    """Charge the method, and tell: charge first, then intent. Raises: ApiError 402 when the bank declines."""
    made = make_charge(
        work, intent, method, merchant_initiated=intent["_merchant_initiated"], authenticated=authenticated
    )
    intent["latest_charge"] = made["id"]
    intent["next_action"] = None
    decline = card_of(method).decline
    if decline:
        work.add(made)
        work.emit("charge.failed", made)
        raise _fail(work, intent, method, decline, charge_id=made["id"])
    intent["last_payment_error"] = None
    if intent["capture_method"] == "manual":
        _hold(work, intent, made)
    else:
        _take(work, intent, made)
    _remember_card(work, intent, method)
    return intent


def next_action(intent: Object, params: dict[str, Any], base_url: str) -> Object:
    """Where the cardholder authenticates: inside Stripe.js, or by a redirect to the bank's page."""
    secret = urlencode({"client_secret": intent["client_secret"]})
    url = f"{base_url}/three_d_secure/{intent['id']}?{secret}"
    intent["_return_url"] = params.get("return_url", intent.get("_return_url"))
    if intent["_return_url"] and not params.get("use_stripe_sdk"):
        return {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": intent["_return_url"], "url": url},
        }
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}


def _check_owner(work: Work, intent: Object, method: Object) -> None:
    if intent["customer"]:
        chargeable(work, intent["customer"])
    owner = method["customer"]
    if owner and owner != intent["customer"]:
        raise refused(
            f"The PaymentMethod {method['id']} belongs to the Customer {owner}. Please include the Customer "
            f"in the "
            "`customer` parameter on the PaymentIntent.",
            param="payment_method",
        )
    if method.get("_spent"):
        raise spent(method)


def _needs_authentication(intent: Object, method: Object, *, off_session: bool) -> bool:
    asked = ((intent["payment_method_options"] or {}).get("card") or {}).get("request_three_d_secure")
    if asked in ("any", "challenge") and not off_session:
        return True
    wish = card_of(method).authentication
    if not off_session:
        return wish is not Authentication.NEVER
    return wish is Authentication.ALWAYS or (wish is Authentication.UNLESS_SET_UP and not method.get("_set_up"))


def _hold(work: Work, intent: Object, made: Object) -> None:
    intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
    work.add(made)
    work.save(intent)
    work.emit("charge.succeeded", made)
    work.emit("payment_intent.amount_capturable_updated", intent)
    work.later(made["payment_method_details"]["card"]["capture_before"], LAPSE, intent["id"])


def _take(work: Work, intent: Object, made: Object) -> None:
    settle(work, made, intent["amount"])
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    work.add(made)
    work.save(intent)
    work.emit("charge.succeeded", made)
    work.emit("payment_intent.succeeded", intent)


def _remember_card(work: Work, intent: Object, method: Object) -> None:
    """Keep the card with the customer if that was the wish; a card nobody keeps cannot be used twice."""
    if intent["setup_future_usage"] == "off_session":
        method["_set_up"] = True
    if method["customer"] is None:
        if intent["setup_future_usage"] and intent["customer"]:
            attach(work, method, intent["customer"])
            return
        method["_spent"] = True
    work.save(method)


def _fail(work: Work, intent: Object, method: Object, decline: Decline, *, charge_id: str | None = None) -> ApiError:
    """Put the intent back to waiting for a card, tell it, and make the error to raise."""
    shown = {
        "code": decline.code,
        "doc_url": f"https://stripe.com/docs/error-codes/{decline.code.replace('_', '-')}",
        "message": decline.message,
        "payment_method": public(method),
        "type": "card_error" if decline is not AUTHENTICATION_FAILED else "invalid_request_error",
    }
    if decline.decline_code:
        shown["decline_code"] = decline.decline_code
    if charge_id:
        shown["charge"] = charge_id
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": shown,
    }
    work.save(intent)
    work.emit("payment_intent.payment_failed", intent)
    extra = {**shown, "payment_intent": public(intent)}
    return ApiError(402, decline.message, type="card_error", code=decline.code, effect=True, extra=extra)
