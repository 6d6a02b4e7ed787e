"""Customers. Source: https://docs.stripe.com/api/customers"""

from __future__ import annotations

import re

from ..errors import ApiError, no_such, refused
from ..ids import new_id, token
from ..lists import CREATED, listing
from ..params import Hash, Metadata, Required, Text, Type, merge_metadata, one_of
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work
from .payment_methods import ADDRESS, METHOD_FILTERS, attach, detach, look_up

_EMAIL = re.compile(r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")
_SHOWN = ("description", "email", "name", "phone", "address", "shipping", "preferred_locales", "tax_exempt")

FIELDS: dict[str, Type] = {
    "description": Text(unsettable=True),
    "email": Text(most=512, unsettable=True),
    "name": Text(most=256, unsettable=True),
    "phone": Text(most=20, unsettable=True),
    "address": Hash(ADDRESS, unsettable=True),
    "shipping": Hash({"address": Hash(ADDRESS), "name": Text(), "phone": Text()}, unsettable=True),
    "tax_exempt": one_of("none", "exempt", "reverse"),
    "metadata": Metadata(),
    "invoice_settings": Hash({"default_payment_method": Text(unsettable=True)}),
}


def chargeable(work: Work, customer_id: str) -> Object:
    """A customer that a parameter names. Raises: ApiError 400 `resource_missing` if none, or deleted."""
    found = work.find("customer", customer_id)
    if found is None or found.get("deleted"):
        raise no_such("customer", customer_id, param="customer", status=400)
    return found


def check_email(email: str | None, *, param: str = "email") -> None:
    """Raises: ApiError 400 `email_invalid` for what cannot be an address."""
    if email is not None and not _EMAIL.match(email):
        raise ApiError(400, f"Invalid email address: {email}", code="email_invalid", param=param)


@endpoint("POST", "/v1/customers", {**FIELDS, "payment_method": Text()})
def create(call: Call) -> Object:
    work = call.work
    customer: Object = {
        "id": new_id("cus")[:18],
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": work.moment,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "email": None,
        "invoice_prefix": token(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    card = look_up(work, call.params["payment_method"]) if "payment_method" in call.params else None
    _apply(call, customer, arriving=card)
    work.add(customer)
    work.emit("customer.created", customer)
    if card:
        attach(work, card, customer["id"])
    return customer


@endpoint("GET", "/v1/customers/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("customer", call.id)


@endpoint("POST", "/v1/customers/<id>", FIELDS)
def update(call: Call) -> Object:
    customer = _alive(call)
    before = {name: customer[name] for name in (*_SHOWN, "metadata") if name in call.params}
    _apply(call, customer)
    call.work.save(customer)
    if call.params:
        call.work.emit("customer.updated", customer, previous=before)
    return customer


@endpoint("DELETE", "/v1/customers/<id>")
def delete(call: Call) -> Object:
    """Delete for good: the id answers `deleted: true` from now on, its cards are detached."""
    work, customer = call.work, _alive(call)
    for method in work.all_where("payment_method", customer=customer["id"]):
        detach(work, method)
    work.emit("customer.deleted", customer)
    return work.save({"id": customer["id"], "object": "customer", "deleted": True})


@endpoint("GET", "/v1/customers", {**CREATED, "email": Text(most=512)})
def list_all(call: Call) -> Object:
    return listing(call, "customer", email=call.params.get("email"))


@endpoint("GET", "/v1/customers/<id>/payment_methods", METHOD_FILTERS)
def list_methods(call: Call) -> Object:
    _alive(call)
    return listing(call, "payment_method", customer=call.id, allow_redisplay=call.params.get("allow_redisplay"))


@endpoint("GET", "/v1/customers/<id>/payment_methods/<method>")
def retrieve_method(call: Call) -> Object:
    method = call.work.get("payment_method", call.names["method"])
    if method["customer"] != call.id:
        raise no_such("payment_method", method["id"])
    return method


@endpoint("POST", "/v1/payment_methods/<id>/attach", {"customer": Required(Text())})
def attach_method(call: Call) -> Object:
    customer = chargeable(call.work, call.params["customer"])
    return attach(call.work, look_up(call.work, call.id, param="id", status=404), customer["id"])


@endpoint("POST", "/v1/payment_methods/<id>/detach")
def detach_method(call: Call) -> Object:
    method = call.work.get("payment_method", call.id)
    if method["customer"] is None:
        raise refused("The payment method you provided is not attached to a customer so detachment is impossible.")
    owner = call.work.get("customer", method["customer"])
    detach(call.work, method)
    if owner["invoice_settings"]["default_payment_method"] == method["id"]:
        before = dict(owner["invoice_settings"])
        owner["invoice_settings"]["default_payment_method"] = None
        call.work.save(owner)
        call.work.emit("customer.updated", owner, previous={"invoice_settings": before})
    return method


def _alive(call: Call) -> Object:
    customer = call.work.get("customer", call.id)
    if customer.get("deleted"):
        raise no_such("customer", call.id)
    return customer


def _apply(call: Call, customer: Object, *, arriving: Object | None = None) -> None:
    """Write the given parameters into the customer; `arriving` is the card that comes with a new one."""
    params = call.params
    check_email(params.get("email"))
    customer |= {name: params[name] for name in _SHOWN if name in params}
    if "metadata" in params:
        customer["metadata"] = merge_metadata(customer["metadata"], params["metadata"])
    settings = params.get("invoice_settings") or {}
    if chosen := settings.get("default_payment_method"):
        settings["default_payment_method"] = _own_card(call, customer, chosen, arriving)
    customer["invoice_settings"] |= settings


def _own_card(call: Call, customer: Object, method_id: str, arriving: Object | None) -> str:
    """The id of a card the customer has, or is about to get. Raises: ApiError 400 for anybody else's."""
    if arriving and method_id == call.params["payment_method"]:
        return str(arriving["id"])
    method = call.work.find("payment_method", method_id)
    if method is None or method["customer"] != customer["id"]:
        raise ApiError(
            400,
            f"The customer does not have a payment method with the ID {method_id}. The payment method must be "
            "attached to the customer.",
            code="resource_missing",
            param="invoice_settings[default_payment_method]",
        )
    return method_id
