"""A JSON Schema checker for the few words that `schemas` uses, and the way from a form's strings to JSON values."""

from __future__ import annotations

import re
from typing import Any

from .schemas import Schema, definition

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}


def problems(value: Any, schema: Schema, where: str, *, partial: bool = False) -> list[str]:
    """What is wrong with a value; nothing is good. `partial`: fields may be missing (a browser's view)."""
    if "$ref" in schema:
        return problems(value, definition(schema["$ref"]), where, partial=partial)
    if "anyOf" in schema:
        return _of_any(value, schema["anyOf"], where, partial=partial)
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{where}: {value!r} is none of {schema['enum'][:12]}"]
    kind = schema.get("type")
    if kind is None:
        return []
    if not isinstance(value, _TYPES[kind]) or (kind in ("integer", "number") and isinstance(value, bool)):
        return [f"{where}: {value!r:.60} is no {kind}"]
    if kind == "array":
        items = schema["items"]
        return [
            line for n, each in enumerate(value) for line in problems(each, items, f"{where}[{n}]", partial=partial)
        ]
    return _of_fields(value, schema, where, partial=partial) if kind == "object" else []


def _of_any(value: Any, options: list[Schema], where: str, *, partial: bool) -> list[str]:
    """No problems if one option has none; otherwise those of the option that comes closest."""
    tried = [problems(value, each, where, partial=partial) for each in options]
    if not all(tried):
        return []
    # An object that is nearly right says more than "this is no string".
    fitting = [each for each in tried if not (len(each) == 1 and each[0].startswith(f"{where}: "))]
    return min(fitting or tried, key=len)


def _of_fields(value: dict[str, Any], schema: Schema, where: str, *, partial: bool) -> list[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    # What is left of a deleted object is its id and that it is gone.
    missing = [] if partial or value.get("deleted") is True else schema.get("required", [])
    found = [f"{where}.{name} is missing" for name in missing if name not in value]
    for name, each in value.items():
        if name in known:
            found += problems(each, known[name], f"{where}.{name}", partial=partial)
        elif others is False:
            found.append(f"{where}.{name} is unknown")
        elif isinstance(others, dict):
            found += problems(each, others, f"{where}.{name}", partial=partial)
    return found


def typed(value: Any, schema: Schema) -> Any:
    """A decoded form value as the JSON that the schema speaks of; what does not fit stays as it came."""
    if "$ref" in schema:
        return typed(value, definition(schema["$ref"]))
    if "anyOf" in schema:
        tries = [typed(value, each) for each in schema["anyOf"]]
        fits = (each for each, option in zip(tries, schema["anyOf"], strict=True) if not problems(each, option, ""))
        return next(fits, tries[0])
    kind = schema.get("type")
    if isinstance(value, dict) and kind == "array" and all(key.isdecimal() for key in value):
        value = [value[key] for key in sorted(value, key=int)]
    if isinstance(value, list) and kind == "array":
        return [typed(each, schema["items"]) for each in value]
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        rest: Schema = others if isinstance(others, dict) else {}
        return {name: typed(each, known.get(name, rest)) for name, each in value.items()}
    if kind in ("integer", "number") and isinstance(value, str) and re.fullmatch(r"-?\d+", value, re.ASCII):
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return bool(value == "true")
    return value
