"""What Stripe knows and this simulator does not: told apart from what nobody knows.

The list in known_parameters.jsonl is made from the official library's types by the conformance tests, one line a
route, and read only when a request names something that its endpoint does not take.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from .errors import ApiError, UnknownParameters, no_such_route, not_simulated, unknown_parameters

_LIST = Path(__file__).with_name("known_parameters.jsonl")
# Where others have an id, some of Stripe's paths have a word.
WORDS = frozenset({"search", "create_preview"})
_PLACEHOLDER = re.compile(r"<[^>]*>")


def explain(error: UnknownParameters, method: str, path: str) -> ApiError:
    """The refusal for names an endpoint does not take: unknown to Stripe, or only not simulated here."""
    known = _line(method, _PLACEHOLDER.sub("<>", path)) or {}
    strangers = [name for name in error.names if not _has(known, name)]
    return unknown_parameters(strangers) if strangers else not_simulated(error.names[0])


def explain_route(method: str, path: str) -> ApiError:
    """The 404 for a path without endpoint: one of Stripe's that is not simulated, or nobody's."""
    for line in _LIST.read_text(encoding="utf-8").splitlines():
        known_method, known_path, _ = json.loads(line)
        pattern = re.escape(known_path).replace("<>", "[^/]+")
        if known_method == method and re.fullmatch(pattern, path.rstrip("/")):
            return ApiError(404, f"{method} {path} exists in Stripe's API but is not simulated here.")
    return no_such_route(method, path)


def _line(method: str, path: str) -> dict[str, Any] | None:
    start = json.dumps([method, path], separators=(",", ":"))[:-1] + ","
    with _LIST.open(encoding="utf-8") as lines:
        found: dict[str, Any] | None = next((json.loads(line)[2] for line in lines if line.startswith(start)), None)
    return found


def _has(tree: Any, name: str) -> bool:
    """Whether a name as sent (`items[0][price]`) is in the tree of names; 0 marks a leaf."""
    for step in name.replace("]", "").split("["):
        inner = tree.get("[]", tree) if isinstance(tree, dict) and (step.isdecimal() or not step) else tree
        if inner is not tree:
            tree = inner
        elif not isinstance(tree, dict) or step not in tree:
            return False
        else:
            tree = tree[step]
    return True
