"""The simulated clock, and the timers that its passing sets off.

The clock ticks like the real one, at an offset kept in the database. Advancing runs every timer on the way,
in order, each at its own simulated moment, so that events carry the time at which they would have happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .work import Work

if TYPE_CHECKING:
    import sqlite3

    from .store import Store

_TIMERS: dict[str, Callable[[Work, str], None]] = {}


def on_time(name: str) -> Callable[[Callable[[Work, str], None]], Callable[[Work, str], None]]:
    """Register what a timer does; it gets the work (whose `now` is the timer's moment) and an object id."""

    def register(function: Callable[[Work, str], None]) -> Callable[[Work, str], None]:
        _TIMERS[name] = function
        return function

    return register


class Clock:
    """Simulated Unix seconds: those that `ticks` tells, and an offset. Setting it back runs nothing again."""

    def __init__(
        self,
        store: Store,
        begin: Callable[[sqlite3.Connection, float, str], Work],
        ticks: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._begin = begin
        self._ticks = ticks
        self._offset = float(store.setting("clock_offset", "0"))

    @property
    def offset(self) -> float:
        """How far the simulated clock is ahead of the real one, in seconds."""
        return round(self.now() - time.time(), 3)

    def now(self) -> float:
        return self._ticks() + self._offset

    def advance(self, seconds: float) -> None:
        """Move on (seconds >= 0) and run what falls due."""
        if seconds < 0:
            raise ValueError("advance() only goes forward; use set() to go back")
        self.set(self.now() + seconds)

    def set(self, unix: float) -> None:
        """Jump to a moment; forwards, everything due on the way happens first."""
        with self._store.transaction() as db:
            self.run_due(unix)
            self.pretend(unix)
            # After a jump back, a retry planned in what is now the future would wait for ever.
            db.execute("UPDATE deliveries SET due = min(due, ?) WHERE state = 'pending'", (unix,))

    def pretend(self, unix: float) -> None:
        """Take it to be that moment, and let nothing happen on the way."""
        self._offset = unix - self._ticks()
        self._store.set_setting("clock_offset", repr(self._offset))

    def forget(self) -> None:
        """Back to real time (the store has been erased)."""
        self._offset = 0.0

    def run_due(self, until: float | None = None) -> None:
        """Run every timer up to a moment (default: now), oldest first, those set meanwhile included."""
        limit = self.now() if until is None else until
        with self._store.transaction() as db:
            while True:
                row = db.execute(
                    "SELECT seq, at, name, object, account FROM timers WHERE at <= ? ORDER BY at, seq LIMIT 1",
                    (limit,),
                ).fetchone()
                if row is None:
                    return
                db.execute("DELETE FROM timers WHERE seq = ?", (row["seq"],))
                _TIMERS[row["name"]](self._begin(db, row["at"], row["account"]), row["object"])
