"""Checkout Sessions: a page of Stripe's own that takes a payment, keeps a card or starts a subscription.

Source: https://docs.stripe.com/api/checkout/sessions
"""

from __future__ import annotations

from ..clock import on_time
from ..errors import refused
from ..expansion import expandable
from ..ids import token
from ..lists import CREATED, listing
from ..params import Hash, Metadata, Required, Retired, Text, merge_metadata, one_of
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work
from . import holds, setup_intents, subscription_states
from .checkout_line_items import first_page, make_line_items, total
from .checkout_parameters import CREATE, LONGEST_SECONDS, check
from .customers import chargeable, check_email

_EXPIRES = "checkout_session_expires"
_UNSET = """
    after_expiration allow_promotion_codes allowed_payment_method_types amount_subtotal amount_total
    billing_address_collection cancel_url client_reference_id client_secret collected_information consent
    consent_collection currency currency_conversion customer customer_account customer_creation customer_details
    customer_email discounts excluded_payment_method_types integration_identifier invoice invoice_creation locale
    name_collection optional_items origin_context payment_intent payment_link payment_method_configuration_details
    permissions presentment_details recovered_from redirect_on_completion return_url saved_payment_method_options
    setup_intent shipping_address_collection shipping_cost submit_type subscription tax_id_collection total_details
    wallet_options
""".split()
# Parameters that are shown as they came.
_PLAIN = """
    allow_promotion_codes allowed_payment_method_types billing_address_collection cancel_url client_reference_id
    customer_creation customer_email locale submit_type success_url tax_id_collection
""".split()

expandable(
    "checkout.session",
    customer="customer",
    invoice="invoice",
    payment_intent="payment_intent",
    setup_intent="setup_intent",
    subscription="subscription",
    line_items=lambda work, shown: first_page(work.get("checkout.session", shown["id"])),
)


@endpoint(
    "POST",
    "/v1/checkout/sessions",
    {
        **CREATE,
        "payment_method_types": Retired(
            "payment_method_types_no_longer_supported", "Use allowed_payment_method_types, or neither."
        ),
    },
)
def create(call: Call) -> Object:
    work, params = call.work, call.params
    check(params, work.moment)
    check_email(params.get("customer_email"), param="customer_email")
    session = _blank(call)
    if "customer" in params:
        _greet(session, chargeable(work, params["customer"]))
    if params["mode"] == "setup":
        session["setup_intent"] = _setup_intent(call, session)["id"]
    else:
        _sell(session, make_line_items(work, params["line_items"], params["mode"]))
    work.add(session)
    work.later(session["expires_at"], _EXPIRES, session["id"])
    return session


@endpoint("GET", "/v1/checkout/sessions/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("checkout.session", call.id)


@endpoint(
    "GET",
    "/v1/checkout/sessions",
    {
        **CREATED,
        "customer": Text(),
        "customer_details": Hash({"email": Required(Text(most=800))}),
        "payment_intent": Text(),
        "status": one_of("complete", "expired", "open"),
        "subscription": Text(),
    },
)
def list_all(call: Call) -> Object:
    params = call.params
    wanted = {name: params.get(name) for name in ("customer", "payment_intent", "status", "subscription")}
    email = params.get("customer_details", {}).get("email")
    return listing(call, "checkout.session", **wanted, **{"customer_details.email": email})


@endpoint("POST", "/v1/checkout/sessions/<id>", {"metadata": Metadata()})
def update(call: Call) -> Object:
    session = call.work.get("checkout.session", call.id)
    if "metadata" in call.params:
        session["metadata"] = merge_metadata(session["metadata"], call.params["metadata"])
    return call.work.save(session)


@endpoint("POST", "/v1/checkout/sessions/<id>/expire")
def expire(call: Call) -> Object:
    session = call.work.get("checkout.session", call.id)
    if session["status"] != "open":
        raise refused(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"`{session['status']}`."
        )
    return _end(call.work, session)


@on_time(_EXPIRES)
def expire_on_time(work: Work, session_id: str) -> None:
    """Nobody paid in time. A session that ended before stays as it is."""
    session = work.get("checkout.session", session_id)
    if session["status"] == "open":
        _end(work, session)


def _end(work: Work, session: Object) -> Object:
    """Close a session; what it had begun, say a payment that waits at its bank, ends first."""
    session |= {"status": "expired", "url": None}
    work.save(session)
    if session["payment_intent"]:
        intent = work.get("payment_intent", session["payment_intent"])
        if intent["status"] in holds.CANCELABLE:
            holds.cancel(work, intent, "automatic")
    subscription = work.find("subscription", session.get("_subscription", ""))
    if subscription and subscription["status"] == "incomplete":
        subscription_states.end(work, subscription, None)
    setup = work.find("setup_intent", session["setup_intent"] or session.get("_setup_intent", ""))
    if setup:
        setup_intents.cancel(work, setup, None)
    work.emit("checkout.session.expired", session)
    return session


def customer_details(email: str | None, name: str | None) -> Object:
    """What is known about who pays."""
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _greet(session: Object, customer: Object) -> None:
    session |= {"customer": customer["id"], "customer_details": customer_details(customer["email"], customer["name"])}
    if session["mode"] == "payment":
        # With a customer given there is none left to create, and Stripe says so by null.
        session["customer_creation"] = None
    if session["mode"] != "setup":
        asked = session["_wishes"].get("saved_payment_method_options", {})
        session["saved_payment_method_options"] = {
            "allow_redisplay_filters": asked.get("allow_redisplay_filters", ["always"]),
            "payment_method_remove": "disabled",
            "payment_method_save": asked.get("payment_method_save"),
        }


def _sell(session: Object, items: list[Object]) -> None:
    amount = total(items)
    session |= {
        "amount_subtotal": amount,
        "amount_total": amount,
        "currency": items[0]["currency"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "_line_items": items,
    }


def _setup_intent(call: Call, session: Object) -> Object:
    """The SetupIntent of a session that keeps a card; only the session's page may confirm it."""
    asked = call.params.get("setup_intent_data", {})
    given = {**asked, "payment_method_options": call.params.get("payment_method_options", {})}
    if session["customer"]:
        given["customer"] = session["customer"]
    intent = setup_intents.create(Call(call.work, given, "/v1/setup_intents", base_url=call.base_url))
    return call.work.save(intent | {"_checkout_session": session["id"]})


def _blank(call: Call) -> Object:
    work, params = call.work, call.params
    session_id = f"cs_test_{token(58)}"
    mode = params["mode"]
    card = params.get("payment_method_options", {}).get("card", {})
    email = params.get("customer_email")
    return {
        **dict.fromkeys(_UNSET),
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "branding_settings": _BRANDING,
        "created": work.moment,
        "currency": params.get("currency"),
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer_creation": "always" if mode == "subscription" else "if_required",
        "customer_details": customer_details(email, None) if email else None,
        "expires_at": params.get("expires_at", work.moment + LONGEST_SECONDS),
        "invoice_creation": _NO_INVOICE if mode == "payment" else None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": merge_metadata({}, params.get("metadata", {})),
        "mode": mode,
        "payment_method_collection": "if_required" if mode == "payment" else "always",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic", **card}},
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "ui_mode": "hosted_page",
        "url": f"{call.base_url}/c/pay/{session_id}",
        "_line_items": [],
        "_wishes": {name: params[name] for name in _KEPT_FOR_LATER if name in params},
        **{name: params[name] for name in _PLAIN if name in params},
    }


# What the page needs once somebody pays.
_KEPT_FOR_LATER = (
    "payment_intent_data",
    "subscription_data",
    "payment_method_data",
    "payment_method_options",
    "saved_payment_method_options",
)
_BRANDING = {
    "background_color": "#ffffff",
    "border_style": "rounded",
    "button_color": "#0b57d0",
    "display_name": "Simulated platform",
    "font_family": "default",
    "icon": None,
    "logo": None,
}
_NO_INVOICE = {
    "enabled": False,
    "invoice_data": {
        **dict.fromkeys(("account_tax_ids", "custom_fields", "description", "footer", "issuer", "rendering_options")),
        "metadata": {},
    },
}
