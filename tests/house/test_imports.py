"""Imports only go down, there is one door to Stripe, and the two houses do not know each other."""

import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.house.source import ROOT, Module, imports, is_within, modules

# From the ground up. A module may use what stands below it, and its neighbours on the same floor.
FLOORS = (
    ("app.kit",),
    ("config", "app.extensions"),
    ("app.models", "app.gateways"),
    ("app.actions",),
    ("app.web", "app.jobs", "app.cli", "app.demo"),
    ("app",),
    ("wsgi",),
)
DOORS = FLOORS[4]
KNOW_FLASK = (*DOORS, "app.extensions")
KNOW_FLASK_BY_EXCEPTION = {("app.models.user", "flask_login")}  # its mixin is what makes a row a log-in


def floor_of(name: str) -> int:
    """The most particular entry wins: ``app.kit.money`` is of ``app.kit``, not of ``app``."""
    fits = [(len(prefix), n) for n, floor in enumerate(FLOORS) for prefix in floor if is_within(name, prefix)]
    return max(fits)[1]


def ours() -> Iterator[tuple[Module, str, str]]:
    """Every import of ours by ours: who, whom, and where it is written."""
    for module in modules("app", "config", "wsgi"):
        for name, node in imports(module):
            if is_within(name, "app", "config", "wsgi"):
                yield module, name, module.where(node)


def test_every_module_stands_on_a_floor_that_the_plan_knows():
    loose = [m.name for m in modules("app") if floor_of(m.name) == floor_of("app") and m.name != "app"]
    assert loose == []


def test_imports_only_go_down():
    upward = [f"{where} imports {name}" for module, name, where in ours() if floor_of(name) > floor_of(module.name)]
    assert upward == []


def test_models_and_gateways_never_meet():
    rooms = {"app.models": "app.gateways", "app.gateways": "app.models"}
    met = [
        f"{where} imports {name}"
        for module, name, where in ours()
        for one, other in rooms.items()
        if is_within(module.name, one) and is_within(name, other)
    ]
    assert met == []


def test_there_is_no_import_circle():
    graph: dict[str, set[str]] = {module.name: set() for module in modules()}
    for module in modules():
        graph[module.name] |= {name for name, _ in imports(module) if name in graph and name != module.name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("name", ["app", "config"])
def test_whichever_part_is_imported_first_there_is_no_circle(name: str):
    """A module of a package runs the package first, which the graph above does not show: ``app`` stands for them."""
    tried = subprocess.run([sys.executable, "-c", f"import {name}"], cwd=ROOT, capture_output=True, text=True)
    assert tried.returncode == 0, tried.stderr.splitlines()[-1]


def test_flask_is_known_only_to_doors_extensions_and_create_app():
    strangers = [
        f"{module.where(node)} imports {name}"
        for module in modules("app", "config")
        for name, node in imports(module)
        if name.split(".")[0].startswith("flask")
        and module.name != "app"
        and not is_within(module.name, *KNOW_FLASK)
        and (module.name, name) not in KNOW_FLASK_BY_EXCEPTION
    ]
    assert strangers == []


def test_below_the_doors_nobody_reads_the_configuration():
    readers = [
        where
        for module, name, where in ours()
        if name == "config" and not (is_within(module.name, *DOORS) or module.name in ("app", "wsgi"))
    ]
    assert readers == []


def test_only_the_gateway_imports_stripe():
    doors = {m.name for m in modules("app", "config", "wsgi") for name, _ in imports(m) if is_within(name, "stripe")}
    assert doors == {"app.gateways.stripe_gateway"}


def test_the_application_and_the_simulator_do_not_know_each_other():
    across = [
        f"{module.where(node)} imports {name}"
        for module in modules()
        for name, node in imports(module)
        if is_within(name, "stripe_simulator") != is_within(module.name, "stripe_simulator")
        and is_within(name, "stripe_simulator", "app", "config", "wsgi")
    ]
    assert across == []
