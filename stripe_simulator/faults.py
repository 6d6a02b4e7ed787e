"""Faults on order: the next matching requests fail the way networks and servers fail.

Each fault is used up by the request that meets it, whatever else is wrong with that request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from .errors import ConnectionLost, key_in_use, lock_timeout, rate_limited, server_error, unauthorized

BEFORE: dict[str, Callable[[], Exception]] = {
    # Nothing happens and nothing is remembered: the request never got to its endpoint.
    "error_500_unsaved": lambda: server_error(saved=False),
    "conflict_409": lambda: key_in_use("simulated"),
    "lock_timeout_429": lock_timeout,
    "rate_limit_429": rate_limited,
    "unauthorized_401": lambda: unauthorized("Invalid API Key provided: the simulator was told to refuse it."),
    "drop_request": lambda: ConnectionLost("The request was dropped before it was read."),
    "html_502": lambda: BadGateway(),
}
DURING = ("error_500_saved_with_effect", "error_500_saved_without_effect", "delay")
AFTER = ("lose_answer", "truncate_answer")
KINDS = (*BEFORE, *DURING, *AFTER)


class BadGateway(Exception):
    """A proxy's HTML page instead of an answer."""

    page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


@dataclass
class Fault:
    """What to do to which requests, and how many more times. `seconds` is for `delay`, in real time."""

    kind: str
    method: str = "POST"
    path: str = "*"
    count: int = 1
    seconds: float = 0.0

    def meets(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and fnmatchcase(path, self.path)

    def strike_before(self) -> None:
        """Raises: ApiError, ConnectionLost or BadGateway, for the kinds that stop a request at the door."""
        if self.kind in BEFORE:
            raise BEFORE[self.kind]()


class Faults:
    """The faults still to come, first ordered first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, kind: str, *, method: str = "POST", path: str = "*", count: int = 1, seconds: float = 0.0) -> None:
        """Let the next `count` requests of a method ("*": any) and path pattern (fnmatch) fail.

        Raises: ValueError for an unknown kind or a count below one.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}: one of {', '.join(KINDS)}")
        if count < 1 or seconds < 0:
            raise ValueError("count must be at least 1, seconds not negative")
        with self._lock:
            self._waiting.append(Fault(kind, method.upper(), path, count, seconds))

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault this request meets, used up by one."""
        with self._lock:
            for fault in self._waiting:
                if fault.meets(method, path):
                    fault.count -= 1
                    if not fault.count:
                        self._waiting.remove(fault)
                    return fault
        return None

    def waiting(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._waiting]
