"""Every fact believed of Stripe holds of the simulator; the list can be run against Stripe, with test keys only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import stripe

from stripe_simulator import Simulator
from stripe_simulator.facts import FACTS, Fact, Mark, World
from stripe_simulator.facts.__main__ import main, simulated, tried

ROOT = Path(__file__).parents[2]


@pytest.fixture
def world(sim: Simulator, client: stripe.StripeClient) -> World:
    return simulated(sim, client)


@pytest.mark.parametrize("fact", [pytest.param(each, id=f"{each.mark}-{each.name}") for each in FACTS])
def test_a_fact_holds(fact: Fact, world: World) -> None:
    fact.run(world)


def test_the_list_covers_every_area_and_every_mark() -> None:
    areas = {fact.area for fact in FACTS}
    payments = {"holds", "events", "cards", "errors", "idempotency"}
    assert areas == payments | {"signatures", "deliveries", "disputes", "connect"}
    assert {fact.mark for fact in FACTS} == set(Mark)
    assert len({fact.name for fact in FACTS}) == len(FACTS) > 70


def test_a_fact_that_does_not_hold_is_told() -> None:
    """A world in which everything is refused: no fact about Stripe can hold there, but those of the library."""
    lost = stripe.StripeClient("sk_live_x", base_addresses={"api": "http://127.0.0.1:9"})
    world = World(lost, advance=lambda _: None, control=lambda _name, _given: None, deliver=lambda _: [])
    held = {fact.area for fact in FACTS if tried(fact, world)[0] == "holds"}
    assert held == {"signatures"}


def test_what_needs_a_clock_is_skipped_where_there_is_none(client: stripe.StripeClient) -> None:
    stripes = World(client)
    needing = [fact for fact in FACTS if fact.needs]
    assert needing
    assert not any(stripes.has(fact.needs) for fact in needing)


@pytest.mark.parametrize("key", ["sk_live_51Habcdef", "rk_live_x", "pk_test_x", "", "sk_test_x; rm"])
def test_a_key_that_is_no_test_key_is_refused(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--key", key]) == 2
    assert "test key" in capsys.readouterr().err


def test_the_list_runs_by_itself_and_prints_a_table() -> None:
    command = [sys.executable, "-m", "stripe_simulator.facts", "--only", "capturing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "holds    recorded   errors       capturing more than was authorized is amount too large" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("holds")
