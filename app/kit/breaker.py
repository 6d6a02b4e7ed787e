"""A circuit breaker: who has stopped answering is left alone for a while, instead of being waited for by everybody."""

from collections.abc import Callable
from datetime import timedelta
from threading import Lock


class Breaker:
    """After ``limit`` failures in a row nobody is let through for ``pause``; then one at a time, until one succeeds.

    As with electricity, it is *open* when nothing gets through. ``time`` only goes forward. The lock is held for a
    comparison, never during a call: a slow call keeps nobody else waiting.
    """

    def __init__(
        self, time: Callable[[], timedelta], *, limit: int = 5, pause: timedelta = timedelta(seconds=10)
    ) -> None:
        self._time, self._limit, self._pause = time, limit, pause
        self._lock = Lock()
        self._failures = 0
        self._open_until = time()

    @property
    def is_open(self) -> bool:
        """Whether nobody would be let through now."""
        with self._lock:
            return self._is_open()

    def lets_through(self) -> bool:
        """Whether a call may be made. Whoever is the first after a pause tries it out while the others wait on."""
        with self._lock:
            if self._is_open():
                return False
            if self._failures >= self._limit:
                self._open_until = self._time() + self._pause
            return True

    def succeeded(self) -> None:
        """A call was answered."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """A call was not answered."""
        with self._lock:
            self._failures += 1
            self._open_until = self._time() + self._pause

    def _is_open(self) -> bool:
        return self._failures >= self._limit and self._time() < self._open_until
