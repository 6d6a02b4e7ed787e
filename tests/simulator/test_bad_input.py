"""Bad input gets Stripe's error: status, type, code and param; and changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe
from werkzeug.test import Client

from stripe_simulator import Simulator

from .stories import an_intent, refusal

AUTH = {"Authorization": "Bearer sk_test_x"}
FORM = "application/x-www-form-urlencoded"
GOOD = "amount=5000&currency=usd"


def post(sim: Simulator, body: str | bytes, path: str = "/v1/payment_intents", **headers: str) -> Any:
    """Post raw bytes, as no library would."""
    return Client(sim).post(path, data=body, content_type=FORM, headers={**AUTH, **headers})


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ("currency=usd", "parameter_missing", "amount"),
        ("amount=5000", "parameter_missing", "currency"),
        (f"{GOOD}&colour=red", "parameter_unknown", "colour"),
        (
            f"{GOOD}&automatic_payment_methods[enabeld]=true",
            "parameter_unknown",
            "automatic_payment_methods[enabeld]",
        ),
        ("amount=-5&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=0&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=50.5&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=1e3&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=%EF%BC%91%EF%BC%92&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=NaN&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=&currency=usd", "parameter_invalid_empty", "amount"),
        ("amount=100000000&currency=usd", "amount_too_large", "amount"),
        ("amount=49&currency=usd", "amount_too_small", "amount"),
        ("amount=49&currency=jpy", "amount_too_small", "amount"),
        ("amount=29&currency=gbp", "amount_too_small", "amount"),
        ("amount=5001&currency=kwd", None, "amount"),
        ("amount=5000&currency=xyz", None, "currency"),
        ("amount=5000&currency=USD", None, "currency"),
        ("amount=5000&currency[]=usd", None, "currency"),
        (f"{GOOD}&capture_method=sometimes", None, "capture_method"),
        (f"{GOOD}&confirm=yes", None, "confirm"),
        (f"{GOOD}&metadata=text", None, "metadata"),
        (f"{GOOD}&metadata[a][b]=c", None, "metadata[a]"),
        (f"{GOOD}&payment_method_types[]=card", "payment_method_types_no_longer_supported", "payment_method_types"),
        (f"{GOOD}&allowed_payment_method_types[]=cash", None, "allowed_payment_method_types[0]"),
        (f"{GOOD}&customer=cus_none", "resource_missing", "customer"),
        (f"{GOOD}&payment_method=pm_none", "resource_missing", "payment_method"),
        (f"{GOOD}&off_session=true", None, "off_session"),
        (f"{GOOD}&expand[]=colour", None, "expand[0]"),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(sim: Simulator, body: str, code: str | None, param: str) -> None:
    answer = post(sim, body)
    error = json.loads(answer.data)["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error.get("code"), error["param"]) == (code, param)
    assert error["message"]
    assert sim.events_since(None) == []


@pytest.mark.parametrize(
    "body",
    [
        b"amount=5000&currency=usd&description=%00",
        b"amount=5000&currency=usd&description=%ff",
        b"\xff\xfe=1",
        b"[]=1",
        b"a[b=1",
        b"metadata" + b"[a]" * 50 + b"=1",
        b"a=1&a[b]=2",
        b"a[b]=1&a=2",
        b"a[]=1&a[b]=2",
        b"&".join(b"a%d=1" % n for n in range(3000)),
    ],
)
def test_a_malformed_body_is_a_400(sim: Simulator, body: bytes) -> None:
    answer = post(sim, body)
    assert answer.status_code == 400
    assert json.loads(answer.data)["error"]["type"] == "invalid_request_error"


def test_arrays_may_be_indexed_or_not(sim: Simulator) -> None:
    for spelling in (
        "expand[]=customer&expand[]=latest_charge",
        "expand[1]=customer&expand[0]=latest_charge",
    ):
        assert post(sim, f"{GOOD}&{spelling}").status_code == 200


def test_text_comes_back_as_it_was_typed(client: stripe.StripeClient) -> None:
    words = "Ann & Bob: 100% «été» 🎓 <b> a=b;c[d] \u202e"
    assert an_intent(client, description=words, metadata={"a b": words}).metadata["a b"] == words


def test_an_unknown_id_is_a_404(client: stripe.StripeClient) -> None:
    calls = (
        lambda: client.v1.payment_intents.retrieve("pi_none"),
        lambda: client.v1.payment_intents.capture("pi_none"),
        lambda: client.v1.customers.retrieve("cus_none"),
        lambda: client.v1.charges.retrieve("ch_none"),
        lambda: client.v1.refunds.retrieve("re_none"),
        lambda: client.v1.refunds.create({"payment_intent": "pi_none"}),
        lambda: client.v1.setup_intents.retrieve("seti_none"),
        lambda: client.v1.payment_methods.retrieve("pm_none"),
    )
    for call in calls:
        error = refusal(call)
        assert (error.http_status, error.code) == (404, "resource_missing")


def test_an_id_of_another_kind_is_not_found(client: stripe.StripeClient) -> None:
    intent = an_intent(client)
    assert refusal(lambda: client.v1.charges.retrieve(intent.id)).http_status == 404


def test_an_unknown_path_is_a_404(sim: Simulator) -> None:
    for path in ("/v1/unicorns", "/v1/", "/v1/payment_intents/a/b/c", "/v1//payment_intents"):
        answer = Client(sim).get(path, headers=AUTH)
        assert answer.status_code == 404
        assert "Unrecognized request URL" in json.loads(answer.data)["error"]["message"]


def test_an_overlong_body_is_refused(sim: Simulator) -> None:
    assert post(sim, "description=" + "x" * 1_000_001).status_code == 413


def test_confirming_without_a_card_is_refused(client: stripe.StripeClient) -> None:
    intent = an_intent(client)
    error = refusal(lambda: client.v1.payment_intents.confirm(intent.id))
    assert (error.http_status, error.code) == (400, "payment_intent_unexpected_state")


def test_redirecting_methods_need_a_return_url(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    card: Any = {"payment_method": "pm_card_visa"}
    error = refusal(lambda: client.v1.payment_intents.confirm(intent.id, card))
    assert (error.http_status, error.error.param) == (400, "return_url")
    back = {**card, "return_url": "http://localhost/back"}
    assert client.v1.payment_intents.confirm(intent.id, back).status == "succeeded"


def test_yen_and_dinars_have_their_own_decimals(client: stripe.StripeClient) -> None:
    assert an_intent(client, amount=50, currency="jpy").amount == 50
    assert an_intent(client, amount=5010, currency="kwd").amount == 5010
