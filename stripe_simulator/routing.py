"""Declaring endpoints: a decorator with method, path and parameters over a function of a few lines.

Files in `resources/` are found by themselves, so a new endpoint touches one file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, MapAdapter, Rule

from . import known
from .errors import UnknownParameters
from .params import Array, Text, Type, read
from .shapes import Object
from .work import Work


@dataclass
class Call:
    """One request to one endpoint, checked: who calls, with what, inside which unit of work."""

    work: Work
    params: dict[str, Any]
    path: str
    names: dict[str, str] = field(default_factory=dict)
    publishable: bool = False
    base_url: str = ""

    @property
    def id(self) -> str:
        """The id in the path."""
        return self.names["id"]


Handler = Callable[[Call], Object]


@dataclass(frozen=True, eq=False)
class Endpoint:
    """A route of the API. `browser`: a publishable key may call it, with the object's client secret."""

    method: str
    path: str
    params: Mapping[str, Type]
    run: Handler
    browser: bool = False

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a decoded form, checked. Raises: ApiError 400."""
        try:
            return read(self.params, given)
        except UnknownParameters as error:
            raise known.explain(error, self.method, self.path) from None


ENDPOINTS: list[Endpoint] = []


def endpoint(
    method: str, path: str, params: Mapping[str, Type] | None = None, *, browser: bool = False
) -> Callable[[Handler], Handler]:
    """Declare an endpoint; every one takes `expand[]`, those for browsers `client_secret`."""
    declared: dict[str, Type] = {**(params or {}), "expand": Array(Text(), most=20)}
    if browser:
        declared["client_secret"] = Text()

    def register(function: Handler) -> Handler:
        ENDPOINTS.append(Endpoint(method, path, declared, function, browser))
        return function

    return register


class Router:
    """Finds the endpoint of a path."""

    def __init__(self) -> None:
        self._adapter = _endpoints()

    def match(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        """The endpoint and the names in its path. Raises: ApiError 404."""
        try:
            found, names = self._adapter.match(path, method)
        except HTTPException:
            raise known.explain_route(method, path) from None
        if names.get("id") in known.WORDS:
            raise known.explain_route(method, path)
        return found, dict(names)


@cache
def _endpoints() -> MapAdapter:
    """All endpoints; to compile their paths takes a while, and all simulators of a process have the same."""
    resources = importlib.import_module(f"{__package__}.resources")
    for module in pkgutil.iter_modules(resources.__path__):
        importlib.import_module(f"{resources.__name__}.{module.name}")
    rules = [Rule(each.path, endpoint=each, methods=[each.method]) for each in ENDPOINTS]
    return Map(rules, strict_slashes=False, merge_slashes=False).bind("localhost")
