"""Telling endpoints about events: signed, at least once, again and again until they answer 2xx.

Source: https://docs.stripe.com/webhooks (delivery, retries) and https://docs.stripe.com/webhooks/signature
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from .ids import token
from .mischief import Mischief, Trick

if TYPE_CHECKING:
    from .clock import Clock
    from .store import Store

Send = Callable[[str, bytes, dict[str, str]], int]

# Far shorter than Stripe's hours: a demo recovers while somebody watches. Counted on the simulated clock.
RETRY_SECONDS = (1, 2, 5, 10, 30, 60, 300, 900, 3600)
ROTATION_SECONDS = 24 * 3600
_ATTEMPTS_KEPT = 10_000
_COUNT_PENDING = """
UPDATE events SET body = json_set(body, '$.pending_webhooks',
    (SELECT count(*) FROM deliveries WHERE event = :event AND state = 'pending')) WHERE id = :event
"""
_WRONG_SECRET = "whsec_of_somebody_else"


def signature(body: bytes, at: float, *secrets: str) -> str:
    """The `Stripe-Signature` header: HMAC-SHA256 over "time.body" by each secret, time in whole Unix seconds."""
    moment = int(at)
    signed = b"%d." % moment + body
    macs = (hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets)
    return ",".join((f"t={moment}", *(f"v1={mac}" for mac in macs)))


def receivers(db: sqlite3.Connection, platform: str, event: dict[str, Any], *, default: bool) -> list[str]:
    """The endpoints to tell of an event: "" for the one of the command line, then those made through the API.

    An endpoint hears of its own account, or with `connect` of all accounts connected to it.
    """
    rows = db.execute(
        "SELECT body FROM objects WHERE account = ? AND kind = 'webhook_endpoint' "
        "AND json_extract(body, '$.deleted') IS NULL ORDER BY seq",
        (platform,),
    )
    made = [json.loads(row["body"]) for row in rows]
    listening = [
        each["id"]
        for each in made
        if each["status"] == "enabled"
        and each["_connect"] == ("account" in event)
        and any(fnmatchcase(event["type"], wanted) for wanted in each["enabled_events"])
    ]
    return [""] * default + listening


@dataclass
class Target:
    """Where an endpoint is, and what signs for it. `old_secret` signs too until `old_until` (Unix seconds)."""

    url: str
    secret: str
    old_secret: str = ""
    old_until: float = 0.0

    def secrets(self, now: float) -> tuple[str, ...]:
        return (self.secret, self.old_secret) if now < self.old_until else (self.secret,)


class Webhooks:
    """The queue of deliveries to all endpoints."""

    def __init__(self, store: Store, clock: Clock, url: str | None, secret: str) -> None:
        self.mischief = Mischief()
        self._default = Target(url, secret) if url else None
        self._secret = secret
        self._store = store
        self._clock = clock
        self._sending: set[int] = set()
        self._held: dict[int, float] = {}
        self._guard = threading.Lock()

    @property
    def url(self) -> str | None:
        """Where the endpoint of the command line is."""
        return self._default.url if self._default else None

    @property
    def secret(self) -> str:
        """What signs for the endpoint of the command line."""
        return self._default.secret if self._default else self._secret

    def deliver(self, send: Send, *, force: bool = False) -> int:
        """One pass over the due deliveries, oldest first; returns how many succeeded.

        No lock is held while sending, so the endpoint may call the API. `force` ignores the back-off.
        """
        if self.mischief.paused:
            return 0
        held_before = set(self._held)
        rows = self._due(force)
        told = sum(self._try(row, send) for row in rows if row["seq"] not in held_before)
        # What was held back for others to go first goes now, latest first, or when nobody came by in time.
        for row in reversed(rows):
            until = self._held.get(row["seq"])
            if until is not None and (told or until <= self._clock.now()):
                del self._held[row["seq"]]
                told += self._try(row, send, held=True)
        return told

    def _due(self, force: bool) -> list[sqlite3.Row]:
        with self._store.transaction() as db:
            return db.execute(
                "SELECT d.seq, d.event, d.attempts, d.endpoint, e.type, e.body "
                "FROM deliveries d JOIN events e ON e.id = d.event "
                "WHERE d.state = 'pending' AND (? OR d.due <= ?) ORDER BY d.seq",
                (force, self._clock.now()),
            ).fetchall()

    def _try(self, row: sqlite3.Row, send: Send, *, held: bool = False) -> bool:
        with self._guard:
            if row["seq"] in self._sending:
                return False
            self._sending.add(row["seq"])
        try:
            target = self._target(row["endpoint"])
            if target is None or not self._still_pending(row["seq"]):
                return False
            trick = None if held else self.mischief.take(row["event"], row["type"])
            return self._send(row, target, trick, send)
        finally:
            with self._guard:
                self._sending.discard(row["seq"])

    def _target(self, endpoint: str) -> Target | None:
        """Where a delivery goes; None when the endpoint is gone or switched off."""
        if not endpoint:
            return self._default
        with self._store.transaction() as db:
            row = db.execute("SELECT body FROM objects WHERE id = ?", (endpoint,)).fetchone()
        made = json.loads(row["body"]) if row else {"status": "deleted"}
        if made.get("status") != "enabled":
            return None
        return Target(made["url"], made["_secret"], made.get("_old_secret", ""), float(made.get("_old_until", 0)))

    def _send(self, row: sqlite3.Row, target: Target, trick: Trick | None, send: Send) -> bool:
        kind = trick.kind if trick else ""
        if trick and kind in ("delay", "reorder"):
            self._put_off(row["seq"], kind, trick.seconds)
            return False
        if kind in ("drop", "lose"):
            self._record(row, target.url, 0, "dropped on request", lost=kind == "lose")
            return False
        for _ in range(2 if kind == "duplicate" else 1):
            status, note = self._attempt(str(row["body"]).encode(), target, kind, send)
        if kind == "lose_answer":
            status, note = 0, f"the answer {status} was lost on request"
        self._record(row, target.url, status, note or kind.replace("_", " "))
        return 200 <= status < 300

    def _put_off(self, seq: int, kind: str, seconds: float) -> None:
        later = self._clock.now() + seconds
        if kind == "reorder":
            self._held[seq] = later
            return
        with self._store.transaction() as db:
            db.execute("UPDATE deliveries SET due = ? WHERE seq = ?", (later, seq))

    def _attempt(self, body: bytes, target: Target, trick: str, send: Send) -> tuple[int, str]:
        now = self._clock.now()
        secrets = {
            "wrong_secret": (_WRONG_SECRET,),
            "rotated_secret": (_WRONG_SECRET, target.secret),
        }.get(trick, target.secrets(now))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, now, *secrets),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            return send(target.url, body, headers), ""
        except OSError as error:
            return 0, f"{type(error).__name__}: {error}"[:300]

    def _record(self, row: sqlite3.Row, url: str, status: int, note: str, *, lost: bool = False) -> None:
        now = self._clock.now()
        state = "delivered" if 200 <= status < 300 else "lost" if lost else "pending"
        wait = RETRY_SECONDS[min(row["attempts"], len(RETRY_SECONDS) - 1)]
        with self._store.transaction() as db:
            db.execute(
                "UPDATE deliveries SET attempts = attempts + 1, state = ?, due = ? WHERE seq = ?",
                (state, now + wait if state == "pending" else now, row["seq"]),
            )
            db.execute(
                "INSERT INTO delivery_attempts (delivery, event, at, url, status, note) VALUES (?, ?, ?, ?, ?, ?)",
                (row["seq"], row["event"], now, url, status, note),
            )
            if state != "pending":
                db.execute(_COUNT_PENDING, {"event": row["event"]})
            if not db.execute("SELECT last_insert_rowid() % 1000").fetchone()[0]:
                db.execute("DELETE FROM delivery_attempts WHERE seq <= last_insert_rowid() - ?", (_ATTEMPTS_KEPT,))

    def _still_pending(self, seq: int) -> bool:
        with self._store.transaction() as db:
            row = db.execute("SELECT state FROM deliveries WHERE seq = ?", (seq,)).fetchone()
        return row is not None and row["state"] == "pending"

    def resend(self, event_id: str) -> bool:
        """Queue an event once more for everyone it was meant for; False if there is none of that id."""
        with self._store.transaction() as db:
            if not db.execute("SELECT 1 FROM events WHERE id = ?", (event_id,)).fetchone():
                return False
            rows = db.execute("SELECT DISTINCT endpoint FROM deliveries WHERE event = ?", (event_id,)).fetchall()
            endpoints = [row["endpoint"] for row in rows] or [""] * (self._default is not None)
            db.executemany(
                "INSERT INTO deliveries (event, due, endpoint) VALUES (?, ?, ?)",
                [(event_id, self._clock.now(), endpoint) for endpoint in endpoints],
            )
        return True

    def rotate(self, endpoint: str = "", secret: str | None = None, seconds: float = ROTATION_SECONDS) -> str:
        """Give an endpoint ("": the command line's) a new secret; the old one signs too for `seconds` (simulated).

        Returns the new secret. Raises: ValueError without such an endpoint.
        Source: https://docs.stripe.com/webhooks#roll-endpoint-secrets
        """
        new = secret or f"whsec_{token(32)}"
        until = self._clock.now() + seconds
        target = self._target(endpoint)
        if target is None:
            raise ValueError(f"No such webhook endpoint: {endpoint or 'none was given at the start'}")
        if not endpoint:
            self._default = Target(target.url, new, target.secret, until)
            return new
        with self._store.transaction() as db:
            db.execute(
                "UPDATE objects SET body = json_set(body, '$._old_secret', json_extract(body, '$._secret'), "
                "'$._old_until', ?, '$._secret', ?) WHERE id = ?",
                (until, new, endpoint),
            )
        return new

    def reverse_pending(self) -> None:
        """Turn round the order of what is still to be delivered."""
        with self._store.transaction() as db:
            pending = "SELECT seq, event, endpoint FROM deliveries WHERE state = 'pending' ORDER BY seq"
            rows = db.execute(pending).fetchall()
            for row, other in zip(rows, reversed(rows), strict=True):
                db.execute(
                    "UPDATE deliveries SET event = ?, endpoint = ? WHERE seq = ?",
                    (other["event"], other["endpoint"], row["seq"]),
                )

    def attempts(self) -> list[dict[str, Any]]:
        """Every attempt kept, oldest first: event, at (simulated), url, status (0: no answer), note."""
        with self._store.transaction() as db:
            rows = db.execute("SELECT event, at, url, status, note FROM delivery_attempts ORDER BY seq").fetchall()
        return [dict(row) for row in rows]

    def pending(self) -> int:
        """How many deliveries have not succeeded yet."""
        with self._store.transaction() as db:
            return int(db.execute("SELECT count(*) FROM deliveries WHERE state = 'pending'").fetchone()[0])
