"""State in SQLite: objects and events as JSON, timers, saved answers, deliveries.

One connection behind one lock. Each API request is one transaction that holds its objects, its events, their
deliveries and its saved answer, so killing the process never separates them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ConnectionLost

_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, account TEXT NOT NULL,
    created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (account, kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (kind, json_extract(body, '$.customer'), seq)
    WHERE json_extract(body, '$.customer') IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (kind, json_extract(body, '$.payment_intent'), seq)
    WHERE json_extract(body, '$.payment_intent') IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_charge ON objects (kind, json_extract(body, '$.charge'), seq)
    WHERE json_extract(body, '$.charge') IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_email ON objects (kind, json_extract(body, '$.email'), seq)
    WHERE json_extract(body, '$.email') IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_source ON objects (kind, json_extract(body, '$.source_transaction'), seq)
    WHERE json_extract(body, '$.source_transaction') IS NOT NULL;
-- What the balance transactions add up to, kept by the database itself, so that no writer can forget it.
CREATE TABLE IF NOT EXISTS balances (
    account TEXT NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (account, currency, status)) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS balance_moves AFTER INSERT ON objects WHEN new.kind = 'balance_transaction' BEGIN
    INSERT INTO balances VALUES (new.account, json_extract(new.body, '$.currency'),
        json_extract(new.body, '$.status'), json_extract(new.body, '$.net'))
        ON CONFLICT (account, currency, status) DO UPDATE SET amount = amount + excluded.amount;
END;
CREATE TRIGGER IF NOT EXISTS balance_clears AFTER UPDATE ON objects WHEN new.kind = 'balance_transaction' BEGIN
    UPDATE balances SET amount = amount - (json_extract(old.body, '$.net')) WHERE account = old.account
        AND currency = json_extract(old.body, '$.currency') AND status = json_extract(old.body, '$.status');
    INSERT INTO balances VALUES (new.account, json_extract(new.body, '$.currency'),
        json_extract(new.body, '$.status'), json_extract(new.body, '$.net'))
        ON CONFLICT (account, currency, status) DO UPDATE SET amount = amount + excluded.amount;
END;
INSERT INTO balances
    SELECT account, json_extract(body, '$.currency'), json_extract(body, '$.status'), sum(json_extract(body, '$.net'))
    FROM objects WHERE kind = 'balance_transaction' AND NOT EXISTS (SELECT 1 FROM balances) GROUP BY 1, 2, 3;
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, type TEXT NOT NULL,
    created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_type ON events (account, type, seq);
CREATE TABLE IF NOT EXISTS timers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, name TEXT NOT NULL, object TEXT NOT NULL,
    account TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS timers_by_time ON timers (at, seq);
CREATE TABLE IF NOT EXISTS idempotency (
    scope TEXT NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL, fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL, body TEXT NOT NULL, request_id TEXT NOT NULL, created REAL NOT NULL,
    PRIMARY KEY (scope, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idempotency_by_age ON idempotency (created);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'pending', endpoint TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due, seq) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS delivery_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery INTEGER NOT NULL, event TEXT NOT NULL, at REAL NOT NULL,
    url TEXT NOT NULL, status INTEGER NOT NULL, note TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS attempts_by_delivery ON delivery_attempts (delivery);
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    status INTEGER NOT NULL, request TEXT NOT NULL, account TEXT NOT NULL, key TEXT NOT NULL,
    replayed INTEGER NOT NULL, asked TEXT NOT NULL, answered TEXT NOT NULL);
"""
_TABLES = (
    "objects",
    "balances",
    "events",
    "timers",
    "idempotency",
    "deliveries",
    "delivery_attempts",
    "journal",
    "settings",
)


class Store:
    """A database file (or `:memory:`), shared by all threads of one process."""

    def __init__(self, database: str) -> None:
        if database != ":memory:":
            Path(database).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(database, check_same_thread=False, isolation_level=None, timeout=10)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing in WAL mode even so; only a power cut could, and no money is here.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)
        columns = self._connection.execute("SELECT name FROM pragma_table_info('deliveries')")
        if "endpoint" not in [column["name"] for column in columns]:  # a database of before there were endpoints
            self._connection.execute("ALTER TABLE deliveries ADD COLUMN endpoint TEXT NOT NULL DEFAULT ''")
        self._depth = 0
        self._closed = False

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; nested uses join the outer one. Raises: ConnectionLost once closed."""
        with self._lock:
            if self._closed:
                raise ConnectionLost("The simulator is shutting down.")
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._connection
            except BaseException:
                self._depth -= 1
                if outermost:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if outermost:
                self._connection.execute("COMMIT")

    def setting(self, name: str, default: str) -> str:
        with self.transaction() as db:
            row = db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return str(row["value"]) if row else default

    def set_setting(self, name: str, value: str) -> None:
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def copy(self) -> sqlite3.Connection:
        """Everything as it is now, in memory; `put_back` brings it back any number of times."""
        kept = sqlite3.connect(":memory:", check_same_thread=False)
        with self._lock:
            self._connection.backup(kept)
        return kept

    def put_back(self, kept: sqlite3.Connection) -> None:
        """Everything as it was when it was copied."""
        with self._lock:
            kept.backup(self._connection)

    def erase(self) -> None:
        """Forget everything, as on a new database."""
        with self.transaction() as db:
            for table in _TABLES:
                db.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._connection.close()
