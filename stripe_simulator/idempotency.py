"""Saved answers: the same key with the same parameters gets the same status and body again.

Source: https://docs.stripe.com/api/idempotent_requests
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass

from .errors import invalid, wrong_key_endpoint, wrong_key_parameters
from .shapes import Object
from .work import dump

KEPT_SECONDS = 24 * 3600
_LONGEST_KEY = 255


@dataclass(frozen=True)
class Ticket:
    """A key as one caller used it on one path with certain parameters."""

    scope: str
    key: str
    path: str
    fingerprint: str

    @property
    def name(self) -> str:
        return f"{self.scope} {self.key}"


@dataclass(frozen=True)
class Saved:
    """The first answer given under a key."""

    status: int
    body: Object
    request_id: str


def ticket(scope: str, key: str | None, path: str, params: Object) -> Ticket | None:
    """The ticket for a request, or None without a key. Raises: ApiError 400 for an empty or overlong key."""
    if key is None:
        return None
    if not 0 < len(key) <= _LONGEST_KEY:
        raise invalid(f"Invalid Idempotency-Key: must be 1 to {_LONGEST_KEY} characters.")
    fingerprint = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
    return Ticket(hashlib.sha256(scope.encode()).hexdigest(), key, path, fingerprint)


def find(db: sqlite3.Connection, asked: Ticket, now: float) -> Saved | None:
    """The saved answer. Raises: ApiError 400 `idempotency_error` if the key served another request."""
    db.execute("DELETE FROM idempotency WHERE created < ?", (now - KEPT_SECONDS,))
    row = db.execute("SELECT * FROM idempotency WHERE scope = ? AND key = ?", (asked.scope, asked.key)).fetchone()
    if row is None:
        return None
    if row["path"] != asked.path:
        raise wrong_key_endpoint(asked.key, asked.path, row["path"])
    if row["fingerprint"] != asked.fingerprint:
        raise wrong_key_parameters(asked.key)
    return Saved(row["status"], json.loads(row["body"]), row["request_id"])


def save(db: sqlite3.Connection, used: Ticket, answer: Saved, now: float) -> None:
    db.execute(
        "INSERT INTO idempotency (scope, key, path, fingerprint, status, body, request_id, created) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            used.scope,
            used.key,
            used.path,
            used.fingerprint,
            answer.status,
            dump(answer.body),
            answer.request_id,
            now,
        ),
    )


def forget_all(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM idempotency")
