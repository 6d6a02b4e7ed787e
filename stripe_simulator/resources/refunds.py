"""Refunds: money of a captured charge given back. Source: https://docs.stripe.com/api/refunds"""

from __future__ import annotations

from ..clock import on_time
from ..errors import invalid, missing_parameter, no_such, refused
from ..expansion import expandable
from ..ids import new_id, token
from ..lists import CREATED, listing
from ..money import POSITIVE, display
from ..params import Metadata, Text, merge_metadata, one_of
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work
from .balance_transactions import record

_LATER_SECONDS = 60
_SETTLES, _FAILS = "refund_settles", "refund_fails"
_TIMERS = {"settles_later": _SETTLES, "fails_later": _FAILS}

expandable(
    "refund",
    charge="charge",
    payment_intent="payment_intent",
    balance_transaction="balance_transaction",
    failure_balance_transaction="balance_transaction",
)


@endpoint(
    "POST",
    "/v1/refunds",
    {
        "payment_intent": Text(),
        "charge": Text(),
        "amount": POSITIVE,
        "metadata": Metadata(),
        "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
    },
)
def create(call: Call) -> Object:
    work, params = call.work, call.params
    charge = _refundable_charge(call)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if amount > left:
        raise refused(
            f"Refund amount ({display(amount, charge['currency'])}) is greater than unrefunded amount on "
            f"charge "
            f"({display(left, charge['currency'])})",
            param="amount",
        )
    refund = work.add(_blank(call, charge, amount))
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    work.save(charge)
    work.emit("refund.created", refund)
    work.emit("charge.refunded", charge)
    if timer := _TIMERS.get(charge["_refund"]):
        work.later(work.now + _LATER_SECONDS, timer, refund["id"])
    return refund


@endpoint("GET", "/v1/refunds/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("refund", call.id)


@endpoint("GET", "/v1/refunds", {**CREATED, "payment_intent": Text(), "charge": Text()})
def list_all(call: Call) -> Object:
    params = call.params
    return listing(call, "refund", payment_intent=params.get("payment_intent"), charge=params.get("charge"))


@endpoint("POST", "/v1/refunds/<id>", {"metadata": Metadata()})
def update(call: Call) -> Object:
    refund = call.work.get("refund", call.id)
    if "metadata" in call.params:
        refund["metadata"] = merge_metadata(refund["metadata"], call.params["metadata"])
        call.work.save(refund)
        _tell_update(call.work, refund)
    return refund


@on_time(_SETTLES)
def settle_refund(work: Work, refund_id: str) -> None:
    refund = work.get("refund", refund_id)
    refund["status"] = "succeeded"
    refund["pending_reason"] = None
    work.save(refund)
    _tell_update(work, refund)


@on_time(_FAILS)
def fail_refund(work: Work, refund_id: str) -> None:
    """The bank sends the money back: it returns to the platform's balance, and counts as unrefunded again."""
    refund = work.get("refund", refund_id)
    charge = work.get("charge", refund["charge"])
    refund |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
    refund["failure_balance_transaction"] = record(
        work, "refund_failure", refund["id"], refund["amount"], refund["currency"], at_once=True
    )
    charge |= {"amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False}
    work.save(refund)
    work.save(charge)
    _tell_update(work, refund)
    work.emit("refund.failed", refund)


def _tell_update(work: Work, refund: Object) -> None:
    work.emit("refund.updated", refund)
    work.emit("charge.refund.updated", refund)


def _refundable_charge(call: Call) -> Object:
    """The charge to refund. Raises: ApiError 400 if it was never captured, is all refunded or disputed."""
    charge = _named_charge(call)
    if not charge["captured"] or not charge["paid"]:
        raise refused(
            f"This PaymentIntent ({charge['payment_intent']}) does not have a successful charge to refund: "
            f"its charge "
            f"{charge['id']} has not been captured. Cancel the PaymentIntent instead, to release the hold."
        )
    if charge["source_transfer"]:
        raise refused(
            f"Charge {charge['id']} is what a transfer became. Stripe lets the account refund it to the platform; this "
            f"simulator does not: reverse {charge['source_transfer']} instead."
        )
    if charge["disputed"] and not charge.get("_dispute_won"):
        raise refused(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if charge["refunded"]:
        raise refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    return charge


def _named_charge(call: Call) -> Object:
    work, params = call.work, call.params
    if "charge" in params and "payment_intent" in params:
        raise invalid("You may only specify one of these parameters: charge, payment_intent.", param="charge")
    if "charge" in params:
        return work.get("charge", params["charge"], param="charge")
    if "payment_intent" not in params:
        raise missing_parameter("payment_intent")
    intent = work.find("payment_intent", params["payment_intent"])
    if intent is None:
        raise no_such("payment_intent", params["payment_intent"], param="payment_intent")
    if intent["latest_charge"] is None:
        raise refused(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
    return work.get("charge", intent["latest_charge"])


def _blank(call: Call, charge: Object, amount: int) -> Object:
    work = call.work
    refund_id = new_id("re")
    pending = charge["_refund"] == "settles_later"
    return {
        "id": refund_id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": record(work, "refund", refund_id, -amount, charge["currency"], at_once=True),
        "charge": charge["id"],
        "created": work.moment,
        "currency": charge["currency"],
        "destination_details": {
            "card": {
                "reference": token(12),
                "reference_status": "available",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": merge_metadata({}, call.params.get("metadata", {})),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": "processing" if pending else None,
        "reason": call.params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if pending else "succeeded",
        "transfer_reversal": None,
    }
