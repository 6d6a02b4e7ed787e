"""What time it is. Only doors ask; everything below them is told ``now``.

The source can be replaced, which moves the whole application: tests turn the hands themselves, and the demo
reads the clock of the Stripe simulator, so that a hold can be watched lapsing seven days from now.
"""

import json
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from threading import Lock

Source = Callable[[], datetime]


def system_time() -> datetime:
    """The machine's own clock, aware UTC."""
    return datetime.now(UTC)


def steady() -> timedelta:
    """Time since some moment in the past: it only goes forward, whatever is done to the machine's clock."""
    return timedelta(microseconds=time.monotonic_ns() // 1_000)


_source: Source = system_time


def now() -> datetime:
    """The time, aware UTC."""
    return _source()


def use(source: Source) -> None:
    """Read the time from ``source`` from now on."""
    global _source
    _source = source


def source() -> Source:
    """Where the time is read from."""
    return _source


class SimulatedClock:
    """The clock of a Stripe simulator, over HTTP.

    The distance to the machine's clock is asked for at most once a second. While the simulator does not answer,
    the last known distance holds: time goes on, it does not jump back.
    """

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url.rstrip('/')}/_simulator/clock"
        self._lock = Lock()
        self._offset = timedelta()
        self._fresh_until = 0.0

    def __call__(self) -> datetime:
        with self._lock:
            if time.monotonic() >= self._fresh_until:
                self._refresh()
            return system_time() + self._offset

    def advance(self, by: timedelta) -> None:
        """Move the simulated clock forward; Stripe's side of what falls due happens at once.

        Raises: OSError if the simulator does not answer.
        """
        self._tell({"advance": by.total_seconds()})

    def set(self, to: datetime) -> None:
        """Put the simulated clock to a time, also backwards. Raises: OSError if the simulator does not answer."""
        self._tell({"set": to.timestamp()})

    def _tell(self, change: dict[str, float]) -> None:
        body = json.dumps(change).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30):
            self._fresh_until = 0.0

    def _refresh(self) -> None:
        self._fresh_until = time.monotonic() + 1
        try:
            with urllib.request.urlopen(self._url, timeout=2) as answer:
                self._offset = timedelta(seconds=float(json.load(answer)["offset"]))
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            return  # whatever was wrong with the answer, the last known distance holds
