"""`expand[]=latest_charge.balance_transaction`: ids in an answer replaced by the objects they name.

Source: https://docs.stripe.com/api/expanding_objects
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import invalid
from .shapes import Object, public
from .work import Work

_DEEPEST = 4
Include = Callable[[Work, Object], Object | None]
_FIELDS: dict[str, dict[str, str | Include]] = {}


def expandable(kind: str, **fields: str | Include) -> None:
    """Declare which fields of a kind expand: to an object of the named kind, or to what a function makes."""
    _FIELDS.setdefault(kind, {}).update(fields)


_BROWSER_FIELDS: dict[str, frozenset[str]] = {}


def visible_to_browsers(kind: str, *fields: str) -> None:
    """Declare what of a kind a publishable key may see; kinds without a declaration are seen whole."""
    _BROWSER_FIELDS[kind] = frozenset(fields)


def browser_view(body: Object) -> Object:
    """An answer as a publishable key gets it: no metadata, customer or charge of an intent."""
    if isinstance(error := body.get("error"), dict):
        return {"error": {name: browser_view(v) if isinstance(v, dict) else v for name, v in error.items()}}
    seen = _BROWSER_FIELDS.get(body.get("object", ""))
    return body if seen is None else {name: value for name, value in body.items() if name in seen}


def render(work: Work, obj: Object, paths: list[str]) -> Object:
    """The object for the caller: private notes removed, the asked fields expanded.

    Raises: ApiError 400 for a field that does not expand.
    """
    shown = public(obj)
    if shown.get("object") == "list":
        shown["data"] = [public(item) for item in shown["data"]]
    for path in paths:
        steps = path.split(".")
        if len(steps) > _DEEPEST:
            raise invalid(f"You cannot expand more than {_DEEPEST} levels of a property ({path}).", param="expand")
        _expand(work, shown, steps, path)
    return shown


def _expand(work: Work, obj: Object, steps: list[str], path: str, inside: str = "") -> None:
    """`inside`: where an embedded object without a kind of its own was found, such as `invoice.parent`."""
    name, rest = steps[0], steps[1:]
    kind = obj.get("object", inside)
    if kind == "list" and name == "data":
        for item in obj["data"] if rest else []:
            _expand(work, item, rest, path)
        return
    target = _FIELDS.get(kind, {}).get(name)
    if target is None:
        _expand_inside(work, obj.get(name), rest, path, f"{kind}.{name}")
        return
    value: Any = obj.get(name)
    if isinstance(target, str):
        if isinstance(value, str):
            obj[name] = value = _load(work, target, value)
    elif not isinstance(value, dict):
        made = target(work, obj)
        obj[name] = value = render(work, made, []) if made else None
    if rest and isinstance(value, dict):
        _expand(work, value, rest, path)


def _expand_inside(work: Work, value: Any, rest: list[str], path: str, inside: str) -> None:
    """Step into an embedded object (`last_payment_error.payment_method`), or refuse."""
    if not rest or not isinstance(value, dict | None):
        raise invalid(f"This property cannot be expanded ({path}).", param="expand[0]")
    if isinstance(value, dict):
        _expand(work, value, rest, path, inside)


def _load(work: Work, kind: str, object_id: str) -> Object | str:
    found = work.find(kind, object_id)
    return public(found) if found else object_id
