"""Facts about keeping a card for later."""

from __future__ import annotations

import stripe

from stripe_simulator import Simulator

from .stories import a_hold, events_of, refusal


def test_a_card_is_kept_and_charged_later_without_its_owner(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"name": "Ann"})
    setup = client.v1.setup_intents.create({"customer": ann.id, "allowed_payment_method_types": ["card"]})
    assert (setup.status, setup.usage) == ("requires_payment_method", "off_session")
    told = events_of(sim, lambda: client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"}))
    assert told == ["payment_method.attached", "setup_intent.succeeded"]
    done = client.v1.setup_intents.retrieve(setup.id, {"expand": ["payment_method"]})
    assert done.payment_method.customer == ann.id
    assert a_hold(client, done.payment_method.id, customer=ann.id, off_session=True).status == "requires_capture"


def test_a_declined_set_up_carries_the_whole_intent(sim: Simulator, client: stripe.StripeClient) -> None:
    setup = client.v1.setup_intents.create({"allowed_payment_method_types": ["card"]})
    confirm = {"payment_method": "pm_card_chargeDeclined"}
    error = refusal(lambda: client.v1.setup_intents.confirm(setup.id, confirm))
    assert isinstance(error, stripe.CardError)
    assert error.error.setup_intent.status == "requires_payment_method"
    assert sim.events_since(None)[-1]["type"] == "setup_intent.setup_failed"


def test_a_set_up_can_be_canceled_once(client: stripe.StripeClient) -> None:
    setup = client.v1.setup_intents.create({})
    assert client.v1.setup_intents.cancel(setup.id).status == "canceled"
    error = refusal(lambda: client.v1.setup_intents.cancel(setup.id))
    assert error.code == "setup_intent_unexpected_state"
