"""The whole state machine, and how it is run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.histories.outside import Outside
from tests.faults.histories.people import People
from tests.faults.histories.quarrels import Quarrels
from tests.faults.histories.requests import Requests
from tests.faults.histories.shifts import Shifts
from tests.faults.histories.stage import Stage
from tests.faults.histories.tally import Tally
from tests.faults.histories.trials import Trials

DATABASES = ("sqlite", "postgresql")
AT_A_TIME = 25  # histories of one part
AFRESH = "afresh"


class Histories(People, Requests, Shifts, Trials, Quarrels, Outside):
    """Everybody at once."""


class Afresh(HypothesisProvider):
    """Throws the dice for every history anew. By itself, Hypothesis also tries variants of those it has just played:
    shorter ones, and some in which a part comes twice; each of ours is long enough to be played once.
    """


AVAILABLE_PROVIDERS[AFRESH] = Afresh


@dataclass(frozen=True)
class Part:
    """The ``nth`` histories on a database: the same for the same seed, whatever else is played."""

    database: str
    nth: int
    histories: int
    steps: int
    seed: int

    def __str__(self) -> str:
        return f"{self.database}/{self.nth}"

    def play(self, stage: Stage, tally: Tally, *, shrink: bool) -> None:
        """Play them, and count in ``tally`` what was played. Raises: Wrong, with the shortest story found."""
        machine: Any = type("Histories", (Histories,), {"stage": stage, "tally": tally})
        how = settings(
            backend=AFRESH,
            max_examples=self.histories,
            stateful_step_count=self.steps,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            print_blob=False,
        )
        run_state_machine_as_test(seed(f"{self.seed} {self}")(machine), settings=how, _min_steps=self.steps)


def parts_of(size: int, *, steps: int, seed: int, databases: Sequence[str] | None = None) -> Iterator[Part]:
    """So many histories, half of them on either database, in parts."""
    names = databases or DATABASES
    for n, database in enumerate(names):
        left = size // len(names) + (n < size % len(names))
        for nth, first in enumerate(range(0, left, AT_A_TIME), start=1):
            yield Part(database, nth, min(AT_A_TIME, left - first), steps, seed)
