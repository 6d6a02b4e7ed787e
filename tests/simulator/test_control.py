"""The control API: what it moves, and whom it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from werkzeug.test import Client

from stripe_simulator import Simulator

from .stories import DAY, a_hold, an_intent, refusal


@pytest.fixture
def control(sim: Simulator) -> Client:
    return Client(sim)


def test_the_clock_can_be_read_and_moved(sim: Simulator, control: Client) -> None:
    before = control.get("/_simulator/clock").json
    assert before["offset"] == 0
    moved: Any = control.post("/_simulator/clock", json={"advance": 3 * DAY}).json
    assert moved["offset"] == pytest.approx(3 * DAY, abs=1)
    assert control.post("/_simulator/clock", data={"set": "2000000000"}).json["now"] == pytest.approx(2e9, abs=2)
    assert sim.clock.now() == pytest.approx(2e9, abs=2)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"advance": -1}, {"advance": "soon"}, {"advance": 1, "set": 2}, {"advance": None}, {"set": "nan"}],
)
def test_a_senseless_move_is_a_400(control: Client, wrong: dict[str, object]) -> None:
    assert control.post("/_simulator/clock", json=wrong).status_code == 400


def test_faults_can_be_ordered_and_called_off(control: Client, client: stripe.StripeClient) -> None:
    control.post("/_simulator/faults", json={"kind": "error_500_unsaved", "count": 2})
    assert refusal(lambda: an_intent(client)).http_status == 500
    assert len(control.get("/_simulator/faults").json["faults"]) == 1
    control.delete("/_simulator/faults")
    assert an_intent(client).id
    assert control.post("/_simulator/faults", json={"kind": "meteor"}).status_code == 400
    assert control.post("/_simulator/faults", json={"kind": "delay", "colour": 1}).status_code == 400


def test_requests_and_deliveries_are_shown(sim: Simulator, control: Client, client: stripe.StripeClient) -> None:
    an_intent(client)
    sim.deliver(lambda *_: 200)
    shown = control.get("/_simulator/requests").json["requests"][0]
    assert (shown["method"], shown["path"], shown["status"]) == ("POST", "/v1/payment_intents", 200)
    deliveries = control.get("/_simulator/deliveries").json
    assert (deliveries["pending"], deliveries["attempts"][0]["status"]) == (0, 200)


def test_webhooks_can_be_paused_and_resent(sim: Simulator, control: Client, client: stripe.StripeClient) -> None:
    control.post("/_simulator/webhooks", json={"action": "pause"})
    an_intent(client)
    assert sim.deliver(lambda *_: 200) == 0
    control.post("/_simulator/webhooks", json={"action": "resume"})
    assert sim.deliver(lambda *_: 200) == 1
    event = sim.events_since(None)[0]["id"]
    assert control.post("/_simulator/webhooks", json={"action": "resend", "event": event}).json["pending"] == 1
    for wrong in ({"action": "resend", "event": "evt_none"}, {"action": "dance"}, {}):
        assert control.post("/_simulator/webhooks", json=wrong).status_code == 400


def test_reset_forgets_everything(sim: Simulator, control: Client, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    sim.clock.advance(DAY)
    control.post("/_simulator/reset")
    assert refusal(lambda: client.v1.payment_intents.retrieve(hold.id)).http_status == 404
    assert sim.events_since(None) == []
    assert sim.clock.offset == 0


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://[broken"])
def test_a_page_from_elsewhere_is_refused(sim: Simulator, control: Client, origin: str) -> None:
    for path in ("clock", "reset", "faults", "webhooks"):
        answer = control.post(f"/_simulator/{path}", json={"advance": 5}, headers={"Origin": origin})
        assert answer.status_code == 403
    assert sim.clock.offset == 0


def test_a_page_of_this_machine_is_welcome(control: Client) -> None:
    headers = {"Origin": "http://localhost:5000"}
    assert control.post("/_simulator/clock", json={"advance": 5}, headers=headers).status_code == 200
