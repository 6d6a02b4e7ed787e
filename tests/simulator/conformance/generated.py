"""The files made from the library's types: the list of known parameters, and the table in the README."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import stripe_simulator
from stripe_simulator.facts import FACTS, Mark

from .parameters import FOR_BROWSERS, endpoints, of_endpoint, of_route, route_of
from .routes import routes

PACKAGE = Path(stripe_simulator.__file__).parent
KNOWN = PACKAGE / "known_parameters.jsonl"
README = PACKAGE / "README.md"
_BEGIN, _END = "<!-- endpoints: made by the conformance tests -->", "<!-- endpoints: end -->"
_FACTS_BEGIN, _FACTS_END = "<!-- facts: made by the conformance tests -->", "<!-- facts: end -->"
_CURSORS = {"limit", "starting_after", "ending_before"}


def known_parameters() -> str:
    """One line a route: method, path, and the tree of the names Stripe knows there."""
    lines = [
        json.dumps([route.method, route.path, _tree(of_route(route) - {"expand", "expand[]"})], separators=(",", ":"))
        for _, route in sorted(routes().items())
    ]
    return "\n".join(lines) + "\n"


def _tree(names: set[str]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for name in sorted(names):
        here = root
        for step in (part or "[]" for part in name.replace("]", "").split("[")):
            here = here.setdefault(step, {})
    return _leaves(root)


def _leaves(tree: dict[str, Any]) -> Any:
    return {name: _leaves(inner) for name, inner in tree.items()} if tree else 0


def table() -> str:
    """The README's table: every endpoint, what it takes, what of Stripe's it refuses."""
    rows = ["| Endpoint | Parameters | Not simulated |", "|---|---|---|"]
    for each in endpoints():
        route, taken = route_of(each), of_endpoint(each)
        missing = of_route(route) - taken - {"expand"} if route else set()
        rows.append(f"| {each.method} `{each.path.removeprefix('/v1/')}` | {_taken(taken)} | {_missing(missing)} |")
    return "\n".join(rows)


def _taken(names: set[str]) -> str:
    names = names - {"expand"} - FOR_BROWSERS
    pages = ["pages"] if names >= _CURSORS else []
    tree = _tree({name for name in names - _CURSORS if not name.startswith("created[")}) or {}
    return ", ".join([*(_brief(name, inner) for name, inner in sorted(tree.items())), *pages]) or "–"


def _brief(name: str, inner: Any) -> str:
    """`card` or `card{number exp_year}`; the brackets of arrays are left out."""
    return f"`{name}{_inside(inner)}`"


def _inside(tree: Any) -> str:
    if not isinstance(tree, dict):
        return ""
    if set(tree) == {"[]"}:
        return f"[]{_inside(tree['[]'])}"
    return "{" + " ".join(f"{name}{_inside(inner)}" for name, inner in sorted(tree.items())) + "}"


def _missing(names: set[str]) -> str:
    inside = sorted(name for name in outermost(names) if "[" in name)
    listed = [f"`{name}`" for name in sorted(outermost(names) - set(inside))]
    partly = sorted({name.split("[")[0] for name in inside})
    if partly:
        listed.append("more in " + ", ".join(f"`{name}`" for name in partly))
    return ", ".join(listed) or "–"


def outermost(names: set[str]) -> set[str]:
    """What is inside a missing hash is missing too, and needs no word."""
    return {name for name in names if not any(name.startswith(f"{other}[") for other in names)}


def facts() -> str:
    """The README's list of facts that rest on less than documentation."""
    doubtful = [fact for fact in FACTS if fact.mark != Mark.DOCUMENTED]
    rows = [f"| {fact.mark} | {fact.area} | {fact.sentence} |" for fact in sorted(doubtful, key=lambda each: each.mark)]
    return "\n".join(["| Mark | Area | Fact |", "|---|---|---|", *rows])


def readme() -> str:
    """The README with fresh tables."""
    text = _between(README.read_text(encoding="utf-8"), _BEGIN, _END, table())
    return _between(text, _FACTS_BEGIN, _FACTS_END, facts())


def _between(text: str, begin: str, end: str, fresh: str) -> str:
    before, rest = text.split(begin)
    return f"{before}{begin}\n\n{fresh}\n\n{end}{rest.split(end)[1]}"


def renew() -> None:
    """Write both files anew."""
    KNOWN.write_text(known_parameters(), encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")
