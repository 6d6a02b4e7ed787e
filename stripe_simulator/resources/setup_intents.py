"""SetupIntents: keep a card for later, charging nothing now. Source: https://docs.stripe.com/api/setup_intents"""

from __future__ import annotations

from typing import Any

from ..cards import SETUP_AUTHENTICATION_FAILED, Authentication, Decline
from ..errors import ApiError, no_such, refused
from ..expansion import expandable, visible_to_browsers
from ..ids import client_secret, new_id
from ..lists import CREATED, listing
from ..params import Array, Flag, Hash, Metadata, Required, Retired, Text, Type, merge_metadata, one_of
from ..routing import Call, endpoint
from ..shapes import Object, public
from ..work import Work
from . import setup_attempts
from .checkout_ownership import refuse_while_in_checkout
from .confirmation import next_action
from .customers import chargeable
from .payment_methods import DATA, attach, card_of, create_method, look_up

_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_METHOD: dict[str, Type] = {"payment_method": Text(), "payment_method_data": DATA}
_CONFIRMING: dict[str, Type] = {"return_url": Text(), "use_stripe_sdk": Flag()}
_ACCEPTANCE: dict[str, Type] = {
    "accepted_at": Text(),
    "type": Required(one_of("online", "offline")),
    "online": Hash({"ip_address": Text(), "user_agent": Text(), "infer_from_client": Flag()}),
    "offline": Hash({}),
}
_MANDATE: dict[str, Type] = {"mandate_data": Hash({"customer_acceptance": Required(Hash(_ACCEPTANCE))})}
_CARD_OPTIONS = Hash({"request_three_d_secure": one_of("automatic", "any", "challenge")})

expandable("setup_intent", customer="customer", payment_method="payment_method", latest_attempt="setup_attempt")
visible_to_browsers(
    "setup_intent",
    *"""
    id object automatic_payment_methods cancellation_reason client_secret created description last_setup_error
    livemode next_action payment_method payment_method_types status usage
    """.split(),
)


@endpoint(
    "POST",
    "/v1/setup_intents",
    {
        **_METHOD,
        **_CONFIRMING,
        **_MANDATE,
        "customer": Text(),
        "description": Text(),
        "metadata": Metadata(),
        "usage": one_of("off_session", "on_session"),
        "confirm": Flag(),
        "allowed_payment_method_types": Array(one_of("card")),
        "payment_method_types": Retired(
            "payment_method_types_no_longer_supported", "Use allowed_payment_method_types, or neither."
        ),
        "payment_method_options": Hash({"card": _CARD_OPTIONS}),
        "automatic_payment_methods": Hash({"enabled": Required(Flag()), "allow_redirects": one_of("always", "never")}),
    },
)
def create(call: Call) -> Object:
    work, params = call.work, call.params
    intent = _blank(call)
    if "customer" in params:
        intent["customer"] = chargeable(work, params["customer"])["id"]
    _apply_method(work, intent, params)
    work.add(intent)
    work.emit("setup_intent.created", intent)
    return confirm(work, intent, params, call.base_url) if params.get("confirm") else intent


@endpoint("GET", "/v1/setup_intents/<id>", browser=True)
def retrieve(call: Call) -> Object:
    return _asked(call)


@endpoint("POST", "/v1/setup_intents/<id>", {"description": Text(unsettable=True), "metadata": Metadata()})
def update(call: Call) -> Object:
    intent = _asked(call)
    if "metadata" in call.params:
        intent["metadata"] = merge_metadata(intent["metadata"], call.params["metadata"])
    intent["description"] = call.params.get("description", intent["description"])
    call.work.save(intent)
    return intent


@endpoint("GET", "/v1/setup_intents", {**CREATED, "customer": Text(), "payment_method": Text()})
def list_all(call: Call) -> Object:
    params = call.params
    return listing(call, "setup_intent", customer=params.get("customer"), payment_method=params.get("payment_method"))


@endpoint("POST", "/v1/setup_intents/<id>/confirm", {**_METHOD, **_CONFIRMING, **_MANDATE}, browser=True)
def confirm_intent(call: Call) -> Object:
    intent = _asked(call)
    refuse_while_in_checkout(call.work, intent, "confirm")
    if intent["status"] not in _CONFIRMABLE:
        raise _unexpected(intent, "confirmed", _CONFIRMABLE)
    _apply_method(call.work, intent, call.params)
    return confirm(call.work, intent, call.params, call.base_url)


@endpoint(
    "POST",
    "/v1/setup_intents/<id>/cancel",
    {"cancellation_reason": one_of("abandoned", "requested_by_customer", "duplicate")},
)
def cancel_intent(call: Call) -> Object:
    intent = _asked(call)
    refuse_while_in_checkout(call.work, intent, "cancel")
    return cancel(call.work, intent, call.params.get("cancellation_reason"))


def cancel(work: Work, intent: Object, reason: str | None) -> Object:
    """End an intent that keeps no card yet. Raises: ApiError 400 `setup_intent_unexpected_state`."""
    if intent["status"] not in _CONFIRMABLE:
        raise _unexpected(intent, "canceled", _CONFIRMABLE)
    intent |= {"status": "canceled", "cancellation_reason": reason, "next_action": None}
    work.save(intent)
    work.emit("setup_intent.canceled", intent)
    return intent


def confirm(work: Work, intent: Object, params: dict[str, Any], base_url: str) -> Object:
    """Check the intent's card with its bank: it waits for authentication, or is kept.

    Raises: ApiError 402 with the whole intent when the bank refuses; what happened by then stays.
    """
    if intent["payment_method"] is None:
        raise refused(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            code="setup_intent_unexpected_state",
            extra={"setup_intent": public(intent)},
        )
    method = work.get("payment_method", intent["payment_method"])
    card = card_of(method)
    setup_attempts.begin(work, intent, method)
    if card.authentication is not Authentication.NEVER or _asked_by_merchant(intent):
        setup_attempts.move(work, intent, "requires_action")
        intent["status"] = "requires_action"
        intent["next_action"] = next_action(intent, params, base_url)
        work.save(intent)
        work.emit("setup_intent.requires_action", intent)
        return intent
    if card.decline and not card.attaches:
        raise _fail(work, intent, method, card.decline)
    return _succeed(work, intent, method)


def authenticate(work: Work, intent: Object, *, passed: bool) -> Object:
    """The cardholder's answer to 3-D Secure. A failure is kept on the intent, not raised."""
    method = work.get("payment_method", intent["payment_method"])
    card = card_of(method)
    if passed and (card.attaches or not card.decline):
        return _succeed(work, intent, method, authenticated=True)
    decline = card.decline if passed and card.decline else SETUP_AUTHENTICATION_FAILED
    _fail(work, intent, method, decline, authenticated=passed)
    return intent


def _asked(call: Call) -> Object:
    intent = call.work.get("setup_intent", call.id, param="intent")
    secret = call.params.get("client_secret")
    if (call.publishable or secret is not None) and secret != intent["client_secret"]:
        raise no_such("setup_intent", call.id, param="client_secret")
    return intent


def _apply_method(work: Work, intent: Object, params: dict[str, Any]) -> None:
    if "payment_method" in params:
        method = look_up(work, params["payment_method"])
    elif "payment_method_data" in params:
        method = create_method(work, params["payment_method_data"])
    else:
        return
    intent |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}


def _asked_by_merchant(intent: Object) -> bool:
    return intent["payment_method_options"]["card"]["request_three_d_secure"] in ("any", "challenge")


def _succeed(work: Work, intent: Object, method: Object, *, authenticated: bool | None = None) -> Object:
    method["_set_up"] = method.get("_set_up") or intent["usage"] == "off_session"
    work.save(method)
    if intent["customer"]:
        attach(work, method, intent["customer"])
    setup_attempts.move(work, intent, "succeeded", authenticated=authenticated)
    intent |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
    work.save(intent)
    work.emit("setup_intent.succeeded", intent)
    return intent


def _fail(
    work: Work, intent: Object, method: Object, decline: Decline, *, authenticated: bool | None = None
) -> ApiError:
    shown = {
        "code": decline.code,
        "message": decline.message,
        "payment_method": public(method),
        "type": "invalid_request_error" if decline is SETUP_AUTHENTICATION_FAILED else "card_error",
    }
    if decline.decline_code:
        shown["decline_code"] = decline.decline_code
    setup_attempts.move(work, intent, "failed", error=shown, authenticated=authenticated)
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_setup_error": shown,
    }
    work.save(intent)
    work.emit("setup_intent.setup_failed", intent)
    extra = {**shown, "setup_intent": public(intent)}
    return ApiError(402, decline.message, code=decline.code, effect=True, extra=extra)


def _unexpected(intent: Object, done: str, allowed: tuple[str, ...]) -> ApiError:
    return refused(
        f"You cannot have this SetupIntent {done} because it has a status of {intent['status']}. Only a "
        f"SetupIntent "
        f"with one of the following statuses may be {done}: {', '.join(allowed)}.",
        code="setup_intent_unexpected_state",
        extra={"setup_intent": public(intent)},
    )


def _blank(call: Call) -> Object:
    params = call.params
    intent_id = new_id("seti")
    automatic = params.get("automatic_payment_methods") or {"enabled": "allowed_payment_method_types" not in params}
    asked = (params.get("payment_method_options") or {}).get("card") or {}
    return {
        "id": intent_id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": {"allow_redirects": "always", **automatic} if automatic["enabled"] else None,
        "cancellation_reason": None,
        "client_secret": client_secret(intent_id),
        "created": call.work.moment,
        "customer": None,
        "customer_account": None,
        "description": params.get("description"),
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": merge_metadata({}, params.get("metadata", {})),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic", **asked}
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": params.get("usage", "off_session"),
    }
