"""The kill sweep: every flow, killed at every step, under every trouble, on both databases, and recovered from.

    python -m tests.faults.sweep --size 20000 --double 5000 --seed 1 --processes 2
    python -m tests.faults.sweep --replay "complete/sqlite/lose_answer at call 1/step 17/late/again at 3"

The steps are counted, so that the points at which one may die are known; of these, ``size`` are tried (half of them, or
all that there are, without trouble at Stripe). Then ``double`` of those recoveries are killed at a step of theirs too.
The same seed and size make the same choice. Exits with 1 if anything ended wrong, and tells how to see it again.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import stripe

from tests.conftest import migrate
from tests.databases import postgresql_url, server_url
from tests.faults.every_flow import FLOWS
from tests.faults.points import DATABASES, NO_TROUBLE, Point, points_of, troubles_of
from tests.faults.trials import Outcome, Trials
from tests.faults.worlds import World

AT_A_TIME = 20  # trials of one flow on one database that a lane is handed
QUIET_SECONDS = 15  # between two lines of progress in a log
Counted = dict[str, list[str]]  # the steps under each trouble


class Lane:
    """A process that makes trials one after the other: one world per database, made when it is needed."""

    folder: Path
    trials: dict[str, Trials]

    @classmethod
    def open(cls, folder: Path) -> None:
        stripe.HTTPClient.INITIAL_DELAY = 0  # the library's pause before it tries again would only cost time
        cls.folder, cls.trials = folder, {}

    @classmethod
    def on(cls, database: str) -> Trials:
        if database not in cls.trials:
            name = f"lane_{os.getpid()}"
            url = f"sqlite:///{cls.folder / name}.db" if database == "sqlite" else postgresql_url(name)
            migrate(url)
            cls.trials[database] = Trials(World(url))
        return cls.trials[database]

    @classmethod
    def count(cls, flow: str, database: str) -> tuple[str, str, Counted]:
        trials = cls.on(database)
        return flow, database, {t: trials.steps_of(flow, t) for t in troubles_of(trials.steps_of(flow))}

    @classmethod
    def try_all(cls, points: Sequence[Point]) -> list[Outcome]:
        return [cls.on(point.database).run(point) for point in points]


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parse(arguments)
    flows = [flow.name for flow in FLOWS if not asked.only or asked.only in flow.name]
    os.environ["TEST_DATABASE_URL"] = server_url()  # one server for all lanes
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="mentorhold-sweep-") as folder,
        ProcessPoolExecutor(asked.processes, get_context("spawn"), Lane.open, (Path(folder),)) as lanes,
    ):
        if asked.replay:
            outcomes = _tried(lanes, [Point.parse(asked.replay)], "trials")
            for head, steps in ("until the first death", outcomes[0].life), ("the recovery", outcomes[0].recovery):
                print(f"{head}:", *(f"{n:4} {step}" for n, step in enumerate(steps, 1)), sep="\n")
        else:
            print(f"Counting the steps of {len(flows)} flows on {' and '.join(DATABASES)}")
            points = _points(lanes, flows)
            outcomes = _tried(lanes, _chosen(points, asked.size, asked.seed), "trials")
            outcomes += _tried(lanes, _pairs(outcomes, asked.double, asked.seed), "double kills")
    return _tell(outcomes, time.monotonic() - began)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.sweep", description="The kill sweep.")
    parser.add_argument("--size", type=int, default=20_000, help="how many points to die at (default: 20000)")
    parser.add_argument("--double", type=int, default=5_000, help="how many recoveries to kill too (default: 5000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", metavar="WORDS", help="only flows with these words in their name")
    parser.add_argument("--replay", metavar="POINT", help="make one trial, as it was told when it went wrong")
    return parser.parse_args(arguments)


def _points(lanes: ProcessPoolExecutor, flows: Sequence[str]) -> list[Point]:
    counts = [lanes.submit(Lane.count, flow, database) for flow in flows for database in DATABASES]
    return [
        point
        for flow, database, counted in (count.result() for count in counts)
        for trouble, steps in counted.items()
        for point in points_of(flow, database, trouble, steps)
    ]


def _chosen(points: Sequence[Point], size: int, seed: int) -> list[Point]:
    """A seeded choice; at least half of it without trouble, if there is that much."""
    dice = random.Random(seed)
    plain = [point for point in points if point.trouble == NO_TROUBLE]
    troubled = [point for point in points if point.trouble != NO_TROUBLE]
    plain = dice.sample(plain, min(len(plain), max(size - size // 2, size - len(troubled))))
    return sorted(plain + dice.sample(troubled, min(len(troubled), size - len(plain))))


def _pairs(outcomes: Sequence[Outcome], double: int, seed: int) -> list[Point]:
    """A seeded choice of first and second deaths."""
    pairs = [point for outcome in outcomes for point in outcome.second_deaths]
    return sorted(random.Random(seed).sample(pairs, min(double, len(pairs))))


def _tried(lanes: ProcessPoolExecutor, points: Sequence[Point], what: str) -> list[Outcome]:
    """Try them all, some at a time, and show how far it is."""
    tasks = [lanes.submit(Lane.try_all, some) for some in _batches(points)]
    outcomes: list[Outcome] = []
    for done in _shown(tasks, len(points), what):
        for outcome in done:
            outcomes.append(outcome)
            if outcome.wrongs:
                print(f"\nWRONG {outcome}", flush=True)
    return sorted(outcomes, key=lambda outcome: outcome.point)


def _batches(points: Iterable[Point]) -> Iterator[list[Point]]:
    """Points of one flow on one database, so that a lane prepares it once."""
    batch: list[Point] = []
    for point in points:
        if batch and (len(batch) == AT_A_TIME or (point.flow, point.database) != (batch[0].flow, batch[0].database)):
            yield batch
            batch = []
        batch.append(point)
    if batch:
        yield batch


def _shown(tasks: Sequence[Future[list[Outcome]]], total: int, what: str) -> Iterator[list[Outcome]]:
    """What the tasks bring, as it comes, with a line of progress: the same line at a terminal, else now and then."""
    begun = shown = time.monotonic()
    live, done, wrong = sys.stdout.isatty(), 0, 0
    for task in as_completed(tasks):
        outcomes = task.result()
        done, wrong = done + len(outcomes), wrong + sum(bool(outcome.wrongs) for outcome in outcomes)
        now = time.monotonic()
        if live or now - shown > QUIET_SECONDS or done == total:
            left, shown = (now - begun) / done * (total - done), now
            line = f"{done:,} of {total:,} {what}, {wrong} wrong, about {left / 60:.0f} min left"
            print(f"\r{line}   " if live else line, end="" if live else "\n", flush=True)
        yield outcomes
    print()


def _tell(outcomes: Sequence[Outcome], seconds: float) -> int:
    """The tables, what went wrong and how to see it again; the exit code."""
    _table("flow", outcomes, lambda point: point.flow)
    _table("trouble", outcomes, lambda point: point.trouble.partition(" at call")[0])
    _table("database", outcomes, lambda point: point.database)
    _table("recovered", outcomes, lambda point: "after 25 hours" if point.late else "at once")
    wrong = [outcome for outcome in outcomes if outcome.wrongs]
    double = sum(outcome.point.second > 0 for outcome in outcomes)
    print(
        f"{len(outcomes):,} trials, {double:,} of them double kills, {len(wrong)} wrong, in {seconds / 60:.1f} minutes"
    )
    for outcome in wrong:
        print(f'\n{outcome}\n  python -m tests.faults.sweep --replay "{outcome.point}"')
    return 1 if wrong else 0


def _table(head: str, outcomes: Sequence[Outcome], of: Callable[[Point], str]) -> None:
    tried, double, wrong = Counter[str](), Counter[str](), Counter[str]()
    for outcome in outcomes:
        name = of(outcome.point)
        tried[name] += 1
        double[name] += outcome.point.second > 0
        wrong[name] += bool(outcome.wrongs)
    print(f"\n{head:40} {'trials':>8} {'double':>8} {'wrong':>8}")
    for name in sorted(tried):
        print(f"{name:40} {tried[name]:8,} {double[name]:8,} {wrong[name]:8,}")


if __name__ == "__main__":
    sys.exit(main())
