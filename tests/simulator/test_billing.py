"""Facts about how a subscription starts, changes and is cancelled."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator

from .billing_stories import a_plan, a_subscription, again, intent_of, latest_invoice, period, somebody, use_card
from .stories import DAY, HOUR, events_of, refusal
from .test_authentication import at_the_bank

PAID = [
    *("payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "invoice_payment.paid"),
    *("invoice.updated", "invoice.paid", "invoice.payment_succeeded"),
]
BEGUN = ["customer.subscription.created", "invoice.created", "invoice.finalized"]


def test_a_subscription_with_a_good_card_is_active_and_paid(sim: Simulator, client: stripe.StripeClient) -> None:
    ann, plan = somebody(client), a_plan(client)
    told = events_of(sim, lambda: a_subscription(client, customer=ann.id, items=[{"price": plan.id, "quantity": 3}]))
    assert told == [*BEGUN, *PAID, "customer.subscription.updated"]
    subscription = client.v1.subscriptions.list({"customer": ann.id}).data[0]
    invoice = latest_invoice(client, subscription)
    assert (subscription.status, invoice.status, invoice.amount_paid) == ("active", "paid", 6000)
    charge = client.v1.charges.list({"customer": ann.id}).data[0]
    assert (charge.amount, charge.captured, charge.payment_intent) == (6000, True, intent_of(client, invoice).id)


def test_the_update_says_what_the_status_was(sim: Simulator, client: stripe.StripeClient) -> None:
    a_subscription(client)
    event = sim.events_since(None)[-1]
    assert event["data"]["previous_attributes"] == {"status": "incomplete"}
    assert event["data"]["object"]["status"] == "active"


def test_the_shape_is_that_of_basil_and_later(client: stripe.StripeClient) -> None:
    subscription = a_subscription(client, expand=["latest_invoice.confirmation_secret", "latest_invoice.payments"])
    assert "current_period_end" not in subscription
    assert period(subscription)[0] == subscription.created
    invoice = subscription.latest_invoice
    for gone in ("payment_intent", "subscription", "charge", "paid"):
        assert gone not in invoice
    assert invoice.parent.subscription_details.subscription == subscription.id
    intent = client.v1.payment_intents.retrieve(invoice.payments.data[0].payment.payment_intent)
    assert (invoice.confirmation_secret.client_secret, invoice.confirmation_secret.type) == (
        intent.client_secret,
        "payment_intent",
    )
    assert "invoice" not in intent
    assert "payments" not in client.v1.invoices.retrieve(invoice.id)


def test_default_incomplete_waits_for_the_browser(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(
        client,
        customer=somebody(client, card=None).id,
        payment_behavior="default_incomplete",
        payment_settings={"save_default_payment_method": "on_subscription"},
        expand=["latest_invoice.confirmation_secret"],
    )
    assert (subscription.status, subscription.latest_invoice.status) == ("incomplete", "open")
    intent_id = subscription.latest_invoice.confirmation_secret.client_secret.partition("_secret_")[0]
    waiting = client.v1.payment_intents.retrieve(intent_id)
    assert (waiting.status, waiting.setup_future_usage) == ("requires_payment_method", "off_session")
    told = events_of(sim, lambda: client.v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_visa"}))
    assert told == [*PAID[1:], "customer.subscription.updated", "payment_method.attached"]
    fresh = again(client, subscription)
    assert fresh.status == "active"
    assert fresh.default_payment_method == client.v1.payment_intents.retrieve(intent_id).payment_method


def test_default_incomplete_with_a_card_waits_for_confirmation(client: stripe.StripeClient) -> None:
    subscription = a_subscription(client, payment_behavior="default_incomplete")
    assert intent_of(client, latest_invoice(client, subscription)).status == "requires_confirmation"


def test_an_incomplete_subscription_expires_after_23_hours(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client, payment_behavior="default_incomplete")
    sim.clock.advance(23 * HOUR - 60)
    assert again(client, subscription).status == "incomplete"
    told = events_of(sim, lambda: sim.clock.advance(120))
    assert told == ["payment_intent.canceled", "invoice.voided", "customer.subscription.updated"]
    assert again(client, subscription).status == "incomplete_expired"
    assert latest_invoice(client, subscription).status == "void"
    sim.clock.advance(60 * DAY)
    assert len(client.v1.invoices.list({"subscription": subscription.id}).data) == 1


def test_a_declined_first_payment_leaves_it_incomplete_unless_that_is_an_error(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    ann = somebody(client, "pm_card_chargeCustomerFail")
    told = events_of(sim, lambda: a_subscription(client, customer=ann.id))
    failing = ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    assert told[2:] == [*BEGUN, *failing, "customer.updated", "invoice.updated", "invoice.payment_failed"]
    left = client.v1.subscriptions.list({"customer": ann.id}).data[0]
    assert (left.status, latest_invoice(client, left).next_payment_attempt) == ("incomplete", None)
    error = refusal(lambda: a_subscription(client, customer=ann.id, payment_behavior="error_if_incomplete"))
    assert (error.http_status, error.code) == (402, "card_declined")
    assert [each.id for each in client.v1.subscriptions.list({"customer": ann.id})] == [left.id]


def test_another_card_pays_the_first_invoice_after_a_decline(client: stripe.StripeClient) -> None:
    ann = somebody(client, "pm_card_chargeCustomerFail")
    subscription = a_subscription(client, customer=ann.id)
    use_card(client, ann.id, "pm_card_mastercard")
    assert client.v1.invoices.pay(subscription.latest_invoice).status == "paid"
    assert again(client, subscription).status == "active"


def test_three_d_secure_at_the_start_makes_it_active_once_passed(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = somebody(client, "pm_card_authenticationRequired")
    told = events_of(sim, lambda: a_subscription(client, customer=ann.id))
    assert told[2:] == [
        *BEGUN,
        *("payment_intent.created", "payment_intent.requires_action", "invoice.payment_action_required"),
    ]
    subscription = client.v1.subscriptions.list({"customer": ann.id}).data[0]
    assert subscription.status == "incomplete"
    intent = intent_of(client, latest_invoice(client, subscription))
    at_the_bank(sim, intent.next_action.use_stripe_sdk["stripe_js"], "complete")
    assert again(client, subscription).status == "active"
    assert latest_invoice(client, subscription).status == "paid"


def test_three_d_secure_is_an_error_if_incomplete_is(client: stripe.StripeClient) -> None:
    ann = somebody(client, "pm_card_authenticationRequired")
    error = refusal(lambda: a_subscription(client, customer=ann.id, payment_behavior="error_if_incomplete"))
    assert (error.http_status, error.code) == (402, "subscription_payment_intent_requires_action")
    assert client.v1.subscriptions.list({"status": "all"}).data == []
    assert client.v1.payment_intents.list().data == []


def test_without_a_card_nothing_starts(client: stripe.StripeClient) -> None:
    error = refusal(lambda: a_subscription(client, customer=somebody(client, card=None).id))
    assert (error.http_status, error.code) == (400, "resource_missing")
    assert "payment method" in error.user_message


def test_the_subscriptions_card_goes_before_the_customers(client: stripe.StripeClient) -> None:
    ann = somebody(client)
    other = client.v1.payment_methods.attach("pm_card_mastercard", {"customer": ann.id})
    subscription = a_subscription(client, customer=ann.id, default_payment_method=other.id)
    assert intent_of(client, latest_invoice(client, subscription)).payment_method == other.id


def test_a_free_plan_is_active_without_a_card(sim: Simulator, client: stripe.StripeClient) -> None:
    ann, plan = somebody(client, card=None), a_plan(client, 0)
    told = events_of(sim, lambda: a_subscription(client, customer=ann.id, items=[{"price": plan.id}]))
    assert told == [*BEGUN, "invoice.updated", "invoice.paid", "invoice.payment_succeeded"]
    assert client.v1.subscriptions.list().data[0].status == "active"
    assert client.v1.payment_intents.list().data == []


def test_yen_have_no_cents(client: stripe.StripeClient) -> None:
    subscription = a_subscription(client, items=[{"price": a_plan(client, 1500, currency="jpy").id, "quantity": 2}])
    invoice = latest_invoice(client, subscription)
    assert (invoice.currency, invoice.amount_paid, subscription.currency) == ("jpy", 3000, "jpy")
    assert invoice.lines.data[0].amount == 3000


def test_what_is_bought_once_is_on_the_first_invoice_only(sim: Simulator, client: stripe.StripeClient) -> None:
    book = client.v1.prices.create({"currency": "usd", "unit_amount": 700, "product_data": {"name": "Book"}})
    subscription = a_subscription(client, add_invoice_items=[{"price": book.id, "quantity": 2}])
    assert latest_invoice(client, subscription).total == 3400
    sim.clock.set(period(subscription)[1] + 3601)
    assert latest_invoice(client, subscription).total == 2000


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"customer": None}, "parameter_missing", "customer"),
        ({"customer": "cus_none"}, "resource_missing", "customer"),
        ({"items": None}, "parameter_missing", "items"),
        ({"items": [{"quantity": 1}]}, "parameter_missing", "items[0][price]"),
        ({"items": [{"price": "price_none"}]}, "resource_missing", "items[0][price]"),
        ({"items": "text"}, None, "items"),
        ({"default_payment_method": "pm_none"}, "resource_missing", "default_payment_method"),
        ({"default_payment_method": "pm_card_visa"}, "resource_missing", "default_payment_method"),
        ({"payment_behavior": "hope"}, None, "payment_behavior"),
        ({"payment_behavior": "pending_if_incomplete"}, None, "payment_behavior=pending_if_incomplete"),
        ({"collection_method": "send_invoice"}, None, "collection_method=send_invoice"),
        ({"billing_cycle_anchor": 1}, None, "billing_cycle_anchor"),
        ({"trial_period_days": 731}, "parameter_invalid_integer", "trial_period_days"),
        ({"trial_period_days": 3, "trial_end": 4_000_000_000}, None, "trial_end"),
        ({"trial_end": 1}, None, "trial_end"),
        ({"trial_end": "soon"}, "parameter_invalid_integer", "trial_end"),
        ({"currency": "eur"}, None, "currency"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
    ],
)
def test_a_bad_subscription_is_a_400_that_names_the_parameter(
    client: stripe.StripeClient, wrong: dict[str, Any], code: str | None, param: str
) -> None:
    good: dict[str, Any] = {"customer": somebody(client).id, "items": [{"price": a_plan(client).id}]}
    wish = {name: value for name, value in {**good, **wrong}.items() if value is not None}
    error = refusal(lambda: client.v1.subscriptions.create(wish))
    assert (error.http_status, error.code, error.error.param) == (400, code, param)
    assert client.v1.subscriptions.list({"status": "all"}).data == []


def test_prices_that_cannot_be_billed_together_are_refused(client: stripe.StripeClient) -> None:
    monthly = a_plan(client)
    once = client.v1.prices.create({"currency": "usd", "unit_amount": 700, "product_data": {"name": "Book"}})
    for other in (a_plan(client, every="year"), a_plan(client, currency="eur"), monthly, once):
        error = refusal(lambda price=other: a_subscription(client, items=[{"price": monthly.id}, {"price": price.id}]))
        assert error.http_status == 400


def test_an_amount_below_the_smallest_charge_is_refused(client: stripe.StripeClient) -> None:
    plan = a_plan(client, 20)
    for given in ({}, {"trial_period_days": 3}):
        error = refusal(lambda more=given: a_subscription(client, items=[{"price": plan.id}], **more))
        assert error.code == "amount_too_small"
    going = a_subscription(client, items=[{"price": plan.id, "quantity": 3}])
    fewer: Any = {"items": [{"id": going["items"].data[0].id, "quantity": 2}], "proration_behavior": "none"}
    assert refusal(lambda: client.v1.subscriptions.update(going.id, fewer)).code == "amount_too_small"


def test_a_retried_creation_is_the_same_subscription(client: stripe.StripeClient) -> None:
    wish: Any = {"customer": somebody(client).id, "items": [{"price": a_plan(client).id}]}
    one, two = (client.v1.subscriptions.create(wish, {"idempotency_key": "k"}) for _ in range(2))
    assert one.id == two.id
    assert len(client.v1.subscriptions.list().data) == 1


def test_a_creation_whose_answer_was_lost_subscribes_once(sim: Simulator, client: stripe.StripeClient) -> None:
    wish: Any = {"customer": somebody(client).id, "items": [{"price": a_plan(client).id}]}
    sim.faults.add("lose_answer", path="/v1/subscriptions")
    assert isinstance(
        refusal(lambda: client.v1.subscriptions.create(wish, {"idempotency_key": "k"})), stripe.APIConnectionError
    )
    again_ = client.v1.subscriptions.create(wish, {"idempotency_key": "k"})
    assert [each.id for each in client.v1.subscriptions.list()] == [again_.id]
    assert len(client.v1.charges.list().data) == 1
