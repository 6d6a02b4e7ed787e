"""Stripe is down for an hour, and its webhooks were lost for three days. Everything comes to its right end by itself.

Time is simulated: the worker's jobs run at their own intervals, leases and pauses of the database get older with it.
During the hour every call fails in all the ways that networks and servers have, some of them after it had its effect.
People are told what is true, and what needs no Stripe goes on. Within 15 minutes of its return each story has to have
the end that it should, and books, bookings and Stripe have to agree.

    python -m tests.faults.outage --crowd 5 --seed 1
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from pathlib import Path

import stripe as library
from flask import Flask
from sqlalchemy import event, select

from app import create_app
from app.extensions import db
from app.gateways.guard import Guard
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from app.kit.breaker import Breaker
from app.models.event import StripeEvent
from app.models.states import EventState
from tests.conftest import migrate, settings_for
from tests.databases import postgresql_url
from tests.faults.outages import STORIES, Pair, Scene, Story
from tests.faults.recovery import deliver
from tests.faults.timetables import Timetable
from tests.faults.truths import untruths_now
from tests.faults.worlds import in_no_hurry, need_not_reach_the_disk
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import MONDAY, Stripe

A_MINUTE = timedelta(minutes=1)
LOST_FOR, DOWN_FOR, PATIENCE = timedelta(hours=72), timedelta(hours=1), timedelta(minutes=15)
WAYS_TO_FAIL = (
    "html_502",
    "lose_answer",
    "error_500_unsaved",
    "truncate_answer",
    "rate_limit_429",
    "conflict_409",
    "html_answer",
    "drop_request",
)
NETWORK = timedelta(seconds=5)  # between two looks of Stripe's at what it has to tell
EARLY = timedelta(minutes=15)  # before Stripe goes down, the worker has come to its own pace at the latest


@dataclass
class Outcome:
    stories: int = 0
    failed_calls: int = 0
    lost_webhooks: int = 0
    runs: int = 0
    right_after: timedelta | None = None  # so long after Stripe's return, everything was as it should be, and stayed so
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.stories} stories, {self.lost_webhooks} webhooks lost, {self.failed_calls} calls failed in the "
            f"outage, {self.runs} runs of jobs: right {self.right_after} after its return, "
            f"{len(self.wrong)} wrong"
        )


@dataclass
class Outage:
    """One run: ``crowd`` pairs of people live through each story.

    Jobs run at their own intervals; a slower ``pace``, which takes less time and makes it harder, can be set for all,
    and for the days before (``quiet_pace``).
    """

    app: Flask
    stripe: Stripe
    crowd: int
    seed: int
    quiet_pace: timedelta = timedelta()
    pace: timedelta = timedelta()
    outcome: Outcome = field(default_factory=Outcome)

    def prove(self) -> Outcome:
        self._begins = self.stripe.now()
        self._up = self._begins + LOST_FOR
        self._down = self._up - DOWN_FOR
        self._webhooks_come = False
        days = Timetable(self.stripe, pace=self.quiet_pace)
        days.every(NETWORK, self._network)
        days.at(self._down - EARLY, lambda: days.hurry(self.pace))
        days.at(self._down, self._go_down)
        days.at(self._up, self._come_back)
        told = [(story, self._pair(days, story, n)) for story in STORIES for n in range(self.crowd)]
        days.run_until(self._up)
        for minute in range(1, int(PATIENCE / A_MINUTE) + 1):
            days.run_until(self._up + minute * A_MINUTE)
            self._look_whether_it_is_over(told)
        self.outcome.wrong += self._wrongs(told)
        self.outcome.stories, self.outcome.runs = len(told), days.runs
        return self.outcome

    def _pair(self, days: Timetable, story: Story, n: int) -> Pair:
        pair = Pair(self.app, self.stripe, self._down, f"{STORIES.index(story)}x{n}")
        for scene in story.scenes:
            days.at(self._down + scene.when + timedelta(seconds=n), lambda scene=scene: self._play(story, scene, pair))
        return pair

    def _play(self, story: Story, scene: Scene, pair: Pair) -> None:
        words = scene.act(pair)
        if scene.reads not in words:
            self.outcome.wrong.append(f"{story.name}, at {scene.when}: {scene.reads!r} is not in {words!r}")

    def _network(self) -> None:
        if self._webhooks_come:
            answered = set(deliver(self.app, self.stripe))
            self.outcome.wrong += [f"a webhook was answered {status}" for status in answered - {200}]
        else:
            lost: list[bytes] = []
            self.stripe.simulator.deliver(lambda _, body, __: (lost.append(body), 200)[1], force=True)
            self.outcome.lost_webhooks += len(lost)

    def _go_down(self) -> None:
        self._asked = len(self.stripe.simulator.requests())
        for n, kind in enumerate(WAYS_TO_FAIL, start=1):
            last = n == len(WAYS_TO_FAIL)
            self.stripe.simulator.faults.add(
                kind, method="*", count=None, probability=1.0 if last else 0.2, seed=self.seed + n
            )

    def _come_back(self) -> None:
        self.stripe.simulator.faults.clear()
        self.outcome.failed_calls = len(self.stripe.simulator.requests()) - self._asked
        self._network()
        self._webhooks_come = True

    def _look_whether_it_is_over(self, told: list[tuple[Story, Pair]]) -> None:
        if self._wrongs(told):
            self.outcome.right_after = None
        elif self.outcome.right_after is None:
            self.outcome.right_after = self.stripe.now() - self._up

    def _wrongs(self, told: list[tuple[Story, Pair]]) -> list[str]:
        """What is not as it should be in the end, while nobody lends a hand."""
        db.session.rollback()
        waiting = select(StripeEvent.id).where(StripeEvent.state.in_((EventState.RECEIVED, EventState.STUCK)))
        wrongs = [f"{event_id} is not handled" for event_id in db.session.scalars(waiting)]
        for story, pair in told:
            hour, end = pair.hour, None
            if hour is not None and hour.payment is not None:
                end = (hour.state, hour.payment.state, hour.payment.captured_minor - hour.payment.refunded_minor)
            if end != story.end:
                wrongs.append(f"{story.name}: it ends as {end} instead of {story.end}")
        return wrongs + untruths_now(self.stripe)


@contextmanager
def at_work(database_url: str) -> Iterator[tuple[Flask, Stripe]]:
    """An application on an empty database, inside its context, and its Stripe."""
    migrate(database_url)
    stripe, settings = Stripe(), settings_for(in_no_hurry(database_url))
    network, guard = InProcessClient(stripe.simulator), Guard(Breaker(lambda: stripe.now() - MONDAY))
    gateway = StripeGateway(settings.stripe_secret_key, api=settings.stripe_api, http_client=network, guard=guard)
    app = create_app(settings, gateway=gateway)
    clock.use(stripe.now)
    try:
        with app.app_context():
            if db.engine.dialect.name == "sqlite":
                event.listen(db.engine, "connect", need_not_reach_the_disk)
            yield app, stripe
            db.session.remove()
            db.engine.dispose()
    finally:
        clock.use(clock.system_time)
        stripe.close()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--crowd", type=int, default=5, help="pairs of people who live through each story")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--quiet-pace", type=int, default=60, help="seconds between two runs of a job on quiet days")
    options.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    chosen = options.parse_args()
    library.HTTPClient.INITIAL_DELAY = 0.01  # the library's pause before it tries again is real time
    wrong = 0
    for database in ["sqlite", "postgresql"] if chosen.database == "both" else [chosen.database]:
        begun, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="mentorhold-outage-"))
        try:
            url = f"sqlite:///{folder / 'test.db'}" if database == "sqlite" else postgresql_url("outage")
            with redirect_stdout(StringIO()), at_work(url) as (app, stripe):
                outcome = Outage(app, stripe, chosen.crowd, chosen.seed, timedelta(seconds=chosen.quiet_pace)).prove()
        finally:
            shutil.rmtree(folder)
        wrong += len(outcome.wrong)
        sys.stdout.write(f"{database}, seed {chosen.seed}: {outcome} ({time.monotonic() - begun:.0f} s)\n")
        sys.stdout.write("".join(f"  {told}\n" for told in outcome.wrong[:20]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
