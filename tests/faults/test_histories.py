"""Whatever people, Stripe, the network and the clock do, in any order, the money is right after every step.

Here a sample of what ``python -m tests.faults.histories`` plays in full; it tells of a wrong history's shortest form.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.faults.histories.machine import Part, parts_of
from tests.faults.histories.stage import Stage, folder_in_memory
from tests.faults.histories.tally import Tally

STEPS, SEED = 40, 1
HISTORIES = {"sqlite": 150, "postgresql": 50}  # the slower one tells little that the other does not
PARTS = [
    part for name, count in HISTORIES.items() for part in parts_of(count, steps=STEPS, seed=SEED, databases=[name])
]

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def stage_on() -> Iterator[Callable[[str], Stage]]:
    """The stage on a database, made when it is needed."""
    made: dict[str, Stage] = {}
    with folder_in_memory() as folder:

        def stage_on(database: str) -> Stage:
            if database not in made:
                made[database] = Stage(database, folder / "histories.db")
            return made[database]

        yield stage_on
        for stage in made.values():
            stage.close()


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_whatever_happens_in_any_order_the_money_is_right_after_every_step(
    part: Part, stage_on: Callable[[str], Stage]
):
    tally = Tally()
    part.play(stage_on(part.database), tally, shrink=False)
    assert (tally.histories, sum(tally.lengths.values())) == (part.histories, part.histories)
    assert set(tally.lengths) == {STEPS}
