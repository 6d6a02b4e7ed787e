"""One story that calls every endpoint, so that every kind of answer is held against the library's types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator

from ..connect_stories import a_link, an_express_account, bobs_account
from ..stories import a_hold, a_payment, an_intent
from ..test_connect_onboarding import filled_in
from .parameters import endpoints
from .witness import Witness

URL = "http://localhost:4000"


@pytest.fixture
def seen() -> Iterator[set[str]]:
    """The endpoints that gave a good answer meanwhile."""
    own = Witness()
    Simulator.watchers.append(own)
    yield own.seen
    Simulator.watchers.remove(own)


def test_every_endpoint_answers_as_the_library_expects(
    sim: Simulator, client: stripe.StripeClient, seen: set[str]
) -> None:
    for story in (_cards, _payments, _checkout, _billing, _connect, _payouts, _disputes, _platform):
        story(client.v1, client, sim)
    assert {f"{each.method} {each.path}" for each in endpoints()} - seen == set()


def _cards(api: Any, _client: stripe.StripeClient, _sim: Simulator) -> None:
    ann = api.customers.create({"email": "ann@example.com"})
    api.customers.update(ann.id, {"name": "Ann"})
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2050, "cvc": "123"}
    method = api.payment_methods.create({"type": "card", "card": card})
    api.payment_methods.attach(method.id, {"customer": ann.id})
    api.payment_methods.update(method.id, {"metadata": {"a": "1"}})
    api.payment_methods.list({"customer": ann.id})
    api.customers.payment_methods.list(ann.id)
    api.customers.payment_methods.retrieve(ann.id, method.id)
    setup = api.setup_intents.create({"customer": ann.id, "allowed_payment_method_types": ["card"]})
    api.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    api.setup_attempts.list({"setup_intent": setup.id})
    api.setup_intents.cancel(api.setup_intents.create({"allowed_payment_method_types": ["card"]}).id)
    api.setup_intents.list()
    api.setup_intents.retrieve(setup.id)
    api.setup_intents.update(setup.id, {"metadata": {"end_because": "it was called off"}})
    api.payment_methods.retrieve(method.id)
    api.payment_methods.detach(method.id)
    api.customers.list()
    api.customers.retrieve(ann.id)
    api.customers.delete(ann.id)


def _payments(api: Any, client: stripe.StripeClient, _sim: Simulator) -> None:
    intent = an_intent(client)
    api.payment_intents.update(intent.id, {"description": "An hour"})
    api.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    api.payment_intents.capture(intent.id)
    api.payment_intents.cancel(a_hold(client).id)
    api.payment_intents.list()
    paid = api.payment_intents.retrieve(intent.id)
    api.charges.update(paid.latest_charge, {"description": "An hour"})
    charge = api.charges.retrieve(paid.latest_charge)
    api.charges.list()
    refund = api.refunds.create({"payment_intent": intent.id, "amount": 1000})
    api.refunds.update(refund.id, {"metadata": {"a": "1"}})
    api.refunds.retrieve(refund.id)
    api.refunds.list()
    api.balance.retrieve()
    api.balance_transactions.list()
    api.balance_transactions.retrieve(charge.balance_transaction)


def _checkout(api: Any, _client: stripe.StripeClient, _sim: Simulator) -> None:
    price = {"currency": "usd", "unit_amount": 4000, "product_data": {"name": "An hour"}}
    wish = {"mode": "payment", "success_url": URL, "line_items": [{"quantity": 1, "price_data": price}]}
    session = api.checkout.sessions.create(wish)
    api.checkout.sessions.update(session.id, {"metadata": {"a": "1"}})
    api.checkout.sessions.line_items.list(session.id)
    api.checkout.sessions.retrieve(session.id)
    api.checkout.sessions.list()
    api.checkout.sessions.expire(session.id)


def _billing(api: Any, _client: stripe.StripeClient, sim: Simulator) -> None:
    product = api.products.create({"name": "Membership"})
    api.products.update(product.id, {"description": "Monthly"})
    price = api.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 2000, "recurring": {"interval": "month"}}
    )
    api.prices.update(price.id, {"nickname": "Monthly"})
    ann = api.customers.create({"email": "ann@example.com"})
    card = api.payment_methods.attach("pm_card_visa", {"customer": ann.id})
    wish = {"customer": ann.id, "items": [{"price": price.id}], "default_payment_method": card.id}
    subscription = api.subscriptions.create({**wish, "expand": ["latest_invoice.payments"]})
    api.subscriptions.update(subscription.id, {"metadata": {"a": "1"}})
    invoice = subscription.latest_invoice
    api.invoices.update(invoice.id, {"metadata": {"a": "1"}})
    api.invoices.line_items.list(invoice.id)
    api.invoice_payments.list({"invoice": invoice.id})
    api.invoice_payments.retrieve(invoice.payments.data[0].id)
    _invoices(api, sim, wish)
    api.billing_portal.sessions.create({"customer": ann.id, "return_url": URL})
    for listing in (api.products, api.prices, api.subscriptions, api.invoices):
        listing.list()
    api.products.retrieve(product.id)
    api.prices.retrieve(price.id)
    api.subscriptions.retrieve(subscription.id)
    api.invoices.retrieve(invoice.id)
    api.subscriptions.cancel(subscription.id)
    api.products.delete(api.products.create({"name": "Nothing"}).id)


def _invoices(api: Any, sim: Simulator, wish: dict[str, Any]) -> None:
    """Invoices that wait to be paid: one is paid, one given up, one void, one finalized before its hour."""
    unpaid = {**wish, "payment_behavior": "default_incomplete"}
    first, second, third = (api.subscriptions.create(unpaid).latest_invoice for _ in range(3))
    api.invoices.pay(first)
    api.invoices.mark_uncollectible(second)
    api.invoices.void_invoice(third)
    renewing = api.subscriptions.create(wish)
    sim.clock.set(renewing["items"].data[0].current_period_end + 60)
    drafts = api.invoices.list({"subscription": renewing.id, "status": "draft"}).data
    api.invoices.finalize_invoice(drafts[0].id)


def _connect(api: Any, client: stripe.StripeClient, _sim: Simulator) -> None:
    bob = bobs_account(client)
    api.accounts.update(bob.id, {"metadata": {"a": "1"}})
    api.accounts.list()
    api.accounts.retrieve(bob.id)
    api.accounts.retrieve_current()
    api.accounts.capabilities.list(bob.id)
    api.accounts.external_accounts.list(bob.id)
    express = api.accounts.create({"type": "express", "country": "US"})
    link = {"account": express.id, "type": "account_onboarding", "refresh_url": URL, "return_url": URL}
    api.account_links.create(link)
    paid = a_payment(client, "pm_card_bypassPending")
    transfer = api.transfers.create(
        {"amount": 4000, "currency": "usd", "destination": bob.id, "source_transaction": paid.latest_charge}
    )
    api.transfers.update(transfer.id, {"metadata": {"a": "1"}})
    reversal = api.transfers.reversals.create(transfer.id, {"amount": 100})
    api.transfers.reversals.update(transfer.id, reversal.id, {"metadata": {"a": "1"}})
    api.transfers.reversals.retrieve(transfer.id, reversal.id)
    api.transfers.reversals.list(transfer.id)
    api.transfers.retrieve(transfer.id)
    api.transfers.list()
    api.accounts.reject(express.id, {"reason": "fraud_other"})
    api.accounts.delete(express.id)


def _payouts(api: Any, client: stripe.StripeClient, _sim: Simulator) -> None:
    bob = bobs_account(client)
    his = {"stripe_account": bob.id}
    paid = a_payment(client, "pm_card_bypassPending")
    api.transfers.create(
        {"amount": 4000, "currency": "usd", "destination": bob.id, "source_transaction": paid.latest_charge}
    )
    payout = api.payouts.create({"amount": 1000, "currency": "usd"}, his)
    api.payouts.update(payout.id, {"metadata": {"a": "1"}}, his)
    api.payouts.retrieve(payout.id, {}, his)
    api.payouts.list({}, his)
    api.payouts.cancel(payout.id, {}, his)


def _disputes(api: Any, client: stripe.StripeClient, _sim: Simulator) -> None:
    for _ in range(2):
        a_payment(client, "pm_card_createDispute")
    first, second = api.disputes.list().data
    api.disputes.retrieve(first.id)
    api.disputes.update(first.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True})
    api.disputes.close(second.id)


def _platform(api: Any, client: stripe.StripeClient, sim: Simulator) -> None:
    made = api.webhook_endpoints.create({"url": URL, "enabled_events": ["*"]})
    api.webhook_endpoints.update(made.id, {"description": "The shop"})
    api.webhook_endpoints.retrieve(made.id)
    api.webhook_endpoints.list()
    api.webhook_endpoints.delete(made.id)
    api.events.retrieve(api.events.list({"limit": 1}).data[0].id)
    express = an_express_account(client)
    filled_in(sim, a_link(client, express))
    api.accounts.login_links.create(express.id)
