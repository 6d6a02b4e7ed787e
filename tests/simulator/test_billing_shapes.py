"""Billing's objects look like those of the installed library, in several states, expanded or not."""

from __future__ import annotations

import json
from typing import Any

import stripe

from stripe_simulator import Simulator

from .billing_stories import a_plan, a_subscription, again, latest_invoice, somebody, to_the_renewal, use_card
from .conformance.checking import problems
from .conformance.schemas import reference


def _objects(sim: Simulator, client: stripe.StripeClient) -> list[tuple[type, Any]]:
    """One of everything: paid, waiting, trialing, past due, renewed as a draft, canceled, expired."""
    paid = a_subscription(client, expand=["latest_invoice.payments", "latest_invoice.confirmation_secret"])
    book = client.v1.prices.create({"currency": "jpy", "unit_amount": 700, "product_data": {"name": "Book"}})
    waiting = a_subscription(client, payment_behavior="default_incomplete", description="Hour")
    bob = somebody(client, card=None).id
    trial = a_subscription(client, customer=bob, trial_period_days=3, payment_behavior="default_incomplete")
    leaving = a_subscription(client, cancel_at_period_end=True)
    failing = a_subscription(client)
    use_card(client, failing.customer, "pm_card_chargeCustomerFail")
    portal = client.v1.billing_portal.sessions.create({"customer": paid.customer, "return_url": "http://localhost/"})
    to_the_renewal(sim, failing)
    subscriptions = [paid, waiting, *(again(client, each) for each in (waiting, trial, leaving, failing))]
    invoices = client.v1.invoices.list({"limit": 100, "expand": ["data.payments"]}).data
    assert {invoice.status for invoice in invoices} >= {"paid", "void", "open"}
    return [
        *[(stripe.Subscription, each) for each in subscriptions],
        *[(stripe.Invoice, each) for each in (*invoices, latest_invoice(client, failing))],
        *[(stripe.InvoicePayment, each) for each in client.v1.invoice_payments.list({"limit": 100})],
        *[(stripe.Price, each) for each in (book, a_plan(client, expand=["product"]))],
        (stripe.Product, client.v1.products.retrieve(book.product)),
        (stripe.billing_portal.Session, portal),
    ]


def test_every_billing_object_has_the_librarys_fields(sim: Simulator, client: stripe.StripeClient) -> None:
    objects = _objects(sim, client)
    assert len(objects) > 20
    wrong = [
        line for cls, obj in objects for line in problems(json.loads(str(obj)), reference(cls), cls.__name__)
    ]  # fmt: skip
    assert wrong == []
