"""Payment methods: cards, by number, by token or ready-made (`pm_card_visa`).

Source: https://docs.stripe.com/api/payment_methods
"""

from __future__ import annotations

from typing import Any

from ..cards import CARDS, TestCard, check_cvc, check_expiry, magic_card, read_number
from ..errors import ApiError, missing_parameter, no_such, refused
from ..expansion import expandable
from ..ids import new_id
from ..lists import CURSORS, listing
from ..params import Hash, Integer, Metadata, Required, Text, Type, merge_metadata, one_of
from ..routing import Call, endpoint
from ..shapes import Object, public
from ..work import Work

ADDRESS: dict[str, Type] = {
    name: Text(unsettable=True) for name in ("city", "country", "line1", "line2", "postal_code", "state")
}
BILLING = Hash(
    {
        "address": Hash(ADDRESS, unsettable=True),
        "email": Text(unsettable=True),
        "name": Text(unsettable=True),
        "phone": Text(unsettable=True),
        "tax_id": Text(),
    }
)
_CARD = Hash({"number": Text(), "exp_month": Integer(), "exp_year": Integer(), "cvc": Text(), "token": Text()})
DATA = Hash(
    {
        "type": Required(one_of("card")),
        "card": _CARD,
        "billing_details": BILLING,
        "allow_redisplay": one_of("always", "limited", "unspecified"),
        "metadata": Metadata(),
    }
)
METHOD_FILTERS: dict[str, Type] = {
    **CURSORS,
    "type": one_of("card"),
    "allow_redisplay": one_of("always", "limited", "unspecified"),
}
expandable("payment_method", customer="customer")


def card_of(method: Object) -> TestCard:
    """The test card behind a payment method."""
    return CARDS[method["_number"]]


def create_method(work: Work, data: dict[str, Any]) -> Object:
    """A new payment method from `payment_method_data`-like fields. Raises: ApiError 402 for a bad card."""
    given = data.get("card")
    if given is None:
        raise missing_parameter("card")
    card, month, year, checked = _read_card(given, work.now)
    method = _method(work, card, month, year, checked)
    billing = data.get("billing_details") or {}
    address = billing.pop("address", None)
    method["billing_details"] |= billing
    method["billing_details"]["address"] |= address or {}
    method["metadata"] = merge_metadata({}, data.get("metadata", {}))
    method["allow_redisplay"] = data.get("allow_redisplay", "unspecified")
    return work.add(method)


def look_up(work: Work, method_id: str, *, param: str = "payment_method", status: int = 400) -> Object:
    """A payment method that a parameter names; a ready-made one becomes a new method of its own.

    Raises: ApiError `resource_missing`.
    """
    card = magic_card(method_id) if method_id.startswith("pm_card_") else None
    if card:
        return work.add(_method(work, card, 12, _year_ahead(work.now), "pass"))
    found = work.find("payment_method", method_id)
    if found is None:
        raise no_such("payment_method", method_id, param=param, status=status)
    return found


def attach(work: Work, method: Object, customer_id: str) -> Object:
    """Keep a card with a customer. Raises: ApiError 402 if the bank declines, 400 if it may not be kept."""
    if method["customer"] == customer_id:
        return method
    if method["customer"] is not None:
        raise refused("The payment method you provided has already been attached to a customer.")
    if method.get("_spent"):
        raise spent(method)
    card = card_of(method)
    if card.decline and not card.attaches:
        extra = {"decline_code": card.decline.decline_code, "payment_method": public(method)}
        raise ApiError(402, card.decline.message, type="card_error", code=card.decline.code, saved=True, extra=extra)
    method["customer"] = customer_id
    work.save(method)
    work.emit("payment_method.attached", method)
    return method


def detach(work: Work, method: Object) -> Object:
    """Part a card from its customer; it cannot be used again."""
    before = method["customer"]
    method["customer"] = None
    method["_spent"] = True
    work.save(method)
    work.emit("payment_method.detached", method, previous={"customer": before})
    return method


def spent(method: Object) -> ApiError:
    """Refusal of a card that was used without a customer, or detached from one."""
    return refused(
        "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, "
        "shared with "
        "a connected account without Customer attachment, or was detached from a Customer. It may not be "
        "used again. "
        f"To use a PaymentMethod multiple times, you must attach it to a Customer first. ({method['id']})",
        param="payment_method",
    )


@endpoint("POST", "/v1/payment_methods", DATA.fields, browser=True)
def create(call: Call) -> Object:
    return create_method(call.work, call.params)


@endpoint("GET", "/v1/payment_methods/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("payment_method", call.id)


@endpoint("GET", "/v1/payment_methods", {**METHOD_FILTERS, "customer": Text()})
def list_all(call: Call) -> Object:
    params = call.params
    return listing(
        call, "payment_method", customer=params.get("customer"), allow_redisplay=params.get("allow_redisplay")
    )


@endpoint(
    "POST",
    "/v1/payment_methods/<id>",
    {
        "billing_details": BILLING,
        "metadata": Metadata(),
        "allow_redisplay": one_of("always", "limited", "unspecified"),
    },
)
def update(call: Call) -> Object:
    method = call.work.get("payment_method", call.id)
    if "metadata" in call.params:
        method["metadata"] = merge_metadata(method["metadata"], call.params["metadata"])
    billing = dict(call.params.get("billing_details") or {})
    method["billing_details"]["address"] |= billing.pop("address", None) or {}
    method["billing_details"] |= billing
    method["allow_redisplay"] = call.params.get("allow_redisplay", method["allow_redisplay"])
    call.work.save(method)
    call.work.emit("payment_method.updated", method)
    return method


def _read_card(given: dict[str, Any], now: float) -> tuple[TestCard, int, int, str | None]:
    """The card, its expiry and whether its security code was checked."""
    if "token" in given:
        card = magic_card(given["token"])
        if card is None:
            raise no_such("token", given["token"], param="card[token]", status=400)
        return card, 12, _year_ahead(now), "pass"
    for name in ("number", "exp_month", "exp_year"):
        if name not in given:
            raise missing_parameter(f"card[{name}]")
    card = read_number(given["number"])
    year = check_expiry(given["exp_month"], given["exp_year"], now)
    check_cvc(given.get("cvc"), card.brand)
    return card, given["exp_month"], year, "pass" if "cvc" in given else None


def _year_ahead(now: float) -> int:
    return 1970 + int(now // 31_556_952) + 1


def _method(work: Work, card: TestCard, month: int, year: int, checked: str | None) -> Object:
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": dict.fromkeys(ADDRESS),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "card": {
            "brand": card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": checked},
            "country": card.country,
            "display_brand": card.brand,
            "exp_month": month,
            "exp_year": year,
            "fingerprint": card.fingerprint,
            "funding": card.funding,
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": work.moment,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_number": card.number,
    }
