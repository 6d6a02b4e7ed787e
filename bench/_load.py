"""Sending prepared requests from several processes at once: raw sockets, a connection each, closed after the answer."""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

BEGINS = b"HTTP/1.1 200"


@dataclass(frozen=True)
class Round:
    """``took``: seconds of each request, sorted; ``elapsed``: of all together; ``own``: what sending cost itself."""

    took: list[float]
    elapsed: float
    own: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.took) / self.elapsed

    def percentile(self, share: float) -> float:
        return self.took[min(int(len(self.took) * share), len(self.took) - 1)]


def send(port: int, requests: Sequence[bytes], connections: int) -> Round:
    """Send every request once, ``connections`` at a time. Raises: RuntimeError unless each is answered with a 200."""
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(connections)
    pipes = [context.Pipe(duplex=False) for _ in range(connections)]
    senders = [
        context.Process(target=_sender, args=(port, requests[n::connections], gate, pipe))
        for n, (_, pipe) in enumerate(pipes)
    ]
    for sender in senders:
        sender.start()
    told = [reader.recv() for reader, _ in pipes]
    for sender in senders:
        sender.join()
    wrong = [answer for _, _, _, _, answer in told if answer]
    if wrong:
        raise RuntimeError(f"not answered with a 200: {wrong[0]!r}")
    begun, ended = min(each[0] for each in told), max(each[1] for each in told)
    return Round(sorted(took for each in told for took in each[2]), ended - begun, sum(each[3] for each in told))


def _sender(port: int, requests: Sequence[bytes], gate: Any, report: Any) -> None:
    took, wrong = [], b""
    gate.wait()
    own = time.process_time()
    begun = sent = time.monotonic()
    for request in requests:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request)
            answer = connection.recv(65_536)
            while connection.recv(65_536):
                pass
        if not answer.startswith(BEGINS):
            wrong = answer
            break
        now = time.monotonic()
        took.append(now - sent)
        sent = now
    report.send((begun, sent, took, time.process_time() - own, wrong))
