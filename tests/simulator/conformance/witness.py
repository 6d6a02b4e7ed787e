"""Watches every request of every simulator in this process, and every answer, with the library's types in hand."""

from __future__ import annotations

from functools import cache
from typing import Any

import stripe
from stripe import ErrorObject
from werkzeug.wrappers import Request

from stripe_simulator.engine import Reply
from stripe_simulator.expansion import _BROWSER_FIELDS
from stripe_simulator.forms import decode
from stripe_simulator.routing import Endpoint, Router

from .checking import problems, typed
from .parameters import FOR_BROWSERS, route_of
from .schemas import Schema, named, reference


class Witness:
    """Collects what the library would not have understood."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.seen: set[str] = set()
        self._router = Router()

    def __call__(self, request: Request, reply: Reply) -> None:
        try:
            endpoint, _ = self._router.match(request.method, request.path)
        except Exception:
            return  # no such route: the answer is an error, and other tests look at those
        where = f"{endpoint.method} {endpoint.path}"
        browser = (request.headers.get("Authorization") or "").startswith("Bearer pk_")
        if reply.status >= 400:
            self.found += _refusal(reply.body, where, browser=browser)
            return
        self.seen.add(where)
        if not browser:  # the libraries for servers have no types for what browsers send
            self.found += _asked(request, endpoint, where)
        self.found += _answered(reply.body, endpoint, where, browser=browser)

    def take(self) -> list[str]:
        """What was wrong since the last time."""
        found, self.found = self.found, []
        return sorted(set(found))


def event_problems(event: dict[str, Any]) -> list[str]:
    """What is wrong with an event and the object in it."""
    found = problems(event, reference(stripe.Event), f"event {event['type']}")
    return found + object_problems(event["data"]["object"], f"event {event['type']}")


def object_problems(obj: dict[str, Any], where: str) -> list[str]:
    """What is wrong with an object, by the class that its `object` names."""
    cls = _class_of(obj.get("object", ""))
    if cls is None:
        return [f"{where}: the library has no {obj.get('object')!r}"]
    return problems(obj, reference(cls), f"{where}: {obj['object']}")


@cache
def _class_of(kind: str) -> type | None:
    from stripe._object_classes import get_object_class

    cls: Any = get_object_class("V1", kind)
    return None if cls is stripe.StripeObject else cls


def _asked(request: Request, endpoint: Endpoint, where: str) -> list[str]:
    route = route_of(endpoint)
    if route is None or not route.params:
        return []
    text = request.get_data().decode() if request.method == "POST" else request.query_string.decode()
    given = {name: value for name, value in decode(text).items() if name not in FOR_BROWSERS | {"expand"}}
    (given.get("payment_method_data") or {}).pop("card", None)  # typed in a browser; servers have no type for it
    schema = named(route.params, route.module)
    return problems(typed(given, schema), schema, f"asked {where}")


def _answered(body: dict[str, Any], endpoint: Endpoint, where: str, *, browser: bool) -> list[str]:
    route = route_of(endpoint)
    schema: Schema = named(route.returns, route.module) if route else {}
    partial = browser and body.get("object") in _BROWSER_FIELDS
    found = problems(body, schema, where, partial=partial)
    return found if body.get("object") in ("list", "search_result") or partial else found + object_problems(body, where)


def _refusal(body: dict[str, Any], where: str, *, browser: bool) -> list[str]:
    if set(body) != {"error"}:
        return [f"{where}: an error is not alone in its answer"]
    return problems(body["error"], reference(ErrorObject), f"{where}: error", partial=browser)
