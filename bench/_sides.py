"""Programs that answer the same requests, each under gunicorn on a PostgreSQL database of its own."""

from __future__ import annotations

import hashlib
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench._load import Round, send
from tests.databases import postgresql_url

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ROOT / "bench" / "requirements.txt"
OWN = ROOT / "var" / "bench"
PROCESSES, THREADS = 2, 4
SECONDS_TO_START = 60


@dataclass
class Side:
    """``serves`` is gunicorn's word for it; ``prepare``, what is run before, with the same ``python``.

    ``share`` of the requests is enough for a slow one. ``busy`` is what its processes needed of the processor for each
    request, in seconds, the database aside.
    """

    name: str
    python: Path
    serves: str
    prepare: Sequence[str]
    path: str
    environ: dict[str, str] = field(default_factory=dict)
    share: float = 1.0
    rounds: list[Round] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        environ = {**os.environ, **self.environ, "DATABASE_URL": postgresql_url("bench")}
        subprocess.run([str(self.python), *self.prepare], cwd=ROOT, env=environ, check=True, stderr=subprocess.DEVNULL)
        self._port = _free_port()
        process = subprocess.Popen(self._command(), cwd=ROOT, env=environ)
        try:
            self._watched = psutil.Process(process.pid)
            _wait_until_it_answers(self._port, process)
            yield
        finally:
            process.terminate()
            process.wait()

    def answer(self, requests: Sequence[bytes], connections: int, *, counts: bool) -> None:
        """Let it answer its share of ``requests``; the first time is for warming up and does not count."""
        mine = requests[: int(len(requests) * self.share)]
        before = self._cpu()
        answered = send(self._port, mine, connections)
        if counts:
            self.rounds.append(answered)
            self.busy.append((self._cpu() - before) / len(mine))

    def median(self, figure: Callable[[Round], float]) -> float:
        return statistics.median(map(figure, self.rounds))

    def times(self, other: Side, figure: Callable[[Round], float]) -> float:
        """The median over the rounds of how many times ``other``'s figure this one's is."""
        return statistics.median(figure(a) / figure(b) for a, b in zip(self.rounds, other.rounds, strict=True))

    def _command(self) -> list[str]:
        crew = ["--worker-class", "gthread", "--workers", str(PROCESSES), "--threads", str(THREADS)]
        bind = ["--bind", f"127.0.0.1:{self._port}", "--no-control-socket", "--log-level", "error"]
        return [str(self.python), "-m", "gunicorn", self.serves, *crew, *bind]

    def _cpu(self) -> float:
        family = [self._watched, *self._watched.children(recursive=True)]
        return sum(each.cpu_times().user + each.cpu_times().system for each in family)


def other_python() -> Path:
    """The Python of an environment with what Mentorhold is measured against; made once for each list of it."""
    stamp = OWN / f"installed-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}"
    python = OWN / "bin" / "python"
    if not stamp.exists():
        print("Installing what Mentorhold is measured against", file=sys.stderr)
        venv.create(OWN, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "-r", str(REQUIREMENTS)], check=True)
        stamp.touch()
    return python


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=SECONDS_TO_START).close()
        except urllib.error.HTTPError:
            return  # whatever it says, it is there
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"what should answer at port {port} does not")
