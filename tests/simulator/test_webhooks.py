"""Facts about deliveries: signed, retried, unordered if need be, resent on request."""

from __future__ import annotations

import json
import time

import pytest
import stripe

from stripe_simulator import Simulator

from .conftest import WEBHOOK_URL
from .stories import a_hold, an_intent, refusal

Delivery = tuple[str, bytes, dict[str, str]]


class Endpoint:
    """Takes deliveries and answers what it is told to, 200 by default."""

    def __init__(self) -> None:
        self.got: list[Delivery] = []
        self.answers: dict[str, int] = {}

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.got.append((url, body, headers))
        return self.answers.get(json.loads(body)["type"], 200)

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body, _ in self.got]


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


def test_a_delivery_carries_a_signature_the_library_accepts(
    sim: Simulator, client: stripe.StripeClient, endpoint: Endpoint
) -> None:
    intent = an_intent(client)
    assert sim.deliver(endpoint) == 1
    url, body, headers = endpoint.got[0]
    assert url == WEBHOOK_URL
    assert headers["Content-Type"].startswith("application/json")
    assert stripe.WebhookSignature.verify_header(body, headers["Stripe-Signature"], "whsec_test", 300)
    event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_test")
    assert (event.type, event.data.object.id) == ("payment_intent.created", intent.id)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body, headers["Stripe-Signature"], "whsec_other", 300)


def test_events_are_delivered_once_and_in_order(
    sim: Simulator, client: stripe.StripeClient, endpoint: Endpoint
) -> None:
    a_hold(client)
    assert sim.deliver(endpoint) == 3
    assert endpoint.types == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
    ]
    assert sim.deliver(endpoint) == 0


def test_a_failing_delivery_is_tried_again_with_a_new_signature_and_blocks_no_other(
    sim: Simulator, client: stripe.StripeClient, endpoint: Endpoint
) -> None:
    a_hold(client)
    endpoint.answers["charge.succeeded"] = 500
    assert sim.deliver(endpoint) == 2
    assert sim.deliver(endpoint) == 0  # it backs off
    endpoint.answers.clear()
    sim.clock.advance(10)
    assert sim.deliver(endpoint) == 1
    tries = [(body, headers) for _, body, headers in endpoint.got if json.loads(body)["type"] == "charge.succeeded"]
    assert tries[0][0] == tries[1][0]
    assert tries[0][1]["Stripe-Signature"] != tries[1][1]["Stripe-Signature"]
    assert [attempt["status"] for attempt in sim.webhooks.attempts()] == [200, 500, 200, 200]


def test_an_endpoint_that_is_not_there_is_tried_again(sim: Simulator, client: stripe.StripeClient) -> None:
    def nobody(*_: object) -> int:
        raise ConnectionRefusedError("nobody there")

    an_intent(client)
    assert sim.deliver(nobody) == 0
    assert sim.webhooks.attempts()[0]["note"] == "ConnectionRefusedError: nobody there"
    assert sim.deliver(Endpoint(), force=True) == 1


def test_an_endpoint_may_call_the_api_while_it_is_told(sim: Simulator, client: stripe.StripeClient) -> None:
    seen: list[str] = []

    def endpoint(_url: str, body: bytes, _headers: dict[str, str]) -> int:
        intent_id = json.loads(body)["data"]["object"]["id"]
        seen.append(client.v1.payment_intents.retrieve(intent_id).status)
        return 200

    an_intent(client)
    assert sim.deliver(endpoint) == 1
    assert seen == ["requires_payment_method"]


def test_the_signature_carries_the_simulated_time(sim: Simulator) -> None:
    sim.clock.advance(86_400)
    assert sim.sign(b"{}").startswith(f"t={int(time.time()) + 86_400}")
    assert sim.sign(b"{}", at=5).startswith("t=5,v1=")


def test_deliveries_can_be_paused_dropped_duplicated_reversed_and_resent(
    sim: Simulator, client: stripe.StripeClient, endpoint: Endpoint
) -> None:
    sim.webhooks.mischief.paused = True
    a_hold(client)
    assert sim.deliver(endpoint) == 0
    sim.webhooks.mischief.paused = False
    sim.webhooks.reverse_pending()
    sim.webhooks.mischief.add("drop")
    sim.webhooks.mischief.add("duplicate")
    assert sim.deliver(endpoint) == 2
    assert endpoint.types == ["charge.succeeded", "charge.succeeded", "payment_intent.created"]
    assert sim.deliver(endpoint, force=True) == 1
    first = sim.events_since(None)[0]
    assert sim.webhooks.resend(first["id"])
    assert sim.deliver(endpoint) == 1
    assert json.loads(endpoint.got[-1][1]) == first


def test_events_are_listed_newest_first_and_by_type(sim: Simulator, client: stripe.StripeClient) -> None:
    a_hold(client)
    newest_first = [event["id"] for event in reversed(sim.events_since(None))]
    assert [event.id for event in client.v1.events.list()] == newest_first
    page = client.v1.events.list({"ending_before": newest_first[-1], "limit": 1})
    assert ([event.id for event in page], page.has_more) == ([newest_first[1]], True)
    assert len(client.v1.events.list({"type": "charge.succeeded"}).data) == 1
    event = client.v1.events.retrieve(newest_first[0])
    assert event.data.object.status == "requires_capture"
    assert refusal(lambda: client.v1.events.retrieve("evt_none")).http_status == 404


def test_an_event_keeps_the_object_as_it_was(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    client.v1.payment_intents.capture(hold.id, {}, {"idempotency_key": "op_1"})
    created, *_, succeeded = sim.events_since(None)
    assert created["data"]["object"]["status"] == "requires_confirmation"
    assert succeeded["data"]["object"]["status"] == "succeeded"
    assert succeeded["request"]["idempotency_key"] == "op_1"
    assert succeeded["request"]["id"].startswith("req_")
    assert not any(name.startswith("_") for name in succeeded["data"]["object"])


def test_without_an_endpoint_nothing_is_queued() -> None:
    sim = Simulator()
    assert sim.deliver(Endpoint()) == 0
    sim.close()
