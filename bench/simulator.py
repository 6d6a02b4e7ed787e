"""How fast the Stripe simulator answers, starts, and how much memory it takes: one process, over its socket."""

from __future__ import annotations

import argparse
import http.client
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

import psutil

ROOT = Path(__file__).parents[1]
WANTED_PER_SECOND, WANTED_START_SECONDS, WANTED_MEGABYTES = 300, 1.0, 60
_HEADERS = {"Authorization": "Bearer sk_test_bench", "Content-Type": "application/x-www-form-urlencoded"}
_BODY = urlencode({"amount": 5000, "currency": "usd", "capture_method": "manual", "metadata[booking]": "bk_1"})


def main(arguments: list[str]) -> int:
    """Print the figures; 0 when all are as wanted."""
    parser = argparse.ArgumentParser(prog="bench simulator")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=4)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        process = _start(Path(folder) / "stripe.db")
        try:
            port = _port(process)
            start, watched = time.monotonic() - begun, psutil.Process(process.pid)
            own = _cpu(watched)
            took, elapsed = _load(port, options.connections, options.seconds)
            return _report(start, own, took, elapsed, _cpu(watched) - own, watched.memory_info().rss / 2**20)
        finally:
            process.terminate()
            process.wait()


def _start(database: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "stripe_simulator", "--port", "0", "--database", str(database)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)


def _port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout
    return int(process.stdout.readline().decode().rsplit(":", 1)[1])


def _load(port: int, connections: int, seconds: float) -> tuple[list[float], float]:
    """Create intents on several connections; the seconds each took, and the seconds it all took."""
    took: list[float] = []
    begun = time.monotonic()

    def one() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() - begun < seconds:
            sent = time.monotonic()
            connection.request("POST", "/v1/payment_intents", _BODY, _HEADERS)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            took.append(time.monotonic() - sent)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took, time.monotonic() - begun


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _report(start: float, own: float, took: list[float], elapsed: float, busy: float, megabytes: float) -> int:
    rate = len(took) / elapsed
    ordered = sorted(took)
    p50, p95 = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    print(f"POST /v1/payment_intents  {rate:6.0f} per second (wanted: {WANTED_PER_SECOND})")
    print(f"  an answer takes         {p50 * 1000:6.1f} ms, 95 %: {p95 * 1000:.1f} ms")
    print(f"  of the processor        {busy / len(took) * 1000:6.2f} ms")
    print(f"start                     {start:6.2f} s, {own:.2f} s CPU (wanted: {WANTED_START_SECONDS:.0f})")
    print(f"memory afterwards         {megabytes:6.0f} MB (wanted: {WANTED_MEGABYTES}), {len(took)} intents later")
    # A busy machine is no slow start: its own seconds count.
    good = rate >= WANTED_PER_SECOND and own <= WANTED_START_SECONDS and megabytes <= WANTED_MEGABYTES
    return 0 if good else 1
