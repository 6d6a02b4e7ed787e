"""Who reads the clock, who commits, who moves a state, who touches a float: read from the source itself."""

import ast
import typing
from dataclasses import fields, is_dataclass

import pytest

from app.gateways import stripe_gateway
from app.kit import errors
from app.kit.errors import Failure
from tests.house.source import Module, calls, imports, is_within, modules, written

DOORS = ("app.web", "app.jobs", "app.cli", "app.demo")
CLOCK = "app.kit.clock"
CREATE_APP = "app"  # installs the clock, does not read it
READS_THE_TIME = {
    "now",
    "utcnow",
    "today",
    "system_time",
    "localtime",
    "gmtime",
    "time_ns",
    "monotonic",
    "perf_counter",
    "steady",
}
# The scheduler's own beat is real time, and so is how long a Stripe that does not answer is left alone.
DOORS_MAY = {"clock.now", "clock.source", "clock.steady", "clock.system_time", "clock.use"}


def below_the_doors() -> list[Module]:
    return [m for m in modules("app") if not is_within(m.name, *DOORS) and m.name not in (CLOCK, CREATE_APP)]


def clock_readings(module: Module) -> list[str]:
    """Calls and mentions that tell the time, as ``file:line expression``."""
    return [
        f"{module.where(node)} {written(node)}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and (node.attr in READS_THE_TIME or written(node) == "time.time")
        and not (isinstance(node.value, ast.Name) and node.value.id == "self")  # a time that one was told
    ]


def test_below_the_doors_nobody_reads_the_clock():
    assert [reading for module in below_the_doors() for reading in clock_readings(module)] == []


def test_below_the_doors_nobody_even_knows_the_clock():
    known = [
        f"{module.where(node)} imports {name}"
        for module in below_the_doors()
        for name, node in imports(module)
        if name in (CLOCK, "time")
    ]
    assert known == []


def test_doors_read_the_clock_that_can_be_moved_and_no_other():
    others = [
        reading
        for module in modules(*DOORS, CREATE_APP)
        if is_within(module.name, *DOORS) or module.name == CREATE_APP
        for reading in clock_readings(module)
        if reading.split(" ", 1)[1] not in DOORS_MAY
    ]
    assert others == []


def test_only_actions_commit():
    elsewhere = [
        f"{module.where(call)} {written(call)}"
        for module in modules("app")
        if not is_within(module.name, "app.actions")
        for call in calls(module)
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("commit", "begin", "begin_nested")
    ]
    assert elsewhere == []


def test_only_the_table_of_moves_sets_a_state():
    elsewhere = [
        f"{module.where(node)} {written(node)}"
        for module in modules("app")
        if module.name != "app.models.states"
        for node in ast.walk(module.tree)
        for target in _targets(node)
        if isinstance(target, ast.Attribute) and target.attr == "state"
    ]
    assert elsewhere == []


def test_no_state_is_set_behind_the_tables_back_by_an_update():
    """An UPDATE names what it sets, and never a state."""
    behind = [
        f"{module.where(call)} {written(call)}"
        for module in modules("app")
        for call in calls(module)
        if (isinstance(call.func, ast.Name) and call.func.id == "setattr") or _sets_a_state(call)
    ]
    assert behind == []


def test_no_float_comes_near_an_amount():
    """A float is for seconds only, and only where a clock is read."""
    floats = [
        f"{module.where(node)} {written(node)}"
        for module in modules("app")
        if module.name != CLOCK
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and _speaks_of_money(node))
    ]
    assert floats == []


def test_nothing_is_swallowed_by_a_bare_except():
    bare = [
        module.where(node)
        for module in modules("app", "config", "wsgi")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and _catches_everything(node) and not _passes_on(node)
    ]
    assert bare == [where for where in bare if where.startswith("app/jobs.py:")], "only the runner outlives any row"


def test_every_failure_says_who_can_do_something_about_it():
    statuses = {
        errors.Invalid: 422,
        errors.NotAllowed: 403,
        errors.NotFound: 404,
        errors.SlotTaken: 409,
        errors.IllegalMove: 409,
        errors.CardDeclined: 402,
        errors.GatewayDown: 503,
    }
    assert {kind: kind.status for kind in statuses} == statuses
    failures = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Failure)]
    assert len(failures) > len(statuses)
    assert [kind.__name__ for kind in failures if kind.status == 500 and kind is not Failure] == []


def test_only_failures_with_a_name_are_raised_below_the_doors():
    """``RuntimeError``, ``TypeError`` and ``ValueError`` are for our own mistakes: nobody's input leads to them."""
    named = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    ours = named | {"RuntimeError", "TypeError", "ValueError"}
    raised = [
        f"{module.where(node)} {written(node)}"
        for module in modules("app.actions", "app.models", "app.gateways")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
        if written(node.exc.func).split(".")[-1] not in ours
    ]
    assert raised == []


@pytest.mark.parametrize("name", [name for name in vars(stripe_gateway.StripeGateway) if not name.startswith("_")])
def test_no_object_of_stripes_leaves_the_gateway(name: str):
    answer = typing.get_type_hints(getattr(stripe_gateway.StripeGateway, name))["return"]
    for kind in _named_in(answer):
        assert kind.__module__.split(".")[0] != "stripe"
        if is_dataclass(kind):
            assert kind.__dataclass_params__.frozen, f"{kind.__name__} can be changed by whoever gets it"
            inside = typing.get_type_hints(kind).values()
            assert all(part.__module__.split(".")[0] != "stripe" for value in inside for part in _named_in(value))
            assert fields(kind)


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return [part for target in node.targets for part in getattr(target, "elts", [target])]
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []


def _sets_a_state(call: ast.Call) -> bool:
    """``update(…).values(state=…)``, or values that cannot be read from the source."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "values" and _is_an_update(call.func.value)):
        return False
    return bool(call.args) or any(keyword.arg in (None, "state") for keyword in call.keywords)


def _is_an_update(node: ast.AST) -> bool:
    return any(
        isinstance(inner, ast.Call) and written(inner.func).split(".")[-1] == "update" for inner in ast.walk(node)
    )


def _speaks_of_money(node: ast.AST) -> bool:
    words = ("minor", "amount", "price", "rate", "captured", "refunded", "authorized")
    return any(word in written(node) for word in words)


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or written(handler.type) in ("Exception", "BaseException")


def _passes_on(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) and node.exc is None for node in handler.body)


def _named_in(annotation: typing.Any) -> list[type]:
    """The classes that a type hint names: ``list[Refund] | None`` names three."""
    parts = [part for inner in typing.get_args(annotation) for part in _named_in(inner)]
    return [annotation, *parts] if isinstance(annotation, type) else parts
