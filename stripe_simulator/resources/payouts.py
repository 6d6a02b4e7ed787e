"""Payouts: an account's balance sent to its bank, where it arrives two days later or does not.

Source: https://docs.stripe.com/api/payouts and https://docs.stripe.com/payouts
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..banks import FAILURES
from ..clock import on_time
from ..errors import no_such, not_simulated, refused
from ..expansion import expandable
from ..extras import control
from ..ids import new_id
from ..lists import CREATED, listing
from ..money import LARGEST, POSITIVE, Currency
from ..params import Metadata, Required, Text, merge_metadata, one_of
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work
from .balance import available
from .balance_transactions import record
from .external_accounts import bank_account_of, bank_behind, bank_for, mark_unusable
from .transfers import insufficient

_TRAVEL_SECONDS = 2 * 86_400
_RETURNED_AFTER_SECONDS = 86_400
_ARRIVES, _RETURNS = "payout_arrives", "payout_returns"
_STATES = one_of("pending", "in_transit", "paid", "canceled", "failed")

expandable(
    "payout",
    balance_transaction="balance_transaction",
    failure_balance_transaction="balance_transaction",
    destination=lambda work, payout: bank_account_of(work, payout["destination"], payout["currency"]),
)


@endpoint(
    "POST",
    "/v1/payouts",
    {
        "amount": Required(POSITIVE),
        "currency": Required(Currency()),
        "description": Text(),
        "destination": Text(),
        "metadata": Metadata(),
        "method": one_of("standard", "instant"),
        "source_type": one_of("card"),
        "statement_descriptor": Text(most=22),
    },
)
def create(call: Call) -> Object:
    """Send money (minor units) to the account's bank.

    Raises: ApiError 400 `payouts_not_allowed`, `balance_insufficient`, or without a bank for the currency.
    """
    work, params = call.work, call.params
    if params.get("method") == "instant":
        raise not_simulated("method")
    bank_id = _bank_to_pay(work, params["currency"], params.get("destination"))
    if params["amount"] > min(available(work, params["currency"]), LARGEST):
        raise insufficient(
            "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low. "
            "You can use the /v1/balance endpoint to view your Stripe balance (for more details, see "
            "stripe.com/docs/api#balance)."
        )
    return send(work, params["amount"], params["currency"], bank_id, told=params)


@endpoint("GET", "/v1/payouts/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("payout", call.id)


@endpoint("POST", "/v1/payouts/<id>", {"metadata": Metadata()})
def update(call: Call) -> Object:
    payout = call.work.get("payout", call.id)
    if "metadata" in call.params:
        before = {"metadata": payout["metadata"]}
        payout["metadata"] = merge_metadata(payout["metadata"], call.params["metadata"])
        call.work.save(payout)
        call.work.emit("payout.updated", payout, previous=before)
    return payout


@endpoint("GET", "/v1/payouts", {**CREATED, "status": _STATES, "destination": Text()})
def list_all(call: Call) -> Object:
    params = call.params
    return listing(call, "payout", status=params.get("status"), destination=params.get("destination"))


@endpoint("POST", "/v1/payouts/<id>/cancel")
def cancel(call: Call) -> Object:
    """Keep the money after all. Raises: ApiError 400 unless it is pending and was made by hand."""
    work, payout = call.work, call.work.get("payout", call.id)
    if payout["automatic"]:
        raise refused("Automatic payouts cannot be canceled.")
    if payout["status"] != "pending":
        raise refused(f"Payouts can only be canceled while they are pending; this one is {payout['status']}.")
    payout["status"] = "canceled"
    _take_back(work, payout, "payout_cancel")
    work.emit("payout.canceled", payout)
    return payout


def send(
    work: Work, amount: int, currency: str, bank_id: str, *, told: Mapping[str, Any], automatic: bool = False
) -> Object:
    """A payout on its way: the money (minor units) leaves the balance now and arrives in two days."""
    payout_id = new_id("po")
    payout: Object = {
        "id": payout_id,
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": work.moment + _TRAVEL_SECONDS,
        "automatic": automatic,
        "balance_transaction": record(work, "payout", payout_id, -amount, currency, at_once=True),
        "created": work.moment,
        "currency": currency,
        "description": told.get("description"),
        "destination": bank_id,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": merge_metadata({}, told.get("metadata") or {}),
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": told.get("statement_descriptor"),
        "status": "pending",
        "trace_id": None,
        "type": "bank_account",
    }
    work.add(payout)
    work.emit("payout.created", payout)
    work.later(payout["arrival_date"], _ARRIVES, payout_id)
    return payout


@on_time(_ARRIVES)
def arrive(work: Work, payout_id: str) -> None:
    """The bank takes the money, or says why not; a test number can also send it back a day later."""
    payout = work.get("payout", payout_id)
    if payout["status"] != "pending":
        return
    bank = bank_behind(bank_account_of(work, payout["destination"], payout["currency"]))
    if bank.failure and not bank.returned:
        _fail(work, payout, bank.failure)
        return
    payout |= {"status": "paid", "trace_id": {"status": "supported", "value": new_id("trace")[6:]}}
    work.save(payout)
    work.emit("payout.paid", payout)
    if bank.returned:
        work.later(work.now + _RETURNED_AFTER_SECONDS, _RETURNS, payout_id)


@on_time(_RETURNS)
def come_back(work: Work, payout_id: str) -> None:
    payout = work.get("payout", payout_id)
    if payout["status"] == "paid":
        _fail(work, payout, "no_account")


@control("POST", "payouts/fail")
def fail_on_request(work: Work, given: Mapping[str, Any]) -> Object:
    """Have the bank refuse a `payout`, pending or already paid, for a `failure_code`. Raises: ValueError."""
    payout_id, code = str(given.get("payout")), given.get("failure_code", "could_not_process")
    if code not in FAILURES:
        raise ValueError(f"failure_code must be one of {', '.join(FAILURES)}")
    own = work.of(work.owner(payout_id) or work.account)
    payout = own.get("payout", payout_id)
    if payout["status"] not in ("pending", "paid"):
        raise ValueError(f"The payout is {payout['status']}: only a pending or paid one can fail.")
    _fail(own, payout, code)
    return payout


def _fail(work: Work, payout: Object, code: str) -> None:
    payout |= {"status": "failed", "failure_code": code, "failure_message": FAILURES[code]}
    _take_back(work, payout, "payout_failure")
    work.emit("payout.failed", payout)
    mark_unusable(work, payout["destination"])


def _take_back(work: Work, payout: Object, type: str) -> None:
    """The money is on the balance again at once."""
    payout["failure_balance_transaction"] = record(
        work, type, payout["id"], payout["amount"], payout["currency"], at_once=True
    )
    work.save(payout)


def _bank_to_pay(work: Work, currency: str, wanted: str | None) -> str:
    """The id of the bank account that takes the money; the platform's own takes any currency."""
    account = work.of(work.platform).find("account", work.account)
    if account is None:
        return str(bank_account_of(work, None, currency)["id"])
    if not account["payouts_enabled"]:
        raise refused("Payouts are not enabled on this account. Check its requirements.", code="payouts_not_allowed")
    found = bank_for(account, currency)
    if wanted and wanted not in {each["id"] for each in account["_banks"]}:
        raise no_such("external account", wanted, param="destination", status=400)
    if found is None or wanted not in (None, found["id"]):
        raise refused(f"Sorry, you don't have any external accounts in that currency ({currency}).", param="currency")
    return str(found["id"])
