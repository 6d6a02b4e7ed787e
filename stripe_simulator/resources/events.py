"""Events, as the API lists them. Source: https://docs.stripe.com/api/events"""

from __future__ import annotations

from ..errors import invalid, no_such
from ..lists import CREATED, listing
from ..params import Array, Flag, Text
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import dump


@endpoint("GET", "/v1/events/<id>")
def retrieve(call: Call) -> Object:
    event = call.work.find_event(call.id)
    if event is None:
        raise no_such("event", call.id)
    return event


@endpoint(
    "GET",
    "/v1/events",
    {**CREATED, "type": Text(), "types": Array(Text(), most=20), "delivery_success": Flag()},
)
def list_all(call: Call) -> Object:
    params = call.params
    if "type" in params and "types" in params:
        raise invalid("You may only specify one of these parameters: type, types.", param="types")
    delivered = params.get("delivery_success")
    return listing(
        call,
        "event",
        type=params.get("type"),
        types=dump(params["types"]) if "types" in params else None,
        delivered=None if delivered is None else int(delivered),
    )
