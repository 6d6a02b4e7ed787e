"""HTML from Python: everything is escaped unless it is markup already."""

from __future__ import annotations

import re
from html import escape

_VOID = frozenset({"meta", "link", "input", "br"})
_IDS = re.compile(r"\b(?:[a-z]{2,6}|cs_test|seti|setatt|acct|client)_[A-Za-z0-9]{14,}\b(?!_secret)")


class Markup(str):
    """Text that is HTML and must not be escaped again."""

    __slots__ = ()


def h(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element. `class_` stands for class, `data_id` for data-id; True is a bare attribute, None and False none."""
    shown = "".join(_attribute(key, value) for key, value in attributes.items() if value not in (None, False))
    if name in _VOID:
        return Markup(f"<{name}{shown}>")
    return Markup(f"<{name}{shown}>{join(*children)}</{name}>")


def join(*children: object) -> Markup:
    """Children in a row; lists are flattened, None is nothing."""
    return Markup("".join(_text(child) for child in children))


def with_links(text: str) -> Markup:
    """Text in which every id of an object leads to its page."""
    pieces, last = [], 0
    for found in _IDS.finditer(text):
        pieces += [escape(text[last : found.start()]), h("a", found[0], href=f"/dashboard/{found[0]}")]
        last = found.end()
    return Markup("".join([*pieces, escape(text[last:])]))


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def _text(child: object) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, list | tuple):
        return join(*child)
    return escape(str(child))
