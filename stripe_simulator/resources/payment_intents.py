"""PaymentIntents. Source: https://docs.stripe.com/api/payment_intents"""

from __future__ import annotations

from typing import Any

from ..errors import invalid, no_such, refused
from ..expansion import expandable, visible_to_browsers
from ..ids import client_secret, new_id
from ..lists import CREATED, listing
from ..money import POSITIVE, Currency, check_charge
from ..params import Array, Flag, Hash, Integer, Metadata, Required, Retired, Text, Type, merge_metadata, one_of
from ..routing import Call, endpoint
from ..shapes import Object, public
from .checkout_ownership import refuse_while_in_checkout
from .confirmation import confirm
from .customers import chargeable
from .holds import cancel, capture, unexpected_state
from .payment_methods import ADDRESS, DATA, create_method, look_up

_USAGE = one_of("off_session", "on_session", unsettable=True)
_CAPTURE = one_of("automatic", "automatic_async", "manual")
_CARD_OPTIONS = Hash({"request_three_d_secure": one_of("automatic", "any", "challenge")})
_REASONS = one_of("duplicate", "fraudulent", "requested_by_customer", "abandoned")

# Source: https://docs.stripe.com/changelog/endive/2026-09-30
NO_TYPES = Retired("payment_method_types_no_longer_supported", "Use allowed_payment_method_types, or neither.")

METHOD: dict[str, Type] = {
    "payment_method": Text(),
    "payment_method_data": DATA,
    "payment_method_options": Hash({"card": _CARD_OPTIONS}),
    "setup_future_usage": _USAGE,
    "receipt_email": Text(unsettable=True),
    "shipping": Hash({"address": Required(Hash(ADDRESS)), "name": Required(Text()), "phone": Text()}),
}
EDITABLE: dict[str, Type] = {
    **METHOD,
    "customer": Text(),
    "description": Text(unsettable=True),
    "metadata": Metadata(),
    "allowed_payment_method_types": Array(one_of("card")),
    "payment_method_types": NO_TYPES,
    "capture_method": _CAPTURE,
    "statement_descriptor": Text(most=22),
    "statement_descriptor_suffix": Text(most=22),
    "transfer_group": Text(),
}
CONFIRMING: dict[str, Type] = {
    "off_session": one_of("true", "false", "one_off", "recurring"),
    "return_url": Text(),
    "use_stripe_sdk": Flag(),
    "error_on_requires_action": Flag(),
}
_AUTOMATIC = Hash({"enabled": Required(Flag()), "allow_redirects": one_of("always", "never")})

expandable("payment_intent", latest_charge="charge", customer="customer", payment_method="payment_method")
visible_to_browsers(
    "payment_intent",
    *"""
    id object amount amount_details automatic_payment_methods canceled_at cancellation_reason capture_method
    client_secret confirmation_method created currency description last_payment_error livemode next_action
    payment_method payment_method_types processing receipt_email setup_future_usage shipping source status
    """.split(),
)
# Parameters that are written into the intent as they come.
_PLAIN = """
    description receipt_email setup_future_usage statement_descriptor statement_descriptor_suffix
    transfer_group capture_method shipping
""".split()
_UNSET = """
    application application_fee_amount canceled_at cancellation_reason customer customer_account
    description excluded_payment_method_types last_payment_error latest_charge next_action on_behalf_of
    payment_method payment_method_configuration_details processing receipt_email review
    setup_future_usage shipping source statement_descriptor statement_descriptor_suffix transfer_data
    transfer_group
""".split()


@endpoint(
    "POST",
    "/v1/payment_intents",
    {
        **EDITABLE,
        **CONFIRMING,
        "amount": Required(POSITIVE),
        "currency": Required(Currency()),
        "automatic_payment_methods": _AUTOMATIC,
        "confirm": Flag(),
        "confirmation_method": one_of("automatic"),
    },
)
def create(call: Call) -> Object:
    work, params = call.work, call.params
    check_charge(params["amount"], params["currency"])
    if params.get("off_session", "false") != "false" and not params.get("confirm"):
        raise invalid("off_session can only be passed when confirm is true.", param="off_session")
    intent = _blank(call)
    _apply(call, intent)
    work.add(intent)
    work.emit("payment_intent.created", intent)
    return _confirm(call, intent) if params.get("confirm") else intent


@endpoint("GET", "/v1/payment_intents/<id>", browser=True)
def retrieve(call: Call) -> Object:
    return _asked(call)


@endpoint("GET", "/v1/payment_intents", {**CREATED, "customer": Text()})
def list_all(call: Call) -> Object:
    return listing(call, "payment_intent", customer=call.params.get("customer"))


@endpoint("POST", "/v1/payment_intents/<id>", {**EDITABLE, "amount": POSITIVE, "currency": Currency()})
def update(call: Call) -> Object:
    intent = _asked(call)
    always = ("description", "metadata", "receipt_email", "transfer_group", "shipping")
    if intent["status"] not in _CONFIRMABLE and any(name not in always for name in call.params):
        frozen = next(name for name in call.params if name not in always)
        raise refused(
            f"This PaymentIntent's {frozen} could not be updated because it has a status of "
            f"{intent['status']}. "
            f"You may only update the {frozen} of a PaymentIntent with one of the following statuses: "
            f"{', '.join(_CONFIRMABLE)}.",
            code="payment_intent_unexpected_state",
            param=frozen,
            extra={"payment_intent": public(intent)},
        )
    intent["amount"] = call.params.get("amount", intent["amount"])
    intent["currency"] = call.params.get("currency", intent["currency"])
    check_charge(intent["amount"], intent["currency"])
    _apply(call, intent)
    return call.work.save(intent)


@endpoint(
    "POST",
    "/v1/payment_intents/<id>/confirm",
    {**METHOD, **CONFIRMING, "capture_method": _CAPTURE, "setup_future_usage": _USAGE},
    browser=True,
)
def confirm_intent(call: Call) -> Object:
    intent = _asked(call)
    refuse_while_in_checkout(call.work, intent, "confirm")
    if intent["status"] not in _CONFIRMABLE:
        raise unexpected_state(intent, "confirmed", _CONFIRMABLE)
    _apply(call, intent)
    call.work.save(intent)
    return _confirm(call, intent)


@endpoint(
    "POST",
    "/v1/payment_intents/<id>/capture",
    {"amount_to_capture": Integer(least=1), "metadata": Metadata(), "final_capture": Flag()},
)
def capture_intent(call: Call) -> Object:
    params = call.params
    return capture(call.work, _asked(call), params.get("amount_to_capture"), params.get("metadata"))


@endpoint("POST", "/v1/payment_intents/<id>/cancel", {"cancellation_reason": _REASONS})
def cancel_intent(call: Call) -> Object:
    intent = _asked(call)
    refuse_while_in_checkout(call.work, intent, "cancel")
    if intent.get("_invoice"):
        raise refused(
            f"You cannot cancel this PaymentIntent because it pays the invoice {intent['_invoice']}. Void the invoice "
            "instead."
        )
    return cancel(call.work, intent, call.params.get("cancellation_reason"))


_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def _asked(call: Call) -> Object:
    """The intent in the path; a browser must also know its secret."""
    intent = call.work.get("payment_intent", call.id, param="intent")
    secret = call.params.get("client_secret")
    if (call.publishable or secret is not None) and secret != intent["client_secret"]:
        raise no_such("payment_intent", call.id, param="client_secret")
    return intent


def _confirm(call: Call, intent: Object) -> Object:
    params = call.params
    if intent["payment_method"] is None:
        raise refused(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either "
            "update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly "
            "with a "
            "payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
            extra={"payment_intent": public(intent)},
        )
    redirects = (intent["automatic_payment_methods"] or {}).get("allow_redirects") == "always"
    on_session = params.get("off_session", "false") == "false"
    if redirects and on_session and not params.get("return_url"):
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because "
            "some of "
            "these payment methods might redirect your customer off of your page, you must provide a "
            "`return_url`. "
            "If you don't want to accept redirect-based payment methods, set "
            "`automatic_payment_methods[enabled]` to "
            "`true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents "
            "and "
            "Payment Intents.",
            param="return_url",
        )
    method = call.work.get("payment_method", intent["payment_method"], param="payment_method", status=400)
    return confirm(call.work, intent, method, params, call.base_url)


def _apply(call: Call, intent: Object) -> None:
    """Write the given parameters into the intent; a new card makes it ready to be confirmed."""
    work, params = call.work, call.params
    intent |= {name: params[name] for name in _PLAIN if name in params}
    if types := params.get("allowed_payment_method_types"):
        intent |= {"allowed_payment_method_types": types, "automatic_payment_methods": None}
    if "customer" in params:
        intent["customer"] = chargeable(work, params["customer"])["id"]
    if "metadata" in params:
        intent["metadata"] = merge_metadata(intent["metadata"], params["metadata"])
    intent["payment_method_options"]["card"] |= (params.get("payment_method_options") or {}).get("card") or {}
    if method := _given_method(call, params):
        intent |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}


def _given_method(call: Call, params: dict[str, Any]) -> Object | None:
    if "payment_method" in params:
        return look_up(call.work, params["payment_method"])
    if "payment_method_data" in params:
        return create_method(call.work, params["payment_method_data"])
    return None


def _blank(call: Call) -> Object:
    work, params = call.work, call.params
    intent_id = new_id("pi")
    automatic = params.get("automatic_payment_methods", {"enabled": True})
    redirects = {"allow_redirects": "always", **automatic} if automatic["enabled"] else None
    if redirects and "automatic_payment_methods" in params and "allowed_payment_method_types" in params:
        raise invalid(
            "You may only specify one of these parameters: automatic_payment_methods, allowed_payment_method_types.",
            param="automatic_payment_methods",
        )
    return {
        **dict.fromkeys(_UNSET),
        "id": intent_id,
        "object": "payment_intent",
        "allowed_payment_method_types": None,
        "amount": params["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "automatic_payment_methods": redirects,
        "capture_method": "automatic_async",
        "client_secret": client_secret(intent_id),
        "confirmation_method": "automatic",
        "created": work.moment,
        "currency": params["currency"],
        "livemode": False,
        "metadata": {},
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        "_merchant_initiated": False,
    }
