"""Transfers: money from the platform to a connected account, and back.

Source: https://docs.stripe.com/api/transfers and https://docs.stripe.com/connect/separate-charges-and-transfers
"""

from __future__ import annotations

from typing import Any

from ..errors import ApiError, missing_parameter, no_such, refused
from ..expansion import expandable
from ..ids import new_id
from ..lists import CREATED, as_list, listing
from ..money import LARGEST, POSITIVE, Currency, display
from ..params import Metadata, Required, Text, merge_metadata, one_of
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work
from .balance import available
from .balance_transactions import record
from .connected_accounts import check_capability
from .destination_payments import receive

expandable(
    "transfer",
    balance_transaction="balance_transaction",
    destination="account",
    destination_payment=lambda work, transfer: work.of(transfer["destination"]).get(
        "charge", transfer["destination_payment"]
    ),
    source_transaction="charge",
)


@endpoint(
    "POST",
    "/v1/transfers",
    {
        "amount": POSITIVE,
        "currency": Required(Currency()),
        "destination": Required(Text()),
        "description": Text(),
        "metadata": Metadata(),
        "source_transaction": Text(),
        "source_type": one_of("card"),
        "transfer_group": Text(),
    },
)
def create(call: Call) -> Object:
    """Send money on. With `source_transaction` it waits for that charge's funds, else the balance must have it.

    Raises: ApiError 400 `balance_insufficient`, `insufficient_capabilities_for_transfer`, `resource_missing`.
    """
    work, params = call.work, call.params
    destination = _destination(work, params["destination"])
    source = _source(work, params) if "source_transaction" in params else None
    if "amount" not in params and source is None:
        raise missing_parameter("amount")
    amount = int(params.get("amount") or (source or {})["amount_captured"])
    check_capability(destination, "transfers")
    available_on = _check_source(work, source, amount) if source else _check_balance(work, amount, params["currency"])
    transfer = _blank(call, destination, source, amount)
    transfer["balance_transaction"] = record(
        work, "transfer", transfer["id"], -amount, transfer["currency"], available_on=available_on
    )
    receive(work.of(destination["id"]), transfer, destination, available_on)
    work.add(transfer)
    work.emit("transfer.created", transfer)
    return transfer


@endpoint("GET", "/v1/transfers/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("transfer", call.id)


@endpoint("POST", "/v1/transfers/<id>", {"description": Text(unsettable=True), "metadata": Metadata()})
def update(call: Call) -> Object:
    transfer = call.work.get("transfer", call.id)
    before = {name: transfer[name] for name in call.params}
    if "metadata" in call.params:
        transfer["metadata"] = merge_metadata(transfer["metadata"], call.params["metadata"])
    transfer["description"] = call.params.get("description", transfer["description"])
    call.work.save(transfer)
    if before:
        call.work.emit("transfer.updated", transfer, previous=before)
    return transfer


@endpoint("GET", "/v1/transfers", {**CREATED, "destination": Text(), "transfer_group": Text()})
def list_all(call: Call) -> Object:
    params = call.params
    return listing(call, "transfer", destination=params.get("destination"), transfer_group=params.get("transfer_group"))


def insufficient(message: str) -> ApiError:
    return refused(message, code="balance_insufficient")


def _destination(work: Work, account_id: str) -> Object:
    found = work.find("account", account_id)
    if found is None or found.get("deleted"):
        raise no_such("destination", account_id, param="destination", status=400)
    return found


def _source(work: Work, params: dict[str, Any]) -> Object:
    """The charge whose money it is. Raises: ApiError 400 if it was not captured, or in another currency."""
    charge = work.get("charge", params["source_transaction"], param="source_transaction", status=400)
    if not charge["captured"] or not charge["paid"]:
        raise refused(
            f"The source_transaction {charge['id']} has not been captured: there are no funds to transfer.",
            param="source_transaction",
        )
    if charge["currency"] != params["currency"]:
        raise refused(
            f"The currency of source_transaction's balance transaction ({charge['currency']}) must be the same as "
            f"the transfer currency ({params['currency']})",
            param="currency",
        )
    return charge


def _check_source(work: Work, charge: Object, amount: int) -> int:
    """When the charge's money is there. Raises: ApiError 400 if the transfers would exceed the charge."""
    before = sum(each["amount"] for each in work.all_where("transfer", source_transaction=charge["id"]))
    if before + amount > charge["amount_captured"]:
        whole, used = (display(each, charge["currency"]) for each in (charge["amount_captured"], before))
        already = f" (There are already transfers using this source, totaling {used}.)" if before else ""
        raise refused(
            f"Transfers using this transaction as a source must not exceed the source amount of {whole}.{already}",
            param="amount",
        )
    moved = work.get("balance_transaction", charge["balance_transaction"])
    return max(int(moved["available_on"]), work.moment)


def _check_balance(work: Work, amount: int, currency: str) -> int:
    """Raises: ApiError 400 `balance_insufficient` if the platform has not got it now."""
    if amount > min(available(work, currency), LARGEST):
        raise insufficient(
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your "
            "available balance by creating Charges using the 4000000000000077 test card. See: "
            "https://stripe.com/docs/testing#available-balance"
        )
    return work.moment


def _group(work: Work, given: str | None, source: Object | None) -> str | None:
    """The group given, or the charge's; a charge without one gets one, so that both can be found together."""
    if given or source is None:
        return given
    if source["transfer_group"] is None:
        source["transfer_group"] = f"group_{source['payment_intent'] or source['id']}"
        work.save(source)
    return str(source["transfer_group"])


def _blank(call: Call, destination: Object, source: Object | None, amount: int) -> Object:
    params, transfer_id = call.params, new_id("tr")
    return {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": call.work.moment,
        "currency": params["currency"],
        "description": params.get("description"),
        "destination": destination["id"],
        "destination_payment": None,
        "livemode": False,
        "metadata": merge_metadata({}, params.get("metadata", {})),
        "reversals": as_list([], f"/v1/transfers/{transfer_id}/reversals"),
        "reversed": False,
        "source_transaction": source["id"] if source else None,
        "source_type": "card",
        "transfer_group": _group(call.work, params.get("transfer_group"), source),
    }
