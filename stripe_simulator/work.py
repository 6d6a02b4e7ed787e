"""A unit of work: what one request, or one due timer, reads and writes at one simulated moment."""

from __future__ import annotations

import copy
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from .errors import no_such
from .ids import new_id
from .shapes import API_VERSION, Object, public
from .webhooks import receivers

_Follower = Callable[["Work", Object], None]
_FOLLOWERS: dict[str, list[_Follower]] = {}


def follows(type: str) -> Callable[[_Follower], _Follower]:
    """Register what follows from an event of a type, in the same transaction and right after it.

    So that a paid PaymentIntent pays its invoice, whoever confirmed it: the API, a browser or the clock.
    """

    def register(function: _Follower) -> _Follower:
        _FOLLOWERS.setdefault(type, []).append(function)
        return function

    return register


def dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Work:
    """Objects and events of one account inside one open transaction.

    `now` is the simulated time in Unix seconds; `moment` the same in whole seconds, as Stripe writes it.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        now: float,
        account: str,
        *,
        platform: str | None = None,
        request_id: str | None = None,
        idempotency_key: str | None = None,
        webhooks: bool = False,
    ) -> None:
        self._db = db
        self.now = now
        self.moment = int(now)
        self.account = account
        self.platform = account if platform is None else platform
        self._request = {"id": request_id, "idempotency_key": idempotency_key}
        self._webhooks = webhooks

    def of(self, account: str) -> Work:
        """The same moment and transaction, for another account: what happens there is its own."""
        other = copy.copy(self)
        other.account = account
        return other

    def owner(self, object_id: str) -> str | None:
        """The account an object belongs to, whichever it is."""
        row = self._db.execute("SELECT account FROM objects WHERE id = ?", (object_id,)).fetchone()
        return str(row["account"]) if row else None

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo what the block wrote if it raises, and go on with the transaction."""
        self._db.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO attempt")
            self._db.execute("RELEASE attempt")
            raise
        self._db.execute("RELEASE attempt")

    def find(self, kind: str, object_id: str) -> Object | None:
        """The object, or None; kinds and accounts never see each other's."""
        row = self._db.execute(
            "SELECT body FROM objects WHERE id = ? AND kind = ? AND account = ?",
            (object_id, kind, self.account),
        ).fetchone()
        return json.loads(row["body"]) if row else None

    def get(self, kind: str, object_id: str, *, param: str = "id", status: int = 404) -> Object:
        """The object. Raises: ApiError `resource_missing`, 404, or `status` when a parameter named it."""
        found = self.find(kind, object_id)
        if found is None:
            raise no_such(kind, object_id, param=param, status=status)
        return found

    def add(self, obj: Object) -> Object:
        self._db.execute(
            "INSERT INTO objects (id, kind, account, created, body) VALUES (?, ?, ?, ?, ?)",
            (obj["id"], obj["object"], self.account, obj.get("created", self.moment), dump(obj)),
        )
        return obj

    def save(self, obj: Object) -> Object:
        self._db.execute("UPDATE objects SET body = ? WHERE id = ?", (dump(obj), obj["id"]))
        return obj

    def all_where(self, kind: str, **fields: str | int) -> list[Object]:
        """Every object of a kind with these fields, oldest first."""
        return list(reversed(self.page(kind, fields, limit=-1)))

    def page(
        self,
        kind: str,
        fields: Mapping[str, str | int],
        *,
        created: Mapping[str, int] | None = None,
        after: str | None = None,
        before: str | None = None,
        limit: int,
    ) -> list[Object]:
        """Objects newest first; `after` and `before` are ids that bound the page."""
        events = kind == "event"
        table = "events" if events else "objects"
        where, values = ["account = ?"], [self.account]  # type: tuple[list[str], list[object]]
        if not events:
            where += ["kind = ?", "json_extract(body, '$.deleted') IS NULL"]
            values.append(kind)
        for name, value in fields.items():
            where.append(_EVENT_FILTERS[name] if events else f"json_extract(body, '$.{name}') = ?")
            values.append(value)
        for bound, moment in (created or {}).items():
            where.append(f"created {_COMPARE[bound]} ?")
            values.append(moment)
        for cursor, sign in ((after, "<"), (before, ">")):
            if cursor is not None:
                where.append(f"seq {sign} (SELECT seq FROM {table} WHERE id = ?)")
                values.append(cursor)
        # A page that ends before a cursor is read upwards from it, then turned round.
        order = "ASC" if before is not None else "DESC"
        rows = self._db.execute(
            f"SELECT body FROM {table} WHERE {' AND '.join(where)} ORDER BY seq {order} LIMIT ?",
            (*values, limit),
        ).fetchall()
        found = [json.loads(row["body"]) for row in rows]
        return found[::-1] if before is not None else found

    def balances(self) -> dict[tuple[str, str], int]:
        """The sums of the account's balance transactions by currency and status, in minor units."""
        rows = self._db.execute("SELECT currency, status, amount FROM balances WHERE account = ?", (self.account,))
        return {(row["currency"], row["status"]): row["amount"] for row in rows}

    def find_event(self, event_id: str) -> Object | None:
        row = self._db.execute(
            "SELECT body FROM events WHERE id = ? AND account = ?", (event_id, self.account)
        ).fetchone()
        return json.loads(row["body"]) if row else None

    def emit(self, type: str, obj: Object, *, previous: Object | None = None) -> None:
        """Append an event with a snapshot of the object, and queue its delivery."""
        data: Object = {"object": public(obj)}
        if previous:
            data["previous_attributes"] = previous
        event = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.moment,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": self._request,
            "type": type,
        }
        if self.account != self.platform:
            event["account"] = self.account
        endpoints = receivers(self._db, self.platform, event, default=self._webhooks)
        event["pending_webhooks"] = len(endpoints)
        self._db.execute(
            "INSERT INTO events (id, account, type, created, body) VALUES (?, ?, ?, ?, ?)",
            (event["id"], self.account, type, self.moment, dump(event)),
        )
        self._db.executemany(
            "INSERT INTO deliveries (event, due, endpoint) VALUES (?, ?, ?)",
            [(event["id"], self.now, endpoint) for endpoint in endpoints],
        )
        for follow in _FOLLOWERS.get(type, ()):
            follow(self, obj)

    def later(self, at: float, name: str, object_id: str, *, once: bool = False) -> None:
        """Have the timer `name` run for an object when the simulated clock reaches `at`; `once`: if it will not yet."""
        timer = (at, name, object_id, self.account)
        if (
            once
            and self._db.execute(
                "SELECT 1 FROM timers WHERE at = ? AND name = ? AND object = ? AND account = ?", timer
            ).fetchone()
        ):
            return
        self._db.execute("INSERT INTO timers (at, name, object, account) VALUES (?, ?, ?, ?)", timer)


_EVENT_FILTERS = {
    "type": "type GLOB ?",  # `charge.*` names a group
    "types": "type IN (SELECT value FROM json_each(?))",
    "delivered": "? = NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = events.id AND d.state != 'delivered')",
}
_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
