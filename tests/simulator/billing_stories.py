"""Short words for subscriptions: a plan, somebody with a card, what happened as time passed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import stripe

from stripe_simulator import Simulator


def a_plan(client: stripe.StripeClient, amount: int = 2000, every: str = "month", **given: Any) -> stripe.Price:
    """$20 a month for a product of its own."""
    recurring = {"interval": every, "interval_count": given.pop("count", 1)}
    wish = {"currency": "usd", "unit_amount": amount, "recurring": recurring, "product_data": {"name": "Mentoring"}}
    return client.v1.prices.create({**wish, **given})  # type: ignore[typeddict-item]


def somebody(client: stripe.StripeClient, card: str | None = "pm_card_visa") -> stripe.Customer:
    """A customer whose invoices a kept card pays."""
    ann = client.v1.customers.create({"email": "ann@example.com", "name": "Ann"})
    if card:
        use_card(client, ann.id, card)
    return ann


def use_card(client: stripe.StripeClient, customer_id: str, card: str) -> str:
    """Keep a card with a customer and have it pay invoices from now on."""
    kept = client.v1.payment_methods.attach(card, {"customer": customer_id})
    client.v1.customers.update(customer_id, {"invoice_settings": {"default_payment_method": kept.id}})
    return kept.id


def a_subscription(client: stripe.StripeClient, **given: Any) -> stripe.Subscription:
    """Somebody subscribed to $20 a month, and what else is wished."""
    wish: dict[str, Any] = {"customer": given.pop("customer", None) or somebody(client).id}
    wish["items"] = given.pop("items", None) or [{"price": a_plan(client).id}]
    return client.v1.subscriptions.create({**wish, **given})  # type: ignore[typeddict-item]


def again(client: stripe.StripeClient, subscription: stripe.Subscription) -> stripe.Subscription:
    """The subscription as it is now."""
    return client.v1.subscriptions.retrieve(subscription.id)


def latest_invoice(client: stripe.StripeClient, subscription: stripe.Subscription) -> stripe.Invoice:
    """Its newest invoice, with payments."""
    fresh = again(client, subscription)
    return client.v1.invoices.retrieve(fresh.latest_invoice, {"expand": ["payments"]})


def intent_of(client: stripe.StripeClient, invoice: stripe.Invoice) -> stripe.PaymentIntent:
    """The PaymentIntent that pays an invoice."""
    paying = client.v1.invoice_payments.list({"invoice": invoice.id}).data[0]
    return client.v1.payment_intents.retrieve(paying.payment.payment_intent)


def period(subscription: stripe.Subscription) -> tuple[int, int]:
    """The current period of its first item, in Unix seconds."""
    item = subscription["items"].data[0]
    return item.current_period_start, item.current_period_end


def day(unix: int) -> str:
    """A Unix time as an ISO date, UTC."""
    return datetime.fromtimestamp(unix, UTC).date().isoformat()


def moment(year: int, month: int, date: int, hour: int = 12) -> float:
    """Unix seconds of a time in UTC."""
    return datetime(year, month, date, hour, tzinfo=UTC).timestamp()


def to_the_renewal(sim: Simulator, subscription: stripe.Subscription, later: float = 3601) -> None:
    """Move on until the period is over and its invoice has been tried (an hour later)."""
    sim.clock.set(period(subscription)[1] + later)


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def since(sim: Simulator, event_id: str) -> list[tuple[str, int]]:
    """What happened after an event, and when (Unix seconds)."""
    return [(event["type"], event["created"]) for event in sim.events_since(event_id)]
