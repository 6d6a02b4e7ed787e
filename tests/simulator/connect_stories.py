"""Short words for stories about connected accounts: Bob who is paid, money to pay him with, what his account has."""

from __future__ import annotations

from typing import Any

import stripe
from werkzeug.test import Client

from stripe_simulator import Simulator

from .stories import DAY, a_payment

GOOD_BANK = "000123456789"
PERSON = {
    "first_name": "Bob",
    "last_name": "Ray",
    "id_number": "000000000",
    "dob": {"day": 1, "month": 2, "year": 1980},
}


def us_bank(number: str = GOOD_BANK) -> dict[str, Any]:
    """An American test bank account."""
    known = {"object": "bank_account", "country": "US", "currency": "usd", "routing_number": "110000000"}
    return {**known, "account_number": number}


def iban(number: str = "DE89370400440532013000") -> dict[str, Any]:
    """A European test bank account."""
    return {"object": "bank_account", "country": number[:2], "currency": "eur", "account_number": number}


def an_express_account(client: stripe.StripeClient, **given: Any) -> stripe.Account:
    """Bob's account, before anybody has told anything about him."""
    wish = {"type": "express", "country": "US", "email": "bob@example.com"}
    return client.v1.accounts.create({**wish, "capabilities": {"transfers": {"requested": True}}, **given})  # type: ignore[typeddict-item]


def told(**given: Any) -> dict[str, Any]:
    """All that Stripe wants to know of a custom account, paid out by hand to a good bank."""
    return {
        "type": "custom",
        "country": "US",
        "business_type": "individual",
        "capabilities": {"transfers": {"requested": True}},
        "external_account": us_bank(),
        "individual": PERSON,
        "settings": {"payouts": {"schedule": {"interval": "manual"}}},
        "tos_acceptance": {"date": 1_700_000_000, "ip": "127.0.0.1"},
        **given,
    }


def bobs_account(client: stripe.StripeClient, **given: Any) -> stripe.Account:
    """An account that can be paid, by hand unless told otherwise."""
    return client.v1.accounts.create(told(**given))  # type: ignore[arg-type]


def as_account(account: stripe.Account) -> dict[str, Any]:
    """The options of a call in an account's name."""
    return {"stripe_account": account.id}


def a_transfer(
    client: stripe.StripeClient, account: stripe.Account, amount: int = 4000, **given: Any
) -> stripe.Transfer:
    """Money sent on from a charge of $50 that is available at once."""
    paid = a_payment(client, "pm_card_bypassPending", **given)
    wish = {"amount": amount, "currency": paid.currency, "destination": account.id}
    return client.v1.transfers.create({**wish, "source_transaction": paid.latest_charge})  # type: ignore[typeddict-item]


def balance(
    client: stripe.StripeClient, account: stripe.Account | None = None, currency: str = "usd"
) -> tuple[int, int]:
    """What is available and what is pending, in minor units."""
    found = client.v1.balance.retrieve({}, as_account(account) if account else {})

    def of(parts: Any) -> int:
        return sum(part.amount for part in parts if part.currency == currency)

    return of(found.available), of(found.pending)


def moves(client: stripe.StripeClient, account: stripe.Account | None = None, **asked: Any) -> list[tuple[str, int]]:
    """Balance transactions, oldest first: type and net."""
    found = client.v1.balance_transactions.list({"limit": 100, **asked}, as_account(account) if account else {})
    return [(each.type, each.net) for each in reversed(found.data)]


def control(sim: Simulator, path: str, **given: Any) -> Any:
    """Use one of the simulator's own controls; its answer."""
    return Client(sim).post(f"/_simulator/{path}", json=given)


def connect_objects(sim: Simulator, client: stripe.StripeClient) -> list[tuple[type, Any]]:
    """One of everything that money and accounts are made of, in several states."""
    bob = bobs_account(client)
    ann = bobs_account(client, country="DE", external_account=iban("DE62370400440532013001"))
    transfer = a_transfer(client, bob)
    a_transfer(client, ann)
    reversal = client.v1.transfers.reversals.create(transfer.id, {"amount": 1000})
    payout = client.v1.payouts.create({"amount": 500, "currency": "usd"}, as_account(bob))
    client.v1.payouts.create({"amount": 500, "currency": "eur"}, as_account(ann))
    a_payment(client, "pm_card_createDispute")
    sim.clock.advance(3 * DAY)
    return [
        (stripe.Account, bob),
        (stripe.Account, an_express_account(client)),
        (stripe.AccountLink, a_link(client, an_express_account(client))),
        (stripe.Transfer, client.v1.transfers.retrieve(transfer.id)),
        (stripe.TransferReversal, reversal),
        (stripe.Payout, payout),
        *[(stripe.Payout, each) for each in client.v1.payouts.list({}, as_account(ann))],
        *[(stripe.BankAccount, each) for each in bob.external_accounts.data],
        *[(stripe.Charge, each) for each in client.v1.charges.list({}, as_account(bob))],
        *[(stripe.Refund, each) for each in client.v1.refunds.list({}, as_account(bob))],
        *[(stripe.Capability, each) for each in client.v1.accounts.capabilities.list(bob.id)],
        (stripe.Balance, client.v1.balance.retrieve()),
        *[(stripe.BalanceTransaction, each) for each in client.v1.balance_transactions.list()],
        *[(stripe.Dispute, each) for each in client.v1.disputes.list()],
    ]


def a_link(client: stripe.StripeClient, bob: stripe.Account, /, **given: Any) -> stripe.AccountLink:
    """A way to Bob's onboarding."""
    back = {"refresh_url": "http://localhost:5000/again", "return_url": "http://localhost:5000/done"}
    return client.v1.account_links.create({"account": bob.id, "type": "account_onboarding", **back, **given})  # type: ignore[typeddict-item]
