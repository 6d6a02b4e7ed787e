"""Facts about renewals that could not be paid: retries, past due, the end."""

from __future__ import annotations

import pytest
import stripe
from werkzeug.test import Client

from stripe_simulator import Simulator

from .billing_stories import (
    a_plan,
    a_subscription,
    again,
    intent_of,
    latest_invoice,
    period,
    since,
    somebody,
    to_the_renewal,
    types,
    use_card,
)
from .stories import DAY, HOUR, events_of
from .test_authentication import at_the_bank

FAILING = "pm_card_chargeCustomerFail"
FAILED = ["charge.failed", "payment_intent.payment_failed"]


def test_a_failed_renewal_is_past_due_and_tried_again_after_3_5_and_7_days(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    subscription = a_subscription(client)
    use_card(client, subscription.customer, FAILING)
    first = period(subscription)[1] + HOUR
    last = sim.events_since(None)[-1]["id"]
    to_the_renewal(sim, subscription)
    assert types(sim.events_since(last))[2:] == [
        *("invoice.finalized", "payment_intent.created", *FAILED),
        *("customer.updated", "invoice.updated", "invoice.payment_failed", "customer.subscription.updated"),
    ]
    due = again(client, subscription)
    invoice = latest_invoice(client, subscription)
    assert (due.status, invoice.status, invoice.attempt_count) == ("past_due", "open", 1)
    assert invoice.next_payment_attempt == first + 3 * DAY
    assert client.v1.customers.retrieve(subscription.customer).delinquent is True
    last = sim.events_since(None)[-1]["id"]
    sim.clock.set(first + 9 * DAY)
    tried = [moment for type, moment in since(sim, last) if type == "charge.failed"]
    assert tried == [first + 3 * DAY, first + 8 * DAY]
    last_try = latest_invoice(client, subscription)
    assert (last_try.attempt_count, last_try.next_payment_attempt) == (3, first + 15 * DAY)


def test_a_paid_retry_makes_it_active_again(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    use_card(client, subscription.customer, FAILING)
    to_the_renewal(sim, subscription)
    use_card(client, subscription.customer, "pm_card_mastercard")
    told = events_of(sim, lambda: sim.clock.advance(3 * DAY))
    assert told == [
        *("charge.succeeded", "payment_intent.succeeded", "invoice_payment.paid", "customer.updated"),
        *("invoice.updated", "invoice.paid", "invoice.payment_succeeded", "customer.subscription.updated"),
    ]
    assert again(client, subscription).status == "active"
    assert latest_invoice(client, subscription).attempt_count == 2
    assert events_of(sim, lambda: sim.clock.advance(10 * DAY)) == []


def test_after_the_last_attempt_it_is_canceled(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    use_card(client, subscription.customer, FAILING)
    to_the_renewal(sim, subscription)
    last = sim.events_since(None)[-1]["id"]
    sim.clock.advance(15 * DAY)
    assert types(sim.events_since(last))[-3:] == [
        *("invoice.updated", "invoice.payment_failed", "customer.subscription.deleted")
    ]
    ended = again(client, subscription)
    assert (ended.status, ended.cancellation_details.reason) == ("canceled", "payment_failed")
    left = latest_invoice(client, subscription)
    assert (left.status, left.attempt_count, left.auto_advance, left.next_payment_attempt) == ("open", 4, False, None)
    assert events_of(sim, lambda: sim.clock.advance(60 * DAY)) == []


@pytest.mark.parametrize(("choice", "drafts"), [("unpaid", 1), ("past_due", 0)])
def test_an_account_may_choose_unpaid_or_past_due_instead(
    sim: Simulator, client: stripe.StripeClient, choice: str, drafts: int
) -> None:
    answer = Client(sim).post("/_simulator/billing", json={"after_retries": choice})
    assert (answer.status_code, answer.json) == (200, answer.json | {"after_retries": choice})
    subscription = a_subscription(client)
    use_card(client, subscription.customer, FAILING)
    to_the_renewal(sim, subscription)
    sim.clock.advance(15 * DAY)
    assert again(client, subscription).status == choice
    to_the_renewal(sim, again(client, subscription))
    invoices = client.v1.invoices.list({"subscription": subscription.id}).data
    assert [invoice.status for invoice in invoices].count("draft") == drafts
    use_card(client, subscription.customer, "pm_card_visa")
    for invoice in invoices:
        if invoice.status != "paid":
            client.v1.invoices.pay(invoice.id)
    assert again(client, subscription).status == "active"


def test_that_choice_is_one_of_three(sim: Simulator) -> None:
    for wrong in ({"after_retries": "forgive"}, {}, {"after_retries": "unpaid", "x": 1}):
        assert Client(sim).post("/_simulator/billing", json=wrong).status_code == 400


def test_a_card_that_always_asks_needs_its_holder_at_each_renewal(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    use_card(client, subscription.customer, "pm_card_authenticationRequired")
    last = sim.events_since(None)[-1]["id"]
    to_the_renewal(sim, subscription)
    told = types(sim.events_since(last))
    assert told[3:6] == ["payment_intent.created", "payment_intent.requires_action", "invoice.payment_action_required"]
    assert "charge.failed" not in told
    assert again(client, subscription).status == "past_due"
    intent = intent_of(client, latest_invoice(client, subscription))
    assert intent.status == "requires_action"
    at_the_bank(sim, intent.next_action.use_stripe_sdk["stripe_js"], "complete")
    assert again(client, subscription).status == "active"


def test_a_card_that_asks_unless_set_up_renews_alone(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = somebody(client, "pm_card_authenticationRequiredOnSetup")
    subscription = a_subscription(client, customer=ann.id)
    intent = intent_of(client, latest_invoice(client, subscription))
    at_the_bank(sim, intent.next_action.use_stripe_sdk["stripe_js"], "complete")
    to_the_renewal(sim, subscription)
    assert latest_invoice(client, subscription).status == "paid"


def test_without_any_card_a_renewal_fails_without_a_charge(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    card = client.v1.customers.retrieve(subscription.customer).invoice_settings.default_payment_method
    client.v1.payment_methods.detach(card)
    last = sim.events_since(None)[-1]["id"]
    to_the_renewal(sim, subscription)
    told = types(sim.events_since(last))
    assert "invoice.payment_failed" in told
    assert "charge.failed" not in told
    assert again(client, subscription).status == "past_due"


def test_a_past_due_one_that_is_cancelled_is_tried_no_more(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    use_card(client, subscription.customer, FAILING)
    to_the_renewal(sim, subscription)
    client.v1.subscriptions.cancel(subscription.id)
    assert events_of(sim, lambda: sim.clock.advance(30 * DAY)) == []
    assert latest_invoice(client, subscription).status == "open"


def test_a_declined_confirmation_in_the_browser_keeps_the_retry(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    use_card(client, subscription.customer, FAILING)
    to_the_renewal(sim, subscription)
    before = latest_invoice(client, subscription)
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.confirm(
            intent_of(client, before).id, {"payment_method": "pm_card_visa_chargeDeclined"}
        )
    after = latest_invoice(client, subscription)
    assert (after.attempt_count, after.next_payment_attempt) == (1, before.next_payment_attempt)
    assert again(client, subscription).status == "past_due"


def test_an_older_debt_does_not_end_what_is_paid_again(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client, items=[{"price": a_plan(client, every="week").id}])
    use_card(client, subscription.customer, FAILING)
    to_the_renewal(sim, subscription)
    debt = latest_invoice(client, subscription)
    for _ in range(2):
        to_the_renewal(sim, again(client, subscription), later=60)
        use_card(client, subscription.customer, "pm_card_visa")
        sim.clock.advance(HOUR)
        use_card(client, subscription.customer, FAILING)
        sim.clock.advance(2 * DAY)
        assert again(client, subscription).status == "active"
    given_up = client.v1.invoices.retrieve(debt.id)
    assert (given_up.status, given_up.attempt_count, given_up.next_payment_attempt) == ("open", 4, None)
