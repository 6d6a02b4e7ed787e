"""JSON Schemas out of the installed library's annotations: its parameters' TypedDicts and its resource classes.

Every class becomes a definition that others point to by "$ref", so that recursion and size do not matter.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any, ForwardRef, Literal, NotRequired, Required, Union, get_args, get_origin

import stripe
from stripe._list_object import ListObject
from stripe._request_options import RequestOptions
from stripe._search_result_object import SearchResultObject
from stripe._stripe_object import StripeObject, UntypedStripeObject
from typing_extensions import is_typeddict

Schema = dict[str, Any]

DEFINITIONS: dict[str, type] = {}
_PLAIN = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Decimal: {"type": "string"},
    type(None): {"type": "null"},
}


def reference(cls: type) -> Schema:
    """A pointer to a class's definition."""
    name = f"{cls.__module__}.{cls.__qualname__}"
    DEFINITIONS[name] = cls
    return {"$ref": name}


@cache
def definition(name: str) -> Schema:
    """The schema of a class that something pointed to."""
    cls = DEFINITIONS[name]
    hints = _hints(cls)
    if not hints:
        return {"type": "object"}
    optional = getattr(cls, "__optional_keys__", None)
    properties = {field: of(hint, Scope(owner)) for field, (hint, owner) in hints.items()}
    required = [
        field
        for field, shape in properties.items()
        if (field not in optional if optional is not None else {"type": "null"} not in shape.get("anyOf", []))
    ]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def named(text: str, module: str) -> Schema:
    """The schema of an annotation written in a module: `ListObject[Refund]`, `RefundCreateParams`."""
    return of(text, Scope(module))


class Scope(dict[str, Any]):
    """What names mean inside a class or module, the imports for type checkers included."""

    def __init__(self, owner: type | str) -> None:
        super().__init__()
        module = owner if isinstance(owner, str) else owner.__module__
        self.update(_imported(module) | vars(import_module(module)))
        if not isinstance(owner, str):
            outer: Any = sys.modules[module]
            for step in owner.__qualname__.split("."):
                outer = getattr(outer, step)
                self.update({name: each for name, each in vars(outer).items() if isinstance(each, type)})

    def __missing__(self, name: str) -> Any:
        return getattr(next(each for each in (builtins, typing, stripe) if hasattr(each, name)), name)


@cache
def _imported(module: str) -> dict[str, Any]:
    """Names that a module imports under TYPE_CHECKING only."""
    found: dict[str, Any] = {}
    for node in ast.walk(ast.parse(inspect.getsource(import_module(module)))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stripe"):
            source = import_module(str(node.module))
            found |= {each.asname or each.name: getattr(source, each.name) for each in node.names}
    return found


def _hints(cls: type) -> dict[str, tuple[Any, type]]:
    """Fields of a class and of its bases, each with the class whose names its annotation uses."""
    found: dict[str, tuple[Any, type]] = {}
    for base in reversed(cls.__mro__ if issubclass(cls, StripeObject) else (cls,)):
        for name, hint in vars(base).get("__annotations__", {}).items():
            option = not issubclass(cls, StripeObject) and name in RequestOptions.__annotations__
            ours = option or "ClassVar" in str(hint) or base is StripeObject
            if name[0].islower() and not ours:
                found[name] = (hint, base)
    return found


def of(hint: Any, scope: Scope) -> Schema:
    """The schema of one annotation."""
    if isinstance(hint, ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        return of(eval(hint, {}, scope), scope)
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (NotRequired, Required, typing.Annotated):
        return of(arguments[0], scope)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return _any_of([of(each, scope) for each in arguments])
    if isinstance(origin or hint, type):
        return _of_class(origin or hint, arguments, scope)
    return {}


def _of_class(cls: type, arguments: tuple[Any, ...], scope: Scope) -> Schema:
    if issubclass(cls, ListObject | SearchResultObject):
        return _list(cls, of(arguments[0], scope) if arguments else {})
    if issubclass(cls, list):
        return {"type": "array", "items": of(arguments[0], scope) if arguments else {}}
    if issubclass(cls, UntypedStripeObject) or (issubclass(cls, dict | Mapping) and arguments):
        return {"type": "object", "additionalProperties": of(arguments[-1], scope) if arguments else {}}
    if cls is StripeObject or cls is dict:
        return {"type": "object"}
    if issubclass(cls, StripeObject) or is_typeddict(cls):
        return reference(cls)
    return {}


def _any_of(options: list[Schema]) -> Schema:
    """A choice. The library opens its enumerations for the future (`Literal[…] | str`): known words only here."""
    words = [each for each in options if set(each) == {"enum"} and each["enum"] != [""]]
    if words:
        options = [each for each in options if each != {"type": "string"}]
    flat = [inner for each in options for inner in each.get("anyOf", [each])]
    return flat[0] if len(flat) == 1 else {"anyOf": flat}


def _list(cls: type, items: Schema) -> Schema:
    word = "list" if issubclass(cls, ListObject) else "search_result"
    return {
        "type": "object",
        "properties": {
            "object": {"enum": [word]},
            "data": {"type": "array", "items": items},
            "has_more": {"type": "boolean"},
            "url": {"type": "string"},
            "total_count": {"type": "integer"},
            "next_page": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["object", "data", "has_more", "url"],
        "additionalProperties": False,
    }
