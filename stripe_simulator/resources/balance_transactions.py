"""Balance transactions: what each movement does to an account's balance, fees included.

Source: https://docs.stripe.com/api/balance_transactions
"""

from __future__ import annotations

from ..clock import on_time
from ..errors import invalid
from ..expansion import expandable
from ..ids import new_id
from ..lists import CREATED, listing
from ..params import Text
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work

_DAY_SECONDS = 86_400
_PENDING_SECONDS = 2 * _DAY_SECONDS
AUTOMATIC = "automatic_payout"
# Source: https://docs.stripe.com/reports/reporting-categories
_CATEGORIES = {
    "payment": "charge",
    "payment_refund": "refund",
    "transfer_refund": "transfer_reversal",
    "payout_cancel": "payout_reversal",
    "payout_failure": "payout_reversal",
}
_SOURCES = {
    "ch": "charge",
    "py": "charge",
    "re": "refund",
    "pyr": "refund",
    "tr": "transfer",
    "trr": "transfer_reversal",
    "po": "payout",
    "du": "dispute",
}


def _source_of(work: Work, transaction: Object) -> Object:
    kind = _SOURCES[transaction["source"].partition("_")[0]]
    return work.get(kind, transaction["source"])


expandable("balance_transaction", source=_source_of)


def record(
    work: Work,
    type: str,
    source: str,
    amount: int,
    currency: str,
    *,
    fee: int = 0,
    fee_for: str = "Stripe processing fees",
    at_once: bool = False,
    available_on: int | None = None,
    category: str | None = None,
    description: str | None = None,
    exchange_rate: float | None = None,
) -> str:
    """Add a movement (minor units, negative when money leaves) and return its id.

    It clears in two days; at once; or at a moment (Unix seconds) if that is still to come.
    """
    ready = work.moment if at_once else available_on or work.moment + _PENDING_SECONDS
    transaction: Object = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": ready,
        "balance_type": "payments",
        "created": work.moment,
        "currency": currency,
        "description": description,
        "exchange_rate": exchange_rate,
        **_after_fee(amount, fee, currency, fee_for),
        "reporting_category": category or _CATEGORIES.get(type, type),
        "source": source,
        "status": "available" if ready <= work.moment else "pending",
        "type": type,
    }
    work.add(transaction)
    _plan(work, transaction)
    return str(transaction["id"])


def _plan(work: Work, transaction: Object) -> None:
    ready = transaction["available_on"]
    if transaction["status"] == "pending":
        work.later(ready, "balance_available", transaction["id"])
    if work.account != work.platform and transaction["net"] > 0:
        plan_payout(work, ready)


def plan_payout(work: Work, ready: int) -> None:
    """Have the account's automatic payout, if it has that, run at the midnight after `ready` (Unix seconds)."""
    work.later((ready // _DAY_SECONDS + 1) * _DAY_SECONDS, AUTOMATIC, work.account, once=True)


def _after_fee(amount: int, fee: int, currency: str, words: str) -> Object:
    detail = {"amount": fee, "application": None, "currency": currency, "description": words, "type": "stripe_fee"}
    return {"fee": fee, "fee_details": [detail] if fee else [], "net": amount - fee}


@on_time("balance_available")
def become_available(work: Work, transaction_id: str) -> None:
    transaction = work.get("balance_transaction", transaction_id)
    transaction["status"] = "available"
    work.save(transaction)


@endpoint("GET", "/v1/balance_transactions/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("balance_transaction", call.id)


@endpoint(
    "GET",
    "/v1/balance_transactions",
    {**CREATED, "source": Text(), "type": Text(), "currency": Text(), "payout": Text()},
)
def list_all(call: Call) -> Object:
    """Newest first; `payout` finds what an automatic payout was made of, and the payout itself.

    Raises: ApiError 400 for a manual payout, which is not made of anything in particular.
    """
    asked = {name: call.params.get(name) for name in ("source", "type", "currency")}
    if payout_id := call.params.get("payout"):
        if not call.work.get("payout", payout_id, param="payout", status=400)["automatic"]:
            raise invalid(
                "Balance transaction history can only be filtered on automatic payouts, not manual.", param="payout"
            )
        asked["_payout"] = payout_id
    return listing(call, "balance_transaction", **asked)
