"""A process that is killed at any step leaves nothing that the next one does not bring to the right end.

Here a sample of what ``python -m tests.faults.sweep`` does in full: each flow on each database, without trouble at
Stripe and under some of it, killed at a few steps, recovered at once and late; and some of the recoveries killed too.
"""

import math
import random
from collections.abc import Iterator

import pytest

from tests.faults.every_flow import FLOWS
from tests.faults.points import DATABASES, NO_TROUBLE, Point, points_of, troubles_of
from tests.faults.trials import FLOW, Trials
from tests.faults.worlds import World

SEED = 1
SAMPLE, DOUBLE = 416, 96  # trials in all, and how many more of them are killed twice
TROUBLES = 2  # that a flow meets on each database

pytestmark = pytest.mark.faults


@pytest.fixture
def trials(database_url: str) -> Iterator[Trials]:
    world = World(database_url)
    yield Trials(world)
    world.close()


@pytest.mark.parametrize("name", [pytest.param(flow.name, id=flow.name.replace(" ", "_")) for flow in FLOWS])
def test_whoever_is_killed_anywhere_the_next_one_ends_it_right(name: str, trials: Trials):
    dice = random.Random(f"{SEED} {name} {trials.world.database}")
    outcomes = [trials.run(point) for point in some_points(trials, name, dice)]
    twice = [point for outcome in outcomes for point in outcome.second_deaths]
    outcomes += [trials.run(point) for point in dice.sample(twice, min(share(DOUBLE), len(twice)))]
    assert [str(outcome) for outcome in outcomes if outcome.wrongs] == []


def some_points(trials: Trials, name: str, dice: random.Random) -> list[Point]:
    """Half of them without trouble, the others under some of it, if Stripe is called at all."""
    database, possible = trials.world.database, troubles_of(trials.steps_of(name))[1:]
    troubles = dice.sample(possible, min(TROUBLES, len(possible)))
    plain = list(points_of(name, database, NO_TROUBLE, trials.steps_of(name)))
    troubled = [point for t in troubles for point in points_of(name, database, t, trials.steps_of(name, t))]
    under_trouble = share(SAMPLE) - share(SAMPLE) // 2 if troubled else 0
    return dice.sample(plain, share(SAMPLE) - under_trouble) + dice.sample(troubled, under_trouble)


def share(whole: int) -> int:
    """What of it falls to one flow on one database."""
    return math.ceil(whole / (len(FLOWS) * len(DATABASES)))


def test_the_step_at_which_one_dies_is_the_one_that_was_meant(trials: Trials):
    whole = trials.steps_of("complete")
    assert sum(step.endswith("/capture") for step in whole) == 2
    for n, step in enumerate(whole, start=1):
        if not step.startswith("sql"):
            with trials.about_to("complete") as stripe:
                death = trials.do(FLOW["complete"], stripe, n)
                assert (death.killed, death.steps[-1], len(death.steps)) == (True, step, n)
                answered = any(made.startswith("after post") for made in death.steps)
                assert stripe.count("/capture") == answered
