"""Facts about holds: authorize, capture, cancel, lapse."""

from __future__ import annotations

import pytest
import stripe

from stripe_simulator import Simulator

from .stories import DAY, HOUR, a_hold, a_payment, an_intent, events_of, refusal


def test_creating_an_intent_makes_one_event_and_no_charge(sim: Simulator, client: stripe.StripeClient) -> None:
    assert events_of(sim, lambda: an_intent(client)) == ["payment_intent.created"]
    assert client.v1.charges.list().data == []


def test_updating_an_intent_makes_no_event(sim: Simulator, client: stripe.StripeClient) -> None:
    intent = an_intent(client)
    change = {"amount": 7000, "metadata": {"booking": "bk_1"}, "description": "An hour with Bob"}
    assert events_of(sim, lambda: client.v1.payment_intents.update(intent.id, change)) == []
    changed = client.v1.payment_intents.retrieve(intent.id)
    assert (changed.amount, changed.metadata["booking"]) == (7000, "bk_1")


def test_the_default_capture_method_is_automatic_async(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    assert intent.capture_method == "automatic_async"
    assert intent.automatic_payment_methods.enabled is True


def test_authorizing_tells_the_charge_first_and_takes_nothing(sim: Simulator, client: stripe.StripeClient) -> None:
    intent = an_intent(client)
    told = events_of(sim, lambda: client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}))
    assert told == ["charge.succeeded", "payment_intent.amount_capturable_updated"]
    held = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 5000, 0)
    charge = held.latest_charge
    assert (charge.paid, charge.captured, charge.amount_captured) == (True, False, 0)
    assert charge.balance_transaction is None


def test_a_capture_tells_the_charge_first_and_then_the_intent(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    told = events_of(sim, lambda: client.v1.payment_intents.capture(hold.id))
    assert told == ["charge.captured", "payment_intent.succeeded"]
    paid = client.v1.payment_intents.retrieve(hold.id, {"expand": ["latest_charge.balance_transaction"]})
    assert (paid.status, paid.amount_received, paid.amount_capturable) == ("succeeded", 5000, 0)
    assert paid.latest_charge.balance_transaction.fee == 175
    assert paid.latest_charge.balance_transaction.net == 4825


def test_a_partial_capture_releases_the_rest_without_a_refund(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    told = events_of(sim, lambda: client.v1.payment_intents.capture(hold.id, {"amount_to_capture": 2000}))
    assert told == ["charge.captured", "payment_intent.succeeded"]
    paid = client.v1.payment_intents.retrieve(hold.id, {"expand": ["latest_charge"]})
    assert (paid.amount, paid.amount_received, paid.amount_capturable) == (5000, 2000, 0)
    assert (paid.latest_charge.amount_captured, paid.latest_charge.amount_refunded) == (2000, 0)
    assert client.v1.refunds.list({"payment_intent": hold.id}).data == []


def test_a_capture_merges_metadata(client: stripe.StripeClient) -> None:
    hold = a_hold(client, metadata={"booking": "bk_1", "gone": "soon"})
    paid = client.v1.payment_intents.capture(hold.id, {"metadata": {"operation": "op_1", "gone": ""}})
    assert paid.metadata.to_dict() == {"booking": "bk_1", "operation": "op_1"}


def test_canceling_a_hold_makes_one_event_and_no_refund(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    told = events_of(
        sim,
        lambda: client.v1.payment_intents.cancel(hold.id, {"cancellation_reason": "requested_by_customer"}),
    )
    assert told == ["payment_intent.canceled"]
    gone = client.v1.payment_intents.retrieve(hold.id)
    assert (gone.status, gone.cancellation_reason, gone.amount_capturable) == (
        *("canceled", "requested_by_customer"),
        0,
    )
    assert gone.canceled_at
    assert client.v1.refunds.list({"payment_intent": hold.id}).data == []


def test_capturing_more_than_was_authorized_is_amount_too_large(client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    error = refusal(lambda: client.v1.payment_intents.capture(hold.id, {"amount_to_capture": 5001}))
    assert (error.http_status, error.code, error.error.param) == (
        400,
        "amount_too_large",
        "amount_to_capture",
    )
    assert client.v1.payment_intents.retrieve(hold.id).status == "requires_capture"


def test_capturing_nothing_is_an_invalid_integer(client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    error = refusal(lambda: client.v1.payment_intents.capture(hold.id, {"amount_to_capture": 0}))
    assert (error.http_status, error.code) == (400, "parameter_invalid_integer")


@pytest.mark.parametrize("action", ["capture", "cancel", "confirm"])
def test_a_move_in_the_wrong_state_answers_with_the_whole_intent(client: stripe.StripeClient, action: str) -> None:
    paid = a_payment(client)
    error = refusal(lambda: getattr(client.v1.payment_intents, action)(paid.id))
    assert (error.http_status, error.code) == (400, "payment_intent_unexpected_state")
    assert error.error.payment_intent.id == paid.id
    assert error.error.payment_intent.status == "succeeded"


def test_an_amount_cannot_change_once_held_but_words_can(client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    error = refusal(lambda: client.v1.payment_intents.update(hold.id, {"amount": 1}))
    assert error.code == "payment_intent_unexpected_state"
    told = client.v1.payment_intents.update(hold.id, {"description": "x", "metadata": {"a": "b"}})
    assert (told.amount, told.description) == (5000, "x")


def _capture_before(client: stripe.StripeClient, hold: stripe.PaymentIntent) -> int:
    charge = client.v1.charges.retrieve(hold.latest_charge)
    return charge.payment_method_details.card.capture_before - charge.created


def test_a_customer_initiated_hold_lives_seven_days(client: stripe.StripeClient) -> None:
    assert _capture_before(client, a_hold(client)) == 7 * DAY


def test_a_merchant_initiated_visa_hold_lives_four_days_and_eighteen_hours(
    client: stripe.StripeClient,
) -> None:
    assert _capture_before(client, a_hold(client, off_session=True)) == 4 * DAY + 18 * HOUR


def test_a_merchant_initiated_mastercard_hold_lives_seven_days(client: stripe.StripeClient) -> None:
    assert _capture_before(client, a_hold(client, "pm_card_mastercard", off_session=True)) == 7 * DAY


def test_a_hold_that_nobody_captures_lapses_as_expired(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    sim.clock.advance(7 * DAY - 60)
    assert client.v1.payment_intents.retrieve(hold.id).status == "requires_capture"
    assert events_of(sim, lambda: sim.clock.advance(120)) == ["charge.expired", "payment_intent.canceled"]
    lapsed = client.v1.payment_intents.retrieve(hold.id)
    assert (lapsed.status, lapsed.cancellation_reason) == ("canceled", "expired")
    error = refusal(lambda: client.v1.payment_intents.capture(hold.id))
    assert error.code == "payment_intent_unexpected_state"
    assert client.v1.refunds.list().data == []


def test_a_captured_hold_does_not_lapse(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    client.v1.payment_intents.capture(hold.id)
    assert events_of(sim, lambda: sim.clock.advance(30 * DAY)) == []
    assert client.v1.payment_intents.retrieve(hold.id).status == "succeeded"


def test_paying_at_once_captures_the_charge(sim: Simulator, client: stripe.StripeClient) -> None:
    told = events_of(sim, lambda: a_payment(client))
    assert told == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    charge = client.v1.charges.list().data[0]
    assert (charge.captured, charge.amount_captured) == (True, 5000)
