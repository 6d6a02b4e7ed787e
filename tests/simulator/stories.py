"""Short words for what tests do again and again: a hold, what happened since, a refusal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator

DAY = 86_400
HOUR = 3_600


def an_intent(client: stripe.StripeClient, **given: Any) -> stripe.PaymentIntent:
    """A PaymentIntent of $50 to be captured by hand, waiting for a card."""
    wish = {"amount": 5000, "currency": "usd", "capture_method": "manual", "allowed_payment_method_types": ["card"]}
    return client.v1.payment_intents.create({**wish, **given})  # type: ignore[typeddict-item]


def a_hold(client: stripe.StripeClient, card: str = "pm_card_visa", **given: Any) -> stripe.PaymentIntent:
    """$50 authorized on a card."""
    return an_intent(client, payment_method=card, confirm=True, **given)


def a_payment(client: stripe.StripeClient, card: str = "pm_card_visa", **given: Any) -> stripe.PaymentIntent:
    """$50 paid at once."""
    return a_hold(client, card, capture_method="automatic", **given)


def events_of(sim: Simulator, action: Callable[[], object]) -> list[str]:
    """The types of the events that an action makes, oldest first."""
    before = sim.events_since(None)
    action()
    return [event["type"] for event in sim.events_since(before[-1]["id"] if before else None)]


def refusal(action: Callable[[], object]) -> stripe.StripeError:
    """The error an action meets; it must meet one."""
    with pytest.raises(stripe.StripeError) as caught:
        action()
    return caught.value


def declined(client: stripe.StripeClient, intent_id: str, card: str) -> stripe.CardError:
    """The decline of a card tried on an intent."""
    error = refusal(lambda: client.v1.payment_intents.confirm(intent_id, {"payment_method": card}))
    assert isinstance(error, stripe.CardError)
    return error


def typed_card(number: str, exp_year: int = 2050, cvc: str = "123") -> dict[str, Any]:
    """What a person types, as the browser sends it."""
    card = {"number": number, "exp_month": 12, "exp_year": exp_year, "cvc": cvc}
    return {"type": "card", "card": card}


def wait_until_under_way(sim: Simulator) -> None:
    """Wait until the request that is to be delayed has met its fault and gone on to wait inside."""
    while sim.faults.waiting():
        time.sleep(0.01)
    time.sleep(0.3)
