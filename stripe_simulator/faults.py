"""Faults on order: the next matching requests fail the way networks and servers fail.

Each fault is used up by the request that meets it, whatever else is wrong with that request.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar

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
AFTER = ("lose_answer", "truncate_answer", "html_answer")
KINDS = (*BEFORE, *DURING, *AFTER)


class BadGateway(Exception):
    """A proxy's HTML page instead of an answer."""

    page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


@dataclass
class Order:
    """Something bad on order: what, how many more times (None: until called off), how likely.

    `seconds` is how long, for what takes time. The same seed throws the same dice.
    """

    kind: str
    count: int | None = 1
    seconds: float = 0.0
    probability: float = 1.0
    seed: int | None = None
    _dice: random.Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises: ValueError for a count below one, negative seconds, or a probability beyond 0…1."""
        if (self.count is not None and self.count < 1) or not self.seconds >= 0:
            raise ValueError("count must be at least 1, seconds not negative")
        if not 0 <= self.probability <= 1:
            raise ValueError("probability must be between 0 and 1")
        self._dice = random.Random(self.seed)

    def strikes(self) -> bool:
        """Throw the dice; a certain thing throws none."""
        return self.probability >= 1 or self._dice.random() < self.probability

    def shown(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}


Some = TypeVar("Some", bound=Order)


class Orders(Generic[Some]):
    """What is still to come, first ordered first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Some] = []

    def put(self, order: Some) -> None:
        with self._lock:
            self._waiting.append(order)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def first(self, meets: Callable[[Some], bool]) -> Some | None:
        """The first order that meets this occasion and strikes, used up by one."""
        with self._lock:
            for order in self._waiting:
                if meets(order) and order.strikes():
                    if order.count is not None:
                        order.count -= 1
                        if not order.count:
                            self._waiting.remove(order)
                    return order
        return None

    def waiting(self) -> list[dict[str, Any]]:
        with self._lock:
            return [order.shown() for order in self._waiting]


@dataclass
class Fault(Order):
    """What to do to which requests. `seconds` is for `delay`, in real time."""

    method: str = "POST"
    path: str = "*"

    def meets(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and fnmatchcase(path, self.path)

    def strike_before(self) -> None:
        """Raises: ApiError, ConnectionLost or BadGateway, for the kinds that stop a request at the door."""
        if self.kind in BEFORE:
            raise BEFORE[self.kind]()


class Faults(Orders[Fault]):
    """The faults still to come for requests."""

    def add(
        self,
        kind: str,
        *,
        method: str = "POST",
        path: str = "*",
        count: int | None = 1,
        seconds: float = 0.0,
        probability: float = 1.0,
        seed: int | None = None,
    ) -> None:
        """Let the next `count` (None: all) requests of a method ("*": any) and path pattern (fnmatch) fail.

        Raises: ValueError for an unknown kind, a count below one or a probability beyond 0…1.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}: one of {', '.join(KINDS)}")
        self.put(Fault(kind, count, seconds, probability, seed, method=method.upper(), path=path))

    def take(self, method: str, path: str) -> Fault | None:
        """The fault this request meets, used up by one."""
        return self.first(lambda fault: fault.meets(method, path))
