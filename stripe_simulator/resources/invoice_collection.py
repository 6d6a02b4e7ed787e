"""Getting invoices paid: by the default card when due, again on days that follow, or by whoever confirms.

A failed renewal is tried again 3, 5 and 7 days after the attempt before; then its subscription ends (or stays
`unpaid` or `past_due`, see subscription_states). Stripe lets each account choose: this is one of its custom
schedules. Source: https://docs.stripe.com/billing/revenue-recovery/smart-retries
"""

from __future__ import annotations

from ..clock import on_time
from ..errors import ApiError
from ..shapes import Object
from ..work import Work, follows
from . import confirmation, invoice_payments, invoicing

RETRY_DAYS = (3, 5, 7)


def default_method(work: Work, customer_id: str, subscription_id: str | None) -> Object | None:
    """The card that pays by itself: the subscription's, else the customer's for invoices."""
    subscription = work.find("subscription", subscription_id or "")
    customer = work.find("customer", customer_id) or {}
    chosen = (subscription or {}).get("default_payment_method")
    chosen = chosen or customer.get("invoice_settings", {}).get("default_payment_method")
    return work.find("payment_method", chosen) if chosen else None


def subscription_of(invoice: Object) -> str:
    """The id of the subscription that an invoice bills."""
    return str(invoice["parent"]["subscription_details"]["subscription"])


def collect(work: Work, invoice: Object, method: Object, base_url: str, *, automatic: bool = False) -> Object:
    """Try to pay an open invoice with a card, and return it as it is then: paid, or still open.

    3-D Secure leaves its PaymentIntent in `requires_action`. Raises: ApiError 402 when the bank declines (the
    failed attempt stays written), 400 for a card that cannot be used.
    """
    invoice["_automatic"] = automatic
    work.save(invoice)
    intent = work.get("payment_intent", invoice["_intent"])
    params = {"use_stripe_sdk": True, "off_session": "recurring" if automatic else "false"}
    confirmation.confirm(work, intent, method, params, base_url, may_wait=True)
    return work.get("invoice", invoice["id"])


def collect_on_time(work: Work, invoice: Object) -> None:
    """An attempt by the clock: nobody is there to hear of a decline but the webhooks."""
    if not invoice["amount_due"]:
        settle(work, invoice)
        return
    subscription = work.get("subscription", subscription_of(invoice))
    method = default_method(work, invoice["customer"], subscription["id"])
    if method:
        try:
            collect(work, invoice, method, subscription["_base_url"], automatic=True)
            return
        except ApiError as error:
            if error.effect:
                return
    invoice["_automatic"] = True
    _fail(work, invoice)


def settle(work: Work, invoice: Object) -> Object:
    """Mark an invoice paid, and tell. Its subscription follows `invoice.payment_succeeded`."""
    before = {name: invoice[name] for name in ("amount_paid", "amount_remaining", "attempted", "status")}
    invoice_payments.complete_payment(work, invoice)
    _count(invoice)
    invoice |= {
        "amount_paid": invoice["amount_due"],
        "amount_remaining": 0,
        "auto_advance": False,
        "next_payment_attempt": None,
        "status": "paid",
    }
    invoice["status_transitions"]["paid_at"] = work.moment
    work.save(invoice)
    _set_delinquent(work, invoice["customer"], delinquent=False)
    work.emit("invoice.updated", invoice, previous=before)
    work.emit("invoice.paid", invoice)
    work.emit("invoice.payment_succeeded", invoice)
    return invoice


@on_time("invoice_finalizes")
def finalize_on_time(work: Work, invoice_id: str) -> None:
    invoice = work.get("invoice", invoice_id)
    if invoice["status"] != "draft" or not invoice["auto_advance"]:
        return
    try:
        with work.attempt():
            invoice = invoicing.finalize(work, invoice)
    except ApiError as refusal:
        invoice = work.get("invoice", invoice_id) | {"auto_advance": False, "next_payment_attempt": None}
        invoice["last_finalization_error"] = refusal.body()["error"]
        work.save(invoice)
        work.emit("invoice.finalization_failed", invoice)
        return
    collect_on_time(work, invoice)


@on_time("invoice_retries")
def retry(work: Work, invoice_id: str) -> None:
    invoice = work.get("invoice", invoice_id)
    if invoice["status"] == "open" and invoice["next_payment_attempt"] == work.moment:
        collect_on_time(work, invoice)


@follows("payment_intent.succeeded")
def intent_paid(work: Work, intent: Object) -> None:
    invoice = _invoice_of(work, intent)
    if invoice and invoice["status"] in ("open", "uncollectible"):
        settle(work, invoice)


@follows("payment_intent.payment_failed")
def intent_failed(work: Work, intent: Object) -> None:
    if invoice := _invoice_of(work, intent):
        _fail(work, invoice)


@follows("payment_intent.requires_action")
def intent_waits(work: Work, intent: Object) -> None:
    invoice = _invoice_of(work, intent)
    if invoice is None:
        return
    work.emit("invoice.payment_action_required", invoice)
    # Nobody is there to act on an attempt by the clock: it counts as failed.
    if invoice["_automatic"]:
        _fail(work, invoice)


def _invoice_of(work: Work, intent: Object) -> Object | None:
    return work.find("invoice", intent["_invoice"]) if intent.get("_invoice") else None


def _fail(work: Work, invoice: Object) -> None:
    """Note a failed attempt, plan the next one if the clock made this one, and tell."""
    before = {name: invoice[name] for name in ("attempt_count", "attempted", "next_payment_attempt")}
    _count(invoice)
    if invoice["_automatic"]:
        number = invoice["attempt_count"] - 1
        again = invoice["auto_advance"] and number < len(RETRY_DAYS)
        invoice["next_payment_attempt"] = work.moment + RETRY_DAYS[number] * 86_400 if again else None
        if again:
            work.later(invoice["next_payment_attempt"], "invoice_retries", invoice["id"])
    work.save(invoice)
    _set_delinquent(work, invoice["customer"], delinquent=True)
    work.emit("invoice.updated", invoice, previous=before)
    work.emit("invoice.payment_failed", invoice)
    latest = work.get("invoice", invoice["id"])
    work.save(latest | {"_automatic": False})


def _count(invoice: Object) -> None:
    """Any attempt counts as the first one; after it only those by the clock count."""
    if invoice["attempt_count"] == 0 or invoice["_automatic"]:
        invoice["attempt_count"] += 1
    invoice["attempted"] = True


def _set_delinquent(work: Work, customer_id: str, *, delinquent: bool) -> None:
    customer = work.find("customer", customer_id)
    if customer and not customer.get("deleted") and customer["delinquent"] != delinquent:
        customer["delinquent"] = delinquent
        work.save(customer)
        work.emit("customer.updated", customer, previous={"delinquent": not delinquent})
