"""Facts about subscriptions of connected accounts: they live, renew and tell their events there only."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import stripe
from werkzeug.test import Client

from stripe_simulator import Simulator

from .billing_stories import a_subscription, period
from .conftest import library
from .connect_stories import an_express_account
from .stories import refusal


@pytest.fixture
def at_bobs(sim: Simulator, client: stripe.StripeClient) -> stripe.StripeClient:
    """The platform, acting for Bob's account."""
    bob = an_express_account(client, capabilities={"card_payments": {"requested": True}})
    return library(sim, stripe_account=bob.id)


def test_another_accounts_subscription_is_not_there(
    client: stripe.StripeClient, at_bobs: stripe.StripeClient
) -> None:  # fmt: skip
    mine, bobs = a_subscription(client), a_subscription(at_bobs)
    for stranger, subscription in ((client, bobs), (at_bobs, mine)):
        error = refusal(lambda who=stranger, what=subscription: who.v1.subscriptions.retrieve(what.id))
        assert (error.http_status, error.code) == (404, "resource_missing")
        error = refusal(lambda who=stranger, what=subscription: who.v1.invoices.retrieve(what.latest_invoice))
        assert error.code == "resource_missing"
    assert [each.id for each in client.v1.subscriptions.list()] == [mine.id]


def test_renewals_happen_and_are_told_in_their_account(sim: Simulator, at_bobs: stripe.StripeClient) -> None:
    subscription = a_subscription(at_bobs)
    last = sim.events_since(None)[-1]
    sim.clock.set(period(subscription)[1] + 3601)
    told = sim.events_since(last["id"])
    assert [event["type"] for event in told].count("invoice.paid") == 1
    billed = [event for event in told if event["type"].startswith(("invoice", "customer.subscription"))]
    assert {event.get("account") for event in billed} == {last["account"]}
    fresh = at_bobs.v1.subscriptions.retrieve(subscription.id)
    assert at_bobs.v1.invoices.retrieve(fresh.latest_invoice).status == "paid"


def test_a_portal_link_leads_into_its_own_account(sim: Simulator, at_bobs: stripe.StripeClient) -> None:
    subscription = a_subscription(at_bobs)
    session = at_bobs.v1.billing_portal.sessions.create({"customer": subscription.customer})
    path = urlsplit(session.url).path
    assert "Mentoring" in Client(sim).get(path).text
    Client(sim).post(f"{path}/subscriptions/{subscription.id}", data={"wish": "cancel"})
    assert at_bobs.v1.subscriptions.retrieve(subscription.id).cancel_at_period_end is True


def test_a_link_that_names_a_session_without_its_secret_opens_nothing(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    path = urlsplit(client.v1.billing_portal.sessions.create({"customer": a_subscription(client).customer}).url).path
    assert Client(sim).get(path[:-1] + ("a" if path[-1] != "a" else "b")).status_code == 410
    assert Client(sim).get(path).status_code == 200
