"""Facts about 3-D Secure: asked for on-session, refused off-session, passed or failed at the bank's page."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import stripe
from werkzeug.test import Client, TestResponse

from stripe_simulator import Simulator

from .stories import a_hold, an_intent, events_of, refusal

ALWAYS = "pm_card_authenticationRequired"


def at_the_bank(sim: Simulator, url: str, outcome: str) -> TestResponse:
    """Open the bank's page and press one of its buttons."""
    parts = urlsplit(url)
    bank = Client(sim)
    page = bank.get(f"{parts.path}?{parts.query}")
    assert page.status_code == 200
    assert "Complete" in page.text
    secret = parse_qs(parts.query)["client_secret"][0]
    return bank.post(parts.path, data={"client_secret": secret, "outcome": outcome})


def test_on_session_the_bank_is_asked_before_any_charge(sim: Simulator, client: stripe.StripeClient) -> None:
    told = events_of(sim, lambda: a_hold(client, ALWAYS))
    assert told == ["payment_intent.created", "payment_intent.requires_action"]
    waiting = client.v1.payment_intents.list().data[0]
    assert (waiting.status, waiting.next_action.type) == ("requires_action", "use_stripe_sdk")
    assert client.v1.charges.list().data == []


def test_passing_authentication_places_the_hold(sim: Simulator, client: stripe.StripeClient) -> None:
    waiting = a_hold(client, ALWAYS, return_url="http://localhost:5000/back?booking=1")
    url = waiting.next_action.redirect_to_url.url
    told = events_of(sim, lambda: at_the_bank(sim, url, "complete"))
    assert told == ["charge.succeeded", "payment_intent.amount_capturable_updated"]
    held = client.v1.payment_intents.retrieve(waiting.id, {"expand": ["latest_charge"]})
    assert (held.status, held.next_action) == ("requires_capture", None)
    assert held.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"


def test_the_bank_sends_the_cardholder_back_with_the_outcome(sim: Simulator, client: stripe.StripeClient) -> None:
    waiting = a_hold(client, ALWAYS, return_url="http://localhost:5000/back?booking=1")
    answer = at_the_bank(sim, waiting.next_action.redirect_to_url.url, "complete")
    back = urlsplit(answer.headers["Location"])
    assert (answer.status_code, back.netloc, back.path) == (303, "localhost:5000", "/back")
    query = parse_qs(back.query)
    assert query["booking"] == ["1"]
    assert query["payment_intent"] == [waiting.id]
    assert query["redirect_status"] == ["succeeded"]


def test_failing_authentication_asks_for_another_card(sim: Simulator, client: stripe.StripeClient) -> None:
    waiting = a_hold(client, ALWAYS)
    url = waiting.next_action.use_stripe_sdk["stripe_js"]
    assert events_of(sim, lambda: at_the_bank(sim, url, "fail")) == ["payment_intent.payment_failed"]
    failed = client.v1.payment_intents.retrieve(waiting.id)
    assert (failed.status, failed.payment_method) == ("requires_payment_method", None)
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    assert client.v1.charges.list().data == []


def test_a_card_can_pass_authentication_and_still_be_declined(sim: Simulator, client: stripe.StripeClient) -> None:
    waiting = a_hold(client, "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds")
    told = events_of(sim, lambda: at_the_bank(sim, waiting.next_action.use_stripe_sdk["stripe_js"], "complete"))
    assert told == ["charge.failed", "payment_intent.payment_failed"]
    failed = client.v1.payment_intents.retrieve(waiting.id)
    assert failed.last_payment_error.decline_code == "insufficient_funds"


def test_off_session_authentication_is_a_decline_without_a_charge(sim: Simulator, client: stripe.StripeClient) -> None:
    error = refusal(lambda: a_hold(client, ALWAYS, off_session=True))
    assert (error.http_status, error.code) == (402, "authentication_required")
    assert error.error.payment_intent.status == "requires_payment_method"
    assert client.v1.charges.list().data == []
    assert sim.events_since(None)[-1]["type"] == "payment_intent.payment_failed"


def test_a_card_set_up_before_needs_no_authentication_off_session(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"name": "Ann"})
    setup = client.v1.setup_intents.create(
        {
            "customer": ann.id,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "allowed_payment_method_types": ["card"],
            "confirm": True,
        }
    )
    assert setup.status == "requires_action"
    at_the_bank(sim, setup.next_action.use_stripe_sdk["stripe_js"], "complete")
    done = client.v1.setup_intents.retrieve(setup.id)
    assert done.status == "succeeded"
    hold = a_hold(client, done.payment_method, customer=ann.id, off_session=True)
    assert hold.status == "requires_capture"


def test_the_same_card_not_set_up_does_need_it(client: stripe.StripeClient) -> None:
    error = refusal(lambda: a_hold(client, "pm_card_authenticationRequiredOnSetup", off_session=True))
    assert error.code == "authentication_required"


def test_always_means_always_even_after_a_set_up(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"name": "Ann"})
    setup = client.v1.setup_intents.create(
        {"customer": ann.id, "payment_method": ALWAYS, "allowed_payment_method_types": ["card"], "confirm": True}
    )
    at_the_bank(sim, setup.next_action.use_stripe_sdk["stripe_js"], "complete")
    kept = client.v1.setup_intents.retrieve(setup.id).payment_method
    error = refusal(lambda: a_hold(client, kept, customer=ann.id, off_session=True))
    assert error.code == "authentication_required"


def test_an_intent_waiting_at_the_bank_can_be_canceled(client: stripe.StripeClient) -> None:
    waiting = a_hold(client, ALWAYS)
    assert client.v1.payment_intents.cancel(waiting.id).status == "canceled"


def test_the_banks_page_needs_the_right_secret(sim: Simulator, client: stripe.StripeClient) -> None:
    waiting = a_hold(client, ALWAYS)
    forged = {"client_secret": "pi_forged_secret_x", "outcome": "complete"}
    assert Client(sim).post(f"/three_d_secure/{waiting.id}", data=forged).status_code == 404
    assert client.v1.payment_intents.retrieve(waiting.id).status == "requires_action"


@pytest.mark.parametrize("asked", ["any", "challenge"])
def test_the_merchant_can_ask_for_authentication(client: stripe.StripeClient, asked: str) -> None:
    intent = an_intent(client, payment_method_options={"card": {"request_three_d_secure": asked}})
    waiting = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert waiting.status == "requires_action"
