"""Balance transactions: what each charge or refund does to the platform's balance, fees included.

Source: https://docs.stripe.com/api/balance_transactions
"""

from __future__ import annotations

from ..clock import on_time
from ..ids import new_id
from ..lists import CREATED, listing
from ..params import Text
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work

_PENDING_SECONDS = 2 * 86_400


def record(
    work: Work, type: str, source: str, amount: int, currency: str, *, fee: int = 0, at_once: bool = False
) -> str:
    """Add a movement (minor units, negative when money leaves) and return its id; it clears in two days."""
    ready = work.moment if at_once else work.moment + _PENDING_SECONDS
    transaction: Object = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": ready,
        "balance_type": "payments",
        "created": work.moment,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [_fee(fee, currency)] if fee else [],
        "net": amount - fee,
        "reporting_category": type,
        "source": source,
        "status": "available" if at_once else "pending",
        "type": type,
    }
    work.add(transaction)
    if not at_once:
        work.later(ready, "balance_available", transaction["id"])
    return str(transaction["id"])


def _fee(fee: int, currency: str) -> Object:
    return {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }


@on_time("balance_available")
def become_available(work: Work, transaction_id: str) -> None:
    transaction = work.get("balance_transaction", transaction_id)
    transaction["status"] = "available"
    work.save(transaction)


@endpoint("GET", "/v1/balance_transactions/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("balance_transaction", call.id)


@endpoint("GET", "/v1/balance_transactions", {**CREATED, "source": Text(), "type": Text(), "currency": Text()})
def list_all(call: Call) -> Object:
    asked = {name: call.params.get(name) for name in ("source", "type", "currency")}
    return listing(call, "balance_transaction", **asked)
