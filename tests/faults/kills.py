"""Doing something in a process of its own and killing it at its n-th step: no goodbye, no rollback, no finally."""

import gc
import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from sys import intern
from typing import NoReturn

from sqlalchemy import text

from app.extensions import db
from tests.faults.steps import Tell
from tests.faults.worlds import DOOMED, World

NEVER = -1
THE_END = "the end"
PATIENCE = 10.0  # seconds for the database to notice that a client was killed

COMPLAINT = "\0"  # what divides a child's steps from its complaint

Life = Callable[[Tell], None]  # what a child does; it tells each of its steps


@dataclass(frozen=True)
class Death:
    """How a child ended: the steps it had made (the last is the one that killed it), and its own complaint if any."""

    steps: list[str]
    killed: bool
    complaint: str


def run_and_kill(world: World, life: Life, kill_at: int = NEVER) -> Death:
    """Live ``life`` in a child process that dies at its ``kill_at``-th step, or at its end if it has fewer."""
    world.let_go()
    read, write = os.pipe()
    with warnings.catch_warnings():
        # The threads that serve Stripe stay with the parent; the child needs nothing that they could have locked.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(read)
        _live(world, life, kill_at, write)
    os.close(write)
    with os.fdopen(read) as reports:
        told, _, complaint = reports.read().partition(COMPLAINT)
    _, status = os.waitpid(child, 0)
    _wait_until_alone()
    return Death([intern(step) for step in told.splitlines()], os.WIFSIGNALED(status), complaint)


def _live(world: World, life: Life, kill_at: int, report: int) -> NoReturn:
    """The child's whole life."""
    count = 0

    def tell(step: str) -> None:
        nonlocal count
        os.write(report, f"{step}\n".encode())
        count += 1
        if count == kill_at or (step == THE_END and kill_at != NEVER):
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        gc.disable()  # it would only copy the parent's memory
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        world.be_born()
        life(tell)
        tell(THE_END)
    except BaseException:
        os.write(report, f"{COMPLAINT}{traceback.format_exc()}".encode())
        os._exit(1)
    os._exit(0)


def _wait_until_alone() -> None:
    """A killed client's transaction ends as soon as PostgreSQL notices that its socket is closed."""
    if db.engine.dialect.name != "postgresql":
        return
    left = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :doomed"
    )
    deadline = time.monotonic() + PATIENCE
    while db.session.scalar(left, {"doomed": DOOMED}):
        assert time.monotonic() < deadline, "the database did not notice that its client was killed"
        db.session.rollback()
        time.sleep(0.0005)
    db.session.rollback()
