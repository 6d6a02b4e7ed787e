"""What was asked and answered: the latest requests with their parameters and answers, for people to look at."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .ids import new_id

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from .clock import Clock
    from .store import Store

_KEPT = 1_000
_LONGEST = 20_000


@dataclass(frozen=True)
class Entry:
    """One request; status 0: its caller got no answer. `at` is the simulated time in Unix seconds."""

    seq: int
    at: float
    method: str
    path: str
    status: int
    request: str
    account: str
    key: str
    replayed: bool
    asked: str
    answered: str


class Journal:
    """The latest thousand requests to the API."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def write(self, request: Request, status: int, request_id: str, answered: str, *, replayed: bool) -> None:
        """Keep a request with its answer; both are cut after 20,000 characters."""
        asked = request.query_string if request.method in ("GET", "DELETE") else request.get_data()
        headers = request.headers
        row = (
            self._clock.now(),
            request.method,
            request.path,
            status,
            request_id or new_id("req"),
            headers.get("Stripe-Account", ""),
            headers.get("Idempotency-Key", ""),
            replayed,
            asked[:_LONGEST].decode("utf-8", "replace"),
            answered[:_LONGEST],
        )
        with self._store.transaction() as db:
            seq = db.execute(
                "INSERT INTO journal (at, method, path, status, request, account, key, replayed, asked, answered) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            ).lastrowid
            if seq and seq % 100 == 0:
                db.execute("DELETE FROM journal WHERE seq <= ?", (seq - _KEPT,))

    def page(self, limit: int, *, before: int | None = None, about: str | None = None) -> list[Entry]:
        """Requests newest first, older than one of them (None: from the newest), about an object id (None: any)."""
        with self._store.transaction() as db:
            rows = db.execute(
                "SELECT * FROM journal WHERE (? IS NULL OR seq < ?) AND (? IS NULL OR instr(path, ?) "
                "OR instr(asked, ?) OR instr(answered, ?)) ORDER BY seq DESC LIMIT ?",
                (before, before, about, about, about, about, limit),
            ).fetchall()
        return [_entry(row) for row in rows]


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(**{**dict(row), "replayed": bool(row["replayed"])})
