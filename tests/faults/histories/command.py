"""Playing many histories: split into parts, each of which can be played again by itself.

The same size, steps and seed play the same histories, whatever the number of processes.
"""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tests.databases import server_url
from tests.faults.histories.machine import Part, parts_of
from tests.faults.histories.play import Wrong
from tests.faults.histories.stage import Stage, folder_in_memory
from tests.faults.histories.tally import Tally

QUIET_SECONDS = 15  # between two lines of progress in a log


@dataclass(frozen=True)
class Outcome:
    part: Part
    tally: Tally
    wrong: str  # the shortest story found that ends wrong


class Lane:
    """A process that plays parts one after the other: one stage per database, made when it is needed."""

    folder: Path
    stages: dict[str, Stage]

    @classmethod
    def open(cls, folder: Path) -> None:
        cls.folder, cls.stages = folder, {}

    @classmethod
    def play(cls, part: Part, shrink: bool) -> Outcome:
        if part.database not in cls.stages:
            cls.stages[part.database] = Stage(part.database, cls.folder / f"lane_{os.getpid()}.db")
        tally = Tally()
        try:
            part.play(cls.stages[part.database], tally, shrink=shrink)
        except Wrong as wrong:
            return Outcome(part, tally, str(wrong))
        except Exception:  # such as Hypothesis's complaint that the same dice told another story the second time
            return Outcome(part, tally, traceback.format_exc())
        return Outcome(part, tally, "")


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parse(arguments)
    parts = list(parts_of(asked.size, steps=asked.steps, seed=asked.seed, databases=asked.database))
    if asked.replay:
        parts = [part for part in parts if str(part) == asked.replay]
    begun = time.monotonic()
    with ExitStack() as stack:
        os.environ["TEST_DATABASE_URL"] = server_url()  # one server for all lanes
        folder = stack.enter_context(folder_in_memory())
        lanes = stack.enter_context(ProcessPoolExecutor(asked.processes, get_context("spawn"), Lane.open, (folder,)))
        played = _shown([lanes.submit(Lane.play, part, asked.shrink) for part in parts], asked.size)
        outcomes = sorted(played, key=lambda outcome: str(outcome.part))
    return _tell(outcomes, asked, time.monotonic() - begun)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.histories", description="Histories against a model.")
    parser.add_argument("--size", type=int, default=2_000, help="how many histories (default: 2000)")
    parser.add_argument("--steps", type=int, default=40, help="how long each of them is (default: 40)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"], help="only on this one")
    parser.add_argument("--shrink", action=argparse.BooleanOptionalAction, default=True, help="seek a shorter story")
    parser.add_argument("--replay", metavar="PART", help="play one part again, as it was told when it went wrong")
    return parser.parse_args(arguments)


def _shown(tasks: Sequence[Future[Outcome]], size: int) -> Iterator[Outcome]:
    """What the tasks bring, as it comes, with a line of progress: the same line at a terminal, else now and then."""
    begun = shown = time.monotonic()
    live, done, wrong = sys.stdout.isatty(), 0, 0
    for task in as_completed(tasks):
        outcome = task.result()
        done, wrong = done + outcome.tally.histories, wrong + bool(outcome.wrong)
        if outcome.wrong:
            print(f"\nWRONG {outcome.part}: {outcome.wrong}", flush=True)
        now = time.monotonic()
        if live or now - shown > QUIET_SECONDS:
            left, shown = (now - begun) / max(1, done) * (size - done), now
            line = f"{done:,} of {size:,} histories, {wrong} parts wrong, about {left / 60:.0f} min left"
            print(f"\r{line}   " if live else line, end="" if live else "\n", flush=True)
        yield outcome
    print()


def _tell(outcomes: Iterable[Outcome], asked: argparse.Namespace, seconds: float) -> int:
    """What was played, what went wrong and how to see it again; the exit code."""
    outcomes = list(outcomes)
    print(Tally().add(outcome.tally for outcome in outcomes).table())
    wrong = [outcome.part for outcome in outcomes if outcome.wrong]
    print(f"{len(wrong)} wrong, in {seconds / 60:.1f} minutes")
    for part in wrong:
        again = f"--size {asked.size} --steps {asked.steps} --seed {asked.seed} --replay {part}"
        print(f"  python -m tests.faults.histories {again}")
    return 1 if wrong or not outcomes else 0
