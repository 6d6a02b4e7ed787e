"""Separate charges and transfers. Source: https://docs.stripe.com/connect/separate-charges-and-transfers"""

from __future__ import annotations

from typing import Any

from .registry import documented, unverified
from .world import World, refused, same

_PERSON = {
    "first_name": "Bob",
    "last_name": "Ray",
    "email": "bob@example.com",
    "phone": "0000000000",
    "id_number": "000000000",
    "ssn_last_4": "0000",
    "dob": {"day": 1, "month": 1, "year": 1901},
    "address": {"line1": "address_full_match", "city": "Columbus", "state": "OH", "postal_code": "43214"},
}
_BANK = {"object": "bank_account", "country": "US", "currency": "usd"}


def _account(world: World) -> str:
    """A custom account with test data that verify it at once. Source: https://docs.stripe.com/connect/testing"""
    bank = {**_BANK, "routing_number": "110000000", "account_number": "000123456789"}
    wish: Any = {
        "type": "custom",
        "country": "US",
        "business_type": "individual",
        "capabilities": {"transfers": {"requested": True}},
        "business_profile": {"mcc": "8299", "url": "https://accessible.stripe.com"},
        "external_account": bank,
        "individual": _PERSON,
        "tos_acceptance": {"date": 1_700_000_000, "ip": "127.0.0.1"},
    }
    account = world.api.accounts.create(wish).id
    world.eventually(lambda: world.api.accounts.retrieve(account).capabilities.transfers, "active")  # type: ignore[union-attr]
    return account


@documented()
def a_dispute_debits_the_platform_and_not_the_account_that_was_paid(world: World) -> None:
    account, paid = _account(world), world.payment("pm_card_createDispute")
    wish: Any = {"amount": 4000, "currency": "usd", "destination": account, "source_transaction": paid.latest_charge}
    transfer = world.api.transfers.create(wish)
    world.eventually(lambda: len(world.api.disputes.list({"payment_intent": paid.id}).data), 1)
    dispute = world.api.disputes.list({"payment_intent": paid.id}).data[0]
    same(dispute.balance_transactions[0].amount, -5000)
    same(world.api.transfers.retrieve(transfer.id).amount_reversed, 0)


@documented()
def a_transfer_is_taken_back_by_a_reversal(world: World) -> None:
    account, paid = _account(world), world.payment("pm_card_bypassPending")
    wish: Any = {"amount": 4000, "currency": "usd", "destination": account, "source_transaction": paid.latest_charge}
    transfer = world.api.transfers.create(wish)
    same(world.api.transfers.reversals.create(transfer.id, {"amount": 1500}).amount, 1500)
    same(world.api.transfers.retrieve(transfer.id).amount_reversed, 1500)


@unverified()
def a_transfer_cannot_exceed_the_charge_it_comes_from(world: World) -> None:
    account, paid = _account(world), world.payment()
    wish: Any = {"amount": 5001, "currency": "usd", "destination": account, "source_transaction": paid.latest_charge}
    same(refused(lambda: world.api.transfers.create(wish)).http_status, 400)


@unverified()
def a_transfer_from_a_charge_waits_for_its_funds(world: World) -> None:
    account, paid = _account(world), world.payment()
    wish: Any = {"amount": 4000, "currency": "usd", "destination": account, "source_transaction": paid.latest_charge}
    transfer = world.api.transfers.create(wish)
    charge = world.charge_of(paid)
    ready = world.api.balance_transactions.retrieve(str(charge.balance_transaction)).available_on
    mine = world.api.charges.retrieve(
        str(transfer.destination_payment), {"expand": ["balance_transaction"]}, {"stripe_account": account}
    )
    same(mine.balance_transaction.available_on >= ready, True)  # type: ignore[union-attr]
