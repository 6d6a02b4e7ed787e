"""Who may call what: test keys only, browsers with a publishable key and the right secret only."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import stripe
from werkzeug.test import Client

from stripe_simulator import Simulator

from .conftest import library
from .stories import a_hold, an_intent, refusal, typed_card

PAGE = "http://localhost:5000"


def browser(sim: Simulator, method: str, path: str, **data: str) -> Any:
    """A call as a page on this machine makes it."""
    headers = {"Authorization": "Bearer pk_test_page", "Origin": PAGE}
    if method == "GET":
        return Client(sim).get(path, query_string=data, headers=headers)
    return Client(sim).post(path, data=data, headers=headers)


@pytest.mark.parametrize("key", ["sk_live_x", "rk_live_x", "pk_live_x"])
def test_a_live_key_is_refused_with_the_reason(sim: Simulator, key: str) -> None:
    error = refusal(lambda: library(sim, key).v1.customers.list())
    assert isinstance(error, stripe.AuthenticationError)
    assert "simulator" in str(error)
    assert key not in str(error)


def test_without_a_key_nothing_answers(sim: Simulator) -> None:
    answer = Client(sim).get("/v1/customers")
    assert answer.status_code == 401
    assert json.loads(answer.data)["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("key", ["nonsense", "sk_test", "sk_testx", "sk_test_ x"])
def test_a_malformed_key_is_refused(sim: Simulator, key: str) -> None:
    assert Client(sim).get("/v1/customers", headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_basic_auth_and_restricted_keys_work(sim: Simulator) -> None:
    basic = base64.b64encode(b"sk_test_x:").decode()
    assert Client(sim).get("/v1/customers", headers={"Authorization": f"Basic {basic}"}).status_code == 200
    assert library(sim, "rk_test_x").v1.customers.list().data == []


def test_every_answer_names_its_request_and_version(sim: Simulator, client: stripe.StripeClient) -> None:
    headers = client.v1.customers.list().last_response.headers
    assert headers["Request-Id"].startswith("req_")
    assert headers["Stripe-Version"] == "2026-10-28.endive"
    asked = {"Authorization": "Bearer sk_test_x", "Stripe-Version": "2025-03-31.basil"}
    assert Client(sim).get("/v1/customers", headers=asked).headers["Stripe-Version"] == "2025-03-31.basil"


def test_the_platform_knows_itself_and_no_other_account(client: stripe.StripeClient) -> None:
    own = client.v1.accounts.retrieve_current()
    assert own.id.startswith("acct_")
    assert client.v1.customers.list({}, {"stripe_account": own.id}).data == []
    error = refusal(lambda: client.v1.customers.list({}, {"stripe_account": "acct_other"}))
    assert (error.http_status, error.error.code) == (403, "account_invalid")


def test_a_publishable_key_cannot_use_the_servers_endpoints(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    for path in ("/v1/payment_intents", f"/v1/payment_intents/{hold.id}/capture", "/v1/refunds"):
        answer = browser(sim, "POST", path, client_secret=hold.client_secret)
        assert answer.status_code == 401
        assert json.loads(answer.data)["error"]["code"] == "secret_key_required"


def test_a_browser_sees_an_intent_only_with_its_secret_and_only_its_face(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    ann = client.v1.customers.create({})
    intent = an_intent(client, customer=ann.id, metadata={"secret": "plan"})
    path = f"/v1/payment_intents/{intent.id}"
    assert browser(sim, "GET", path).status_code == 404
    assert browser(sim, "GET", path, client_secret="pi_x_secret_y").status_code == 404
    answer = browser(sim, "GET", path, client_secret=intent.client_secret)
    shown = json.loads(answer.data)
    assert (shown["id"], shown["status"]) == (intent.id, "requires_payment_method")
    assert not {"metadata", "customer", "latest_charge"} & set(shown)


def test_a_browser_confirms_with_a_typed_card(sim: Simulator, client: stripe.StripeClient) -> None:
    intent = an_intent(client)
    card = {
        f"payment_method_data[card][{name}]": str(value)
        for name, value in typed_card("4242424242424242")["card"].items()
    }
    answer = browser(
        sim,
        "POST",
        f"/v1/payment_intents/{intent.id}/confirm",
        **card,
        **{"payment_method_data[type]": "card", "client_secret": intent.client_secret},
    )
    assert json.loads(answer.data)["status"] == "requires_capture"
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


def test_a_decline_in_the_browser_hides_what_is_the_servers(sim: Simulator, client: stripe.StripeClient) -> None:
    intent = an_intent(client, metadata={"secret": "plan"})
    answer = browser(
        sim,
        "POST",
        f"/v1/payment_intents/{intent.id}/confirm",
        client_secret=intent.client_secret,
        payment_method="pm_card_chargeDeclined",
    )
    error = json.loads(answer.data)["error"]
    assert (answer.status_code, error["message"]) == (402, "Your card was declined.")
    assert "metadata" not in error["payment_intent"]


def test_only_pages_of_this_machine_may_read_answers(sim: Simulator) -> None:
    for origin, allowed in (
        (PAGE, PAGE),
        ("http://127.0.0.1:81", "http://127.0.0.1:81"),
        ("https://evil.example", None),
    ):
        answer = Client(sim).options("/v1/payment_intents/pi_x", headers={"Origin": origin})
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
