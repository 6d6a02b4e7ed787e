"""Invoices, as the API shows, pays and voids them. Source: https://docs.stripe.com/api/invoices"""

from __future__ import annotations

from ..errors import ApiError, refused
from ..expansion import expandable
from ..lists import CREATED, CURSORS, as_list, listing
from ..params import Flag, Metadata, SomeOf, Text, merge_metadata, one_of
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work
from . import invoice_payments, invoicing
from .customers import chargeable
from .invoice_collection import collect, default_method, settle, subscription_of
from .payment_methods import look_up

_STATUSES = one_of("draft", "open", "paid", "uncollectible", "void")


def _confirmation_secret(work: Work, invoice: Object) -> Object | None:
    # What is shown has lost the simulator's notes: ask the stored invoice.
    stored = work.get("invoice", invoice["id"])
    intent = work.find("payment_intent", stored["_intent"] or "")
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


def _payments(work: Work, invoice: Object) -> Object:
    found = work.page("invoice_payment", {"invoice": invoice["id"]}, limit=10)
    return as_list(found, f"/v1/invoice_payments?invoice={invoice['id']}")


expandable(
    "invoice",
    confirmation_secret=_confirmation_secret,
    customer="customer",
    default_payment_method="payment_method",
    payments=_payments,
)
expandable("invoice.parent.subscription_details", subscription="subscription")


@endpoint("GET", "/v1/invoices/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("invoice", call.id)


@endpoint(
    "GET",
    "/v1/invoices",
    {
        **CREATED,
        "collection_method": one_of("charge_automatically", "send_invoice"),
        "customer": Text(),
        "status": _STATUSES,
        "subscription": Text(),
    },
)
def list_all(call: Call) -> Object:
    params = call.params
    wanted = {name: params.get(name) for name in ("collection_method", "customer", "status")}
    wanted["parent.subscription_details.subscription"] = params.get("subscription")
    return listing(call, "invoice", **wanted)


@endpoint("GET", "/v1/invoices/<id>/lines", CURSORS)
def list_lines(call: Call) -> Object:
    lines = call.work.get("invoice", call.id)["lines"]["data"]
    params = call.params
    ids = [line["id"] for line in lines]
    for cursor in ("starting_after", "ending_before"):
        if params.get(cursor, ids[0]) not in ids:
            raise refused(f"No such line item: '{params[cursor]}'", code="resource_missing", param=cursor)
    if "starting_after" in params:
        lines = lines[ids.index(params["starting_after"]) + 1 :]
    if "ending_before" in params:
        lines = lines[: ids.index(params["ending_before"])]
    limit = params.get("limit", 10)
    return as_list(lines[:limit], call.path, len(lines) > limit)


@endpoint(
    "POST",
    "/v1/invoices/<id>",
    {
        "description": Text(most=1500, unsettable=True),
        "metadata": Metadata(),
    },
)
def update(call: Call) -> Object:
    work, params = call.work, call.params
    invoice = work.get("invoice", call.id)
    before = {name: invoice[name] for name in params}
    if "metadata" in params:
        invoice["metadata"] = merge_metadata(invoice["metadata"], params["metadata"])
    invoice["description"] = params.get("description", invoice["description"])
    work.save(invoice)
    if params:
        work.emit("invoice.updated", invoice, previous=before)
    return invoice


@endpoint("POST", "/v1/invoices/<id>/finalize", {"auto_advance": SomeOf(("true",), ("false",))})
def finalize(call: Call) -> Object:
    return invoicing.finalize(call.work, call.work.get("invoice", call.id))


@endpoint(
    "POST",
    "/v1/invoices/<id>/pay",
    {
        "off_session": Flag(),
        "paid_out_of_band": Flag(),
        "payment_method": Text(),
    },
)
def pay(call: Call) -> Object:
    """Pay now, with the named card or the default one; a draft is finalized first.

    Raises: ApiError 402 when the bank declines or wants 3-D Secure; the attempt stays written.
    """
    work, params = call.work, call.params
    invoice = work.get("invoice", call.id)
    if invoice["status"] == "draft":
        invoicing.finalize(work, invoice)
    if invoice["status"] not in ("open", "uncollectible"):
        words = "is already paid" if invoice["status"] == "paid" else "has been voided and cannot be paid"
        raise refused(f"Invoice {words}")
    if params.get("paid_out_of_band"):
        return _paid_elsewhere(work, invoice)
    if not invoice["amount_due"]:
        return settle(work, invoice)
    invoice = collect(work, invoice, _card(call, invoice), call.base_url)
    if invoice["status"] != "paid":
        raise ApiError(
            402,
            "This payment requires additional user action before it can be completed successfully. Payment can be "
            "completed using the PaymentIntent associated with the invoice.",
            type="card_error",
            code="invoice_payment_intent_requires_action",
            effect=True,
        )
    return invoice


@endpoint("POST", "/v1/invoices/<id>/void")
def void(call: Call) -> Object:
    return invoicing.void(call.work, call.work.get("invoice", call.id))


@endpoint("POST", "/v1/invoices/<id>/mark_uncollectible")
def mark_uncollectible(call: Call) -> Object:
    """Give an open invoice up; it can still be paid."""
    work, invoice = call.work, call.work.get("invoice", call.id)
    if invoice["status"] != "open":
        raise refused(f"You can only mark open invoices as uncollectible. This invoice is {invoice['status']}.")
    invoice |= {"status": "uncollectible", "auto_advance": False, "next_payment_attempt": None}
    invoice["status_transitions"]["marked_uncollectible_at"] = work.moment
    work.save(invoice)
    work.emit("invoice.marked_uncollectible", invoice)
    return invoice


def _card(call: Call, invoice: Object) -> Object:
    work = call.work
    chargeable(work, invoice["customer"])
    if "payment_method" in call.params:
        return look_up(work, call.params["payment_method"])
    method = default_method(work, invoice["customer"], subscription_of(invoice))
    if method is None:
        raise refused(
            "There is no `default_payment_method` set on this Customer or Invoice. Please provide a `payment_method`.",
            code="resource_missing",
        )
    return method


def _paid_elsewhere(work: Work, invoice: Object) -> Object:
    """The customer paid by other means: no card is charged any more."""
    invoice_payments.cancel_payment(work, invoice)
    invoicing.cancel_intent(work, invoice, "abandoned")
    return settle(work, invoice | {"amount_paid_off_stripe": invoice["amount_due"]})
