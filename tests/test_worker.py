"""The worker as a process: told to stop in the middle of a call, it finishes what it has begun and nothing else."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from app.models.states import OperationState
from stripe_simulator.server import Server
from tests.stripe_double import Stripe
from tests.test_crew import held_hours, operations_in, written_down

ROOT = Path(__file__).parents[1]
SLOW = 1.5  # seconds that Stripe takes for an answer
CONNECTIONS = 2
MANY = 1_000


@pytest.fixture
def address(stripe: Stripe) -> Iterator[str]:
    """Where the test's own Stripe can be reached by other processes."""
    server = Server(stripe.simulator, "127.0.0.1", 0)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    serving.join()
    server.server_close()


@contextmanager
def worker(app: Flask, address: str) -> Iterator[subprocess.Popen[bytes]]:
    """``flask worker`` on the test's database, Stripe and clock."""
    settings = app.extensions["settings"]
    environment = {
        **os.environ,
        "SECRET_KEY": settings.secret_key,
        "DATABASE_URL": settings.database_url,
        "STRIPE_SECRET_KEY": settings.stripe_secret_key,
        "STRIPE_PUBLISHABLE_KEY": settings.stripe_publishable_key,
        "STRIPE_WEBHOOK_SECRET": "whsec_test",
        "STRIPE_API_BASE": address,
        "ENVIRONMENT": settings.environment,
        "WORKER_CONNECTIONS": str(CONNECTIONS),
        "DEMO": "yes",
        "HTTPS": "no",
        "FLASK_SKIP_DOTENV": "1",
    }
    process = subprocess.Popen([sys.executable, "-m", "flask", "--app", "wsgi", "worker"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def eventually(is_so: Callable[[], bool], within: float = 30) -> None:
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_told_to_stop_it_finishes_what_it_has_begun_and_leaves_the_rest_as_it_was(
    app: Flask, stripe: Stripe, address: str
):
    written_down(held_hours(stripe, 6), stripe)
    stripe.simulator.faults.add("delay", path="*/cancel", seconds=SLOW, count=MANY)
    with worker(app, address) as process:
        eventually(lambda: stripe.simulator.faults.waiting()[0]["count"] == MANY - CONNECTIONS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert stripe.count("/cancel") == CONNECTIONS
    assert len(operations_in(OperationState.DONE)) == CONNECTIONS
    left = operations_in(OperationState.PENDING)
    assert [(operation.tries, operation.lease_until) for operation in left] == [(0, 0)] * (6 - CONNECTIONS)
