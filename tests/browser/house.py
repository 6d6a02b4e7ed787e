"""Mentorhold as a person starts it, with ``bin/demo``: simulator, web server and worker in one process group."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

ROOT = Path(__file__).parents[2]
STARTS_WITHIN, STOPS_WITHIN = 90, 30  # seconds
OURS = ("PORT", "SIMULATOR_PORT", "DATA_DIR", "DATABASE_URL")

# A terminal's Ctrl-C reaches a program that listens to it. One that was started in the background may not.
AS_IN_A_TERMINAL = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


class House:
    """One start of ``bin/demo`` on ``data``; ``lines`` is what it has said so far."""

    def __init__(self, data: Path) -> None:
        self.port, self.simulator_port = _free_ports(2)
        self.url = f"http://localhost:{self.port}"
        self.simulator_url = f"http://127.0.0.1:{self.simulator_port}"
        self.lines: list[str] = []
        self.data = data
        began = time.monotonic()
        self._demo = self._start()
        self._wait_until_ready()
        self.seconds_to_start = time.monotonic() - began

    def _start(self) -> "subprocess.Popen[str]":
        given = {name: value for name, value in os.environ.items() if name not in OURS}
        given |= {"PORT": str(self.port), "SIMULATOR_PORT": str(self.simulator_port), "DATA_DIR": str(self.data)}
        return subprocess.Popen(
            [sys.executable, "-c", AS_IN_A_TERMINAL, str(ROOT / "bin" / "demo")],
            env=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _wait_until_ready(self) -> None:
        said: Queue[str] = Queue()
        threading.Thread(target=self._listen, args=(said,), daemon=True).start()
        deadline = time.monotonic() + STARTS_WITHIN
        while not any("Mentorhold is ready" in line for line in self.lines):
            try:
                self.lines.append(said.get(timeout=max(0.0, deadline - time.monotonic())))
            except Empty:
                self.stop()
                raise AssertionError(f"bin/demo is not ready: {self.lines}") from None
            if self.lines[-1] == "":
                self._demo.communicate()
                raise AssertionError(f"bin/demo ended: {self.lines}")
        self.lines = [line.rstrip("\n") for line in self.lines]

    def _listen(self, said: "Queue[str]") -> None:
        """Hand over every line, and an empty one at the end."""
        assert self._demo.stdout is not None
        for line in self._demo.stdout:
            said.put(line)
        said.put("")

    def stop(self) -> int:
        """Press Ctrl-C; the exit code. What has not gone by itself is an error, and is ended all the same."""
        os.killpg(self._demo.pid, signal.SIGINT)
        try:
            return self._demo.wait(timeout=STOPS_WITHIN)
        finally:
            left = self.inhabitants
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            self._demo.wait()
            if self._demo.stdout is not None:
                self._demo.stdout.close()
            assert not left, "processes were left behind"

    @property
    def inhabitants(self) -> list[int]:
        """The processes of the demo: it was started in a session of its own."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue  # it has just ended
            if int(session) == self._demo.pid and state != "Z":
                found.append(int(entry.name))
        return found

    def process(self, words: str, *, of: int | None = None) -> int:
        """The pid of the child (of the demo, or of another process) whose command line has these words."""
        parent = of or self._demo.pid
        for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            if words in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                return int(pid)
        raise AssertionError(f"no process {words!r}")

    @contextmanager
    def stripe_silent(self) -> Iterator[None]:
        """Stripe takes connections but does not answer."""
        pid = self.process("stripe_simulator")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
