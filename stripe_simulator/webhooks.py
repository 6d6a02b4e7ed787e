"""Telling the endpoint about events: signed, at least once, again and again until it answers 2xx.

Source: https://docs.stripe.com/webhooks (delivery, retries) and https://docs.stripe.com/webhooks/signature
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clock import Clock
    from .store import Store

Send = Callable[[str, bytes, dict[str, str]], int]

# Far shorter than Stripe's hours: a demo recovers while somebody watches. Counted on the simulated clock.
RETRY_SECONDS = (1, 2, 5, 10, 30, 60, 300, 900, 3600)
_ATTEMPTS_KEPT = 10_000


def signature(body: bytes, secret: str, at: float) -> str:
    """The `Stripe-Signature` header: HMAC-SHA256 over "time.body", time in whole Unix seconds."""
    moment = int(at)
    mac = hmac.new(secret.encode(), b"%d." % moment + body, hashlib.sha256)
    return f"t={moment},v1={mac.hexdigest()}"


@dataclass
class Mischief:
    """Delivery faults still to come: how many to lose or to send twice, and whether all is held back."""

    paused: bool = False
    drop: int = 0
    duplicate: int = 0


class Webhooks:
    """The queue of deliveries to one endpoint."""

    def __init__(self, store: Store, clock: Clock, url: str | None, secret: str) -> None:
        self.url = url
        self.secret = secret
        self.mischief = Mischief()
        self._store = store
        self._clock = clock
        self._sending: set[int] = set()
        self._guard = threading.Lock()

    def deliver(self, send: Send, *, force: bool = False) -> int:
        """One pass over the due deliveries, oldest first; returns how many succeeded.

        No lock is held while sending, so the endpoint may call the API. `force` ignores the back-off.
        """
        if self.url is None or self.mischief.paused:
            return 0
        return sum(self._try(row, send, self.url) for row in self._due(force))

    def _due(self, force: bool) -> list[sqlite3.Row]:
        with self._store.transaction() as db:
            return db.execute(
                "SELECT d.seq, d.event, d.attempts, e.body FROM deliveries d JOIN events e ON e.id = d.event "
                "WHERE d.state = 'pending' AND (? OR d.due <= ?) ORDER BY d.seq",
                (force, self._clock.now()),
            ).fetchall()

    def _try(self, row: sqlite3.Row, send: Send, url: str) -> bool:
        with self._guard:
            if row["seq"] in self._sending:
                return False
            self._sending.add(row["seq"])
        try:
            if self._still_pending(row["seq"]):
                return self._send(row, send, url)
            return False
        finally:
            with self._guard:
                self._sending.discard(row["seq"])

    def _send(self, row: sqlite3.Row, send: Send, url: str) -> bool:
        body = str(row["body"]).encode()
        times = 1
        if self.mischief.drop:
            self.mischief.drop -= 1
            self._record(row, url, 0, "dropped on request")
            return False
        if self.mischief.duplicate:
            self.mischief.duplicate -= 1
            times = 2
        for _ in range(times):
            status, note = self._attempt(body, send, url)
        self._record(row, url, status, note)
        return 200 <= status < 300

    def _attempt(self, body: bytes, send: Send, url: str) -> tuple[int, str]:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, self.secret, self._clock.now()),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            return send(url, body, headers), ""
        except OSError as error:
            return 0, f"{type(error).__name__}: {error}"[:300]

    def _record(self, row: sqlite3.Row, url: str, status: int, note: str) -> None:
        now = self._clock.now()
        done = 200 <= status < 300
        wait = RETRY_SECONDS[min(row["attempts"], len(RETRY_SECONDS) - 1)]
        with self._store.transaction() as db:
            db.execute(
                "UPDATE deliveries SET attempts = attempts + 1, state = ?, due = ? WHERE seq = ?",
                ("delivered" if done else "pending", now if done else now + wait, row["seq"]),
            )
            db.execute(
                "INSERT INTO delivery_attempts (delivery, event, at, url, status, note) VALUES (?, ?, ?, ?, ?, ?)",
                (row["seq"], row["event"], now, url, status, note),
            )
            if not db.execute("SELECT last_insert_rowid() % 1000").fetchone()[0]:
                db.execute(
                    "DELETE FROM delivery_attempts WHERE seq <= last_insert_rowid() - ?", (_ATTEMPTS_KEPT,)
                )  # fmt: skip

    def _still_pending(self, seq: int) -> bool:
        with self._store.transaction() as db:
            row = db.execute("SELECT state FROM deliveries WHERE seq = ?", (seq,)).fetchone()
        return row is not None and row["state"] == "pending"

    def resend(self, event_id: str) -> bool:
        """Queue an event once more; False if there is none of that id."""
        with self._store.transaction() as db:
            if not db.execute("SELECT 1 FROM events WHERE id = ?", (event_id,)).fetchone():
                return False
            db.execute("INSERT INTO deliveries (event, due) VALUES (?, ?)", (event_id, self._clock.now()))
        return True

    def reverse_pending(self) -> None:
        """Turn round the order of what is still to be delivered."""
        with self._store.transaction() as db:
            rows = db.execute("SELECT seq, event FROM deliveries WHERE state = 'pending' ORDER BY seq").fetchall()
            for row, other in zip(rows, reversed(rows), strict=True):
                db.execute("UPDATE deliveries SET event = ? WHERE seq = ?", (other["event"], row["seq"]))

    def attempts(self) -> list[dict[str, Any]]:
        """Every attempt kept, oldest first: event, at (simulated), url, status (0: no answer), note."""
        with self._store.transaction() as db:
            rows = db.execute("SELECT event, at, url, status, note FROM delivery_attempts ORDER BY seq").fetchall()
        return [dict(row) for row in rows]

    def pending(self) -> int:
        """How many deliveries have not succeeded yet."""
        with self._store.transaction() as db:
            return int(db.execute("SELECT count(*) FROM deliveries WHERE state = 'pending'").fetchone()[0])
