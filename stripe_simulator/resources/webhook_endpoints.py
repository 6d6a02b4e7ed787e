"""Webhook endpoints made through the API, each with its own secret and wishes.

Source: https://docs.stripe.com/api/webhook_endpoints
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..browser import LOOPBACK_HOSTS
from ..errors import invalid, no_such
from ..ids import new_id, token
from ..lists import CURSORS, listing
from ..params import Array, Flag, Metadata, Required, Text, Type, merge_metadata, one_of
from ..routing import Call, endpoint
from ..shapes import API_VERSION, Object

_EVENT = re.compile(r"^[a-z0-9_]+(\.[a-z0-9_]+)+$", re.ASCII)
_EDITABLE: dict[str, Type] = {
    "url": Text(most=2048),
    "enabled_events": Array(Text()),
    "description": Text(unsettable=True),
    "metadata": Metadata(),
}


@endpoint(
    "POST",
    "/v1/webhook_endpoints",
    {
        **_EDITABLE,
        "url": Required(Text(most=2048)),
        "enabled_events": Required(Array(Text())),
        "connect": Flag(),
        "api_version": one_of(API_VERSION),
    },
)
def create(call: Call) -> Object:
    params = call.params
    made: Object = {
        "id": new_id("we"),
        "object": "webhook_endpoint",
        "api_version": params.get("api_version"),
        "application": None,
        "created": call.work.moment,
        "description": None,
        "enabled_events": [],
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": "",
        "_connect": params.get("connect", False),
        "_secret": f"whsec_{token(32)}",
    }
    _apply(call, made)
    # The secret is shown this once.
    return {**call.work.add(made), "secret": made["_secret"]}


@endpoint("GET", "/v1/webhook_endpoints/<id>")
def retrieve(call: Call) -> Object:
    return _asked(call)


@endpoint("GET", "/v1/webhook_endpoints", CURSORS)
def list_all(call: Call) -> Object:
    return listing(call, "webhook_endpoint")


@endpoint("POST", "/v1/webhook_endpoints/<id>", {**_EDITABLE, "disabled": Flag()})
def update(call: Call) -> Object:
    made = _asked(call)
    if "disabled" in call.params:
        made["status"] = "disabled" if call.params["disabled"] else "enabled"
    _apply(call, made)
    return call.work.save(made)


@endpoint("DELETE", "/v1/webhook_endpoints/<id>")
def delete(call: Call) -> Object:
    made = _asked(call)
    return call.work.save({"id": made["id"], "object": "webhook_endpoint", "deleted": True})


def _asked(call: Call) -> Object:
    """The endpoint in the path. Raises: ApiError 404, also once it has been deleted."""
    made = call.work.get("webhook_endpoint", call.id)
    if made.get("deleted"):
        raise no_such("webhook_endpoint", call.id)
    return made


def _apply(call: Call, made: Object) -> None:
    """Write the given parameters. Raises: ApiError 400 for a URL beyond this machine, or no event at all."""
    params = call.params
    if "url" in params:
        try:
            parts = urlsplit(params["url"])
            ours = parts.scheme in ("http", "https") and (parts.hostname or "") in LOOPBACK_HOSTS
        except ValueError:
            ours = False
        if not ours:
            raise invalid("Invalid URL: the simulator only reaches http://localhost and its kind.", param="url")
    events = params.get("enabled_events", ["*"])
    if not events:
        raise invalid("You must enable at least one event.", param="enabled_events")
    if not all(name == "*" or _EVENT.match(name) for name in events):
        raise invalid("Each of enabled_events must be the name of an event, or '*' for all.", param="enabled_events")
    made |= {name: params[name] for name in ("url", "enabled_events", "description") if name in params}
    if "metadata" in params:
        made["metadata"] = merge_metadata(made["metadata"], params["metadata"])
