"""Each trick on deliveries does what its name says, to the events it was meant for, as often as ordered."""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from werkzeug.test import Client

from stripe_simulator import Simulator

from .stories import a_hold, an_intent, refusal
from .test_webhooks import Endpoint

HOLD = ["payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated"]


@pytest.fixture
def told() -> Endpoint:
    return Endpoint()


def believes(endpoint: Endpoint, secret: str = "whsec_test") -> bool:
    _, body, headers = endpoint.got[-1]
    try:
        return stripe.WebhookSignature.verify_header(body, headers["Stripe-Signature"], secret, 300)
    except stripe.SignatureVerificationError:
        return False


def test_a_lost_event_never_arrives_unless_resent(sim: Simulator, client: stripe.StripeClient, told: Endpoint) -> None:
    sim.webhooks.mischief.add("lose", event="charge.succeeded")
    a_hold(client)
    sim.deliver(told)
    sim.clock.advance(86_400)
    sim.deliver(told)
    assert told.types == [HOLD[0], HOLD[2]]
    sim.webhooks.resend(sim.events_since(None)[1]["id"])
    assert sim.deliver(told) == 1


def test_a_delayed_event_arrives_later(sim: Simulator, client: stripe.StripeClient, told: Endpoint) -> None:
    sim.webhooks.mischief.add("delay", event="charge.*", seconds=600)
    a_hold(client)
    sim.deliver(told)
    assert told.types == [HOLD[0], HOLD[2]]
    sim.clock.advance(601)
    sim.deliver(told)
    assert told.types[-1] == "charge.succeeded"


def test_a_reordered_event_arrives_after_the_next(sim: Simulator, client: stripe.StripeClient, told: Endpoint) -> None:
    sim.webhooks.mischief.add("reorder", event="payment_intent.created")
    an_intent(client)
    assert sim.deliver(told) == 0
    an_intent(client)
    assert sim.deliver(told) == 2
    first, second = (event["data"]["object"]["id"] for event in sim.events_since(None))
    assert [body.count(second.encode()) > 0 for _, body, _ in told.got] == [True, False]
    assert first != second


def test_a_reordered_event_that_nobody_overtakes_arrives_in_the_end(
    sim: Simulator, client: stripe.StripeClient, told: Endpoint
) -> None:
    sim.webhooks.mischief.add("reorder")
    an_intent(client)
    assert sim.deliver(told) == 0
    sim.clock.advance(61)
    assert sim.deliver(told) == 1


def test_an_event_whose_answer_is_lost_arrives_again(
    sim: Simulator, client: stripe.StripeClient, told: Endpoint
) -> None:
    sim.webhooks.mischief.add("lose_answer")
    an_intent(client)
    assert sim.deliver(told) == 0
    assert sim.deliver(told, force=True) == 1
    assert len(told.got) == 2


def test_a_wrong_secret_is_not_believed_and_the_next_try_is(
    sim: Simulator, client: stripe.StripeClient, told: Endpoint
) -> None:
    sim.webhooks.mischief.add("wrong_secret")
    an_intent(client)
    told.answers["payment_intent.created"] = 400
    sim.deliver(told)
    assert not believes(told)
    sim.deliver(told, force=True)
    assert believes(told)


def test_a_rotated_secret_signs_twice_and_either_is_believed(
    sim: Simulator, client: stripe.StripeClient, told: Endpoint
) -> None:
    sim.webhooks.mischief.add("rotated_secret")
    an_intent(client)
    sim.deliver(told)
    assert told.got[0][2]["Stripe-Signature"].count(",v1=") == 2
    assert believes(told)


def test_the_command_lines_secret_can_be_rotated(sim: Simulator, client: stripe.StripeClient, told: Endpoint) -> None:
    sim.webhooks.rotate(secret="whsec_new")
    an_intent(client)
    sim.deliver(told)
    assert believes(told, "whsec_test")
    assert believes(told, "whsec_new")


def test_a_trick_can_be_played_on_one_event_only(sim: Simulator, client: stripe.StripeClient, told: Endpoint) -> None:
    a_hold(client)
    chosen = sim.events_since(None)[2]
    sim.webhooks.mischief.add("duplicate", event=chosen["id"], count=None)
    sim.deliver(told)
    assert told.types == [*HOLD, HOLD[2]]


def test_the_same_seed_plays_the_same_tricks(client: stripe.StripeClient) -> None:
    def arrivals(seed: int) -> list[str]:
        sim, told = Simulator(webhook_url="http://localhost/hook"), Endpoint()
        sim.webhooks.mischief.add("lose", count=None, probability=0.5, seed=seed)
        sim.faults.add("error_500_unsaved", count=None, probability=0.3, seed=seed)
        web = Client(sim)
        form = {"amount": "5000", "currency": "usd"}
        answers = [
            web.post("/v1/payment_intents", data=form, headers={"Authorization": "Bearer sk_test_x"}).status
            for _ in range(30)
        ]
        sim.deliver(told)
        sim.close()
        return [*answers, str(len(told.got))]

    assert arrivals(7) == arrivals(7)
    assert len({tuple(arrivals(seed)) for seed in range(5)}) > 1
    assert 0 < arrivals(7).count("500 INTERNAL SERVER ERROR") < 30


def test_tricks_can_be_ordered_and_called_off_by_control(sim: Simulator, client: stripe.StripeClient) -> None:
    web = Client(sim)

    def order(**given: Any) -> Any:
        return web.post("/_simulator/webhooks", json=given)

    assert order(action="duplicate", event="charge.*", count=0, probability=0.5, seed=3).json["mischief"] == [
        {"kind": "duplicate", "count": None, "seconds": 60.0, "probability": 0.5, "seed": 3, "event": "charge.*"}
    ]
    assert order(action="clear").json["mischief"] == []
    assert order(action="rotate").json["secret"].startswith("whsec_")
    for wrong in (
        {"action": "drop", "count": -1},
        {"action": "drop", "probability": 2},
        {"action": "drop", "seconds": "soon"},
        {"action": "drop", "colour": "red"},
        {"action": "rotate", "endpoint": "we_none"},
    ):
        assert order(**wrong).status_code == 400


def test_a_fault_strikes_with_its_probability(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.faults.add("error_500_unsaved", probability=0.0)
    an_intent(client)
    sim.faults.clear()
    sim.faults.add("error_500_unsaved", count=None, probability=1.0)
    for _ in range(3):
        assert refusal(lambda: an_intent(client)).http_status == 500
    for wrong in ({"probability": 1.5}, {"count": 0}, {"seconds": -1.0}):
        with pytest.raises(ValueError):
            sim.faults.add("delay", **wrong)  # type: ignore[arg-type]


def test_an_html_answer_after_the_effect_hides_it(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.faults.add("html_answer")
    assert refusal(lambda: an_intent(client)).http_status == 502
    assert len(client.v1.payment_intents.list().data) == 1


def test_events_are_listed_by_group_by_types_and_by_delivery(sim: Simulator, client: stripe.StripeClient) -> None:
    a_hold(client)
    sim.deliver(Endpoint())
    an_intent(client)

    def listed(**given: Any) -> int:
        return len(client.v1.events.list(given).data)

    assert listed(type="payment_intent.*") == 3
    assert listed(types=["charge.succeeded", "payment_intent.created"]) == 3
    assert (listed(delivery_success=True), listed(delivery_success=False)) == (3, 1)
    assert refusal(lambda: listed(type="charge.succeeded", types=["charge.failed"])).http_status == 400
