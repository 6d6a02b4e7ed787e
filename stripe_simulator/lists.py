"""Cursor lists, newest first. Source: https://docs.stripe.com/api/pagination"""

from __future__ import annotations

from typing import Any

from .errors import invalid, no_such
from .params import Integer, Range, Text, Type
from .routing import Call
from .shapes import Object
from .work import Work

CURSORS: dict[str, Type] = {
    "limit": Integer(least=1, most=100),
    "starting_after": Text(),
    "ending_before": Text(),
}
CREATED: dict[str, Type] = {**CURSORS, "created": Range()}


def listing(call: Call, kind: str, **fields: str | int | None) -> Object:
    """One page of a kind whose fields equal those given (None: any).

    Raises: ApiError 400 for both cursors at once, or one that names nothing.
    """
    params = call.params
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise invalid("You cannot parameterize both starting_after and ending_before.", param="starting_after")
    for param, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor and not _exists(call.work, kind, cursor):
            raise no_such(kind, cursor, param=param, status=400)
    limit = params.get("limit", 10)
    found = call.work.page(
        kind,
        {name: value for name, value in fields.items() if value is not None},
        created=params.get("created"),
        after=after,
        before=before,
        limit=limit + 1,
    )
    more = len(found) > limit
    # Before a cursor, the surplus row is the newest one, farthest from it.
    return as_list((found[1:] if before else found[:limit]) if more else found, call.path, more)


def as_list(data: list[Any], url: str, has_more: bool = False) -> Object:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _exists(work: Work, kind: str, object_id: str) -> bool:
    return bool(work.find_event(object_id) if kind == "event" else work.find(kind, object_id))
