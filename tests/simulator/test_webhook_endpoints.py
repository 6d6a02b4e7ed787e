"""Facts about webhook endpoints made through the API: own secrets, own wishes, until they are deleted."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator

from .conftest import library
from .stories import a_hold, an_intent, refusal
from .test_webhooks import Endpoint

URL = "http://localhost:4000/hook"


def make(client: stripe.StripeClient, *events: str, **given: Any) -> stripe.WebhookEndpoint:
    return client.v1.webhook_endpoints.create({"url": URL, "enabled_events": list(events or ["*"]), **given})


@pytest.fixture
def bare() -> Any:
    """A simulator that was started without an endpoint."""
    simulator = Simulator()
    yield simulator
    simulator.close()


def test_an_endpoint_hears_of_what_it_asked_for_signed_with_its_own_secret(bare: Simulator) -> None:
    client, told = library(bare), Endpoint()
    made = make(client, "charge.succeeded")
    a_hold(client)
    assert bare.deliver(told) == 1
    url, body, headers = told.got[0]
    assert (url, told.types) == (URL, ["charge.succeeded"])
    assert stripe.Webhook.construct_event(body, headers["Stripe-Signature"], made.secret)
    assert json.loads(body)["pending_webhooks"] == 1


def test_every_endpoint_is_told_and_each_is_retried_alone(sim: Simulator, client: stripe.StripeClient) -> None:
    make(client)
    an_intent(client)
    tries: list[str] = []

    def one_is_down(url: str, _body: bytes, _headers: dict[str, str]) -> int:
        tries.append(url)
        return 500 if url == URL else 200

    assert sim.deliver(one_is_down) == 1
    sim.clock.advance(10)
    assert sim.deliver(one_is_down) == 0
    assert tries == ["http://localhost/webhooks/stripe", URL, URL]


def test_an_event_counts_the_deliveries_still_to_come(sim: Simulator, client: stripe.StripeClient) -> None:
    make(client)
    an_intent(client)
    assert client.v1.events.list().data[0].pending_webhooks == 2
    sim.deliver(lambda url, _body, _headers: 500 if url == URL else 200)
    assert client.v1.events.list().data[0].pending_webhooks == 1
    sim.deliver(Endpoint(), force=True)
    assert client.v1.events.list().data[0].pending_webhooks == 0


def test_a_database_of_before_there_were_endpoints_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as old, old:
        old.execute(
            "CREATE TABLE deliveries (seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, due REAL NOT NULL, "
            "attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'pending')"
        )
    simulator = Simulator(str(path), webhook_url=URL)
    an_intent(library(simulator))
    assert simulator.deliver(Endpoint()) == 1
    simulator.close()


def test_a_secret_is_shown_only_when_the_endpoint_is_made(client: stripe.StripeClient) -> None:
    made = make(client)
    assert made.secret.startswith("whsec_")
    assert "secret" not in client.v1.webhook_endpoints.retrieve(made.id)
    assert "secret" not in client.v1.webhook_endpoints.list().data[0]


def test_an_endpoint_can_be_changed_switched_off_and_deleted(bare: Simulator) -> None:
    client, told = library(bare), Endpoint()
    made = make(client, "charge.succeeded", description="The shop")
    client.v1.webhook_endpoints.update(made.id, {"enabled_events": ["payment_intent.created"], "metadata": {"a": "1"}})
    an_intent(client)
    assert bare.deliver(told) == 1
    assert client.v1.webhook_endpoints.update(made.id, {"disabled": True}).status == "disabled"
    an_intent(client)
    assert bare.deliver(told, force=True) == 0
    assert client.v1.webhook_endpoints.delete(made.id).deleted
    assert client.v1.webhook_endpoints.list().data == []
    assert refusal(lambda: client.v1.webhook_endpoints.retrieve(made.id)).http_status == 404


def test_an_endpoint_deleted_meanwhile_is_told_no_more(bare: Simulator) -> None:
    client, told = library(bare), Endpoint()
    made = make(client)
    an_intent(client)
    client.v1.webhook_endpoints.delete(made.id)
    assert bare.deliver(told, force=True) == 0
    assert told.got == []


def test_a_resent_event_goes_to_those_it_was_meant_for(bare: Simulator) -> None:
    client, told = library(bare), Endpoint()
    make(client, "payment_intent.created")
    make(client, "charge.succeeded", url="http://localhost:4000/charges")
    an_intent(client)
    bare.deliver(told)
    bare.webhooks.resend(bare.events_since(None)[0]["id"])
    assert bare.deliver(told) == 1
    assert [url for url, _, _ in told.got] == [URL, URL]


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"url": "https://example.com/hook", "enabled_events": ["*"]}, "url"),
        ({"url": "no url", "enabled_events": ["*"]}, "url"),
        ({"url": URL}, "enabled_events"),
        ({"enabled_events": ["*"]}, "url"),
        ({"url": URL, "enabled_events": ["*"], "api_version": "2015-01-01"}, "api_version"),
        ({"url": URL, "enabled_events": ["*"], "colour": "red"}, "colour"),
        ({"url": URL, "enabled_events": "all"}, "enabled_events"),
        ({"url": URL, "enabled_events": ["charge.*"]}, "enabled_events"),
    ],
)
def test_a_senseless_endpoint_is_a_400_that_names_the_parameter(
    client: stripe.StripeClient, given: dict[str, Any], param: str
) -> None:
    error = refusal(lambda: client.v1.webhook_endpoints.create(given))
    assert (error.http_status, error.error.param) == (400, param)


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(bare: Simulator) -> None:
    client, told = library(bare), Endpoint()
    made = make(client)
    new = bare.webhooks.rotate(made.id)
    an_intent(client)
    bare.deliver(told)
    _, body, headers = told.got[0]
    assert headers["Stripe-Signature"].count("v1=") == 2
    for secret in (made.secret, new):
        assert stripe.WebhookSignature.verify_header(body, headers["Stripe-Signature"], secret, 300)
    bare.clock.advance(25 * 3600)
    an_intent(client)
    bare.deliver(told)
    assert told.got[1][2]["Stripe-Signature"].count("v1=") == 1
