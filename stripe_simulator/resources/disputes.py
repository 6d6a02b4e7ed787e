"""Disputes: a cardholder's bank takes a charge back, and evidence may win it again.

Source: https://docs.stripe.com/api/disputes and https://docs.stripe.com/testing#disputes
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..clock import on_time
from ..errors import refused
from ..expansion import expandable
from ..extras import control
from ..ids import new_id
from ..lists import CREATED, listing
from ..money import THREE_DECIMAL
from ..params import Flag, Hash, Metadata, Text, Type, merge_metadata, not_simulated_here
from ..routing import Call, endpoint
from ..shapes import Object, public
from ..work import Work, follows
from .balance_transactions import record
from .payment_methods import card_of

_DAY_SECONDS = 86_400
_DAYS_TO_ANSWER = 9
_DECISION_SECONDS = 60
_DUE, _DECIDED = "dispute_evidence_due", "dispute_decided"
_MAGIC = {"winning_evidence": "won", "losing_evidence": "lost"}
_TEXTS = """
    access_activity_log billing_address cancellation_policy_disclosure cancellation_rebuttal customer_email_address
    customer_name customer_purchase_ip duplicate_charge_explanation duplicate_charge_id product_description
    refund_policy_disclosure refund_refusal_explanation service_date shipping_address shipping_carrier
    shipping_date shipping_tracking_number uncategorized_text
""".split()
# Evidence as uploaded files, or in the networks' own schemes.
_FILES = """
    cancellation_policy customer_communication customer_signature duplicate_charge_documentation receipt
    refund_policy service_documentation shipping_documentation uncategorized_file
""".split()
_EVIDENCE: dict[str, Type] = {
    **dict.fromkeys(_TEXTS, Text(most=20_000, unsettable=True)),
    **not_simulated_here(" ".join((*_FILES, "appeal", "enhanced_evidence"))),
}
REASONS = (
    *("bank_cannot_process", "credit_not_processed", "customer_initiated", "debit_not_authorized", "duplicate"),
    *("fraudulent", "general", "incorrect_account_details", "insufficient_funds", "product_not_received"),
    *("product_unacceptable", "subscription_canceled", "unrecognized"),
)
_VISA_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "duplicate": "12.6.1"}

expandable("dispute", charge="charge", payment_intent="payment_intent")


@endpoint("GET", "/v1/disputes/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("dispute", call.id)


@endpoint("GET", "/v1/disputes", {**CREATED, "charge": Text(), "payment_intent": Text()})
def list_all(call: Call) -> Object:
    params = call.params
    return listing(call, "dispute", charge=params.get("charge"), payment_intent=params.get("payment_intent"))


@endpoint(
    "POST",
    "/v1/disputes/<id>",
    {"evidence": Hash(_EVIDENCE), "metadata": Metadata(), "submit": Flag()},
)
def update(call: Call) -> Object:
    """Give evidence; it goes to the bank at once, unless `submit` is false. Raises: ApiError 400 once that is over."""
    work, params = call.work, call.params
    dispute = work.get("dispute", call.id)
    if "metadata" in params:
        dispute["metadata"] = merge_metadata(dispute["metadata"], params["metadata"])
    if "evidence" in params or params.get("submit"):
        _check_open(dispute)
        dispute["evidence"] |= params.get("evidence") or {}
        given = any(dispute["evidence"][name] for name in _TEXTS)
        dispute["evidence_details"]["has_evidence"] = given
        if given and params.get("submit", True):
            _submit(work, dispute)
    work.save(dispute)
    work.emit("charge.dispute.updated", dispute)
    return dispute


@endpoint("POST", "/v1/disputes/<id>/close")
def close(call: Call) -> Object:
    """Give in: the dispute is lost for good. Raises: ApiError 400 if it is not waiting for an answer."""
    dispute = call.work.get("dispute", call.id)
    _check_open(dispute)
    return _end(call.work, dispute, "lost")


@follows("payment_intent.succeeded")
def dispute_by_card(work: Work, intent: Object) -> None:
    """Some test cards dispute whatever is taken from them; a hold alone takes nothing."""
    charge = work.find("charge", intent["latest_charge"] or "")
    method = work.find("payment_method", charge["payment_method"] or "") if charge else None
    if charge and method and (reason := card_of(method).dispute):
        open_dispute(work, charge, reason)


def open_dispute(work: Work, charge: Object, reason: str) -> Object:
    """Take what is left of a captured charge back, with a fee. Raises: ApiError 400 if there is nothing to take."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    if not charge["captured"] or charge["disputed"] or left <= 0:
        raise refused(f"Charge {charge['id']} cannot be disputed: it is not captured, disputed already, or refunded.")
    dispute = _blank(work, charge, left, reason)
    fee = 15 * (1000 if charge["currency"] in THREE_DECIMAL else 100)
    words = f"Chargeback withdrawal for {charge['id']}"
    _move(work, dispute, -left, "dispute", words, fee=fee)
    charge["disputed"] = True
    work.save(charge)
    work.add(dispute)
    work.emit("charge.dispute.created", dispute)
    work.emit("charge.dispute.funds_withdrawn", dispute)
    work.later(dispute["evidence_details"]["due_by"], _DUE, dispute["id"])
    return dispute


@on_time(_DUE)
def run_out(work: Work, dispute_id: str) -> None:
    """Nobody answered in time."""
    dispute = work.get("dispute", dispute_id)
    if dispute["status"] == "needs_response":
        dispute["evidence_details"]["past_due"] = True
        _end(work, dispute, "lost")


@on_time(_DECIDED)
def decide(work: Work, dispute_id: str) -> None:
    """The bank has read the evidence."""
    dispute = work.get("dispute", dispute_id)
    outcome = _MAGIC.get(dispute["evidence"]["uncategorized_text"] or "")
    if dispute["status"] == "under_review" and outcome:
        _end(work, dispute, outcome)


@control("POST", "disputes")
def open_on_request(work: Work, given: Mapping[str, Any]) -> Object:
    """Dispute a `charge`, or that of a `payment_intent`, for a `reason`. Raises: ValueError or ApiError."""
    reason = given.get("reason", "fraudulent")
    if reason not in REASONS:
        raise ValueError(f"reason must be one of {', '.join(REASONS)}")
    named = str(given.get("charge") or given.get("payment_intent") or "")
    own = work.of(work.owner(named) or work.account)
    if given.get("payment_intent"):
        named = own.get("payment_intent", named)["latest_charge"] or named
    return open_dispute(own, own.get("charge", named), reason)


@control("POST", "disputes/close")
def close_on_request(work: Work, given: Mapping[str, Any]) -> Object:
    """Have the bank decide a `dispute`: `status` won or lost. Raises: ValueError."""
    own = work.of(work.owner(str(given.get("dispute"))) or work.account)
    dispute = own.get("dispute", str(given.get("dispute")))
    if given.get("status") not in ("won", "lost"):
        raise ValueError("status must be won or lost")
    if dispute["status"] not in ("needs_response", "under_review"):
        raise ValueError(f"The dispute is {dispute['status']} already.")
    return _end(own, dispute, given["status"])


def _check_open(dispute: Object) -> None:
    if dispute["status"] == "under_review":
        raise refused(f"The evidence of dispute {dispute['id']} has been submitted and cannot be changed any more.")
    if dispute["status"] != "needs_response":
        raise refused(f"This dispute is already closed: {dispute['id']} is {dispute['status']}.")


def _submit(work: Work, dispute: Object) -> None:
    dispute["status"] = "under_review"
    dispute["evidence_details"]["submission_count"] += 1
    dispute["evidence_details"]["submission_method"] = "manual"
    work.later(work.now + _DECISION_SECONDS, _DECIDED, dispute["id"])


def _end(work: Work, dispute: Object, outcome: str) -> Object:
    """Close a dispute; a won one gives the money back, not the fee."""
    dispute["status"] = outcome
    if outcome == "won":
        charge = work.get("charge", dispute["charge"])
        charge["_dispute_won"] = True
        work.save(charge)
        words = f"Chargeback reversal for {dispute['charge']}"
        _move(work, dispute, dispute["amount"], "dispute_reversal", words)
    work.save(dispute)
    if outcome == "won":
        work.emit("charge.dispute.funds_reinstated", dispute)
    work.emit("charge.dispute.closed", dispute)
    return dispute


def _move(work: Work, dispute: Object, amount: int, category: str, words: str, *, fee: int = 0) -> None:
    moved = record(
        work,
        "adjustment",
        dispute["id"],
        amount,
        dispute["currency"],
        fee=fee,
        fee_for="Dispute fee",
        at_once=True,
        category=category,
        description=words,
    )
    dispute["balance_transactions"].append(public(work.get("balance_transaction", moved)))


def _blank(work: Work, charge: Object, amount: int, reason: str) -> Object:
    card = (charge["payment_method_details"] or {}).get("card") or {"brand": "unknown"}
    code = _VISA_CODES.get(reason) if card["brand"] == "visa" else None
    brand = {"brand": card["brand"], "case_type": "chargeback", "network": card["brand"], "network_reason_code": code}
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": work.moment,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys((*_TEXTS, *_FILES)), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": (work.moment // _DAY_SECONDS + _DAYS_TO_ANSWER + 1) * _DAY_SECONDS - 1,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "network_reason_code": code,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": brand, "type": "card"},
        "reason": reason,
        "status": "needs_response",
    }
