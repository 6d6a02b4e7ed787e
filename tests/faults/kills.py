"""Doing something in a process of its own and killing it at its n-th step: no goodbye, no rollback, no finally."""

import os
import signal
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import stripe
from sqlalchemy import Engine, event

from app import create_app
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from tests.faults.worlds import World

NEVER = -1


@dataclass(frozen=True)
class Death:
    """How a child ended: the steps it had made (the last is the one that killed it), and its own complaint if any."""

    steps: list[str]
    killed: bool
    complaint: str


class Steps:
    """Counts what touches the world: every SQL statement, every commit, every HTTP call before and after."""

    def __init__(self, kill_at: int, report: int) -> None:
        self._kill_at, self._report, self._count = kill_at, report, 0
        event.listen(Engine, "before_cursor_execute", self._statement)
        event.listen(Engine, "commit", lambda _: self.step("commit"))

    def step(self, name: str) -> None:
        os.write(self._report, f"{name}\n".encode())
        self._count += 1
        if self._count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.step(f"sql {' '.join(statement.split())[:60]}")


class Counted(stripe.RequestsClient):
    """The real HTTP client, a step before each request and one after its answer has come."""

    def __init__(self, steps: Steps) -> None:
        super().__init__(timeout=(3, 10))
        self._steps = steps

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **rest: Any) -> Any:
        what = f"{method} {url.split('/v1')[-1].split('?')[0]}"
        self._steps.step(f"before {what}")
        answer = super().request(method, url, headers, post_data, **rest)
        self._steps.step(f"after {what}")
        return answer


def run_and_kill(world: World, act: Callable[[datetime], None], kill_at: int = NEVER) -> Death:
    """Do ``act`` in a child process that dies at its ``kill_at``-th step, or at the very end if it has fewer."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        # The thread that serves Stripe stays with the parent; the child needs nothing that it could have locked.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(read)
        _live(world, act, kill_at, write)
    os.close(write)
    with os.fdopen(read) as reports:
        steps, complaint = [], ""
        for line in reports:
            if line.startswith("!"):
                complaint = line + reports.read()
            else:
                steps.append(line.strip())
    _, status = os.waitpid(child, 0)
    return Death(steps, os.WIFSIGNALED(status), complaint)


def _live(world: World, act: Callable[[datetime], None], kill_at: int, report: int) -> NoReturn:
    """The child's whole life. Its engine, application and connections are its own."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        steps = Steps(kill_at, report)
        settings = world.settings
        gateway = StripeGateway(settings.stripe_secret_key, api=settings.stripe_api, http_client=Counted(steps))
        application = create_app(settings, gateway=gateway)
        clock.use(lambda: world.now)
        with application.app_context():
            act(world.now)
            steps.step("the end")
    except BaseException:
        os.write(report, b"!" + traceback.format_exc().encode())
        os._exit(1)
    os._exit(0)
