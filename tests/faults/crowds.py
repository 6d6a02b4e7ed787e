"""A crowd: processes that wait at a gate and are let go at the same instant, round after round.

Each has an application, an engine and connections of its own, as if it stood on a host of its own; what they share is
the database and Stripe. All races at full size:

    python -m tests.faults.crowds --rounds 200 --mentees 500 --seed 1
"""

import multiprocessing
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Barrier
from random import Random
from typing import Any

import structlog
from flask import Flask

from app import create_app
from app.kit import clock
from app.kit.errors import Failure
from config import Settings
from tests.faults import full_size

Act = Callable[[], object]  # it travels to another process: a function of a module, or a partial of one

ROUNDS = int(os.environ.get("ROUNDS", "5"))  # of each race
SEED = os.environ.get("SEED", "1")  # of who is held back
THREADS = 8  # at most, in each process: as many as a web worker has
# Seconds for one round, on a machine that has much else to do; what workers find due grows with the rounds.
PATIENCE = 120.0 + 5 * ROUNDS
HEAD_STARTS = (0.0, 0.01, 0.04)  # seconds: nobody has one, some overlap, some come when others are nearly done


class Unhandled(AssertionError):
    """Somebody met with an error that no code of ours expects."""


@dataclass(frozen=True)
class Task:
    """What one member does in a round: acts, each with its number and the seconds to hold it back; and the time."""

    acts: list[tuple[int, float, Act]]
    now: datetime


@dataclass(frozen=True)
class Member:
    process: ForkProcess
    line: Connection

    def answer(self) -> dict[int, Failure | str | None]:
        """How each act ended: with a failure of ours, with the traceback of any other error, or well."""
        if not self.line.poll(PATIENCE):
            raise Unhandled(f"no answer in {PATIENCE} seconds")
        answered: dict[int, Failure | str | None] = self.line.recv()
        return answered


class Crowd:
    """``size`` processes. Fork them while the present one has no connection to the database."""

    def __init__(self, settings: Settings, *, size: int, chance: Random) -> None:
        context = multiprocessing.get_context("fork")
        self._chance = chance
        gate = context.Barrier(size)
        with warnings.catch_warnings():
            # The thread that serves Stripe stays here; a member needs nothing that it could have locked.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._members = [_born(context, settings, gate) for _ in range(size)]

    def at_once(self, *acts: Act, now: datetime) -> list[Failure | None]:
        """Let all act at the same instant; what each was told. Raises: Unhandled for anything but failures of ours.

        In some rounds each is held back by a little, so that every order has its chance.
        """
        members = self._chance.sample(self._members, len(self._members))
        longest = self._chance.choice(HEAD_STARTS)
        held_back = [(n, self._chance.uniform(0, longest), act) for n, act in enumerate(acts)]
        for n, member in enumerate(members):
            member.line.send(Task(held_back[n :: len(members)], now))
        told: dict[int, Any] = {}
        for member in members:
            told |= member.answer()
        broken = [answer for answer in told.values() if isinstance(answer, str)]
        if broken:
            raise Unhandled("\n".join(broken))
        return [told[n] for n in range(len(acts))]

    def close(self) -> None:
        for member in self._members:
            with suppress(BrokenPipeError):
                member.line.send(None)
        for member in self._members:
            member.process.join(timeout=5)
            member.process.kill()
            member.line.close()


def _born(context: Any, settings: Settings, gate: Barrier) -> Member:
    ours, theirs = context.Pipe()
    process = context.Process(target=_live, args=(settings, gate, theirs), daemon=True)
    process.start()
    theirs.close()
    return Member(process, ours)


def _live(settings: Settings, gate: Barrier, line: Connection) -> None:
    """A member's whole life."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    application = create_app(settings)
    structlog.configure(processors=[_no_error_is_only_logged])
    with suppress(EOFError):
        while (task := line.recv()) is not None:
            clock.use(lambda now=task.now: now)
            gate.wait(PATIENCE)
            line.send(_done(application, task))


def _done(application: Flask, task: Task) -> dict[int, Failure | str | None]:
    if len(task.acts) <= 1:
        return {n: _told(application, delay, act) for n, delay, act in task.acts}
    with ThreadPoolExecutor(THREADS) as pool:
        running = {n: pool.submit(_told, application, delay, act) for n, delay, act in task.acts}
        return {n: act.result() for n, act in running.items()}


def _told(application: Flask, delay: float, act: Act) -> Failure | str | None:
    time.sleep(delay)
    try:
        with application.app_context():
            act()
    except Failure as failure:
        return failure
    except Exception:
        return traceback.format_exc()
    return None


def _no_error_is_only_logged(_logger: Any, level: str, event: dict[str, Any]) -> dict[str, Any]:
    """A job goes on when one row breaks; here, that is a finding."""
    if level in ("error", "exception", "critical"):
        raise Unhandled(str(event))
    raise structlog.DropEvent


if __name__ == "__main__":
    races = "test_races.py", "test_races_for_time.py", "test_races_of_workers.py"
    sys.exit(full_size.run(__doc__, *races, rounds=200, mentees=500))
