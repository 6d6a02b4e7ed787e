"""Facts about idempotency keys."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator

from .conftest import library
from .stories import DAY, HOUR, a_hold, an_intent, events_of, refusal, wait_until_under_way

HOLD = {"amount": 5000, "currency": "usd", "capture_method": "manual", "allowed_payment_method_types": ["card"]}


def create(client: stripe.StripeClient, key: str, **given: Any) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create({**HOLD, **given}, {"idempotency_key": key})  # type: ignore[typeddict-item]


def test_the_same_key_gives_the_same_answer_and_no_second_effect(sim: Simulator, client: stripe.StripeClient) -> None:
    first = create(client, "k1")
    assert events_of(sim, lambda: create(client, "k1")) == []
    again = create(client, "k1")
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert [request.replayed for request in sim.requests()] == [False, True, True]


def test_a_replay_shows_the_first_answer_even_if_the_object_moved_on(client: stripe.StripeClient) -> None:
    first = create(client, "k1")
    client.v1.payment_intents.cancel(first.id)
    assert create(client, "k1").status == "requires_payment_method"
    assert client.v1.payment_intents.retrieve(first.id).status == "canceled"


def test_the_same_key_with_other_parameters_is_an_idempotency_error(client: stripe.StripeClient) -> None:
    create(client, "k1")
    error = refusal(lambda: create(client, "k1", amount=6000))
    assert isinstance(error, stripe.IdempotencyError)
    assert (error.http_status, error.error.type) == (400, "idempotency_error")


def test_the_same_key_on_another_endpoint_is_an_idempotency_error(client: stripe.StripeClient) -> None:
    first, second = a_hold(client), a_hold(client)
    client.v1.payment_intents.cancel(first.id, {}, {"idempotency_key": "k1"})
    for call in (client.v1.payment_intents.cancel, client.v1.payment_intents.capture):
        error = refusal(lambda call=call: call(second.id, {}, {"idempotency_key": "k1"}))
        assert isinstance(error, stripe.IdempotencyError)
    assert client.v1.payment_intents.retrieve(second.id).status == "requires_capture"


def test_a_decline_is_saved_so_a_retry_needs_a_new_key(client: stripe.StripeClient) -> None:
    intent = an_intent(client)

    def pay(key: str) -> stripe.PaymentIntent:
        card = {"payment_method": "pm_card_chargeDeclined"}
        return client.v1.payment_intents.confirm(intent.id, card, {"idempotency_key": key})

    first, again, new = (refusal(lambda key=key: pay(key)) for key in ("k1", "k1", "k2"))
    assert first.error.charge == again.error.charge
    assert new.error.charge != first.error.charge
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_refusal_by_state_is_saved(client: stripe.StripeClient) -> None:
    hold = a_hold(client)

    def take(amount: int) -> object:
        return client.v1.payment_intents.capture(hold.id, {"amount_to_capture": amount}, {"idempotency_key": "k1"})

    first, again = refusal(lambda: take(9000)), refusal(lambda: take(9000))
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.code == again.code == "amount_too_large"


def test_a_validation_failure_is_not_saved(client: stripe.StripeClient) -> None:
    for wrong in ({"amount": -5}, {"amount": 1}, {"currency": "xyz"}, {"colour": "red"}):
        refusal(lambda wrong=wrong: create(client, "k1", **wrong))
    assert create(client, "k1").status == "requires_payment_method"


def test_a_key_is_kept_for_a_day_and_then_forgotten(sim: Simulator, client: stripe.StripeClient) -> None:
    first = create(client, "k1")
    sim.clock.advance(23 * HOUR)
    assert create(client, "k1").id == first.id
    sim.clock.advance(2 * HOUR)
    assert create(client, "k1").id != first.id


def test_keys_can_be_forgotten_on_order(sim: Simulator, client: stripe.StripeClient) -> None:
    first = create(client, "k1")
    sim.forget_idempotency_keys()
    assert create(client, "k1").id != first.id


def test_keys_belong_to_the_api_key_that_used_them(sim: Simulator, client: stripe.StripeClient) -> None:
    first = create(client, "k1")
    assert create(library(sim, "sk_test_other"), "k1").id != first.id


def test_a_key_is_at_most_255_characters(client: stripe.StripeClient) -> None:
    assert create(client, "k" * 255).id
    assert refusal(lambda: create(client, "k" * 256)).http_status == 400


def test_a_key_in_flight_is_a_409_and_not_saved(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.faults.add("delay", seconds=1)
    slow: list[str] = []
    thread = threading.Thread(target=lambda: slow.append(create(library(sim), "k1").id))
    thread.start()
    wait_until_under_way(sim)
    error = refusal(lambda: create(client, "k1"))
    assert (error.http_status, error.error.code) == (409, "idempotency_key_in_use")
    assert type(error) is stripe.APIError
    thread.join()
    assert create(client, "k1").id == slow[0]


def test_a_key_on_a_get_means_nothing(client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    for status in ("requires_capture", "canceled"):
        got = client.v1.payment_intents.retrieve(hold.id, {}, {"idempotency_key": "k1"})
        assert got.status == status
        if status == "requires_capture":
            client.v1.payment_intents.cancel(hold.id)


@pytest.mark.parametrize("threads", [8])
def test_one_key_from_many_threads_makes_one_object(sim: Simulator, threads: int) -> None:
    made: list[str] = []

    def one() -> None:
        retrying = library(sim, max_network_retries=5)
        made.append(create(retrying, "k1").id)

    workers = [threading.Thread(target=one) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(made) == threads
    assert len(set(made)) == 1


def test_many_captures_of_one_hold_at_once_capture_once(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    codes: list[str | None] = []

    def one() -> None:
        try:
            library(sim).v1.payment_intents.capture(hold.id)
            codes.append(None)
        except stripe.StripeError as error:
            codes.append(error.code)

    workers = [threading.Thread(target=one) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert codes.count(None) == 1
    assert codes.count("payment_intent_unexpected_state") == 7
    assert [e["type"] for e in sim.events_since(None)].count("charge.captured") == 1


def test_answers_survive_for_a_day_of_simulated_time_only_going_forward(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    first = create(client, "k1")
    sim.clock.set(sim.clock.now() - 3 * DAY)
    assert create(client, "k1").id == first.id
