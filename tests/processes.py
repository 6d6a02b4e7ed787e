"""The application's own processes, on a test's database, Stripe and clock."""

import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from flask import Flask

from config import Settings
from stripe_simulator.server import Server
from tests.stripe_double import Stripe

ROOT = Path(__file__).parents[1]
CONNECTIONS = 2  # of a worker


@contextmanager
def reachable(stripe: Stripe) -> Iterator[str]:
    """Where the test's own Stripe can be reached by other processes."""
    server = Server(stripe.simulator, "127.0.0.1", 0)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def environment_of(settings: Settings) -> dict[str, str]:
    """What a process has to be told to be like ``settings``, and nothing of this one's."""
    return {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": settings.secret_key,
        "DATABASE_URL": settings.database_url,
        "STRIPE_SECRET_KEY": settings.stripe_secret_key,
        "STRIPE_PUBLISHABLE_KEY": settings.stripe_publishable_key,
        "STRIPE_WEBHOOK_SECRET": ",".join(settings.stripe_webhook_secrets),
        "STRIPE_API_BASE": settings.stripe_api,
        "ENVIRONMENT": settings.environment,
        "HTTPS": "no",
        "FLASK_SKIP_DOTENV": "1",
    }


@contextmanager
def running(
    name: str, app: Flask, stripe_address: str, *, said: IO[bytes] | None = None, **told: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process of the Procfile, on the database of ``app``; and where it listens, if it does.

    Its clock is the simulator's, unless it is ``told`` otherwise. What it says goes to ``said``, if given.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = re.search(rf"^{name}: (.*)$", (ROOT / "Procfile").read_text(), re.MULTILINE)
    assert command is not None
    environment = environment_of(app.extensions["settings"]) | {
        "PORT": str(port),
        "STRIPE_API_BASE": stripe_address,
        "WORKER_CONNECTIONS": str(CONNECTIONS),
        "DEMO": "yes",
    }
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command[1]}"],
        cwd=ROOT,
        env=environment | told,
        stdout=said,
        stderr=subprocess.STDOUT if said else None,
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def eventually(is_so: Callable[[], bool], within: float = 30) -> None:
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
