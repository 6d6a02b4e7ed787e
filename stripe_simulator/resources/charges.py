"""Charges: one attempt to take money from a card, authorized or declined.

Source: https://docs.stripe.com/api/charges
"""

from __future__ import annotations

from ..cards import Decline, TestCard
from ..expansion import expandable
from ..ids import new_id, token
from ..lists import CREATED, as_list, listing
from ..money import stripe_fee
from ..params import Metadata, Text, merge_metadata
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work
from .balance_transactions import record
from .payment_methods import card_of

_CUSTOMER_INITIATED_SECONDS = 7 * 86_400
_MERCHANT_INITIATED_VISA_SECONDS = 4 * 86_400 + 18 * 3600
_UNSET = """
    application application_fee application_fee_amount balance_transaction failure_balance_transaction
    failure_code failure_message on_behalf_of payment_method_details receipt_number receipt_url review
    source source_transfer transfer_data
""".split()


def _refunds_of(work: Work, charge: Object) -> Object:
    newest_first = work.page("refund", {"charge": charge["id"]}, limit=10)
    return as_list(newest_first, f"/v1/charges/{charge['id']}/refunds")


expandable(
    "charge",
    customer="customer",
    payment_intent="payment_intent",
    balance_transaction="balance_transaction",
    refunds=_refunds_of,
)


def hold_seconds(brand: str, *, merchant_initiated: bool) -> int:
    """How long an authorization lives.

    Source: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
    """
    if merchant_initiated and brand == "visa":
        return _MERCHANT_INITIATED_VISA_SECONDS
    return _CUSTOMER_INITIATED_SECONDS


def make_charge(work: Work, intent: Object, method: Object, *, merchant_initiated: bool, authenticated: bool) -> Object:
    """Ask the card's bank: a charge, authorized (not captured) or failed, and not stored yet."""
    card = card_of(method)
    charge = _blank(work, intent, method)
    details = _card_details(intent, method, card, authenticated=authenticated)
    charge["payment_method_details"] = {"card": details, "type": "card"}
    if card.decline:
        return charge | _declined(card.decline, card)
    if intent["capture_method"] == "manual":
        life = hold_seconds(card.brand, merchant_initiated=merchant_initiated)
        details["capture_before"] = work.moment + life
    details["authorization_code"] = token(6).upper()
    return charge


def settle(work: Work, charge: Object, amount: int) -> None:
    """Take `amount` (minor units) of an authorized charge: captured, with its fee on the balance."""
    currency = charge["currency"]
    charge |= {"captured": True, "amount_captured": amount}
    charge["balance_transaction"] = record(
        work,
        "charge",
        charge["id"],
        amount,
        currency,
        fee=stripe_fee(amount, currency),
        at_once=charge["_available_at_once"],
    )


@endpoint("GET", "/v1/charges/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("charge", call.id)


@endpoint("GET", "/v1/charges", {**CREATED, "payment_intent": Text(), "customer": Text(), "transfer_group": Text()})
def list_all(call: Call) -> Object:
    asked = {name: call.params.get(name) for name in ("payment_intent", "customer", "transfer_group")}
    return listing(call, "charge", **asked)


@endpoint("POST", "/v1/charges/<id>", {"metadata": Metadata(), "description": Text(unsettable=True)})
def update(call: Call) -> Object:
    charge = call.work.get("charge", call.id)
    if "metadata" in call.params:
        charge["metadata"] = merge_metadata(charge["metadata"], call.params["metadata"])
    charge["description"] = call.params.get("description", charge["description"])
    call.work.save(charge)
    call.work.emit("charge.updated", charge)
    return charge


def _blank(work: Work, intent: Object, method: Object) -> Object:
    return {
        **dict.fromkeys(_UNSET),
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "SIMULATED PLATFORM",
        "captured": False,
        "created": work.moment,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "outcome": _outcome("authorized", None, "normal", "Payment complete."),
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "shipping": intent["shipping"],
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded",
        "transfer_group": intent["transfer_group"],
        "_refund": card_of(method).refund,
        "_available_at_once": card_of(method).available_at_once,
    }


def _outcome(status: str, reason: str | None, risk: str, message: str) -> Object:
    kind = "authorized" if status == "authorized" else "issuer_declined"
    network = "approved_by_network" if status == "authorized" else "declined_by_network"
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": network,
        "reason": reason,
        "risk_level": risk,
        "risk_score": 20,
        "seller_message": message,
        "type": kind,
    }


def _declined(decline: Decline, card: TestCard) -> Object:
    told = "The bank did not return any further details with this decline."
    return {
        "status": "failed",
        "paid": False,
        "failure_code": decline.code,
        "failure_message": decline.message,
        "outcome": _outcome("declined", decline.decline_code, "normal", told),
        "_refund": card.refund,
    }


def _card_details(intent: Object, method: Object, card: TestCard, *, authenticated: bool) -> Object:
    kept = (
        "brand",
        "checks",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "wallet",
    )
    return {
        **{name: method["card"][name] for name in kept},
        "amount_authorized": None if card.decline else intent["amount"],
        "authorization_code": None,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": str(int(card.fingerprint[:12], 16)),
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": _three_d_secure() if authenticated else None,
    }


def _three_d_secure() -> Object:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": token(24),
        "version": "2.2.0",
    }
