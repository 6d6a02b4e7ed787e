"""A process that is killed at any step leaves nothing that the next one does not bring to the right end.

Each flow is run once to count its steps (SQL statements, commits, HTTP calls); then once for each step, killed there,
and recovered from. By default at steps next to Stripe and at commits, half of them on each database, and at a few
others; KILLS=all takes every step on both, twice: at once, and over a day late, when Stripe has forgotten its keys.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.kit.errors import GatewayDown, IllegalMove
from tests.faults.flows import FLOWS, Flow
from tests.faults.kills import Death, run_and_kill
from tests.faults.recovery import deliver, finish, let_leases_run_out, wait_until_alone
from tests.faults.truths import untruths
from tests.faults.worlds import World
from tests.stripe_double import MONDAY, Stripe

EVERY_STEP = os.environ.get("KILLS") == "all"
SPARSE = 20  # by default, every twentieth of the statements that are neither a commit nor next to Stripe

pytestmark = pytest.mark.faults


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(database_url, tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name.replace(" ", "_"))
def test_whoever_is_killed_anywhere_the_next_one_ends_it_right(flow: Flow, world: World):
    with world.alive(begins=MONDAY) as (_, stripe):
        flow.prepare(stripe)
    world.remember()
    with world.alive():
        whole = run_and_kill(world, flow.act)
    assert not whole.complaint, whole.complaint
    trials = _trials(whole, on_sqlite=world.database_url.startswith("sqlite"))
    wrong = [told for n, late in trials if (told := _wrongs_of(world, flow, n, late=late))]
    print(f"\n{flow.name}: {len(trials)} trials over {len(whole.steps)} steps, {len(wrong)} wrong")  # noqa: T201
    assert wrong == []


def test_the_step_at_which_one_dies_is_the_one_that_was_meant(world: World):
    complete = next(flow for flow in FLOWS if flow.name == "complete")
    with world.alive(begins=MONDAY) as (_, stripe):
        complete.prepare(stripe)
    world.remember()
    with world.alive():
        whole = run_and_kill(world, complete.act)
        assert sum(step.endswith("/capture") for step in whole.steps) == 2
    for n, step in enumerate(whole.steps, start=1):
        if step == "commit" or step.startswith(("before", "after")):
            world.restore()
            with world.alive() as (_, stripe):
                death = run_and_kill(world, complete.act, n)
                assert (death.killed, death.steps[-1], len(death.steps)) == (True, step, n)
                answered = any(made.startswith("after post") for made in death.steps)
                assert stripe.count("/capture") == answered


def _trials(whole: Death, *, on_sqlite: bool) -> list[tuple[int, bool]]:
    """Where to kill (steps count from 1; after the last one only the answer is lost), and whether to come late."""
    numbered = list(enumerate(whole.steps, start=1))
    if EVERY_STEP:
        return [(n, late) for n, _ in numbered for late in (False, True)]
    points = [n for n, step in numbered if not step.startswith("sql") or n % SPARSE == 0]
    return [(n, i // 2 % 2 == 1) for i, n in enumerate(points) if i % 2 == on_sqlite]


def _wrongs_of(world: World, flow: Flow, n: int, *, late: bool) -> str | None:
    world.restore()
    with world.alive() as (app, stripe):
        death = run_and_kill(world, flow.act, n)
        wait_until_alone()
        if not death.killed:
            return f"{flow.name}, step {n}: lived on. {death.complaint}"
        complaints = _recover(app, stripe, flow, late=late)
        wrongs = complaints + untruths(stripe) + flow.wrong_end()
    when = "more than a day late" if late else "at once"
    return f"{flow.name}, killed at step {n} ({death.steps[-1]}), recovered {when}: {wrongs}" if wrongs else None


def _recover(app: Flask, stripe: Stripe, flow: Flow, *, late: bool) -> list[str]:
    """At once, the person tries again before the worker comes; late, the worker is first and Stripe has forgotten."""
    if late:
        stripe.simulator.forget_idempotency_keys()
        finish()
    complaints = _again(flow, stripe)
    finish()
    complaints += _again(flow, stripe)
    finish()
    # What Stripe has been knocking with meanwhile tells nothing new.
    complaints += [f"a webhook was answered {status}" for status in deliver(app, stripe) if status != 200]
    finish()
    return complaints


def _again(flow: Flow, stripe: Stripe) -> list[str]:
    try:
        flow.act(stripe.now())
    except (IllegalMove, GatewayDown):
        pass  # "it is done already", "it is being confirmed"
    except Exception as error:
        return [f"doing it again: {error!r}"]
    finally:
        let_leases_run_out()
    return []
