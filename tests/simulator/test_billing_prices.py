"""Facts about products and prices."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator

from .billing_stories import a_plan, a_subscription
from .stories import events_of, refusal


def test_a_product_is_made_changed_and_deleted(sim: Simulator, client: stripe.StripeClient) -> None:
    product = client.v1.products.create({"name": "Mentoring", "metadata": {"a": "1"}})
    assert (product.active, product.type, product.default_price) == (True, "service", None)
    changed = client.v1.products.update(product.id, {"name": "Coaching", "metadata": {"b": "2"}})
    assert (changed.name, changed.metadata.to_dict()) == ("Coaching", {"a": "1", "b": "2"})
    assert client.v1.products.delete(product.id).deleted is True
    assert client.v1.products.list().data == []
    assert refusal(lambda: client.v1.products.update(product.id, {"name": "x"})).code == "resource_missing"
    told = [event["type"] for event in sim.events_since(None)]
    assert told == ["product.created", "product.updated", "product.deleted"]


def test_a_product_with_prices_is_archived_not_deleted(client: stripe.StripeClient) -> None:
    price = a_plan(client)
    assert refusal(lambda: client.v1.products.delete(price.product)).http_status == 400
    client.v1.products.update(price.product, {"active": False})
    assert client.v1.products.list({"active": True}).data == []
    assert [each.id for each in client.v1.products.list({"active": False})] == [price.product]


def test_a_product_id_may_be_chosen_once(client: stripe.StripeClient) -> None:
    assert client.v1.products.create({"name": "A", "id": "mentoring-1"}).id == "mentoring-1"
    error = refusal(lambda: client.v1.products.create({"name": "B", "id": "mentoring-1"}))
    assert (error.code, error.error.param) == ("resource_already_exists", "id")


def test_a_default_price_belongs_to_its_product(client: stripe.StripeClient) -> None:
    mine, other = a_plan(client), a_plan(client)
    client.v1.products.update(mine.product, {"default_price": mine.id})
    shown = client.v1.products.retrieve(mine.product, {"expand": ["default_price"]})
    assert shown.default_price.id == mine.id
    error = refusal(lambda: client.v1.products.update(mine.product, {"default_price": other.id}))
    assert error.error.param == "default_price"


@pytest.mark.parametrize(("every", "count"), [("day", 3), ("week", 2), ("month", 1), ("month", 6), ("year", 1)])
def test_a_price_recurs_every_so_often(client: stripe.StripeClient, every: str, count: int) -> None:
    price = a_plan(client, every=every, count=count)
    assert (price.type, price.recurring.interval, price.recurring.interval_count) == ("recurring", every, count)
    assert price.recurring.usage_type == "licensed"


def test_a_price_without_recurrence_is_one_time(sim: Simulator, client: stripe.StripeClient) -> None:
    product = client.v1.products.create({"name": "Book"})
    told = events_of(
        sim,
        lambda: client.v1.prices.create({"product": product.id, "currency": "jpy", "unit_amount": 1500}),
    )
    assert told == ["price.created"]
    price = client.v1.prices.list({"type": "one_time", "product": product.id}).data[0]
    assert (price.type, price.recurring, price.currency, price.unit_amount) == ("one_time", None, "jpy", 1500)
    assert str(price.unit_amount_decimal) == "1500"


def test_prices_are_found_by_lookup_key(client: stripe.StripeClient) -> None:
    gold, silver = a_plan(client, lookup_key="gold"), a_plan(client, lookup_key="silver")
    a_plan(client)
    assert [each.id for each in client.v1.prices.list({"lookup_keys": ["gold"]})] == [gold.id]
    both = client.v1.prices.list({"lookup_keys": ["gold", "silver", "none"]})
    assert {each.id for each in both} == {gold.id, silver.id}
    assert [each.id for each in client.v1.prices.list({"recurring": {"interval": "year"}})] == []


def test_a_lookup_key_moves_only_when_told(client: stripe.StripeClient) -> None:
    old = a_plan(client, lookup_key="gold")
    assert refusal(lambda: a_plan(client, lookup_key="gold")).error.param == "lookup_key"
    new = a_plan(client, lookup_key="gold", transfer_lookup_key=True)
    assert client.v1.prices.retrieve(old.id).lookup_key is None
    assert [each.id for each in client.v1.prices.list({"lookup_keys": ["gold"]})] == [new.id]


def test_an_archived_price_is_not_sold(client: stripe.StripeClient) -> None:
    price = a_plan(client)
    client.v1.prices.update(price.id, {"active": False, "nickname": "old"})
    error = refusal(lambda: a_subscription(client, items=[{"price": price.id}]))
    assert (error.http_status, error.error.param) == (400, "items[0][price]")
    assert client.v1.prices.list({"active": True}).data == []


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"currency": None}, "parameter_missing", "currency"),
        ({"currency": "xyz"}, None, "currency"),
        ({"unit_amount": None}, "parameter_missing", "unit_amount"),
        ({"unit_amount": -1}, "parameter_invalid_integer", "unit_amount"),
        ({"unit_amount": "many"}, "parameter_invalid_integer", "unit_amount"),
        ({"unit_amount": 100_000_000}, None, "unit_amount"),
        ({"product": "prod_none", "product_data": None}, "resource_missing", "product"),
        ({"product_data": None}, None, "product"),
        ({"product_data": {}}, None, "product"),
        ({"recurring": {"interval": "hour"}}, None, "recurring[interval]"),
        ({"recurring": {"interval_count": 2}}, "parameter_missing", "recurring[interval]"),
        ({"recurring": {"interval": "year", "interval_count": 4}}, None, "recurring[interval_count]"),
        ({"recurring": {"interval": "month", "usage_type": "metered"}}, None, "recurring[usage_type]=metered"),
        ({"billing_scheme": "tiered"}, None, "billing_scheme=tiered"),
        ({"tiers_mode": "volume"}, None, "tiers_mode"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
    ],
)
def test_a_bad_price_is_a_400_that_names_the_parameter(
    client: stripe.StripeClient, wrong: dict[str, Any], code: str | None, param: str
) -> None:
    good: dict[str, Any] = {
        "currency": "usd",
        "unit_amount": 2000,
        "recurring": {"interval": "month"},
        "product_data": {"name": "Mentoring"},
    }
    wish = {name: value for name, value in {**good, **wrong}.items() if value is not None}
    error = refusal(lambda: client.v1.prices.create(wish))
    assert (error.http_status, error.code, error.error.param) == (400, code, param)


def test_a_parameter_of_stripes_that_is_not_simulated_says_so(client: stripe.StripeClient) -> None:
    error = refusal(lambda: client.v1.products.create({"name": "A", "tax_code": "txcd_1"}))
    assert "not simulated" in error.user_message
