"""The checker itself: it sees what is wrong, and is content with what the library's own types allow."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe

from .checking import problems, typed
from .routes import routes
from .schemas import definition, named, reference
from .witness import event_problems

from ..stories import a_payment  # isort: skip


@pytest.fixture
def charge(client: stripe.StripeClient) -> dict[str, Any]:
    return json.loads(str(client.v1.charges.retrieve(str(a_payment(client).latest_charge))))


def complaints(charge: dict[str, Any]) -> list[str]:
    return problems(charge, reference(stripe.Charge), "charge")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"paid": None}, "charge.paid: None is no boolean"),
        ({"amount": "5000"}, "charge.amount: '5000' is no integer"),
        ({"amount": True}, "charge.amount: True is no integer"),
        ({"status": "gone"}, "charge.status: 'gone' is none of ['failed', 'pending', 'succeeded']"),
        ({"colour": "red"}, "charge.colour is unknown"),
        ({"metadata": {"a": 1}}, "charge.metadata.a: 1 is no string"),
        ({"billing_details": {"email": 5}}, "charge.billing_details.email: 5 is no string"),
        (
            {"refunds": {"object": "list", "data": [{}], "url": "/", "has_more": False}},
            "charge.refunds.data[0].id is missing",
        ),
    ],
)
def test_a_wrong_object_is_told_where_it_is_wrong(
    charge: dict[str, Any], change: dict[str, Any], complaint: str
) -> None:
    assert complaints(charge) == []
    assert complaint in complaints(charge | change)


def test_a_missing_field_is_told(charge: dict[str, Any]) -> None:
    del charge["captured"]
    assert complaints(charge) == ["charge.captured is missing"]


def test_a_nested_object_is_looked_into(charge: dict[str, Any]) -> None:
    charge["payment_method_details"]["card"]["colour"] = "red"
    assert complaints(charge) == ["charge.payment_method_details.card.colour is unknown"]


def test_an_event_is_checked_with_what_is_in_it(client: stripe.StripeClient) -> None:
    a_payment(client)
    event = json.loads(str(client.v1.events.list({"limit": 1}).data[0]))
    assert event_problems(event) == []
    event["data"]["object"]["status"] = "gone"
    assert len(event_problems(event)) == 1


def test_a_form_is_read_as_its_types_say() -> None:
    route = routes()["POST", "/v1/payment_intents"]
    schema = named(route.params, route.module)
    form = {"amount": "5000", "currency": "usd", "confirm": "true", "allowed_payment_method_types": {"0": "card"}}
    wish = typed(form, schema)
    assert wish == {"amount": 5000, "currency": "usd", "confirm": True, "allowed_payment_method_types": ["card"]}
    assert problems(wish, schema, "asked") == []
    assert problems(typed({**form, "amount": "many"}, schema), schema, "asked") == [
        "asked.amount: 'many' is no integer"
    ]
    assert problems({"amount": 1}, schema, "asked") == ["asked.currency is missing"]
    assert problems({**wish, "colour": "red"}, schema, "asked") == ["asked.colour is unknown"]


def test_every_route_of_the_library_has_schemas() -> None:
    """So that a new endpoint is checked without anyone doing anything."""
    assert len(routes()) > 500
    for route in routes().values():
        for text in filter(None, (route.params, route.returns)):
            schema = named(text, route.module)
            assert schema
            if "$ref" in schema:
                assert definition(schema["$ref"])["type"] == "object"
