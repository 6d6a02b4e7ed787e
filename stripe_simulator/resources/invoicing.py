"""Making invoices: a draft with its lines, then final, with a PaymentIntent to pay it; or void.

Source: https://docs.stripe.com/invoicing/overview and https://docs.stripe.com/billing/invoices/subscription
"""

from __future__ import annotations

import copy
from typing import Any

from ..errors import refused
from ..ids import new_id, token
from ..lists import as_list
from ..money import check_charge, display
from ..params import merge_metadata
from ..routing import Call
from ..shapes import Object
from ..work import Work
from . import holds, invoice_payments, payment_intents

DRAFT_SECONDS = 3600
_DESCRIPTIONS = {"subscription_create": "Subscription creation", "subscription_cycle": "Subscription update"}
_UNSET = """
    account_tax_ids application customer_address customer_email customer_name customer_phone customer_shipping
    customer_tax_exempt custom_fields default_payment_method default_source description due_date effective_at
    ending_balance footer from_invoice hosted_invoice_url invoice_pdf last_finalization_error latest_revision
    next_payment_attempt number on_behalf_of receipt_number rendering shipping_cost shipping_details
    statement_descriptor test_clock threshold_reason webhooks_delivered_at automatically_finalizes_at
    customer_account
""".split()

# What every new invoice has alike.
_ALIKE: Object = {
    **dict.fromkeys(("amount_overpaid", "amount_paid", "amount_shipping", "attempt_count", "starting_balance"), 0),
    **dict.fromkeys(("post_payment_credit_notes_amount", "pre_payment_credit_notes_amount"), 0),
    **dict.fromkeys(("attempted", "auto_advance", "livemode", "_automatic"), False),
    "object": "invoice",
    "account_country": "US",
    "account_name": "Simulated platform",
    "automatic_tax": {
        "disabled_reason": None,
        "enabled": False,
        "liability": None,
        "provider": None,
        "status": None,
    },
    "collection_method": "charge_automatically",
    "customer_tax_ids": [],
    "default_tax_rates": [],
    "discounts": [],
    "issuer": {"type": "self"},
    "metadata": {},
    "payment_settings": {
        "default_mandate": None,
        "payment_method_options": None,
        "payment_method_types": None,
    },
    "status": "draft",
    "status_transitions": dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")),
    "total_discount_amounts": [],
    "total_pretax_credit_amounts": [],
    "total_taxes": [],
    "_intent": None,
    "_payment": None,
}


def line_of(item: Object, product: Object, period: tuple[int, int], *, trial: bool) -> Object:
    """The line that bills a subscription item for a period (Unix seconds); a trial costs nothing."""
    words = f"Trial period for {product['name']}" if trial else None
    line = _line(item["price"], item["quantity"], product, period, words, free=trial)
    line["parent"] = {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": item["subscription"],
            "subscription_item": item["id"],
        },
        "type": "subscription_item_details",
    }
    return line


def extra_line(price: Object, quantity: int, product: Object, subscription_id: str, moment: int) -> Object:
    """The line of something that is bought once, together with a subscription."""
    line = _line(price, quantity, product, (moment, moment), str(product["name"]), free=False)
    line["parent"] = {
        "invoice_item_details": {
            "invoice_item": new_id("ii"),
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": subscription_id,
        },
        "subscription_item_details": None,
        "type": "invoice_item_details",
    }
    return line


def draft(work: Work, subscription: Object, lines: list[Object], *, reason: str, period: tuple[int, int]) -> Object:
    """A draft invoice of a subscription, stored; the caller tells `invoice.created` when it is due.

    Raises: ApiError 400 for a total that cannot be charged.
    """
    total = sum(line["amount"] for line in lines)
    currency = subscription["currency"]
    if total:
        check_charge(total, currency)
    invoice_id = new_id("in")
    for line in lines:
        line |= {"invoice": invoice_id, "subscription": subscription["id"]}
    invoice = _blank(work, invoice_id, subscription, total) | {
        "billing_reason": reason,
        "currency": currency,
        "lines": as_list(lines, f"/v1/invoices/{invoice_id}/lines") | {"total_count": len(lines)},
        "period_end": period[1],
        "period_start": period[0],
    }
    return work.add(invoice)


def finalize(work: Work, invoice: Object) -> Object:
    """Close a draft: it gets its number and a PaymentIntent over what is due. Raises: ApiError 400 if no draft."""
    if invoice["status"] != "draft":
        raise refused("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    invoice |= {
        "number": _next_number(work, invoice),
        "status": "open",
        "effective_at": work.moment,
        "automatically_finalizes_at": None,
        "hosted_invoice_url": f"https://invoice.stripe.com/i/{work.account}/test_{token(24)}",
        "ending_balance": 0,
    }
    invoice["status_transitions"]["finalized_at"] = work.moment
    work.save(invoice)
    work.emit("invoice.finalized", invoice)
    if invoice["amount_due"]:
        intent = _make_intent(work, invoice)
        invoice["_intent"] = intent["id"]
        invoice["_payment"] = invoice_payments.open_payment(work, invoice, intent["id"])["id"]
        work.save(invoice)
    return invoice


def void(work: Work, invoice: Object) -> Object:
    """Declare that an invoice is not owed. Raises: ApiError 400 unless it is open or uncollectible."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise refused(f"You can only pass in open or uncollectible invoices. This invoice isn't: {invoice['status']}.")
    invoice_payments.cancel_payment(work, invoice)
    cancel_intent(work, invoice, "void_invoice")
    invoice |= {"status": "void", "auto_advance": False, "next_payment_attempt": None}
    invoice["status_transitions"]["voided_at"] = work.moment
    work.save(invoice)
    work.emit("invoice.voided", invoice)
    return invoice


def cancel_intent(work: Work, invoice: Object, reason: str) -> None:
    """Cancel the PaymentIntent of an invoice that nobody shall pay by card any more."""
    intent = work.find("payment_intent", invoice["_intent"] or "")
    if intent and intent["status"] in holds.CANCELABLE:
        holds.cancel(work, intent, reason)


def stop_collecting(work: Work, subscription_id: str) -> None:
    """Leave every unpaid invoice of an ended subscription as it is: no more attempts by the clock."""
    for invoice in work.all_where("invoice", **{"parent.subscription_details.subscription": subscription_id}):
        if invoice["status"] in ("draft", "open") and invoice["auto_advance"]:
            invoice |= {"auto_advance": False, "next_payment_attempt": None, "automatically_finalizes_at": None}
            work.save(invoice)


def advance_later(work: Work, invoice: Object) -> None:
    """Have a draft finalized and paid in an hour, as Stripe does with renewals."""
    due = work.moment + DRAFT_SECONDS
    invoice |= {"auto_advance": True, "automatically_finalizes_at": due, "next_payment_attempt": due}
    work.save(invoice)
    work.later(due, "invoice_finalizes", invoice["id"])


def _line(
    price: Object, quantity: int, product: Object, period: tuple[int, int], words: str | None, *, free: bool
) -> Object:
    amount = 0 if free else price["unit_amount"] * quantity
    return {
        "id": new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": words or f"{quantity} × {product['name']} (at {_rate(price)})",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "livemode": False,
        "metadata": {},
        "period": {"end": period[1], "start": period[0]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": product["id"]},
            "type": "price_details",
            "unit_amount_decimal": "0" if free else price["unit_amount_decimal"],
        },
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subtotal": amount,
        "taxes": [],
    }


def _rate(price: Object) -> str:
    recurring = price["recurring"]
    every = recurring["interval"] if recurring["interval_count"] == 1 else (
        f"every {recurring['interval_count']} {recurring['interval']}s"
    )  # fmt: skip
    return f"{display(price['unit_amount'], price['currency'])} / {every}"


def _next_number(work: Work, invoice: Object) -> str:
    """The customer's prefix and the next number in their sequence."""
    customer = work.get("customer", invoice["customer"])
    sequence = customer["next_invoice_sequence"]
    customer |= {"next_invoice_sequence": sequence + 1, "currency": customer["currency"] or invoice["currency"]}
    work.save(customer)
    return f"{customer['invoice_prefix']}-{sequence:04d}"


def _make_intent(work: Work, invoice: Object) -> Object:
    """A PaymentIntent over what is due, for the customer's cards; what becomes of it, becomes of the invoice."""
    params: dict[str, Any] = {
        "amount": invoice["amount_due"],
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "description": _DESCRIPTIONS.get(invoice["billing_reason"], "Invoice"),
        "allowed_payment_method_types": ["card"],
    }
    if invoice["billing_reason"] == "subscription_create":
        params["setup_future_usage"] = "off_session"
    intent = payment_intents.create(Call(work, params, "/v1/payment_intents"))
    intent["_invoice"] = invoice["id"]
    return work.save(intent)


def _blank(work: Work, invoice_id: str, subscription: Object, total: int) -> Object:
    customer = work.get("customer", subscription["customer"])
    return {
        **dict.fromkeys(_UNSET),
        **copy.deepcopy(_ALIKE),
        **dict.fromkeys(("amount_due", "amount_remaining", "subtotal", "subtotal_excluding_tax"), total),
        **dict.fromkeys(("total", "total_excluding_tax"), total),
        **{f"customer_{name}": customer.get(name) for name in ("address", "email", "name", "phone", "shipping")},
        "id": invoice_id,
        "created": work.moment,
        "customer": subscription["customer"],
        "customer_tax_exempt": customer.get("tax_exempt"),
        "parent": {
            "quote_details": None,
            "subscription_details": {
                "metadata": merge_metadata({}, subscription["metadata"]),
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        },
    }
