"""Facts about Checkout pages that keep a card for later or start a subscription."""

from __future__ import annotations

import stripe

from stripe_simulator import Simulator

from .checkout_stories import DECLINED, NO_FUNDS, THREE_D_SECURE, again, an_item, open_tab
from .stories import DAY, a_hold, events_of


def test_a_setup_session_keeps_a_card_for_later(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"email": "ann@example.com"})
    tab = open_tab(sim, client, "setup", customer=ann.id)
    told = events_of(sim, tab.pay)
    assert told == ["payment_method.attached", "setup_intent.succeeded", "checkout.session.completed"]
    done = again(client, tab.session, expand=["setup_intent"])
    assert (done.status, done.payment_status) == ("complete", "no_payment_required")
    card = done.setup_intent.payment_method
    assert a_hold(client, card, customer=ann.id, off_session=True).status == "requires_capture"


def test_a_setup_session_goes_to_the_bank_and_hears_a_no(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, "setup", customer_creation="always")
    assert tab.refused(DECLINED) == {"": "Your card was declined."}
    page = tab.come_back(tab.at_the_bank(tab.pay(THREE_D_SECURE), "fail"))
    assert "We are unable to authenticate" in page.text
    tab.at_the_bank(tab.pay(THREE_D_SECURE))
    done = again(client, tab.session, expand=["setup_intent.payment_method"])
    assert done.status == "complete"
    assert done.setup_intent.payment_method.customer == done.customer


def test_subscribing_pays_the_first_invoice_and_completes_the_session(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    tab = open_tab(sim, client, "subscription", subscription_data={"metadata": {"plan": "hours"}})
    told = events_of(sim, tab.pay)
    assert told[0] == "customer.created"
    assert told[-1] == "checkout.session.completed"
    assert {"customer.subscription.created", "invoice.paid", "payment_method.attached"} <= set(told)
    done = again(client, tab.session, expand=["subscription", "invoice"])
    assert (done.status, done.payment_status, done.payment_intent) == ("complete", "paid", None)
    assert (done.subscription.status, done.subscription.metadata["plan"]) == ("active", "hours")
    assert (done.invoice.status, done.invoice.amount_paid) == ("paid", 5000)
    assert done.subscription.customer == done.customer
    assert [each.id for each in client.v1.checkout.sessions.list({"subscription": done.subscription.id})] == [done.id]


def test_a_subscription_from_checkout_renews_by_itself(sim: Simulator, client: stripe.StripeClient) -> None:
    open_tab(sim, client, "subscription").pay()
    sim.clock.advance(32 * DAY)
    assert [charge.amount for charge in client.v1.charges.list()] == [5000, 5000]


def test_a_trial_asks_for_a_card_and_takes_nothing(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, "subscription", subscription_data={"trial_period_days": 14})
    assert "Start trial" in tab.look()
    assert "14 days free" in tab.look()
    told = events_of(sim, tab.pay)
    assert told[:4] == ["customer.created", "setup_intent.created", "payment_method.attached", "setup_intent.succeeded"]
    assert told[-1] == "checkout.session.completed"
    done = again(client, tab.session, expand=["subscription"])
    assert (done.payment_status, done.subscription.status) == ("no_payment_required", "trialing")
    assert client.v1.charges.list().data == []
    sim.clock.advance(15 * DAY)
    assert [charge.amount for charge in client.v1.charges.list()] == [5000]


def test_the_card_of_a_trial_is_shown_to_its_bank(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, "subscription", subscription_data={"trial_period_days": 14})
    assert tab.refused(DECLINED) == {"": "Your card was declined."}
    page = tab.come_back(tab.at_the_bank(tab.pay("4000002500003155"), "fail"))
    assert "We are unable to authenticate" in page.text
    assert client.v1.subscriptions.list().data == []
    tab.at_the_bank(tab.pay("4000002500003155"))
    assert again(client, tab.session).status == "complete"
    sim.clock.advance(15 * DAY)
    assert client.v1.subscriptions.list().data[0].status == "active"
    assert [charge.status for charge in client.v1.charges.list()] == ["succeeded"]


def test_a_trial_left_at_the_bank_ends_with_its_session(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, "subscription", subscription_data={"trial_period_days": 14})
    tab.pay(THREE_D_SECURE)
    told = events_of(sim, lambda: client.v1.checkout.sessions.expire(tab.session.id))
    assert told == ["setup_intent.canceled", "checkout.session.expired"]


def test_something_bought_once_goes_onto_the_first_invoice(sim: Simulator, client: stripe.StripeClient) -> None:
    items = [an_item(1000, 1, recurring={"interval": "month"}), an_item(700, 1)]
    tab = open_tab(sim, client, "subscription", line_items=items)
    assert tab.session.amount_total == 1700
    tab.pay()
    assert client.v1.invoices.list().data[0].amount_paid == 1700
    sim.clock.advance(32 * DAY)
    assert client.v1.charges.list().data[0].amount == 1000


def test_a_declined_subscription_leaves_nothing_behind(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, "subscription")
    assert events_of(sim, lambda: tab.refused(NO_FUNDS)) == []
    assert client.v1.subscriptions.list().data == []
    tab.pay()
    assert len(client.v1.subscriptions.list().data) == 1


def test_subscribing_by_way_of_the_bank(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, "subscription")
    page = tab.come_back(tab.at_the_bank(tab.pay(THREE_D_SECURE), "fail"))
    assert "We are unable to authenticate" in page.text
    assert again(client, tab.session).status == "open"
    tab.at_the_bank(tab.pay(THREE_D_SECURE))
    done = again(client, tab.session, expand=["subscription"])
    assert (done.status, done.payment_status, done.subscription.status) == ("complete", "paid", "active")
    assert len(client.v1.subscriptions.list({"status": "all"}).data) == 1
    assert done.subscription.default_payment_method is not None


def test_a_subscription_left_at_the_bank_ends_with_its_session(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, "subscription")
    tab.pay(THREE_D_SECURE)
    client.v1.checkout.sessions.expire(tab.session.id)
    assert client.v1.subscriptions.list({"status": "all"}).data[0].status == "incomplete_expired"
    assert again(client, tab.session).subscription is None
