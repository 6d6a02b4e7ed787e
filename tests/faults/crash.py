"""PostgreSQL is killed while people book, pay, complete and cancel, again and again. Nothing acknowledged is lost.

Everybody notes what they were told: that a booking or payment has moved, that an event was taken. Then SIGKILL to the
postmaster and all its processes; once it is up again, and before any worker can mend anything, each note has to be
true. The application is the same all the time and has to find its way back by itself. At the end the worker
finishes what is left, and books, bookings and Stripe have to agree.

    python -m tests.faults.crash --kills 10 --seed 1
"""

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import StringIO

from flask import Flask
from sqlalchemy import inspect, select

from app import create_app, jobs
from app.actions import bookings, cancellations, payments
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from app.kit.errors import Failure
from app.models.booking import Booking
from app.models.event import StripeEvent
from app.models.mentor import Mentor
from app.models.states import BookingState, Party, Transition
from app.models.user import User
from app.web.errors import DATABASES_TROUBLE
from tests import people
from tests.conftest import migrate, settings_for
from tests.faults.postmasters import Postmaster
from tests.faults.recovery import deliver, finish, knock
from tests.faults.truths import untruths
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import Stripe

NAMES = ("Ann", "Bob", "Cho", "Dia")
HALF_AN_HOUR = timedelta(minutes=30)
A_ROUND = timedelta(hours=9)  # of simulated time: what was booked in one round has taken place in the next
BUSY = (15, 45)  # acknowledged changes between two kills
SLOWEST = 60.0  # seconds for that many
B = BookingState

Note = tuple[str, str]  # what (an id), and where it has come to (a state)


@dataclass
class Outcome:
    kills: int = 0
    interrupted: int = 0
    notes: set[Note] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    recovery: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills amid {len(self.notes)} acknowledged changes, {self.interrupted} actions cut off: "
            f"{len(self.lost)} acknowledged changes lost, {len(self.wrong)} wrongs; "
            f"up again within {max(self.recovery, default=0):.1f} s"
        )


class Load:
    """People who act without a pause, each in a thread of their own, until they are told to stop."""

    def __init__(self, app: Flask, stripe: Stripe, seed: int) -> None:
        self.app, self.stripe = app, stripe
        self.outcome = Outcome()
        self._dice = {name: random.Random(f"{seed} {name}") for name in NAMES}
        self._held: dict[str, list[str]] = {name: [] for name in NAMES}
        self._free_from: dict[str, datetime] = {}
        self._stop = threading.Event()
        self._guard = threading.Lock()

    def during(self, disaster: Callable[[], None], *, after: int) -> None:
        """Let everybody act; ``after`` so many more acknowledged changes comes the disaster, and everybody notices."""
        self._stop.clear()
        self._taking_place = {name: self._held[name] for name in NAMES}
        self._held = {name: [] for name in NAMES}
        self._free_from = {name: self.stripe.now() + timedelta(hours=2) for name in NAMES}
        acts = [*((self._person, name) for name in NAMES), (self._network, ""), (self._worker, "")]
        threads = [threading.Thread(target=self._keep_doing, args=act) for act in acts]
        for thread in threads:
            thread.start()
        enough, deadline = len(self.outcome.notes) + after, time.monotonic() + SLOWEST
        while len(self.outcome.notes) < enough and time.monotonic() < deadline:
            time.sleep(0.001)
        disaster()
        self._stop.set()
        for thread in threads:
            thread.join()

    def _keep_doing(self, act: Callable[[str], None], name: str) -> None:
        with self.app.app_context():
            while not self._stop.is_set():
                try:
                    act(name)
                except DATABASES_TROUBLE:
                    with self._guard:
                        self.outcome.interrupted += 1
                    time.sleep(0.05)
                except Failure:
                    pass  # "it is being confirmed": what was interrupted before
                except Exception as error:
                    with self._guard:
                        self.outcome.wrong.append(f"{name or act.__name__}: {error!r}")
                finally:
                    db.session.remove()

    def _person(self, name: str) -> None:
        """Close an hour that has taken place, or book one more and pay it."""
        if self._taking_place[name]:
            hour = Booking.one(Booking.id == self._taking_place[name].pop())
            bookings.complete(hour, now=self.stripe.now())
            self._note(hour, B.COMPLETED)
            if self._dice[name].random() < 0.3:
                cancellations.cancel(hour, by=Party.MENTOR, quoted="0-4000-0", now=self.stripe.now())
                self._note(hour, B.CANCELLED)
            return
        starts_at = self._free_from[name]
        self._free_from[name] += HALF_AN_HOUR
        if starts_at > self.stripe.now() + A_ROUND - HALF_AN_HOUR:
            time.sleep(0.01)  # nothing left to book before the next round
            return
        mentee, mentor = User.one(User.name == name), Mentor.one(Mentor.user_id == User.one(User.name == f"{name}s").id)
        hour = people.booked(mentee, mentor, self.stripe, starts_at=starts_at, minutes=30, key=f"{name} {starts_at}")
        self._note(hour, B.PENDING_PAYMENT)
        self.stripe.pay(hour)
        paid = people.fresh(hour)
        assert paid.payment is not None
        payments.check(paid.payment, now=self.stripe.now())
        self._note(paid, B.CONFIRMED)
        if self._dice[name].random() < 0.2:
            cancellations.cancel(people.fresh(hour), by=Party.MENTEE, quoted="4000-0-0", now=self.stripe.now())
            self._note(hour, B.CANCELLED)
        else:
            self._held[name].append(_id_of(hour))

    def _network(self, _: str) -> None:
        """Stripe knocks, and believes a 200."""

        def send(_url: str, body: bytes, headers: dict[str, str]) -> int:
            status = knock(self.app, body, headers["Stripe-Signature"])
            with self._guard:
                if status == 200:
                    self.outcome.notes.add((json.loads(body)["id"], "received"))
                elif status != 503:
                    self.outcome.wrong.append(f"a webhook was answered {status}")
            return status

        self.stripe.simulator.deliver(send)
        time.sleep(0.02)

    def _worker(self, _: str) -> None:
        for name in jobs.JOBS:
            jobs.run(name)
        time.sleep(0.1)

    def _note(self, hour: Booking, state: BookingState) -> None:
        with self._guard:
            self.outcome.notes.add((_id_of(hour), state))


def prove(postmaster: Postmaster, *, kills: int, seed: int, careless: bool = False) -> Outcome:
    """Kill the server ``kills`` times under load; what came of it. The server's database has to be empty.

    A ``careless`` server acknowledges before it has written: the control, which ends with the kills.
    """
    dice = random.Random(seed)
    migrate(postmaster.url)
    stripe = Stripe()
    settings = settings_for(postmaster.url)
    network = InProcessClient(stripe.simulator, timeout=10)
    app = create_app(
        settings, gateway=StripeGateway(settings.stripe_secret_key, api=settings.stripe_api, http_client=network)
    )
    clock.use(stripe.now)
    load = Load(app, stripe, seed)
    try:
        with app.app_context():
            for name in NAMES:
                people.person(name), people.mentor(f"{name}s")
            db.session.remove()
            if careless:
                postmaster.set("wal_writer_delay", "10s")
                postmaster.set("synchronous_commit", "off")
            for _ in range(kills):
                load.during(postmaster.kill, after=dice.randint(*BUSY))
                load.outcome.kills += 1
                load.outcome.recovery.append(postmaster.start())
                load.outcome.lost += sorted(map(str, load.outcome.notes - _found()))
                stripe.wait(A_ROUND)
            if not careless:
                load.during(lambda: None, after=BUSY[0])
                _end_well(app, stripe, load.outcome)
            db.session.remove()
            db.engine.dispose()
    finally:
        clock.use(clock.system_time)
        stripe.close()
    return load.outcome


def _found() -> set[Note]:
    """What the database knows, before anybody does anything about it."""
    db.session.rollback()
    created = {(booking_id, str(B.PENDING_PAYMENT)) for booking_id in db.session.scalars(select(Booking.id))}
    moved = {(move.subject, move.went_to) for move in db.session.scalars(select(Transition))}
    heard = {(event_id, "received") for event_id in db.session.scalars(select(StripeEvent.id))}
    db.session.rollback()
    return created | moved | heard


def _end_well(app: Flask, stripe: Stripe, outcome: Outcome) -> None:
    """The worker and Stripe's patience bring everything to an end."""
    for _ in range(2):
        finish()
        for name in jobs.JOBS:
            jobs.run(name)
        answers = Counter(deliver(app, stripe))
        if set(answers) - {200}:
            outcome.wrong.append(f"webhooks were answered {answers}")
    finish()
    outcome.lost += sorted(map(str, outcome.notes - _found()))
    outcome.wrong += untruths(stripe)


def _id_of(hour: Booking) -> str:
    """The id of a row, without asking the database again."""
    return str(inspect(hour).identity[0])


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--careless", action="store_true", help="synchronous_commit=off, the control: it has to lose")
    chosen = options.parse_args()
    begun = time.monotonic()
    postmaster = Postmaster()
    try:
        with redirect_stdout(StringIO()):  # the logs of a crash are long
            outcome = prove(postmaster, kills=chosen.kills, seed=chosen.seed, careless=chosen.careless)
    finally:
        postmaster.close()
    sys.stdout.write(f"seed {chosen.seed}: {outcome}\n")
    sys.stdout.write("".join(f"  {wrong}\n" for wrong in [*outcome.lost, *outcome.wrong][:20]))
    sys.stdout.write(f"{time.monotonic() - begun:.0f} s\n")
    return 1 if outcome.lost or outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
