"""Names held for the length of a request: idempotency keys in flight, objects being changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .errors import ApiError


class Holds:
    """A set of names, each held by at most one thread."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._freed = threading.Condition()

    @contextmanager
    def hold(self, name: str | None, refusal: Callable[[], ApiError], *, wait: float = 0.0) -> Iterator[None]:
        """Hold a name (None: nothing) during the block; raise the refusal if it stays taken too long."""
        if name is None:
            yield
            return
        deadline = time.monotonic() + wait
        with self._freed:
            while name in self._held:
                if not self._freed.wait(timeout=max(0.0, deadline - time.monotonic())):
                    raise refusal()
            self._held.add(name)
        try:
            yield
        finally:
            with self._freed:
                self._held.discard(name)
                self._freed.notify_all()
