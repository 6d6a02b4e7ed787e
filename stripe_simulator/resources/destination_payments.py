"""What a transfer is to the account that receives it: a payment, which a reversal refunds.

Source: https://docs.stripe.com/connect/separate-charges-and-transfers
"""

from __future__ import annotations

from ..exchange import convert, rate
from ..ids import new_id
from ..shapes import Object
from ..work import Work
from .balance_transactions import record

_NOTHING = """
    application application_fee application_fee_amount calculated_statement_descriptor customer description
    failure_balance_transaction failure_code failure_message on_behalf_of outcome payment_intent payment_method
    payment_method_details receipt_email receipt_number receipt_url review shipping source statement_descriptor
    statement_descriptor_suffix transfer_data
""".split()


def receive(work: Work, transfer: Object, account: Object, available_on: int) -> None:
    """Book a transfer in the account that receives it, in the account's own currency.

    The work is that account's; amounts are in minor units, times in Unix seconds.
    """
    at = rate(transfer["currency"], account["default_currency"])
    currency = account["default_currency"] if at else transfer["currency"]
    payment_id = new_id("py")
    transfer |= {"destination_payment": payment_id, "_rate": at, "_currency": currency}
    transfer |= {"_received": convert(transfer["amount"], at), "_returned": 0}
    moved = record(
        work,
        "payment",
        payment_id,
        transfer["_received"],
        currency,
        available_on=available_on,
        exchange_rate=at,
    )
    work.add(_payment(work, transfer, payment_id, moved))


def give_back(work: Work, transfer: Object, amount: int, available_on: int) -> str:
    """Refund some of a destination payment (minor units of the transfer's currency); the refund's id."""
    payment = work.get("charge", transfer["destination_payment"])
    refund_id = new_id("pyr")
    returned = share(transfer, amount)
    transfer["_returned"] += returned
    moved = record(
        work,
        "payment_refund",
        refund_id,
        -returned,
        transfer["_currency"],
        available_on=available_on,
        exchange_rate=transfer["_rate"],
    )
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    work.save(payment)
    work.add(_refund(work, payment, refund_id, amount, moved))
    return refund_id


def share(transfer: Object, amount: int) -> int:
    """What part of the received money an amount of the transfer is; the last part is all that is left."""
    if transfer["amount_reversed"] + amount == transfer["amount"]:
        return int(transfer["_received"] - transfer["_returned"])
    return convert(amount, transfer["_rate"])


def _payment(work: Work, transfer: Object, payment_id: str, moved: str) -> Object:
    return {
        **dict.fromkeys(_NOTHING),
        "id": payment_id,
        "object": "charge",
        "amount": transfer["amount"],
        "amount_captured": transfer["amount"],
        "amount_refunded": 0,
        "balance_transaction": moved,
        "billing_details": {
            "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
            **dict.fromkeys(("email", "name", "phone", "tax_id")),
        },
        "captured": True,
        "created": work.moment,
        "currency": transfer["currency"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "paid": True,
        "radar_options": {},
        "refunded": False,
        "source_transfer": transfer["id"],
        "status": "succeeded",
        "transfer_group": transfer["transfer_group"],
        "_refund": "succeeds",
        "_available_at_once": False,
    }


def _refund(work: Work, payment: Object, refund_id: str, amount: int, moved: str) -> Object:
    return {
        "id": refund_id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": moved,
        "charge": payment["id"],
        "created": work.moment,
        "currency": payment["currency"],
        "metadata": {},
        "payment_intent": None,
        "payment_method": None,
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
