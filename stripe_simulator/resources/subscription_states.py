"""A subscription's life: what payments, the clock and the customer's end make of it.

Source: https://docs.stripe.com/billing/subscriptions/overview and
https://docs.stripe.com/billing/subscriptions/webhooks
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ..clock import on_time
from ..extras import control
from ..shapes import Object
from ..work import Work, follows
from . import invoicing
from .billing_cycle import end_of_period
from .invoice_collection import default_method, subscription_of
from .subscription_items import recurrence, set_period

ENDED = ("canceled", "incomplete_expired")
EXPIRES_SECONDS = 23 * 3600
_WARNING_SECONDS = 3 * 86_400
_AFTER_RETRIES = ("canceled", "unpaid", "past_due")


def tell_update(work: Work, before: Object, subscription: Object) -> Object:
    """Store a change and tell it as `customer.subscription.updated`, with what was there before."""
    changed = {
        name: value
        for name, value in before.items()
        if not name.startswith("_") and subscription.get(name) != value
    }  # fmt: skip
    work.save(subscription)
    if changed:
        work.emit("customer.subscription.updated", subscription, previous=changed)
    return subscription


def end(work: Work, subscription: Object, reason: str | None) -> Object:
    """End now, told as `customer.subscription.deleted`; unpaid invoices stay open, untried by the clock.

    An incomplete subscription never began: it becomes `incomplete_expired` and its invoice void.
    """
    begun = subscription["status"] != "incomplete"
    subscription |= {
        "status": "canceled" if begun else "incomplete_expired",
        "canceled_at": subscription["canceled_at"] or work.moment,
        "ended_at": work.moment,
        "_listed": "ended",
    }
    subscription["cancellation_details"]["reason"] = subscription["cancellation_details"]["reason"] or reason
    work.save(subscription)
    if begun:
        invoicing.stop_collecting(work, subscription["id"])
    else:
        _void_first_invoice(work, subscription)
    work.emit("customer.subscription.deleted", subscription)
    return subscription


def cancel_at_period_end(work: Work, subscription: Object, *, wanted: bool) -> None:
    """Note, or take back, that the subscription ends with its current period."""
    if wanted == subscription["cancel_at_period_end"]:
        return
    end = subscription["items"]["data"][0]["current_period_end"]
    subscription |= {
        "cancel_at_period_end": wanted,
        "cancel_at": end if wanted else None,
        "canceled_at": work.moment if wanted else None,
    }
    subscription["cancellation_details"]["reason"] = "cancellation_requested" if wanted else None


def plan_ahead(work: Work, subscription: Object) -> None:
    """Set the timers of a new subscription: its first renewal, its expiry if nobody pays, the end of its trial."""
    work.later(subscription["items"]["data"][0]["current_period_end"], "subscription_renews", subscription["id"])
    if subscription["status"] == "incomplete":
        work.later(work.moment + EXPIRES_SECONDS, "subscription_expires", subscription["id"])
    if subscription["status"] == "trialing":
        warned = max(work.now, subscription["trial_end"] - _WARNING_SECONDS)
        work.later(warned, "subscription_trial_will_end", subscription["id"])


def first_lines(work: Work, subscription: Object) -> list[Object]:
    """The lines that bill each item for its current period; a trial's are free."""
    trial = subscription["status"] == "trialing"
    return [
        invoicing.line_of(
            item,
            work.get("product", item["price"]["product"]),
            (item["current_period_start"], item["current_period_end"]),
            trial=trial,
        )
        for item in subscription["items"]["data"]
    ]


@on_time("subscription_renews")
def renew(work: Work, subscription_id: str) -> None:
    """The period is over: end, or begin the next one with a draft invoice that is paid in an hour."""
    subscription = work.get("subscription", subscription_id)
    over = subscription["items"]["data"][0]["current_period_end"]
    if subscription["status"] in (*ENDED, "incomplete") or over != work.moment:
        return
    if subscription["cancel_at_period_end"] or _ends_with_trial(work, subscription):
        end(work, subscription, None)
        return
    before = copy.deepcopy(subscription)
    start = subscription["items"]["data"][0]["current_period_start"]
    anchor = subscription["billing_cycle_anchor"]
    until = end_of_period(anchor, *recurrence(subscription["items"]), over)
    set_period(subscription, over, until)
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    invoice = invoicing.draft(
        work, subscription, first_lines(work, subscription), reason="subscription_cycle", period=(start, over)
    )
    subscription["latest_invoice"] = invoice["id"]
    if subscription["status"] != "unpaid":
        invoicing.advance_later(work, invoice)
    work.later(until, "subscription_renews", subscription_id)
    work.emit("invoice.created", invoice)
    tell_update(work, before, subscription)


@on_time("subscription_expires")
def expire(work: Work, subscription_id: str) -> None:
    """Nobody paid the first invoice within 23 hours."""
    subscription = work.get("subscription", subscription_id)
    if subscription["status"] != "incomplete":
        return
    before = copy.deepcopy(subscription)
    _void_first_invoice(work, subscription)
    subscription |= {"status": "incomplete_expired", "ended_at": work.moment, "_listed": "ended"}
    tell_update(work, before, subscription)


@on_time("subscription_trial_will_end")
def warn(work: Work, subscription_id: str) -> None:
    subscription = work.get("subscription", subscription_id)
    if subscription["status"] == "trialing":
        work.emit("customer.subscription.trial_will_end", subscription)


@follows("invoice.finalized")
def finalized(work: Work, invoice: Object) -> None:
    work.save(work.get("subscription", subscription_of(invoice)) | {"_finalized": invoice["id"]})


@follows("invoice.payment_succeeded")
def paid(work: Work, invoice: Object) -> None:
    """Once the latest finalized invoice is paid, the subscription is in good standing."""
    subscription = work.get("subscription", subscription_of(invoice))
    before = copy.deepcopy(subscription)
    intent = work.find("payment_intent", invoice["_intent"] or "")
    keeps = subscription["payment_settings"]["save_default_payment_method"] == "on_subscription"
    if intent and (keeps or subscription["_keeps_card"]):
        subscription["default_payment_method"] = intent["payment_method"]
    if subscription["status"] in ("incomplete", "past_due", "unpaid") and _is_latest(subscription, invoice):
        subscription["status"] = "active"
    tell_update(work, before, subscription)


@follows("invoice.payment_failed")
def unpaid(work: Work, invoice: Object) -> None:
    """A renewal could not be paid: past due meanwhile; after the last attempt what the account has chosen."""
    subscription = work.get("subscription", subscription_of(invoice))
    standing = subscription["status"]
    if standing != "past_due" and not (standing in ("active", "trialing") and _is_latest(subscription, invoice)):
        return
    before = copy.deepcopy(subscription)
    exhausted = invoice["_automatic"] and invoice["next_payment_attempt"] is None
    choice = after_retries(work) if exhausted else "past_due"
    subscription["status"] = "past_due" if choice == "canceled" else choice
    tell_update(work, before, subscription)
    if choice == "canceled":
        end(work, subscription, "payment_failed")


@follows("customer.deleted")
def customer_gone(work: Work, customer: Object) -> None:
    for subscription in work.all_where("subscription", customer=customer["id"], _listed="current"):
        end(work, subscription, "cancellation_requested")


@follows("setup_intent.succeeded")
def card_kept(work: Work, intent: Object) -> None:
    """The card asked for when a trial began is there."""
    subscription = work.find("subscription", intent.get("_subscription", ""))
    if subscription and subscription["pending_setup_intent"] == intent["id"]:
        before = copy.deepcopy(subscription)
        subscription |= {"pending_setup_intent": None, "default_payment_method": intent["payment_method"]}
        tell_update(work, before, subscription)


@control("POST", "billing")
def choose_after_retries(work: Work, given: Mapping[str, Any]) -> Object:
    """`after_retries`: what a subscription becomes once every attempt failed: canceled, unpaid or past_due."""
    choice = given.get("after_retries")
    if choice not in _AFTER_RETRIES or set(given) != {"after_retries"}:
        raise ValueError(f"after_retries must be one of {', '.join(_AFTER_RETRIES)}.")
    settings = work.find("billing_settings", _settings_id(work))
    if settings is None:
        settings = work.add({"id": _settings_id(work), "object": "billing_settings", "after_retries": "canceled"})
    return work.save(settings | {"after_retries": choice})


def after_retries(work: Work) -> str:
    """What the account has chosen for subscriptions whose last attempt failed; Stripe's default is to cancel."""
    settings = work.find("billing_settings", _settings_id(work)) or {}
    return str(settings.get("after_retries", "canceled"))


def _settings_id(work: Work) -> str:
    return f"billing_settings_{work.account}"


def _ends_with_trial(work: Work, subscription: Object) -> bool:
    wish = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    trialing = subscription["status"] == "trialing" and wish == "cancel"
    return trialing and default_method(work, subscription["customer"], subscription["id"]) is None


def _void_first_invoice(work: Work, subscription: Object) -> None:
    invoice = work.get("invoice", subscription["latest_invoice"])
    if invoice["status"] == "open":
        invoicing.void(work, invoice)


def _is_latest(subscription: Object, invoice: Object) -> bool:
    """Whether no younger invoice of the subscription has been finalized."""
    return bool(subscription["_finalized"] == invoice["id"])
