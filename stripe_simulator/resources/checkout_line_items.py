"""What a Checkout Session sells: items with a price and a quantity, and what they come to.

Source: https://docs.stripe.com/api/checkout/sessions/line_items
"""

from __future__ import annotations

from typing import Any

from ..errors import invalid, missing_parameter, no_such
from ..ids import new_id
from ..lists import CURSORS, as_list
from ..money import check_charge
from ..params import merge_metadata
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work
from .prices import make_price, usable_price
from .products import make_product

_MOST_RECURRING = 20


def make_line_items(work: Work, given: list[dict[str, Any]], mode: str) -> list[Object]:
    """The items of a new session; prices given as data are made on the way, as in Stripe.

    Raises: ApiError 400 for a price that is unknown, inactive or of the wrong kind, or for mixed currencies.
    """
    items = [_make(work, each, f"line_items[{index}]") for index, each in enumerate(given)]
    currencies = {item["currency"] for item in items}
    if len(currencies) > 1:
        raise invalid(
            f"All prices of a Checkout Session must have the same currency, not {' and '.join(sorted(currencies))}.",
            param="line_items",
        )
    recurring = [item for item in items if item["price"]["type"] == "recurring"]
    if mode == "payment" and recurring:
        raise invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use "
            "only one-time prices.",
            param="line_items",
        )
    if mode == "subscription":
        _check_recurring(recurring)
    if mode == "payment":
        check_charge(total(items), items[0]["currency"])
    return items


def total(items: list[Object]) -> int:
    """What they come to, in minor units."""
    return sum(item["amount_total"] for item in items)


def first_page(session: Object) -> Object:
    """The start of the list, as `expand[]=line_items` shows it."""
    items = session["_line_items"]
    return as_list(items[:10], f"/v1/checkout/sessions/{session['id']}/line_items", len(items) > 10)


@endpoint("GET", "/v1/checkout/sessions/<id>/line_items", CURSORS)
def list_all(call: Call) -> Object:
    """In the order they were given."""
    items = call.work.get("checkout.session", call.id)["_line_items"]
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise invalid("You cannot parameterize both starting_after and ending_before.", param="starting_after")
    limit = call.params.get("limit", 10)
    start, end = 0, len(items)
    if after:
        start = _position(items, after, "starting_after") + 1
    if before:
        end = _position(items, before, "ending_before")
        start = max(0, end - limit)
        return as_list(items[start:end], call.path, start > 0)
    return as_list(items[start : start + limit], call.path, start + limit < end)


def _make(work: Work, given: dict[str, Any], where: str) -> Object:
    if ("price" in given) == ("price_data" in given):
        raise invalid(f"You must specify either `price` or `price_data` in `{where}`.", param=where)
    if "quantity" not in given:
        raise missing_parameter(f"{where}[quantity]")
    if "price" in given:
        price = usable_price(work, given["price"], param=f"{where}[price]")
    else:
        price = _inline_price(work, given["price_data"], f"{where}[price_data]")
    product = work.find("product", price["product"])
    amount = price["unit_amount"] * given["quantity"]
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"] if product and not product.get("deleted") else None,
        "metadata": merge_metadata({}, given.get("metadata", {})),
        "price": price,
        "quantity": given["quantity"],
    }


def _inline_price(work: Work, data: dict[str, Any], where: str) -> Object:
    """A price for this session only: it and its product are made inactive, so that no other can use them."""
    if "unit_amount" not in data:
        raise missing_parameter(f"{where}[unit_amount]")
    if ("product" in data) == ("product_data" in data):
        raise invalid(f"You must specify either `product` or `product_data` in `{where}`.", param=where)
    if "product" in data:
        product = work.find("product", data["product"])
        if product is None or product.get("deleted"):
            raise no_such("product", data["product"], param=f"{where}[product]", status=400)
    else:
        product = make_product(work, {**data["product_data"], "active": False})
    return make_price(work, {**data, "product": product["id"], "active": False})


def _check_recurring(items: list[Object]) -> None:
    if not items:
        raise invalid(
            "You must provide at least one recurring price in `subscription` mode when using prices.",
            param="line_items",
        )
    if len(items) > _MOST_RECURRING:
        raise invalid(f"A subscription has at most {_MOST_RECURRING} recurring prices.", param="line_items")
    rhythms = {(item["price"]["recurring"]["interval"], item["price"]["recurring"]["interval_count"]) for item in items}
    if len(rhythms) > 1:
        raise invalid("All recurring prices of a Checkout Session must have the same interval.", param="line_items")


def _position(items: list[Object], item_id: str, param: str) -> int:
    for index, item in enumerate(items):
        if item["id"] == item_id:
            return index
    raise no_such("item", item_id, param=param, status=400)
