"""Subscriptions: create, change, cancel. Source: https://docs.stripe.com/api/subscriptions"""

from __future__ import annotations

import copy
from typing import Any

from ..errors import ApiError, no_such, not_simulated, refused
from ..expansion import expandable
from ..lists import CREATED, listing
from ..params import (
    Array,
    Flag,
    Hash,
    Integer,
    Metadata,
    Required,
    SomeOf,
    Text,
    Type,
    merge_metadata,
    one_of,
)
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work
from . import subscription_states
from .customers import chargeable
from .payment_methods import attach
from .subscription_items import CHANGED, WANTED, change_items, prices_of
from .subscription_start import Start, start_subscription
from .subscription_states import ENDED, cancel_at_period_end, tell_update

_FEEDBACK = one_of(
    *"""
    customer_service low_quality missing_features other switched_service too_complex too_expensive unused
    """.split(),
    unsettable=True,
)
_REASONS = Hash({"comment": Text(unsettable=True), "feedback": _FEEDBACK})
_END_OF_TRIAL: dict[str, Type] = {
    "missing_payment_method": Required(SomeOf(("create_invoice", "cancel"), ("pause",))),
}
_FIELDS: dict[str, Type] = {
    "cancel_at_period_end": Flag(),
    "collection_method": SomeOf(("charge_automatically",), ("send_invoice",)),
    "default_payment_method": Text(unsettable=True),
    "description": Text(most=500, unsettable=True),
    "metadata": Metadata(),
    "off_session": Flag(),
    "payment_settings": Hash(
        {
            "payment_method_types": Array(one_of("card")),
            "save_default_payment_method": one_of("off", "on_subscription"),
        }
    ),
    "trial_settings": Hash({"end_behavior": Required(Hash(_END_OF_TRIAL))}),
}
_EXTRA = Hash(
    {
        "price": Required(Text()),
        "quantity": Integer(least=1),
    }
)
_BEHAVIORS = ("allow_incomplete", "default_incomplete", "error_if_incomplete")

expandable(
    "subscription",
    customer="customer",
    default_payment_method="payment_method",
    latest_invoice="invoice",
    pending_setup_intent="setup_intent",
)


def open_from_checkout(
    work: Work,
    *,
    customer: str,
    line_items: list[dict[str, Any]],
    payment_method: str,
    metadata: dict[str, str] | None,
    trial_days: int | None,
    base_url: str = "",
) -> Object:
    """A subscription as Checkout opens it: `active`, its first invoice paid with the card, or `trialing`.

    `line_items` are `{"price": id, "quantity": n}`; one-time prices go onto the first invoice. The card is kept with
    the customer and becomes the subscription's default. A card that wants 3-D Secure leaves the subscription
    `incomplete` and the PaymentIntent of its `latest_invoice` in `requires_action` (its page under `base_url`); it
    becomes `active` by itself once authenticated. Raises: ApiError 402 when the bank declines; nothing is kept then.
    """
    chargeable(work, customer)
    method = work.get("payment_method", payment_method, param="payment_method", status=400)
    recurring: list[dict[str, Any]] = []
    once: list[dict[str, Any]] = []
    for index, each in enumerate(line_items):
        price = work.get("price", each["price"], param=f"line_items[{index}][price]", status=400)
        (recurring if price["recurring"] else once).append({"price": price["id"], "quantity": each.get("quantity", 1)})
    params: dict[str, Any] = {"customer": customer, "items": recurring, "add_invoice_items": once}
    params |= {"metadata": metadata or {}, "payment_behavior": "error_if_declined"}
    if trial_days:
        params["trial_period_days"] = trial_days
        attach(work, method, customer)
        work.save(method | {"_set_up": True})
    return start_subscription(work, Start(params, base_url, method, keeps_card=True))


@endpoint(
    "POST",
    "/v1/subscriptions",
    {
        **_FIELDS,
        "customer": Required(Text()),
        "items": Required(WANTED),
        "add_invoice_items": Array(_EXTRA, most=20),
        "billing_mode": Hash({"type": Required(SomeOf(("flexible",), ("classic",)))}),
        "currency": Text(),
        "payment_behavior": SomeOf(_BEHAVIORS, ("pending_if_incomplete",)),
        "proration_behavior": one_of("none", "create_prorations", "always_invoice"),
        "trial_end": Text(),
        "trial_period_days": Integer(least=1, most=730),
    },
)
def create(call: Call) -> Object:
    work, params = call.work, call.params
    customer = chargeable(work, params["customer"])
    if params.get("default_payment_method"):
        _own_method(work, customer["id"], params["default_payment_method"])
    return start_subscription(work, Start(params, call.base_url))


@endpoint("GET", "/v1/subscriptions/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("subscription", call.id)


@endpoint(
    "GET",
    "/v1/subscriptions",
    {
        **CREATED,
        "customer": Text(),
        "price": Text(),
        "collection_method": one_of("charge_automatically", "send_invoice"),
        "status": one_of(
            *"all ended active canceled incomplete incomplete_expired past_due paused trialing unpaid".split()
        ),
    },
)  # fmt: skip
def list_all(call: Call) -> Object:
    """Without `status` all that have not ended."""
    params = call.params
    wanted = {name: params.get(name) for name in ("customer", "collection_method")}
    status = params.get("status")
    if status in (None, "ended"):
        wanted["_listed"] = status or "current"
    elif status != "all":
        wanted["status"] = status
    if "price" in params:
        price = call.work.get("price", params["price"], param="price", status=400)
        wanted[f"_prices.{price['id']}"] = "yes"
    return listing(call, "subscription", **wanted)


@endpoint(
    "POST",
    "/v1/subscriptions/<id>",
    {
        **_FIELDS,
        "cancellation_details": _REASONS,
        "items": CHANGED,
        "proration_behavior": SomeOf(("none",), ("create_prorations", "always_invoice")),
        "payment_behavior": SomeOf(("allow_incomplete",), (*_BEHAVIORS[1:], "pending_if_incomplete")),
    },
)
def update(call: Call) -> Object:
    work, params = call.work, call.params
    subscription = work.get("subscription", call.id)
    _check_changeable(subscription, params)
    before = copy.deepcopy(subscription)
    if "items" in params:
        if params.get("proration_behavior") is None and subscription["status"] != "trialing":
            raise not_simulated("items without proration_behavior=none")
        change_items(work, subscription, params["items"])
        subscription["_prices"] = prices_of(subscription["items"])
    if params.get("default_payment_method"):
        _own_method(work, subscription["customer"], params["default_payment_method"])
    subscription |= {name: params[name] for name in ("default_payment_method", "description") if name in params}
    for name in ("payment_settings", "trial_settings", "cancellation_details"):
        subscription[name] |= params.get(name, {})
    if "metadata" in params:
        subscription["metadata"] = merge_metadata(subscription["metadata"], params["metadata"])
    if "cancel_at_period_end" in params:
        cancel_at_period_end(work, subscription, wanted=params["cancel_at_period_end"])
    return tell_update(work, before, subscription)


@endpoint(
    "DELETE",
    "/v1/subscriptions/<id>",
    {
        "cancellation_details": _REASONS,
        "invoice_now": SomeOf(("false",), ("true",)),
        "prorate": SomeOf(("false",), ("true",)),
    },
)
def cancel(call: Call) -> Object:
    """End at once. What was paid stays paid; open invoices stay open."""
    subscription = call.work.get("subscription", call.id)
    if subscription["status"] in ENDED:
        raise no_such("subscription", call.id)
    subscription["cancellation_details"] |= call.params.get("cancellation_details", {})
    return subscription_states.end(call.work, subscription, "cancellation_requested")


def _check_changeable(subscription: Object, params: dict[str, Any]) -> None:
    """Raises: ApiError 400 for changes that the status forbids."""
    status = subscription["status"]
    if status in ENDED and set(params) - {"metadata", "cancellation_details"}:
        raise refused("A canceled subscription can only update its cancellation_details and metadata.")
    if status == "incomplete" and (frozen := set(params) - {"metadata", "default_payment_method", "description"}):
        raise refused(
            "This subscription's first invoice has not been paid yet: only its metadata, description and default "
            "payment method can be updated while it is incomplete.",
            param=min(frozen),
        )


def _own_method(work: Work, customer_id: str, method_id: str) -> Object:
    """A card kept with the customer. Raises: ApiError 400 `resource_missing`."""
    method = work.find("payment_method", method_id)
    if method is None or method["customer"] != customer_id:
        raise ApiError(
            400,
            f"The customer does not have a payment method with the ID {method_id}. The payment method must be "
            "attached to the customer.",
            code="resource_missing",
            param="default_payment_method",
        )
    return method
