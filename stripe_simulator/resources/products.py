"""Products: what is sold; prices say for how much. Source: https://docs.stripe.com/api/products"""

from __future__ import annotations

from typing import Any

from ..errors import invalid, no_such, refused
from ..expansion import expandable
from ..ids import new_id
from ..lists import CREATED, listing
from ..params import Array, Flag, Hash, Metadata, Required, Text, Type, merge_metadata, one_of
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work

_PLAIN = """
    active description images marketing_features name shippable statement_descriptor
    unit_label url
""".split()
_FIELDS: dict[str, Type] = {
    "active": Flag(),
    "description": Text(most=40_000, unsettable=True),
    "images": Array(Text(), most=8),
    "marketing_features": Array(Hash({"name": Required(Text(most=80))}), most=15),
    "metadata": Metadata(),
    "shippable": Flag(),
    "statement_descriptor": Text(most=22),
    "unit_label": Text(most=12, unsettable=True),
    "url": Text(unsettable=True),
}

expandable("product", default_price="price")


def make_product(work: Work, given: dict[str, Any]) -> Object:
    """A new product from checked `product_data`-like fields, told as `product.created`."""
    product: Object = {
        "id": given.get("id") or new_id("prod")[:19],
        "object": "product",
        "active": True,
        "created": work.moment,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": merge_metadata({}, given.get("metadata", {})),
        "name": given["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": given.get("type", "service"),
        "unit_label": None,
        "updated": work.moment,
        "url": None,
    }
    product |= {name: given[name] for name in _PLAIN if name in given}
    work.add(product)
    work.emit("product.created", product)
    return product


@endpoint(
    "POST",
    "/v1/products",
    {
        **_FIELDS,
        "name": Required(Text()),
        "id": Text(most=255),
        "type": one_of("good", "service"),
    },
)
def create(call: Call) -> Object:
    wanted = call.params.get("id")
    if wanted and not wanted.replace("-", "").replace("_", "").isalnum():
        raise invalid("Product ids may hold letters, digits, dashes and underscores only.", param="id")
    if wanted and call.work.find("product", wanted):
        raise refused("Product already exists.", code="resource_already_exists", param="id")
    return make_product(call.work, call.params)


@endpoint("GET", "/v1/products/<id>")
def retrieve(call: Call) -> Object:
    return call.work.get("product", call.id)


@endpoint("POST", "/v1/products/<id>", {**_FIELDS, "name": Text(), "default_price": Text()})
def update(call: Call) -> Object:
    work, params, product = call.work, call.params, _alive(call)
    before = {name: product[name] for name in params if name in product}
    if "default_price" in params:
        price = work.get("price", params["default_price"], param="default_price", status=400)
        if price["product"] != product["id"]:
            raise refused(f"The price {price['id']} does not belong to this product.", param="default_price")
        product["default_price"] = price["id"]
    product |= {name: params[name] for name in _PLAIN if name in params}
    if "metadata" in params:
        product["metadata"] = merge_metadata(product["metadata"], params["metadata"])
    product["updated"] = work.moment
    work.save(product)
    if params:
        work.emit("product.updated", product, previous=before)
    return product


@endpoint("DELETE", "/v1/products/<id>")
def delete(call: Call) -> Object:
    """Delete for good; a product with prices must be archived instead (`active=false`)."""
    work, product = call.work, _alive(call)
    if work.page("price", {"product": product["id"]}, limit=1):
        raise refused(
            "This product cannot be deleted because it has one or more user-created prices. "
            "Set `active` to false to archive it instead."
        )
    work.emit("product.deleted", product)
    return work.save({"id": product["id"], "object": "product", "deleted": True})


@endpoint(
    "GET",
    "/v1/products",
    {**CREATED, "active": Flag(), "type": one_of("good", "service")},
)
def list_all(call: Call) -> Object:
    return listing(call, "product", active=call.params.get("active"), type=call.params.get("type"))


def _alive(call: Call) -> Object:
    product = call.work.get("product", call.id)
    if product.get("deleted"):
        raise no_such("product", call.id)
    return product
