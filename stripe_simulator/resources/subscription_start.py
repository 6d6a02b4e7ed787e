"""Starting a subscription: its first period or trial, its first invoice, and what if that cannot be paid.

Source: https://docs.stripe.com/billing/subscriptions/overview#subscription-payment-behavior
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from ..errors import ApiError, invalid, refused
from ..ids import new_id
from ..params import Integer, merge_metadata
from ..routing import Call
from ..shapes import Object
from ..work import Work
from . import invoice_collection, invoicing, setup_intents
from .billing_cycle import end_of_period
from .prices import usable_price
from .subscription_items import new_items, prices_of, recurrence, set_period
from .subscription_states import cancel_at_period_end, first_lines, plan_ahead

_LONGEST_TRIAL_SECONDS = 730 * 86_400
_UNSET = """
    application application_fee_percent billing_cycle_anchor_config billing_thresholds cancel_at canceled_at
    customer_account days_until_due default_source ended_at next_pending_invoice_item_invoice on_behalf_of
    pause_collection pending_invoice_item_interval pending_setup_intent pending_update schedule test_clock
    transfer_data trial_end trial_start
""".split()

# What every new subscription has alike.
_ALIKE: Object = {
    "object": "subscription",
    "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
    "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
    "billing_schedules": [],
    "cancel_at_period_end": False,
    "cancellation_details": {"comment": None, "feedback": None, "reason": None},
    "collection_method": "charge_automatically",
    "default_tax_rates": [],
    "discounts": [],
    "invoice_settings": {
        "account_tax_ids": None,
        "custom_fields": None,
        "description": None,
        "footer": None,
        "issuer": {"type": "self"},
    },
    "latest_invoice": None,
    "livemode": False,
    "payment_settings": {
        "payment_method_options": None,
        "payment_method_types": None,
        "save_default_payment_method": "off",
    },
    "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
    "_finalized": None,
    "_listed": "current",
}


@dataclass(frozen=True)
class Start:
    """What was asked. `method` pays the first invoice; `keeps_card`: it then becomes the default.

    `payment_behavior` may also be `error_if_declined`, Checkout's: only a decline undoes everything.
    """

    params: dict[str, Any]
    base_url: str
    method: Object | None = None
    keeps_card: bool = False

    @property
    def behavior(self) -> str:
        return str(self.params.get("payment_behavior", "allow_incomplete"))


def start_subscription(work: Work, start: Start) -> Object:
    """Open a subscription with its first invoice, paid where that is possible and wanted.

    Raises: ApiError 400 without a card to charge, 402 where an unpaid start is an error; nothing is kept then.
    """
    trial_end = _trial_end(work, start.params)
    subscription = _blank(work, start, trial_end)
    method = start.method or invoice_collection.default_method(work, subscription["customer"], None)
    if subscription["default_payment_method"]:
        method = work.get("payment_method", subscription["default_payment_method"])
    lines = first_lines(work, subscription) + _extra_lines(work, subscription["id"], start.params)
    if sum(line["amount"] for line in lines) and method is None and start.behavior != "default_incomplete":
        raise refused(
            "This customer has no attached payment source or default payment method. Please consider adding a "
            "default payment method.",
            code="resource_missing",
        )
    with work.attempt():
        try:
            return _begin(work, subscription, lines, method, start)
        except ApiError as declined:
            # Undone as a whole: the refusal must not ask for what was written to be kept.
            declined.effect = False
            raise


def _begin(work: Work, subscription: Object, lines: list[Object], method: Object | None, start: Start) -> Object:
    """Store and tell: the subscription, its invoice, then its payment."""
    now = work.moment
    invoice = invoicing.draft(work, subscription, lines, reason="subscription_create", period=(now, now))
    subscription["latest_invoice"] = invoice["id"]
    if subscription["status"] == "trialing" and method is None and start.behavior == "default_incomplete":
        subscription["pending_setup_intent"] = _ask_for_card(work, subscription)
    if not invoice["amount_due"] and subscription["status"] == "incomplete":
        subscription["status"] = "active"
    work.add(subscription)
    plan_ahead(work, subscription)
    work.emit("customer.subscription.created", subscription)
    work.emit("invoice.created", invoice)
    invoicing.finalize(work, invoice)
    if not invoice["amount_due"]:
        invoice_collection.settle(work, invoice)
        if start.keeps_card and method:
            current = work.get("subscription", subscription["id"])
            work.save(current | {"default_payment_method": method["id"]})
    elif start.behavior == "default_incomplete":
        _prepare(work, invoice, method)
    elif method:
        _pay(work, invoice, method, start)
    return work.get("subscription", subscription["id"])


def _prepare(work: Work, invoice: Object, method: Object | None) -> None:
    """Leave the payment to the browser; the default card is already chosen."""
    if method:
        intent = work.get("payment_intent", invoice["_intent"])
        work.save(intent | {"payment_method": method["id"], "status": "requires_confirmation"})


def _pay(work: Work, invoice: Object, method: Object, start: Start) -> None:
    try:
        invoice = invoice_collection.collect(work, invoice, method, start.base_url)
    except ApiError as declined:
        if start.behavior != "allow_incomplete" or not declined.effect:
            raise
    if start.behavior == "error_if_incomplete" and invoice["status"] != "paid":
        raise ApiError(
            402,
            "Payment for this subscription requires additional user action before it can be completed successfully. "
            "Payment can be completed using the PaymentIntent associated with `subscription.latest_invoice`.",
            type="card_error",
            code="subscription_payment_intent_requires_action",
            saved=True,
        )


def _trial_end(work: Work, params: dict[str, Any]) -> int | None:
    """When the trial ends (Unix seconds), or None without one."""
    days, given = params.get("trial_period_days"), params.get("trial_end")
    if days and given:
        raise invalid("You may only specify one of these parameters: trial_end, trial_period_days.", param="trial_end")
    if days:
        return work.moment + int(days) * 86_400
    if given in (None, "now"):
        return None
    moment = Integer(least=0).read(given, "trial_end")
    if moment <= work.moment:
        raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end")
    if moment > work.moment + _LONGEST_TRIAL_SECONDS:
        raise invalid("The maximum number of trial period days is 730 (2 years).", param="trial_end")
    return moment


def _extra_lines(work: Work, subscription_id: str, params: dict[str, Any]) -> list[Object]:
    """Lines for what is bought once, with the first invoice."""
    lines = []
    for index, each in enumerate(params.get("add_invoice_items", [])):
        spelt = f"add_invoice_items[{index}][price]"
        price = usable_price(work, each["price"], param=spelt)
        if price["type"] != "one_time":
            raise refused(
                "The price specified is set to `type=recurring` but this field only accepts prices with "
                "`type=one_time`.",
                param=spelt,
            )
        product = work.get("product", price["product"])
        lines.append(invoicing.extra_line(price, each.get("quantity", 1), product, subscription_id, work.moment))
    return lines


def _ask_for_card(work: Work, subscription: Object) -> str:
    """A SetupIntent for the card that pays when the trial is over."""
    params = {"customer": subscription["customer"], "allowed_payment_method_types": ["card"], "usage": "off_session"}
    intent = setup_intents.create(Call(work, params, "/v1/setup_intents"))
    work.save(intent | {"_subscription": subscription["id"]})
    return str(intent["id"])


def _blank(work: Work, start: Start, trial_end: int | None) -> Object:
    params, now = start.params, work.moment
    subscription_id = new_id("sub")
    items = new_items(work, subscription_id, params["items"], (now, now))
    currency = items["data"][0]["price"]["currency"]
    if params.get("currency", currency) != currency:
        raise invalid(f"The price is in {currency}, not in {params['currency']}.", param="currency")
    anchor = trial_end or now
    subscription: Object = {
        **dict.fromkeys(_UNSET),
        **copy.deepcopy(_ALIKE),
        "id": subscription_id,
        "billing_cycle_anchor": anchor,
        "created": now,
        "currency": currency,
        "customer": params["customer"],
        "default_payment_method": params.get("default_payment_method"),
        "description": params.get("description"),
        "items": items,
        "metadata": merge_metadata({}, params.get("metadata", {})),
        "start_date": now,
        "status": "trialing" if trial_end else "incomplete",
        "trial_end": trial_end,
        "trial_start": now if trial_end else None,
        "_base_url": start.base_url,
        "_keeps_card": start.keeps_card,
        "_prices": prices_of(items),
    }
    subscription["payment_settings"] |= params.get("payment_settings", {})
    subscription["trial_settings"] |= params.get("trial_settings", {})
    set_period(subscription, now, trial_end or end_of_period(anchor, *recurrence(items), now))
    cancel_at_period_end(work, subscription, wanted=params.get("cancel_at_period_end", False))
    return subscription
