"""Prices: an amount of a currency for a product, once or every so often. Source: https://docs.stripe.com/api/prices"""

from __future__ import annotations

from typing import Any

from ..errors import invalid, missing_parameter, no_such, not_simulated, refused
from ..expansion import expandable
from ..ids import new_id
from ..lists import CREATED, as_list, listing
from ..money import LARGEST, STEPS, Currency
from ..params import (
    Array,
    Flag,
    Hash,
    Integer,
    Metadata,
    Required,
    SomeOf,
    Text,
    Type,
    merge_metadata,
    one_of,
)
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work
from .products import make_product

INTERVALS = one_of("day", "week", "month", "year")
# Stripe's limit is three years.
MOST_INTERVALS = {"day": 1095, "week": 156, "month": 36, "year": 3}
RECURRING = Hash(
    {
        "interval": Required(INTERVALS),
        "interval_count": Integer(least=1),
        "usage_type": SomeOf(("licensed",), ("metered",)),
    }
)
PRODUCT_DATA: dict[str, Type] = {
    "active": Flag(),
    "id": Text(),
    "metadata": Metadata(),
    "name": Required(Text()),
    "statement_descriptor": Text(most=22),
    "unit_label": Text(most=12),
}
_TAX = one_of("exclusive", "inclusive", "unspecified")
_FIELDS: dict[str, Type] = {
    "active": Flag(),
    "lookup_key": Text(most=200),
    "metadata": Metadata(),
    "nickname": Text(unsettable=True),
    "tax_behavior": _TAX,
    "transfer_lookup_key": Flag(),
}

expandable("price", product="product")


def make_price(work: Work, given: dict[str, Any]) -> Object:
    """A new price (`currency`, `unit_amount` in minor units, `product`, `recurring`), told as `price.created`.

    Raises: ApiError 400 for an amount Stripe refuses, too long a period or a lookup key in use.
    """
    check_amount(given["unit_amount"], given["currency"])
    recurring = given.get("recurring")
    price: Object = {
        "id": new_id("price"),
        "object": "price",
        "active": given.get("active", True),
        "billing_scheme": "per_unit",
        "created": work.moment,
        "currency": given["currency"],
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": merge_metadata({}, given.get("metadata", {})),
        "nickname": given.get("nickname"),
        "product": given["product"],
        "recurring": _recurring(recurring) if recurring else None,
        "tax_behavior": given.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": given["unit_amount"],
        "unit_amount_decimal": str(given["unit_amount"]),
    }
    _set_lookup_key(work, price, given)
    work.add(price)
    work.emit("price.created", price)
    return price


def check_amount(amount: int, currency: str) -> None:
    """Refuse what a price cannot cost: more than Stripe charges, or a wrong fraction. Free is fine."""
    if amount > LARGEST:
        raise invalid(f"Invalid integer: must be at most {LARGEST}.", param="unit_amount")
    if amount % STEPS.get(currency, 1):
        raise invalid(f"Invalid amount: in {currency} it must be a multiple of {STEPS[currency]}.", param="unit_amount")


def usable_price(work: Work, price_id: str, *, param: str) -> Object:
    """An active price that a parameter names. Raises: ApiError 400 if there is none, or an archived one."""
    price = work.get("price", price_id, param=param, status=400)
    if not price["active"]:
        raise refused("The price specified is inactive. This field only accepts active prices.", param=param)
    return price


@endpoint(
    "POST",
    "/v1/prices",
    {
        **_FIELDS,
        "currency": Required(Currency()),
        "unit_amount": Integer(least=0),
        "product": Text(),
        "product_data": Hash(PRODUCT_DATA),
        "recurring": RECURRING,
        "billing_scheme": SomeOf(("per_unit",), ("tiered",)),
    },
)
def create(call: Call) -> Object:
    params = call.params
    if "unit_amount" not in params:
        raise missing_parameter("unit_amount")
    return make_price(call.work, {**params, "product": _product(call)})


@endpoint("GET", "/v1/prices/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("price", call.id)


@endpoint("POST", "/v1/prices/<id>", _FIELDS)
def update(call: Call) -> Object:
    work, params = call.work, call.params
    price = work.get("price", call.id)
    before = {name: price[name] for name in params if name in price}
    if params.get("tax_behavior", price["tax_behavior"]) != price["tax_behavior"]:
        if price["tax_behavior"] != "unspecified":
            raise refused("The tax behavior of a price cannot be changed once it is set.", param="tax_behavior")
        price["tax_behavior"] = params["tax_behavior"]
    price |= {name: params[name] for name in ("active", "nickname") if name in params}
    if "metadata" in params:
        price["metadata"] = merge_metadata(price["metadata"], params["metadata"])
    _set_lookup_key(work, price, params)
    work.save(price)
    if params:
        work.emit("price.updated", price, previous=before)
    return price


@endpoint(
    "GET",
    "/v1/prices",
    {
        **CREATED,
        "active": Flag(),
        "currency": Currency(),
        "lookup_keys": Array(Text(), most=10),
        "product": Text(),
        "recurring": Hash({"interval": INTERVALS, "usage_type": one_of("licensed", "metered"), "meter": Text()}),
        "type": one_of("one_time", "recurring"),
    },
)
def list_all(call: Call) -> Object:
    params = call.params
    wanted = {name: params.get(name) for name in ("active", "currency", "product", "type")}
    wanted |= {f"recurring.{name}": value for name, value in params.get("recurring", {}).items()}
    if "lookup_keys" not in params:
        return listing(call, "price", **wanted)
    if refused_here := [name for name in params if name not in (*wanted, "lookup_keys", "recurring", "limit")]:
        raise not_simulated(f"{refused_here[0]} together with lookup_keys")
    fields = {name: value for name, value in wanted.items() if value is not None}
    found = [
        price
        for key in dict.fromkeys(params["lookup_keys"])
        for price in call.work.page("price", {**fields, "lookup_key": key}, limit=1)
    ]
    found.sort(key=lambda price: -price["created"])
    limit = params.get("limit", 10)
    return as_list(found[:limit], call.path, len(found) > limit)


def _product(call: Call) -> str:
    """The id of the product that the request names or describes."""
    work, params = call.work, call.params
    if ("product" in params) == ("product_data" in params):
        raise invalid("You must specify either `product` or `product_data` when creating a price.", param="product")
    if "product_data" in params:
        return str(make_product(work, params["product_data"])["id"])
    product = work.find("product", params["product"])
    if product is None or product.get("deleted"):
        raise no_such("product", params["product"], param="product", status=400)
    return str(product["id"])


def _recurring(given: dict[str, Any]) -> Object:
    interval, count = given["interval"], given.get("interval_count", 1)
    if count > MOST_INTERVALS[interval]:
        raise invalid(
            f"Invalid interval_count: {count}. The longest period is {MOST_INTERVALS[interval]} {interval}s.",
            param="recurring[interval_count]",
        )
    return {
        "interval": interval,
        "interval_count": count,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _set_lookup_key(work: Work, price: Object, given: dict[str, Any]) -> None:
    """Give a price its key; another price loses it if `transfer_lookup_key` says so, else keeps it from us."""
    key = given.get("lookup_key")
    if key is None:
        return
    for owner in work.all_where("price", lookup_key=key):
        if owner["id"] == price["id"]:
            continue
        if not given.get("transfer_lookup_key"):
            raise refused(
                f"A price (`{owner['id']}`) already uses that lookup key. Set `transfer_lookup_key` to take it over.",
                param="lookup_key",
            )
        owner["lookup_key"] = None
        work.save(owner)
        work.emit("price.updated", owner, previous={"lookup_key": key})
    price["lookup_key"] = key
