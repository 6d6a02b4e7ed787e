"""Stripe's request encoding: `a=1&b[c]=2&d[]=3&e[0][f]=4` to nested dicts and lists.

Source: https://docs.stripe.com/api (form-encoded bodies), and the encoder of the official libraries.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from .errors import invalid

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_STEP = re.compile(r"\[([^\[\]]*)\]")
_DEEPEST = 8
_MOST_FIELDS = 2_000


def decode(text: str) -> dict[str, Any]:
    """Decode one body or query string.

    Indexed arrays come out as dicts with digit keys: only the declared type can tell them from a hash.
    Raises: ApiError 400 for malformed keys, contradictions, bad UTF-8 and NUL.
    """
    tree: dict[str, Any] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise invalid("Invalid request body: it is not form-encoded UTF-8.") from None
    for key, value in pairs:
        if "\0" in key or "\0" in value:
            raise invalid("Invalid string: NUL characters are not allowed.")
        _place(tree, _steps(key), value, key)
    return tree


def _steps(key: str) -> list[str]:
    match = _KEY.match(key)
    steps = [match[1], *_STEP.findall(match[2])] if match else []
    if not steps or len(steps) > _DEEPEST:
        raise invalid(f"Invalid parameter name: {key[:100]}")
    return steps


def _place(tree: dict[str, Any], steps: list[str], value: str, key: str) -> None:
    """Walk to the parent of the last step, making what is missing, and put the value there."""
    here: Any = tree
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        last = following is None
        empty: Any = [] if following == "" else {}
        if isinstance(here, list):
            if step != "":
                raise invalid(f"Invalid parameter: {key} mixes an array with a hash.")
            if last:
                here.append(value)
            elif here and isinstance(here[-1], dict) and following not in here[-1]:
                here = here[-1]
            else:
                here.append(empty)
                here = empty
        elif step == "":
            raise invalid(f"Invalid parameter: {key} mixes an array with a hash.")
        elif last:
            if isinstance(here.get(step), dict | list):
                raise invalid(f"Invalid parameter: {key} is both a value and a hash.")
            here[step] = value
        else:
            here = here.setdefault(step, empty)
            if not isinstance(here, dict | list):
                raise invalid(f"Invalid parameter: {key} is both a value and a hash.")
