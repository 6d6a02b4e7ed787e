"""How fast a worker empties a backlog: voids with the budget lifted, then a mixture within the budget.

The workers are processes of their own on PostgreSQL, one for each core, and share the connections. Stripe is the
simulator behind a socket and takes 100 ms for whatever changes something. The calls are counted where they arrive.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import stripe
from flask import Flask
from sqlalchemy import func, select

from app import create_app
from app.actions import operations, payments, refunds
from app.actions.transactions import atomically
from app.extensions import db
from app.gateways.guard import endpoint
from app.kit.ids import new_id
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, OperationState, Party, PaymentState
from stripe_simulator import Simulator
from stripe_simulator.server import Server
from tests import people
from tests.conftest import migrate, settings_for
from tests.databases import postgresql_url
from tests.processes import ROOT, environment_of
from tests.simulator.in_process import InProcessClient

STRIPES_TIME = 0.1  # seconds for each call
WANTED_VOIDS = 60  # a second
BUDGET = 80  # calls a second, by default; a quarter of it to one endpoint
OF_BUDGET = 0.95  # of it has to be used while there is something to do
PRICE, CUSTOMERS, AT_ONCE = 8_000, 50, 100
HOLD, CAPTURE, VOID, REFUND = payments.HOLD, payments.CAPTURE, payments.VOID, refunds.KIND
B, P = BookingState, PaymentState
STANDS_AS = {
    HOLD: (B.PENDING_PAYMENT, P.NEEDS_CARD),
    CAPTURE: (B.CONFIRMED, P.AUTHORIZED),
    VOID: (B.CONFIRMED, P.AUTHORIZED),
    REFUND: (B.COMPLETED, P.CAPTURED),
}


@dataclass(frozen=True)
class Run:
    """When which endpoint was called, in seconds; the workers' own seconds of the processor."""

    calls: list[tuple[float, str]]
    busy: float

    @property
    def rate(self) -> float:
        """Calls per second, from the first one to the last."""
        return pace([moment for moment, _ in self.calls])

    @property
    def rates(self) -> dict[str, float]:
        """The same by endpoint."""
        by_endpoint: dict[str, list[float]] = {}
        for moment, name in self.calls:
            by_endpoint.setdefault(name, []).append(moment)
        return {name: pace(moments) for name, moments in by_endpoint.items()}


class SlowStripe(Simulator):
    """Whatever changes something takes ``seconds``, the simulator's own work included."""

    seconds = 0.0

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        begun = time.monotonic()
        answer = super().__call__(environ, start_response)
        if environ["REQUEST_METHOD"] == "POST":
            time.sleep(max(0.0, begun + self.seconds - time.monotonic()))
        return answer


class Backlog:
    """A house with a worker, its Stripe, and operations that nobody has begun."""

    def __init__(self) -> None:
        self.simulator = SlowStripe(":memory:")
        network = InProcessClient(self.simulator)
        self.stripe = stripe.StripeClient(
            "sk_test_platform", base_addresses={"api": "http://127.0.0.1"}, http_client=network
        )
        url = postgresql_url("bench")
        migrate(url)
        self.app: Flask = create_app(settings_for(url))
        self._begin = datetime.now(UTC)
        self._made = 0
        with self.app.app_context():
            self._mentor, self._mentee = people.mentor("Bob").id, people.person("Ann").id
            db.session.remove()
        customers = self.stripe.v1.customers
        self._customers = [customers.create({"email": f"ann{n}@example.com"}).id for n in range(CUSTOMERS)]

    def write_down(self, kinds: Sequence[str], size: int) -> None:
        """So many operations, of each kind in turn, and what they are about, here and at Stripe."""
        with self.app.app_context():
            for first in range(0, size, AT_ONCE):
                numbers = range(first, min(first + AT_ONCE, size))
                rows = [self._row(kinds[n % len(kinds)]) for n in numbers]
                with atomically():
                    for kind, booking, payment in rows:
                        booking.insert()
                        self._start(kind, booking, payment)
            db.session.remove()

    def work_off(self, workers: int, connections: int, **told: str) -> Run:
        """Let so many workers do it, on so many connections together.

        Raises: RuntimeError if they could not, or left something undone.
        """
        time.sleep(operations.HEAD_START + 1)
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "job", "finish_operations"]
        before = os.times()
        with self._counted() as (address, calls):
            environ = environment_of(self.app.extensions["settings"]) | {
                "STRIPE_API_BASE": address,
                "WORKER_CONNECTIONS": str(connections // workers),
            }
            with ThreadPoolExecutor(workers) as waiting:
                run = partial(subprocess.run, cwd=ROOT, env=environ | told, capture_output=True, text=True, check=False)
                ended = list(waiting.map(run, [command] * workers))
        after = os.times()
        with self.app.app_context():
            states = select(Operation.state, func.count()).group_by(Operation.state)
            left = dict(db.session.execute(states).tuples().all())
            db.session.remove()
        if any(each.returncode for each in ended) or set(left) != {OperationState.DONE}:
            raise RuntimeError(f"{left}\n" + "".join(each.stdout[-2_000:] + each.stderr[-2_000:] for each in ended))
        own = after.children_user + after.children_system - before.children_user - before.children_system
        return Run(sorted(calls), own)

    def _row(self, kind: str) -> tuple[str, Booking, Payment]:
        """A booking and its payment, as they stand before an operation of that kind; at Stripe too."""
        self._made += 1
        booking_state, state = STANDS_AS[kind]
        starts_at = self._begin + timedelta(hours=self._made)
        booking = Booking(
            id=new_id("bk"),
            mentor_id=self._mentor,
            mentee_id=self._mentee,
            title="Review of my parser",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
            minutes=60,
            price_minor=PRICE,
            currency="EUR",
            commission_bps=1_000,
            state=booking_state,
            pay_by=self._begin + timedelta(minutes=15),
            complete_by=starts_at + timedelta(hours=49),
            request_key=f"form-{self._made}",
            created_at=self._begin,
        )
        payment = Payment(
            id=new_id("pay"), booking_id=booking.id, state=state, amount_minor=PRICE, currency="EUR",
            created_at=self._begin,
        )  # fmt: skip
        payment.captured_minor = PRICE if state == P.CAPTURED else 0
        payment.authorized_minor, payment.refunded_minor = (0 if state == P.NEEDS_CARD else PRICE), 0
        if state != P.NEEDS_CARD:
            payment.intent_id, payment.charge_id = self._held(booking, payment, capture=state == P.CAPTURED)
        return kind, booking, payment

    def _held(self, booking: Booking, payment: Payment, *, capture: bool) -> tuple[str, str]:
        intent: Any = self.stripe.v1.payment_intents.create(
            {
                "amount": PRICE,
                "currency": "eur",
                "customer": self._customer(),
                "capture_method": "automatic" if capture else "manual",
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "payment_method": "pm_card_visa",
                "confirm": True,
                "metadata": {"booking": booking.id, "payment": payment.id},
            }
        )
        return intent.id, intent.latest_charge

    def _start(self, kind: str, booking: Booking, payment: Payment) -> None:
        now = datetime.now(UTC)
        if kind == HOLD:
            payments.hold(booking, customer_id=self._customer(), now=now)
            return
        payment.insert()
        if kind == REFUND:
            refunds.start(payment, booking.price, by=Party.OPERATOR, because="", now=now)
        else:
            amount, ends_as = (booking.price, B.COMPLETED) if kind == CAPTURE else (None, B.CANCELLED)
            payments.start(kind, payment, by=Party.SYSTEM, now=now, amount=amount, ends_as=ends_as, because="")

    def _customer(self) -> str:
        return self._customers[self._made % CUSTOMERS]

    @contextmanager
    def _counted(self) -> Iterator[tuple[str, list[tuple[float, str]]]]:
        """Stripe's address, and the calls that change something there, as they arrive."""
        calls: list[tuple[float, str]] = []

        def note(request: Any, _answer: object) -> None:
            if request.method == "POST":
                calls.append((time.monotonic(), endpoint(request.method, request.path)))

        server = Server(self.simulator, "127.0.0.1", 0)
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        self.simulator.seconds = STRIPES_TIME
        self.simulator.watchers.append(note)
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", calls
        finally:
            self.simulator.watchers.remove(note)
            self.simulator.seconds = 0.0
            server.shutdown()
            serving.join()
            server.server_close()


def main(arguments: list[str]) -> int:
    """Print the figures; 0 when all are as wanted."""
    parser = argparse.ArgumentParser(prog="bench worker")
    parser.add_argument("--voids", type=int, default=600)
    parser.add_argument("--size", type=int, default=2_000, help="of the mixed backlog")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--connections", type=int, default=8, help="of all workers, for the voids; twice as many for the mixed backlog"
    )
    parser.add_argument("--budget", type=int, default=BUDGET, help="calls a second for the mixed backlog")
    options = parser.parse_args(arguments)
    backlog = Backlog()
    missed = _voids(backlog, options.voids, options.workers, options.connections)
    return max(missed, _mixed(backlog, options.size, options.workers, 2 * options.connections, options.budget))


def _voids(backlog: Backlog, size: int, workers: int, connections: int) -> int:
    backlog.write_down([VOID], size)
    run = backlog.work_off(workers, connections, STRIPE_REQUESTS_PER_SECOND="0", STRIPE_REQUESTS_PER_ENDPOINT="0")
    print(f"{size:,} voids by {workers} workers on {connections} connections in all, no budget: {run.rate:.1f} "
          f"a second (wanted: {WANTED_VOIDS}), processor {run.busy / size * 1000:.1f} ms each")  # fmt: skip
    return int(run.rate < WANTED_VOIDS)


def _mixed(backlog: Backlog, size: int, workers: int, connections: int, budget: int) -> int:
    kinds, of_one_endpoint = [HOLD, CAPTURE, VOID, REFUND], budget // 4
    backlog.write_down(kinds, size)
    limits = {"STRIPE_REQUESTS_PER_SECOND": str(budget), "STRIPE_REQUESTS_PER_ENDPOINT": str(of_one_endpoint)}
    run = backlog.work_off(workers, connections, **limits)
    least = OF_BUDGET * budget
    print(f"{size:,} operations of four kinds by {workers} workers on {connections} connections: {run.rate:.1f} "
          f"calls a second (wanted: {least:.0f} to {budget})")  # fmt: skip
    for name, rate in sorted(run.rates.items()):
        print(f"    {name:40} {rate:5.1f} (wanted: at most {of_one_endpoint})")
    within = run.rate <= budget and max(run.rates.values()) <= of_one_endpoint
    return int(not within or run.rate < least)


def pace(moments: Sequence[float]) -> float:
    """How many a second came after the first."""
    return (len(moments) - 1) / (max(moments) - min(moments))
