"""A real web server with the application, started as the Procfile says."""

import os
import re
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path

from config import Settings
from tests.house.source import ROOT

STARTS_WITHIN, STOPS_WITHIN, ANSWERS_WITHIN = 60, 30, 30  # seconds
WORKERS = "2"
STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3}) ", re.MULTILINE)


def environment_of(settings: Settings) -> dict[str, str]:
    """Everything that a process of ours needs to know, and nothing of this one's."""
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


class WebServer:
    """What it says is in the file ``said``."""

    def __init__(self, settings: Settings, said: Path, **given: str) -> None:
        self._said = said
        (line,) = [line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web:")]
        words = shlex.split(line)[1:]
        words[words.index("--bind") + 1] = "127.0.0.1:0"
        environment = environment_of(settings) | {"WEB_CONCURRENCY": WORKERS} | given
        with said.open("wb") as log:
            self._process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        self.port = self._listens_at()

    @property
    def said(self) -> str:
        return self._said.read_text()

    def answers(self, request: bytes, *, then_hang_up: bool = True) -> list[int]:
        """The statuses of whatever it answers to these bytes until it closes the connection; perhaps none."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWERS_WITHIN) as line:
            answer = b""
            try:
                line.sendall(request)
                if then_hang_up:
                    line.shutdown(socket.SHUT_WR)
                while piece := line.recv(65_536):
                    answer += piece
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has heard enough, and hung up in the middle
        return [int(status) for status in STATUS.findall(answer)]

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOPS_WITHIN)
        finally:
            self._process.kill()
            self._process.wait()

    def _listens_at(self) -> int:
        deadline = time.monotonic() + STARTS_WITHIN
        while not (found := re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", self.said)):
            assert self._process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)
        return int(found[1])
