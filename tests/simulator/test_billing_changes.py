"""Facts about how a subscription changes, is listed and is cancelled."""

from __future__ import annotations

from typing import Any

import stripe

from stripe_simulator import Simulator

from .billing_stories import a_plan, a_subscription, again, latest_invoice, period, somebody
from .stories import DAY, events_of, refusal


def test_quantity_and_price_change_with_the_next_invoice(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    item = subscription["items"].data[0]
    dearer = a_plan(client, 3000)
    change: Any = {"items": [{"id": item.id, "price": dearer.id, "quantity": 2}], "proration_behavior": "none"}
    told = events_of(sim, lambda: client.v1.subscriptions.update(subscription.id, change))
    assert told == ["customer.subscription.updated"]
    assert [each.id for each in client.v1.subscriptions.list({"price": dearer.id})] == [subscription.id]
    sim.clock.set(period(subscription)[1] + 3601)
    assert latest_invoice(client, subscription).amount_paid == 6000


def test_proration_is_not_simulated_and_says_so(client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    item = subscription["items"].data[0].id
    yearly = a_plan(client, every="year")
    for change in (
        {"items": [{"id": item, "quantity": 2}]},
        {"items": [{"id": item, "quantity": 2}], "proration_behavior": "always_invoice"},
        {"items": [{"id": item, "price": yearly.id}], "proration_behavior": "none"},
        {"pause_collection": {"behavior": "void"}},
        {"trial_end": "now"},
    ):
        error = refusal(lambda given=change: client.v1.subscriptions.update(subscription.id, given))
        assert error.http_status == 400
        assert "not simulated" in error.user_message
    assert again(client, subscription)["items"].data[0].quantity == 1


def test_items_are_added_and_deleted_but_never_all(client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    first = subscription["items"].data[0].id
    added: Any = {"items": [{"price": a_plan(client).id}], "proration_behavior": "none"}
    assert client.v1.subscriptions.update(subscription.id, added)["items"].total_count == 2
    delete: Any = {"items": [{"id": first, "deleted": True}], "proration_behavior": "none"}
    left = client.v1.subscriptions.update(subscription.id, delete)["items"]
    assert [item.id for item in left.data] != [first]
    last: Any = {"items": [{"id": left.data[0].id, "deleted": True}], "proration_behavior": "none"}
    assert refusal(lambda: client.v1.subscriptions.update(subscription.id, last)).error.param == "items"


def test_metadata_and_description_change_alone(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client, metadata={"user": "u_1"}, description="Weekly hour")
    changed = client.v1.subscriptions.update(subscription.id, {"metadata": {"since": "2026"}, "description": ""})
    assert (changed.metadata.to_dict(), changed.description) == ({"user": "u_1", "since": "2026"}, None)
    previous = sim.events_since(None)[-1]["data"]["previous_attributes"]
    assert previous == {"metadata": {"user": "u_1"}, "description": "Weekly hour"}


def test_an_update_that_changes_nothing_tells_nothing(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    same: Any = {"cancel_at_period_end": False, "description": ""}
    assert events_of(sim, lambda: client.v1.subscriptions.update(subscription.id, same)) == []


def test_cancelling_ends_it_at_once(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    why: Any = {"cancellation_details": {"comment": "Moved", "feedback": "unused"}}
    told = events_of(sim, lambda: client.v1.subscriptions.cancel(subscription.id, why))
    assert told == ["customer.subscription.deleted"]
    ended = again(client, subscription)
    assert (ended.status, ended.cancellation_details.reason) == ("canceled", "cancellation_requested")
    assert (ended.cancellation_details.feedback, ended.ended_at) == ("unused", ended.canceled_at)
    assert events_of(sim, lambda: sim.clock.advance(90 * DAY)) == []


def test_a_canceled_subscription_stays_so(client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    client.v1.subscriptions.cancel(subscription.id)
    assert refusal(lambda: client.v1.subscriptions.cancel(subscription.id)).code == "resource_missing"
    error = refusal(lambda: client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True}))
    assert error.http_status == 400
    assert client.v1.subscriptions.update(subscription.id, {"metadata": {"a": "b"}}).metadata.to_dict() == {"a": "b"}


def test_cancelling_an_incomplete_one_voids_its_invoice(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client, payment_behavior="default_incomplete")
    told = events_of(sim, lambda: client.v1.subscriptions.cancel(subscription.id))
    assert told == ["payment_intent.canceled", "invoice.voided", "customer.subscription.deleted"]
    assert again(client, subscription).status == "incomplete_expired"


def test_an_incomplete_one_changes_little(client: stripe.StripeClient) -> None:
    subscription = a_subscription(client, payment_behavior="default_incomplete")
    client.v1.subscriptions.update(subscription.id, {"metadata": {"a": "b"}})
    error = refusal(lambda: client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True}))
    assert error.error.param == "cancel_at_period_end"


def test_a_deleted_customer_is_subscribed_to_nothing(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    client.v1.customers.delete(subscription.customer)
    assert again(client, subscription).status == "canceled"
    assert events_of(sim, lambda: sim.clock.advance(40 * DAY)) == []


def test_lists_hide_what_has_ended_unless_asked(client: stripe.StripeClient) -> None:
    ann, plan = somebody(client), a_plan(client)
    going = a_subscription(client, customer=ann.id, items=[{"price": plan.id}])
    ended = a_subscription(client, customer=ann.id, items=[{"price": plan.id}])
    client.v1.subscriptions.cancel(ended.id)
    other = a_subscription(client)

    def found(**asked: Any) -> list[str]:
        return [each.id for each in client.v1.subscriptions.list(asked)]

    assert found() == [other.id, going.id]
    assert found(status="all") == [other.id, ended.id, going.id]
    assert found(status="ended") == found(status="canceled") == [ended.id]
    assert found(customer=ann.id) == found(price=plan.id) == [going.id]
    assert found(status="active", limit=1) == [other.id]
    assert refusal(lambda: found(price="price_none")).code == "resource_missing"
