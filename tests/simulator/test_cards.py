"""Facts about cards: what the test numbers do, and what is refused before any bank is asked."""

from __future__ import annotations

import pytest
import stripe

from stripe_simulator import Simulator

from .stories import a_hold, an_intent, declined, events_of, refusal, typed_card


def test_a_decline_tells_the_failed_charge_and_then_the_failed_payment(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    intent = an_intent(client)
    told = events_of(sim, lambda: declined(client, intent.id, "pm_card_chargeDeclined"))
    assert told == ["charge.failed", "payment_intent.payment_failed"]
    refused = client.v1.payment_intents.retrieve(intent.id)
    assert (refused.status, refused.payment_method) == ("requires_payment_method", None)
    assert refused.last_payment_error.decline_code == "generic_decline"
    charge = client.v1.charges.retrieve(refused.latest_charge)
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, "card_declined")


def test_a_decline_answers_402_with_charge_intent_and_payment_method(client: stripe.StripeClient) -> None:
    intent = an_intent(client)
    error = declined(client, intent.id, "pm_card_chargeDeclinedInsufficientFunds")
    assert (error.http_status, error.code) == (402, "card_declined")
    assert error.error.decline_code == "insufficient_funds"
    assert error.user_message == "Your card has insufficient funds."
    assert error.error.charge.startswith("ch_")
    assert error.error.payment_intent.id == intent.id
    assert error.error.payment_intent.status == "requires_payment_method"
    assert error.error.payment_method.card.last4 == "9995"


def test_the_same_intent_can_be_paid_with_another_card(client: stripe.StripeClient) -> None:
    intent = an_intent(client)
    first = declined(client, intent.id, "pm_card_chargeDeclined").error.charge
    held = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (held.status, held.last_payment_error) == ("requires_capture", None)
    assert held.latest_charge != first
    assert [c.status for c in client.v1.charges.list({"payment_intent": intent.id})] == [
        "succeeded",
        "failed",
    ]


def test_a_declined_create_leaves_its_intent_behind(sim: Simulator, client: stripe.StripeClient) -> None:
    told = events_of(sim, lambda: refusal(lambda: a_hold(client, "pm_card_chargeDeclined")))
    assert told == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    assert client.v1.payment_intents.list().data[0].status == "requires_payment_method"


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000009979", "card_declined", "stolen_card"),
        ("4000000000000069", "expired_card", "expired_card"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
        ("4000000000000119", "processing_error", "processing_error"),
        ("4000000000006975", "card_declined", "card_velocity_exceeded"),
    ],
)
def test_a_declining_number_gives_its_own_code(
    client: stripe.StripeClient, number: str, code: str, decline_code: str
) -> None:
    intent = an_intent(client)
    error = refusal(lambda: client.v1.payment_intents.confirm(intent.id, {"payment_method_data": typed_card(number)}))
    assert (error.http_status, error.code, error.error.decline_code) == (402, code, decline_code)


@pytest.mark.parametrize(
    ("card", "code", "param"),
    [
        (typed_card("4242424242424241"), "incorrect_number", "number"),
        (typed_card("4242"), "invalid_number", "number"),
        (typed_card("4242424242424242", exp_year=2020), "invalid_expiry_year", "exp_year"),
        (typed_card("4242424242424242", cvc="12"), "invalid_cvc", "cvc"),
        (typed_card("4111111111111111"), "card_declined", "number"),
    ],
)
def test_a_mistyped_card_never_reaches_the_bank(
    client: stripe.StripeClient, card: dict[str, object], code: str, param: str
) -> None:
    intent = an_intent(client)
    error = refusal(lambda: client.v1.payment_intents.confirm(intent.id, {"payment_method_data": card}))
    assert (error.http_status, error.code, error.error.param) == (402, code, param)
    assert client.v1.charges.list().data == []


def test_an_expired_month_of_this_year_is_refused(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.clock.set(1_830_000_000)  # 2027-12-28
    card = {"number": "4242424242424242", "exp_month": 11, "exp_year": 2027, "cvc": "123"}
    error = refusal(lambda: client.v1.payment_methods.create({"type": "card", "card": card}))
    assert error.code == "invalid_expiry_month"


def test_a_card_that_attaches_and_then_declines(client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"name": "Ann"})
    card = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": ann.id})
    assert card.customer == ann.id
    error = refusal(lambda: a_hold(client, card.id, customer=ann.id, off_session=True))
    assert error.code == "card_declined"


def test_a_declining_card_cannot_even_be_attached(client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"name": "Ann"})
    error = refusal(lambda: client.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": ann.id}))
    assert (error.http_status, error.code) == (402, "card_declined")
    assert client.v1.customers.payment_methods.list(ann.id).data == []


def test_a_card_used_without_a_customer_cannot_be_used_twice(client: stripe.StripeClient) -> None:
    card = client.v1.payment_methods.create(typed_card("4242424242424242"))  # type: ignore[arg-type]
    a_hold(client, card.id)
    error = refusal(lambda: a_hold(client, card.id))
    assert error.http_status == 400
    assert "may not be used again" in str(error)


def test_another_customers_card_is_refused(client: stripe.StripeClient) -> None:
    ann, cho = (client.v1.customers.create({"name": name}) for name in ("Ann", "Cho"))
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": ann.id})
    error = refusal(lambda: a_hold(client, card.id, customer=cho.id))
    assert (error.http_status, error.error.param) == (400, "payment_method")


def test_setup_future_usage_keeps_the_card_with_the_customer(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"name": "Ann"})
    told = events_of(sim, lambda: a_hold(client, customer=ann.id, setup_future_usage="off_session"))
    assert told[-1] == "payment_method.attached"
    kept = client.v1.customers.payment_methods.list(ann.id).data[0]
    assert a_hold(client, kept.id, customer=ann.id, off_session=True).status == "requires_capture"


def test_a_detached_card_is_gone_for_good(client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"payment_method": "pm_card_visa"})
    card = client.v1.customers.payment_methods.list(ann.id).data[0]
    assert client.v1.payment_methods.detach(card.id).customer is None
    error = refusal(lambda: client.v1.payment_methods.attach(card.id, {"customer": ann.id}))
    assert error.http_status == 400
