"""Facts about cards kept for later: how they are set up, listed, chosen, and charged while their owner is away."""

from __future__ import annotations

import pytest
import stripe

from stripe_simulator import Simulator

from .stories import a_hold, a_payment, events_of, refusal
from .test_authentication import at_the_bank

ON_SETUP = "pm_card_authenticationRequiredOnSetup"


def ann(client: stripe.StripeClient) -> stripe.Customer:
    return client.v1.customers.create({"email": "ann@example.com"})


def set_up(sim: Simulator, client: stripe.StripeClient, card: str, customer: str) -> str:
    """The card's id, once its owner has agreed to be charged while away."""
    setup = client.v1.setup_intents.create({"customer": customer, "payment_method": card, "confirm": True})
    if setup.status == "requires_action":
        at_the_bank(sim, setup.next_action.use_stripe_sdk["stripe_js"], "complete")
    done = client.v1.setup_intents.retrieve(setup.id)
    assert done.status == "succeeded"
    return str(done.payment_method)


def test_a_card_set_up_still_asks_its_owner_on_session(sim: Simulator, client: stripe.StripeClient) -> None:
    owner = ann(client)
    card = set_up(sim, client, ON_SETUP, owner.id)
    assert a_payment(client, card, customer=owner.id).status == "requires_action"
    assert a_payment(client, card, customer=owner.id, off_session=True).status == "succeeded"


def test_a_card_only_attached_is_not_set_up(client: stripe.StripeClient) -> None:
    owner = ann(client)
    card = client.v1.payment_methods.attach(ON_SETUP, {"customer": owner.id})
    error = refusal(lambda: a_hold(client, card.id, customer=owner.id, off_session=True))
    assert (error.http_status, error.code, error.error.decline_code) == (402, *["authentication_required"] * 2)
    assert error.error.payment_intent.status == "requires_payment_method"
    assert error.error.payment_intent.last_payment_error.payment_method.id == card.id
    assert client.v1.charges.list().data == []


def test_paying_with_setup_future_usage_sets_the_card_up(sim: Simulator, client: stripe.StripeClient) -> None:
    owner = ann(client)
    paid = a_payment(client, ON_SETUP, customer=owner.id, setup_future_usage="off_session")
    at_the_bank(sim, paid.next_action.use_stripe_sdk["stripe_js"], "complete")
    card = client.v1.payment_intents.retrieve(paid.id).payment_method
    assert a_hold(client, card, customer=owner.id, off_session=True).status == "requires_capture"


def test_kept_for_on_session_use_is_not_set_up(sim: Simulator, client: stripe.StripeClient) -> None:
    owner = ann(client)
    wish = {"customer": owner.id, "payment_method": ON_SETUP, "confirm": True, "usage": "on_session"}
    setup = client.v1.setup_intents.create(wish)  # type: ignore[arg-type]
    at_the_bank(sim, setup.next_action.use_stripe_sdk["stripe_js"], "complete")
    error = refusal(lambda: a_hold(client, setup.payment_method, customer=owner.id, off_session=True))
    assert error.code == "authentication_required"


def test_a_card_already_set_up_asks_on_session_only(client: stripe.StripeClient) -> None:
    owner = ann(client)
    card = "pm_card_authenticationRequiredSetupForOffSession"
    kept = client.v1.payment_methods.attach(card, {"customer": owner.id})
    assert a_payment(client, kept.id, customer=owner.id, off_session=True).status == "succeeded"
    assert a_payment(client, kept.id, customer=owner.id).status == "requires_action"


def test_a_card_without_funds_is_set_up_and_declines_when_charged(sim: Simulator, client: stripe.StripeClient) -> None:
    owner = ann(client)
    card = set_up(sim, client, "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", owner.id)
    told = events_of(sim, lambda: refusal(lambda: a_hold(client, card, customer=owner.id, off_session=True)))
    assert told == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    failed = client.v1.payment_intents.list().data[0]
    assert failed.last_payment_error.decline_code == "insufficient_funds"


def test_a_card_that_declines_after_attaching_is_set_up_without_a_word(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    owner = ann(client)
    card = set_up(sim, client, "pm_card_chargeCustomerFail", owner.id)
    error = refusal(lambda: a_hold(client, card, customer=owner.id, off_session=True))
    assert (error.code, error.error.decline_code) == ("card_declined", "generic_decline")


@pytest.mark.parametrize("setting", [{"usage": "off_session"}, {"usage": "on_session"}])
def test_each_try_to_keep_a_card_is_a_setup_attempt(client: stripe.StripeClient, setting: dict[str, str]) -> None:
    setup = client.v1.setup_intents.create(setting)  # type: ignore[arg-type]
    assert setup.latest_attempt is None
    refusal(lambda: client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_chargeDeclined"}))
    client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    good, bad = client.v1.setup_attempts.list({"setup_intent": setup.id})
    assert (good.status, bad.status, bad.setup_error.decline_code) == ("succeeded", "failed", "generic_decline")
    assert good.usage == setting["usage"]
    assert client.v1.setup_intents.retrieve(setup.id, {"expand": ["latest_attempt"]}).latest_attempt.id == good.id


def test_a_setup_attempt_tells_how_the_cardholder_answered(sim: Simulator, client: stripe.StripeClient) -> None:
    setup = client.v1.setup_intents.create({"payment_method": ON_SETUP, "confirm": True})
    again = client.v1.setup_intents.confirm(setup.id, {"payment_method": ON_SETUP})
    waiting, left = client.v1.setup_attempts.list({"setup_intent": setup.id})
    assert (waiting.status, left.status) == ("requires_action", "abandoned")
    at_the_bank(sim, again.next_action.use_stripe_sdk["stripe_js"], "fail")
    failed = client.v1.setup_attempts.list({"setup_intent": setup.id}).data[0]
    assert failed.payment_method_details.card.three_d_secure.result == "failed"
    assert failed.setup_error.code == "setup_intent_authentication_failure"


def test_setup_attempts_are_asked_for_by_their_intent(client: stripe.StripeClient) -> None:
    error = refusal(lambda: client.v1.setup_attempts.list({"setup_intent": "seti_none"}))
    assert (error.http_status, error.code, error.error.param) == (400, "resource_missing", "setup_intent")
    error = refusal(lambda: client.v1.setup_attempts.list({}))  # type: ignore[typeddict-item]
    assert (error.code, error.error.param) == ("parameter_missing", "setup_intent")


def test_kept_cards_are_listed_by_whether_they_may_be_shown_again(client: stripe.StripeClient) -> None:
    owner = ann(client)
    first, second = (client.v1.payment_methods.attach("pm_card_visa", {"customer": owner.id}) for _ in range(2))
    shown = client.v1.payment_methods.update(first.id, {"allow_redisplay": "always"})
    assert (shown.allow_redisplay, second.allow_redisplay) == ("always", "unspecified")
    for listed in (
        client.v1.payment_methods.list({"customer": owner.id, "allow_redisplay": "always"}),
        client.v1.customers.payment_methods.list(owner.id, {"allow_redisplay": "always", "type": "card"}),
    ):
        assert [card.id for card in listed] == [first.id]
    assert len(client.v1.customers.payment_methods.list(owner.id).data) == 2


def test_the_default_card_of_invoices_must_be_the_customers_own(client: stripe.StripeClient) -> None:
    owner = ann(client)
    foreign = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    wish = {"invoice_settings": {"default_payment_method": foreign.id}}
    error = refusal(lambda: client.v1.customers.update(owner.id, wish))  # type: ignore[arg-type]
    assert (error.http_status, error.code) == (400, "resource_missing")
    assert error.error.param == "invoice_settings[default_payment_method]"
    client.v1.payment_methods.attach(foreign.id, {"customer": owner.id})
    changed = client.v1.customers.update(owner.id, wish)  # type: ignore[arg-type]
    assert changed.invoice_settings.default_payment_method == foreign.id


def test_a_detached_card_is_no_longer_the_default(sim: Simulator, client: stripe.StripeClient) -> None:
    owner = ann(client)
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": owner.id})
    client.v1.customers.update(owner.id, {"invoice_settings": {"default_payment_method": card.id}})
    told = events_of(sim, lambda: client.v1.payment_methods.detach(card.id))
    assert told == ["payment_method.detached", "customer.updated"]
    assert client.v1.customers.retrieve(owner.id).invoice_settings.default_payment_method is None
