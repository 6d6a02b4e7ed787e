"""What endpoints take against what the library knows: nothing invented, nothing passed over in silence."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import Client

from stripe_simulator import Simulator
from stripe_simulator.params import Choice
from stripe_simulator.routing import Endpoint

from . import generated
from .checking import problems
from .parameters import FOR_BROWSERS, endpoints, kinds_of, of_endpoint, of_route, route_of, shapes_of
from .routes import routes

AUTH = {"Authorization": "Bearer sk_test_x"}
EVERY = [pytest.param(each, id=f"{each.method} {each.path}") for each in endpoints()]


def ask(sim: Simulator, endpoint: Endpoint, name: str) -> dict[str, Any]:
    """The error that one parameter meets on an endpoint."""
    path = endpoint.path.replace("<", "").replace(">", "")
    name = name.replace("[]", "[0]")
    form = {"data" if endpoint.method == "POST" else "query_string": {name: "x"}}
    answer = Client(sim).open(path, method=endpoint.method, headers=AUTH, **form)
    assert answer.status_code == 400, f"{endpoint.method} {endpoint.path} takes {name}"
    error: dict[str, Any] = answer.json["error"]  # type: ignore[index]
    assert error["type"] == "invalid_request_error"
    return error


@pytest.mark.parametrize("endpoint", EVERY)
def test_an_endpoint_is_one_of_stripes_and_takes_nothing_that_stripe_does_not(endpoint: Endpoint) -> None:
    route = route_of(endpoint)
    assert route
    assert of_endpoint(endpoint) - FOR_BROWSERS - {"expand", "expand[]"} <= of_route(route)


@pytest.mark.parametrize("endpoint", EVERY)
def test_the_words_an_endpoint_takes_are_stripes_words(endpoint: Endpoint) -> None:
    route = route_of(endpoint)
    shapes: dict[str, list[Any]] = {}
    for name, shape in shapes_of(route) if route else []:
        shapes.setdefault(name, []).append(shape)
    wrong = [
        (name, word)
        for name, kind in kinds_of(endpoint)
        if isinstance(kind, Choice) and name in shapes and name not in FOR_BROWSERS
        for word in kind.options
        if all(problems(json, shape, "") for shape in shapes[name] for json in (word, word == "true"))
    ]
    assert wrong == []


@pytest.mark.parametrize("endpoint", EVERY)
def test_a_parameter_of_stripes_that_is_not_simulated_says_so(sim: Simulator, endpoint: Endpoint) -> None:
    route, taken = route_of(endpoint), of_endpoint(endpoint)
    assert route
    silent = {
        name: error["message"]
        for name in generated.outermost(of_route(route) - taken - {"expand"})
        if "not simulated" not in (error := ask(sim, endpoint, name))["message"]
    }
    assert silent == {}


@pytest.mark.parametrize("endpoint", EVERY)
def test_a_parameter_nobody_knows_is_unknown(sim: Simulator, endpoint: Endpoint) -> None:
    error = ask(sim, endpoint, "colour_of_money")
    assert (error["code"], error["param"]) == ("parameter_unknown", "colour_of_money")


def test_a_path_of_stripes_that_is_not_simulated_says_so(sim: Simulator) -> None:
    known = {(each.method, each.path) for each in routes().values()}
    mine = {(route.method, route.path) for each in endpoints() if (route := route_of(each))}
    assert len(known) > 500
    for method, path in sorted(known - mine):
        answer = Client(sim).open(path.replace("<>", "x_1"), method=method, headers=AUTH)
        assert answer.status_code == 404, (method, path)
        assert "is not simulated" in answer.json["error"]["message"]  # type: ignore[index]
    answer = Client(sim).get("/v1/colours", headers=AUTH)
    assert "Unrecognized request URL" in answer.json["error"]["message"]  # type: ignore[index]


def test_the_list_of_known_parameters_is_that_of_the_installed_library() -> None:
    """Renew it with `python -m tests.simulator.conformance`."""
    assert generated.KNOWN.read_text(encoding="utf-8") == generated.known_parameters()


def test_the_readmes_table_is_true() -> None:
    """Renew it with `python -m tests.simulator.conformance`."""
    assert generated.README.read_text(encoding="utf-8") == generated.readme()
