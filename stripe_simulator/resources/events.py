"""Events, as the API lists them. Source: https://docs.stripe.com/api/events"""

from __future__ import annotations

from ..errors import no_such
from ..lists import CREATED, listing
from ..params import Text
from ..routing import Call, endpoint
from ..shapes import Object


@endpoint("GET", "/v1/events/<id>")
def retrieve(call: Call) -> Object:
    event = call.work.find_event(call.id)
    if event is None:
        raise no_such("event", call.id)
    return event


@endpoint("GET", "/v1/events", {**CREATED, "type": Text()})
def list_all(call: Call) -> Object:
    return listing(call, "event", type=call.params.get("type"))
