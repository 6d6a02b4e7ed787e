"""What resources bring along beside endpoints: pages for browsers, and controls under /_simulator/.

Like endpoints they are declared by a decorator over a function of a few lines, and run inside one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from .shapes import Object
from .work import Work


@dataclass
class Visit:
    """A browser at one page: the request, the names in its path, the unit of work (of the platform)."""

    work: Work
    request: Request
    names: dict[str, str] = field(default_factory=dict)


Show = Callable[[Visit], Response]
Act = Callable[[Work, Mapping[str, Any]], Object]
PAGES: list[Rule] = []
CONTROLS: dict[tuple[str, str], Act] = {}


def page(path: str, *methods: str) -> Callable[[Show], Show]:
    """Declare a page outside /v1 (werkzeug's path syntax)."""

    def register(function: Show) -> Show:
        PAGES.append(Rule(path, endpoint=function, methods=methods or ("GET",)))
        return function

    return register


def control(method: str, path: str) -> Callable[[Act], Act]:
    """Declare a control under /_simulator/; it gets what was sent, and an ApiError or ValueError of it is a 400."""

    def register(function: Act) -> Act:
        CONTROLS[method, path] = function
        return function

    return register


def page_for(work: Work, request: Request) -> Response | None:
    """What the page of a path shows, or None if no resource has that path."""
    found = Map([rule.empty() for rule in PAGES], strict_slashes=False).bind("localhost")
    try:
        show, names = found.match(request.path, request.method)
    except HTTPException:
        return None
    shown: Response = show(Visit(work, request, dict(names)))
    return shown
