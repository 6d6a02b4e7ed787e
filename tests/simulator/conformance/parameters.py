"""Parameter names as they are spelt in a request, of the library's TypedDicts and of the simulator's declarations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stripe_simulator.params import Array, Integer, NotSimulated, Range, Required, Retired, Type
from stripe_simulator.routing import ENDPOINTS, Endpoint, Router

from .routes import Route, anonymous, routes
from .schemas import Schema, definition, named

# What only browsers send; the libraries for servers have no types for it.
FOR_BROWSERS = frozenset(
    """
    client_secret use_stripe_sdk mandate_data[customer_acceptance][online][infer_from_client]
    payment_method_data[type] payment_method_data[card] payment_method_data[card][number] payment_method_data[card][cvc]
    payment_method_data[card][exp_month] payment_method_data[card][exp_year] payment_method_data[card][token]
    """.split()
)


def endpoints() -> list[Endpoint]:
    """Every endpoint of the simulator, in the order of their paths."""
    Router()  # finding the files of resources/ registers what they declare
    return sorted(ENDPOINTS, key=lambda each: (each.path, each.method))


def route_of(endpoint: Endpoint) -> Route | None:
    """The library's route for an endpoint."""
    return routes().get((endpoint.method, anonymous(endpoint.path)))


def of_route(route: Route) -> set[str]:
    """Every name that Stripe knows on a route: `card`, `card[number]`, `items[][price]`."""
    return {name for name, _ in shapes_of(route)}


def shapes_of(route: Route) -> list[tuple[str, Schema]]:
    """The names of a route, each with what its value must be."""
    return list(_of_schema(named(route.params, route.module), "", ())) if route.params else []


def of_endpoint(endpoint: Endpoint) -> set[str]:
    """Every name that the simulator takes on an endpoint."""
    return {name for name, _ in kinds_of(endpoint)}


def kinds_of(endpoint: Endpoint) -> list[tuple[str, Type]]:
    """The names of an endpoint, each with its declared type."""
    return list(_of_declaration(endpoint.params, ""))


def _spell(within: str, name: str) -> str:
    return f"{within}[{name}]" if within else name


def _of_schema(schema: Schema, within: str, seen: tuple[str, ...]) -> Iterator[tuple[str, Schema]]:
    if (target := schema.get("$ref")) is not None:
        if target not in seen:
            yield from _of_schema(definition(target), within, (*seen, target))
        return
    for option in schema.get("anyOf", []):
        yield from _of_schema(option, within, seen)
    for name, inner in schema.get("properties", {}).items():
        yield _spell(within, name), inner
        yield from _of_schema(inner, _spell(within, name), seen)
    if isinstance(items := schema.get("items"), dict):
        yield f"{within}[]", items
        yield from _of_schema(items, f"{within}[]", seen)


def _of_declaration(declared: Mapping[str, Type], within: str) -> Iterator[tuple[str, Type]]:
    for name, kind in declared.items():
        kind = kind.of if isinstance(kind, Required) else kind
        if not isinstance(kind, NotSimulated | Retired):
            yield _spell(within, name), kind
            yield from _inside(kind, _spell(within, name))


def _inside(kind: Type, spelt: str) -> Iterator[tuple[str, Type]]:
    if isinstance(kind, Required):
        yield from _inside(kind.of, spelt)
    elif isinstance(fields := getattr(kind, "fields", None), Mapping):  # a hash, or a resource's own kind of one
        yield from _of_declaration(fields, spelt)
    elif isinstance(kind, Array):
        yield f"{spelt}[]", kind.of
        yield from _inside(kind.of, f"{spelt}[]")
    elif isinstance(kind, Range):
        yield from ((f"{spelt}[{bound}]", Integer()) for bound in ("gt", "gte", "lt", "lte"))
