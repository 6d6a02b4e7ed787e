"""Subscription items: which prices a subscription bills, and how many of each.

Source: https://docs.stripe.com/api/subscription_items
"""

from __future__ import annotations

from typing import Any

from ..errors import invalid, missing_parameter, no_such, not_simulated, refused
from ..ids import new_id
from ..lists import as_list
from ..money import check_charge
from ..params import Array, Flag, Hash, Integer, Metadata, Text, Type, merge_metadata
from ..shapes import Object
from ..work import Work
from .prices import usable_price

_MOST = 20
_WANTED: dict[str, Type] = {
    "price": Text(),
    "quantity": Integer(least=0),
    "metadata": Metadata(),
}
WANTED = Array(Hash(_WANTED), most=_MOST)
CHANGED = Array(Hash({**_WANTED, "id": Text(), "deleted": Flag()}), most=_MOST)


def new_items(work: Work, subscription_id: str, wanted: list[dict[str, Any]], period: tuple[int, int]) -> Object:
    """The list of items of a new subscription, for its first period (Unix seconds).

    Raises: ApiError 400 for prices that cannot be billed together.
    """
    if not wanted:
        raise missing_parameter("items")
    made = [_make(work, subscription_id, each, f"items[{index}]", period) for index, each in enumerate(wanted)]
    _check_together(made)
    return _as_items(subscription_id, made)


def change_items(work: Work, subscription: Object, changes: list[dict[str, Any]]) -> None:
    """Change, add and delete items in place; what they cost changes with the next invoice.

    Raises: ApiError 400 for an unknown item, the last one deleted, or another billing period.
    """
    kept: list[Object] = subscription["items"]["data"]
    period = (kept[0]["current_period_start"], kept[0]["current_period_end"])
    for index, change in enumerate(changes):
        spelt = f"items[{index}]"
        if "id" not in change:
            kept.append(_make(work, subscription["id"], change, spelt, period))
            continue
        item = next((each for each in kept if each["id"] == change["id"]), None)
        if item is None:
            raise no_such("subscription item", change["id"], param=f"{spelt}[id]", status=400)
        if change.get("deleted"):
            kept.remove(item)
        else:
            _change(work, item, change, spelt)
    if not kept:
        raise refused("A subscription must have at least one active plan.", param="items")
    _check_together(kept)
    subscription["items"] = _as_items(subscription["id"], kept)


def set_period(subscription: Object, start: int, end: int) -> None:
    """Move every item to a billing period (Unix seconds)."""
    for item in subscription["items"]["data"]:
        item |= {"current_period_start": start, "current_period_end": end}


def recurrence(items: Object) -> tuple[str, int]:
    """How often items are billed: the interval and how many of it."""
    recurring = items["data"][0]["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def prices_of(items: Object) -> dict[str, str]:
    """The ids of the prices, as keys that lists can ask for."""
    return {item["price"]["id"]: "yes" for item in items["data"]}


def _make(
    work: Work, subscription_id: str, wanted: dict[str, Any], spelt: str, period: tuple[int, int]
) -> Object:  # fmt: skip
    if "price" not in wanted:
        raise missing_parameter(f"{spelt}[price]")
    price = _recurring_price(work, wanted["price"], spelt)
    return {
        "id": new_id("si")[:17],
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": work.moment,
        "current_period_end": period[1],
        "current_period_start": period[0],
        "discounts": [],
        "metadata": merge_metadata({}, wanted.get("metadata", {})),
        "plan": _plan(price),
        "price": price,
        "quantity": wanted.get("quantity", 1),
        "subscription": subscription_id,
        "tax_rates": [],
    }


def _change(work: Work, item: Object, change: dict[str, Any], spelt: str) -> None:
    if "price" in change:
        price = _recurring_price(work, change["price"], spelt)
        if price["recurring"] != item["price"]["recurring"]:
            raise not_simulated(f"{spelt}[price] with another billing period")
        item |= {"price": price, "plan": _plan(price)}
    item["quantity"] = change.get("quantity", item["quantity"])
    if "metadata" in change:
        item["metadata"] = merge_metadata(item["metadata"], change["metadata"])


def _recurring_price(work: Work, price_id: str, spelt: str) -> Object:
    price = usable_price(work, price_id, param=f"{spelt}[price]")
    if price["type"] != "recurring":
        raise refused(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param=f"{spelt}[price]",
        )
    return price


def _check_together(items: list[Object]) -> None:
    prices = [item["price"] for item in items]
    if len({price["id"] for price in prices}) < len(prices):
        raise refused("Cannot add multiple subscription items with the same plan.", param="items")
    if len({price["currency"] for price in prices}) > 1:
        raise invalid("All prices on a subscription must use the same currency.", param="items")
    if any(price["recurring"] != prices[0]["recurring"] for price in prices):
        raise not_simulated("items with different billing periods")
    # Here, where somebody can hear of it: a renewal by the clock could only fail.
    if total := sum(item["price"]["unit_amount"] * item["quantity"] for item in items):
        check_charge(total, prices[0]["currency"])


def _as_items(subscription_id: str, items: list[Object]) -> Object:
    return as_list(items, f"/v1/subscription_items?subscription={subscription_id}") | {"total_count": len(items)}


def _plan(price: Object) -> Object:
    """The price once more, as Stripe spelt it before prices."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }
