"""Reversals: a transfer, or a part of it, taken back. Source: https://docs.stripe.com/api/transfer_reversals"""

from __future__ import annotations

from ..errors import no_such, refused
from ..expansion import expandable
from ..ids import new_id
from ..lists import CURSORS, as_list, listing
from ..money import POSITIVE, display
from ..params import Metadata, merge_metadata
from ..routing import Call, endpoint
from ..shapes import Object, public
from ..work import Work
from .balance import available, pending
from .balance_transactions import record
from .destination_payments import give_back, share
from .transfers import insufficient

expandable("transfer_reversal", balance_transaction="balance_transaction", transfer="transfer")


@endpoint(
    "POST",
    "/v1/transfers/<id>/reversals",
    {"amount": POSITIVE, "metadata": Metadata()},
)
def create(call: Call) -> Object:
    """Take back all that is left, or `amount` (minor units) of it.

    Raises: ApiError 400 for more than is left, or `balance_insufficient` if the account has not got it.
    """
    work = call.work
    transfer = work.get("transfer", call.id)
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = call.params.get("amount", left)
    _check_left(transfer, left, amount)
    ready = _check_balance(work, transfer, amount)
    reversal = _blank(call, transfer, amount)
    reversal["balance_transaction"] = record(
        work, "transfer_refund", reversal["id"], amount, transfer["currency"], available_on=ready
    )
    own = work.of(transfer["destination"])
    reversal["destination_payment_refund"] = give_back(own, transfer, amount, ready)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    work.add(reversal)
    _keep(work, transfer)
    work.emit("transfer.reversed", transfer)
    return reversal


@endpoint("GET", "/v1/transfers/<id>/reversals", CURSORS)
def list_all(call: Call) -> Object:
    return listing(call, "transfer_reversal", transfer=call.work.get("transfer", call.id)["id"])


@endpoint("GET", "/v1/transfers/<id>/reversals/<reversal>")
def retrieve(call: Call) -> Object:
    return _asked(call)


@endpoint("POST", "/v1/transfers/<id>/reversals/<reversal>", {"metadata": Metadata()})
def update(call: Call) -> Object:
    reversal = _asked(call)
    if "metadata" in call.params:
        reversal["metadata"] = merge_metadata(reversal["metadata"], call.params["metadata"])
        call.work.save(reversal)
        _keep(call.work, call.work.get("transfer", call.id))
    return reversal


def _asked(call: Call) -> Object:
    found = call.work.get("transfer_reversal", call.names["reversal"])
    if found["transfer"] != call.id:
        raise no_such("transfer_reversal", found["id"])
    return found


def _check_left(transfer: Object, left: int, amount: int) -> None:
    if left == 0:
        raise refused(f"Transfer {transfer['id']} has already been fully reversed.")
    if amount > left:
        raise refused(
            f"Reversal amount ({display(amount, transfer['currency'])}) is greater than unreversed amount on "
            f"transfer ({display(left, transfer['currency'])})",
            param="amount",
        )


def _check_balance(work: Work, transfer: Object, amount: int) -> int:
    """When the money moves: with the transfer's own, if that still clears. Raises: `balance_insufficient`."""
    ready = int(work.get("balance_transaction", transfer["balance_transaction"])["available_on"])
    own, currency = work.of(transfer["destination"]), transfer["_currency"]
    there = available(own, currency) + (pending(own, currency) if ready > work.moment else 0)
    if share(transfer, amount) > there:
        raise insufficient("The connected account does not have enough funds available to reverse this transfer.")
    return max(ready, work.moment)


def _keep(work: Work, transfer: Object) -> None:
    """Store the transfer with its latest reversals inside, as Stripe shows it."""
    newest = work.page("transfer_reversal", {"transfer": transfer["id"]}, limit=11)
    shown = [public(each) for each in newest[:10]]
    transfer["reversals"] = as_list(shown, transfer["reversals"]["url"], len(newest) > 10)
    work.save(transfer)


def _blank(call: Call, transfer: Object, amount: int) -> Object:
    return {
        "id": new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": call.work.moment,
        "currency": transfer["currency"],
        "destination_payment_refund": None,
        "metadata": merge_metadata({}, call.params.get("metadata", {})),
        "source_refund": None,
        "transfer": transfer["id"],
    }
