"""Invoice payments: which PaymentIntent pays which invoice. Source: https://docs.stripe.com/api/invoice-payment"""

from __future__ import annotations

from ..expansion import expandable
from ..ids import new_id
from ..lists import CREATED, listing
from ..params import Hash, Required, SomeOf, Text, one_of
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work

expandable("invoice_payment", invoice="invoice")
expandable("invoice_payment.payment", payment_intent="payment_intent", charge="charge")


def open_payment(work: Work, invoice: Object, intent_id: str) -> Object:
    """The invoice's default payment, of all that is due, by a PaymentIntent."""
    return work.add(
        {
            "id": new_id("inpay"),
            "object": "invoice_payment",
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "created": work.moment,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": {"payment_intent": intent_id, "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        }
    )


def complete_payment(work: Work, invoice: Object) -> None:
    """The PaymentIntent has paid; told as `invoice_payment.paid`."""
    if payment := _open(work, invoice):
        payment |= {"status": "paid", "amount_paid": payment["amount_requested"]}
        payment["status_transitions"]["paid_at"] = work.moment
        work.save(payment)
        work.emit("invoice_payment.paid", payment)


def cancel_payment(work: Work, invoice: Object) -> None:
    """Nobody will pay this way any more: the invoice is void, or was paid elsewhere."""
    if payment := _open(work, invoice):
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = work.moment
        work.save(payment)


@endpoint("GET", "/v1/invoice_payments/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("invoice_payment", call.id)


@endpoint(
    "GET",
    "/v1/invoice_payments",
    {
        **CREATED,
        "invoice": Text(),
        "status": one_of("open", "paid", "canceled"),
        "payment": Hash(
            {"type": Required(SomeOf(("payment_intent",), ("payment_record",))), "payment_intent": Required(Text())}
        ),
    },
)
def list_all(call: Call) -> Object:
    params = call.params
    wanted = {"invoice": params.get("invoice"), "status": params.get("status")}
    return listing(
        call, "invoice_payment", **wanted, **{"payment.payment_intent": params.get("payment", {}).get("payment_intent")}
    )


def _open(work: Work, invoice: Object) -> Object | None:
    payment = work.find("invoice_payment", invoice["_payment"] or "")
    return payment if payment and payment["status"] == "open" else None
