"""The power goes while people book, pay, complete, cancel and are refunded on SQLite. Nothing acknowledged is lost.

The application runs in a child process in which every write to the database and its log is recorded, together with
what was acknowledged when. Then the power is cut at random moments of that record: what was synced is there, of the
rest what chance leaves (see :mod:`tests.faults.disks`). SQLite opens what it finds; that has to be sound, to hold
every acknowledged commit and nothing that was never written, and the worker has to bring it to its right end.

    python -m tests.faults.power_cut --cuts 1000 --seed 1
"""

import argparse
import hashlib
import os
import pickle
import random
import sqlite3
import sys
import tempfile
import time
import traceback
import warnings
from bisect import bisect_right
from collections import Counter
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from stripe_simulator import Simulator
from tests.conftest import migrate
from tests.faults.disks import Disk, Noted, Step, replayed
from tests.faults.file_worlds import FileWorld
from tests.faults.lives import live
from tests.faults.recovery import deliver, finish
from tests.faults.sqlite_writes import Recording
from tests.faults.truths import untruths
from tests.stripe_double import MONDAY

COMMITTED, ANSWERED = "committed", "Stripe answered"
BESIDE = ("", "-wal", "-shm", "-journal")
GARBAGE = 32_768  # bytes of a stale -shm file, which SQLite must not believe


@dataclass(frozen=True)
class Record:
    """All that happened to the disk, and how Stripe stood (its database, the time) after each of its answers."""

    steps: list[Step]
    stripes: list[tuple[bytes, datetime]]

    @cached_property
    def commits(self) -> list[int]:
        """After how many steps each commit was acknowledged."""
        return [n for n, step in enumerate(self.steps, start=1) if isinstance(step, Noted) and step.what == COMMITTED]

    def acknowledged(self, moment: int) -> int:
        """The latest acknowledged commit when ``moment`` steps were done."""
        return self.commits[bisect_right(self.commits, moment) - 1]

    def stripe(self, moment: int) -> tuple[bytes, datetime]:
        notes = (step for step in reversed(self.steps[:moment]) if isinstance(step, Noted) and step.what == ANSWERED)
        return self.stripes[next(notes).index]


@dataclass
class Outcome:
    """``lost``: an acknowledged commit was gone; ``broken``: SQLite complained; ``untrue``: the end was not right."""

    commits: int
    cuts: int = 0
    recovered: int = 0
    lost: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)

    @property
    def wrongs(self) -> list[str]:
        return self.lost + self.broken + self.untrue

    def __str__(self) -> str:
        return (
            f"{self.cuts} power cuts among {self.commits} acknowledged commits: {len(self.lost)} lost one, "
            f"{len(self.broken)} broke the database; {self.recovered} were recovered from, {len(self.untrue)} wrongly"
        )


def record(world: FileWorld, *, hours: int, synchronous: str = "FULL") -> Record:
    """Let people live ``hours`` hours of mentoring in a child process, and return all that it did to its disk."""
    kept, complaint = world.folder / "record.pickle", world.folder / "complaint.txt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the thread that serves Stripe stays with the parent
        child = os.fork()
    if child == 0:
        _live(world, hours, synchronous, kept, complaint)
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(complaint.read_text())
    return Record(*pickle.loads(kept.read_bytes()))


def prove(world: FileWorld, made: Record, *, cuts: int, seed: int, recover_every: int = 0) -> Outcome:
    """Cut the power at ``cuts`` random moments; every so many-th time bring what is found to its right end."""
    dice, disk, outcome = random.Random(seed), Disk(), Outcome(len(made.commits))
    moments = Counter(dice.randint(made.commits[0], len(made.steps)) for _ in range(cuts))
    known: dict[int, str] = {}
    for moment in replayed(made.steps, disk, sorted({*moments, *map(made.acknowledged, moments)})):
        known[moment] = _content_of(world, disk.whole())
        for _ in range(moments[moment]):
            outcome.cuts += 1
            found = disk.cut(dice)
            if dice.random() < 0.5:
                found[f"{world.file}-shm"] = dice.randbytes(GARBAGE)
            # Of a commit that was under way, and acknowledged to nobody, either is right.
            _judge(world, found, {known[made.acknowledged(moment)], known[moment]}, moment, outcome)
            if recover_every and outcome.cuts % recover_every == 0:
                _recover(world, found, *made.stripe(moment), moment, outcome)
    return outcome


def _live(world: FileWorld, hours: int, synchronous: str, kept: Path, complaint: Path) -> NoReturn:
    """The child's whole life: the real application with its own pragmas, and the recorder below SQLite."""
    try:
        recording, stripes = Recording(world.file), []
        recording.begin()
        if synchronous != "FULL":
            pragma = f"PRAGMA synchronous = {synchronous}"
            event.listen(Engine, "connect", lambda connection, _: connection.execute(pragma))
        with world.alive(begins=MONDAY) as (_, stripe):

            def keep_stripe(*_: Any) -> None:
                stripes.append((_image(world.stripe_file), stripe.now()))
                recording.note(ANSWERED, len(stripes) - 1)

            keep_stripe()
            Simulator.watchers.append(keep_stripe)
            event.listen(Session, "after_commit", lambda _: recording.note(COMMITTED))
            live(world.file, stripe, hours, between=keep_stripe)
        kept.write_bytes(pickle.dumps((recording.steps, stripes)))
    except BaseException:
        complaint.write_text(traceback.format_exc())
        os._exit(1)
    os._exit(0)


def _judge(world: FileWorld, found: dict[str, bytes], allowed: set[str], moment: int, outcome: Outcome) -> None:
    try:
        content = _content_of(world, found)
    except sqlite3.DatabaseError as error:
        outcome.broken.append(f"cut after step {moment}: {error}")
        return
    if content not in allowed:
        outcome.lost.append(f"cut after step {moment}: not what was acknowledged")


def _recover(
    world: FileWorld, found: dict[str, bytes], stripe_image: bytes, now: datetime, moment: int, outcome: Outcome
) -> None:
    outcome.recovered += 1
    _put(world, found)
    for beside in BESIDE:
        Path(f"{world.stripe_file}{beside}").unlink(missing_ok=True)
    world.stripe_file.write_bytes(stripe_image)
    with world.alive(begins=now) as (app, stripe):
        finish()
        answers = [f"a webhook was answered {status}" for status in deliver(app, stripe) if status != 200]
        finish()
        wrongs = answers + untruths(stripe)
    if wrongs:
        outcome.untrue.append(f"cut after step {moment}: {wrongs}")


def _content_of(world: FileWorld, files: dict[str, bytes]) -> str:
    """A digest of every row, as SQLite reads it. Raises: sqlite3.DatabaseError if the database is not sound."""
    _put(world, files)
    with closing(sqlite3.connect(world.file)) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # nobody cuts the power here, and syncing takes time
        told = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if told != "ok":
            raise sqlite3.DatabaseError(told)
        digest = hashlib.sha256()
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
            digest.update(repr(sorted(connection.execute(f"SELECT * FROM {table}"), key=repr)).encode())
    return digest.hexdigest()


def _put(world: FileWorld, files: dict[str, bytes]) -> None:
    for beside in BESIDE:
        Path(f"{world.file}{beside}").unlink(missing_ok=True)
    for name, content in files.items():
        Path(name).write_bytes(content)


def _image(file: Path) -> bytes:
    """A database as it is, while others have it open."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.serialize()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cuts", type=int, default=1_000)
    options.add_argument("--hours", type=int, default=30, help="hours of mentoring that people live through")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--recover-every", type=int, default=4, help="recover from every so many-th cut")
    options.add_argument("--synchronous", default="FULL", help="NORMAL is the control: it has to lose commits")
    chosen = options.parse_args()
    begun = time.monotonic()
    # The logs of many recoveries are long.
    with tempfile.TemporaryDirectory(prefix="mentorhold-power-") as folder, redirect_stdout(StringIO()):
        world = FileWorld(Path(folder))
        migrate(f"sqlite:///{world.file}")
        made = record(world, hours=chosen.hours, synchronous=chosen.synchronous)
        outcome = prove(world, made, cuts=chosen.cuts, seed=chosen.seed, recover_every=chosen.recover_every)
    sys.stdout.write(f"seed {chosen.seed}, synchronous={chosen.synchronous}: {outcome}\n")
    sys.stdout.write("".join(f"  {wrong}\n" for wrong in outcome.wrongs[:10]))
    sys.stdout.write(f"{len(made.steps)} recorded steps, {time.monotonic() - begun:.0f} s\n")
    return 1 if outcome.wrongs else 0


if __name__ == "__main__":
    sys.exit(main())
