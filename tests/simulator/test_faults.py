"""Each fault does what its name says, to the request it was meant for, as often as ordered."""

from __future__ import annotations

import json
import threading

import pytest
import stripe

from stripe_simulator import Simulator

from .conftest import library
from .in_process import InProcessClient
from .stories import a_hold, an_intent, refusal, wait_until_under_way

CAPTURE = "/v1/payment_intents/*/capture"


def capture(client: stripe.StripeClient, hold: stripe.PaymentIntent, key: str = "k1") -> stripe.PaymentIntent:
    return client.v1.payment_intents.capture(hold.id, {}, {"idempotency_key": key})


def captured(client: stripe.StripeClient, hold: stripe.PaymentIntent) -> bool:
    return client.v1.payment_intents.retrieve(hold.id).status == "succeeded"


def test_a_lost_answer_has_its_effect(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    sim.faults.add("lose_answer", path=CAPTURE)
    assert isinstance(refusal(lambda: capture(client, hold)), stripe.APIConnectionError)
    assert captured(client, hold)
    assert capture(client, hold).last_response.headers["Idempotent-Replayed"] == "true"
    assert sim.requests()[-3].status == 0


def test_a_dropped_request_has_none(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    sim.faults.add("drop_request", path=CAPTURE)
    assert isinstance(refusal(lambda: capture(client, hold)), stripe.APIConnectionError)
    assert not captured(client, hold)
    assert capture(client, hold).status == "succeeded"


def test_a_truncated_answer_has_its_effect(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    sim.faults.add("truncate_answer", path=CAPTURE)
    assert isinstance(refusal(lambda: capture(client, hold)), stripe.APIConnectionError)
    assert captured(client, hold)


def test_a_saved_500_with_effect_is_replayed_for_ever(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    sim.faults.add("error_500_saved_with_effect", path=CAPTURE)
    for _ in range(3):
        error = refusal(lambda: capture(client, hold))
        assert (error.http_status, error.error.type) == (500, "api_error")
    assert captured(client, hold)
    assert error.headers["Idempotent-Replayed"] == "true"
    assert refusal(lambda: capture(client, hold, "k2")).code == "payment_intent_unexpected_state"


def test_a_saved_500_without_effect_needs_a_new_key(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    sim.faults.add("error_500_saved_without_effect", path=CAPTURE)
    for _ in range(3):
        assert refusal(lambda: capture(client, hold)).http_status == 500
    assert not captured(client, hold)
    assert capture(client, hold, "k2").status == "succeeded"


def test_a_saved_500_without_effect_leaves_no_event(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.faults.add("error_500_saved_without_effect")
    refusal(lambda: an_intent(client))
    assert sim.events_since(None) == []
    assert client.v1.payment_intents.list().data == []


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("error_500_unsaved", 500, None),
        ("conflict_409", 409, "idempotency_key_in_use"),
        ("lock_timeout_429", 429, "lock_timeout"),
        ("rate_limit_429", 429, "rate_limit"),
        ("unauthorized_401", 401, None),
    ],
)
def test_a_refusal_at_the_door_has_no_effect_and_the_same_key_works_after_it(
    sim: Simulator, client: stripe.StripeClient, kind: str, status: int, code: str | None
) -> None:
    hold = a_hold(client)
    sim.faults.add(kind, path=CAPTURE)
    error = refusal(lambda: capture(client, hold))
    assert (error.http_status, error.error.code) == (status, code)
    assert not captured(client, hold)
    assert capture(client, hold).status == "succeeded"


def test_a_proxys_html_page_is_no_answer(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    sim.faults.add("html_502", path=CAPTURE)
    error = refusal(lambda: capture(client, hold))
    assert (type(error), error.http_status) == (stripe.APIError, 502)
    assert not captured(client, hold)


def test_the_library_sees_the_errors_it_knows(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    for kind, known in (
        ("rate_limit_429", stripe.RateLimitError),
        ("unauthorized_401", stripe.AuthenticationError),
        ("html_502", stripe.APIError),
    ):
        sim.faults.add(kind, path=CAPTURE)
        assert isinstance(refusal(lambda: capture(client, hold)), known)


def test_the_librarys_own_retry_gets_through_a_conflict(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    sim.faults.add("conflict_409", path=CAPTURE)
    assert capture(library(sim, max_network_retries=1), hold).status == "succeeded"


def test_a_fault_strikes_as_often_as_ordered_and_only_where_ordered(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    hold = a_hold(client)
    sim.faults.add("error_500_unsaved", path=CAPTURE, count=2)
    assert an_intent(client).id
    assert [refusal(lambda: capture(client, hold)).http_status for _ in range(2)] == [500, 500]
    assert capture(client, hold).status == "succeeded"


def test_faults_can_be_called_off(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.faults.add("drop_request", method="*", count=99)
    sim.faults.clear()
    assert an_intent(client).id


def test_a_get_can_fail_too(sim: Simulator, client: stripe.StripeClient) -> None:
    intent = an_intent(client)
    sim.faults.add("lose_answer", method="GET", path="/v1/payment_intents/*")
    assert isinstance(refusal(lambda: client.v1.payment_intents.retrieve(intent.id)), stripe.APIConnectionError)


def test_an_unknown_fault_is_refused_when_ordered(sim: Simulator) -> None:
    with pytest.raises(ValueError, match="unknown fault"):
        sim.faults.add("meteor")


def test_an_answer_slower_than_the_timeout_has_its_effect(sim: Simulator) -> None:
    hasty = stripe.StripeClient(
        "sk_test_x",
        base_addresses={"api": "http://127.0.0.1:12111"},
        http_client=InProcessClient(sim, timeout=0.05),
    )
    sim.faults.add("delay", seconds=0.1)
    assert isinstance(refusal(lambda: an_intent(hasty)), stripe.APIConnectionError)
    assert len(hasty.v1.payment_intents.list().data) == 1


def test_an_object_that_stays_locked_answers_lock_timeout(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    sim.faults.add("delay", path=CAPTURE, seconds=2.6)
    slow = threading.Thread(target=lambda: capture(library(sim), hold, "k-slow"))
    slow.start()
    wait_until_under_way(sim)
    assert client.v1.payment_intents.retrieve(hold.id).status == "requires_capture"  # reading never waits
    error = refusal(lambda: client.v1.payment_intents.cancel(hold.id))
    assert (error.http_status, error.error.code) == (429, "lock_timeout")
    assert json.loads(error.http_body)["error"]["type"] == "invalid_request_error"
    slow.join()
    assert captured(client, hold)
