"""What happened, put together for the dashboard: requests, the events they brought, and their deliveries."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .journal import Entry
from .shapes import Object, public

if TYPE_CHECKING:
    from .journal import Journal
    from .store import Store

_EVENTS_READ = 1_000
_PAGE = 40


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one endpoint ("": the one of the command line), with its attempts."""

    state: str
    endpoint: str
    attempts: list[dict[str, Any]]


@dataclass(frozen=True)
class Told:
    """An event and its deliveries."""

    event: Object
    deliveries: list[Delivery]


@dataclass
class Moment:
    """A request with the events it brought, or events of the clock (then without a request)."""

    at: float
    entry: Entry | None = None
    told: list[Told] = field(default_factory=list)


class History:
    """Reads what the store and the journal keep."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal

    def page(self, *, before: int | None = None, about: str | None = None) -> tuple[list[Moment], int | None]:
        """Moments newest first, of one object id (None: all), and where the next page begins (None: nowhere)."""
        entries = self._journal.page(_PAGE + 1, before=before, about=about)
        more = len(entries) > _PAGE
        entries = entries[:_PAGE]
        newer = self._journal.page(1, before=None) if before is None else entries[:1]
        latest = float("inf") if before is None or not newer else newer[0].at
        oldest = entries[-1].at if more else 0.0
        moments = {entry.request: Moment(entry.at, entry) for entry in entries}
        clock: list[Moment] = []
        for event in self._events(about):
            request = (event["request"] or {}).get("id")
            if request in moments:
                moments[request].told.append(self._told(event))
            elif oldest <= event["created"] <= latest and (request is None or not more):
                clock.append(Moment(float(event["created"]), None, [self._told(event)]))
        every = sorted([*moments.values(), *clock], key=lambda moment: -moment.at)
        return _grouped(every), entries[-1].seq if more else None

    def find(self, object_id: str) -> Object | None:
        """Any object or event of any account, without the simulator's notes."""
        with self._store.transaction() as db:
            for table in ("objects", "events"):
                row = db.execute(f"SELECT body, account FROM {table} WHERE id = ?", (object_id,)).fetchone()
                if row:
                    return public(json.loads(row["body"]))
        return None

    def mentions(self, object_id: str) -> list[tuple[str, str]]:
        """Kind and id of the newest objects that name this one."""
        with self._store.transaction() as db:
            rows = db.execute(
                "SELECT kind, id FROM objects WHERE instr(body, ?) AND id != ? ORDER BY seq DESC LIMIT 30",
                (object_id, object_id),
            ).fetchall()
        return [(row["kind"], row["id"]) for row in rows]

    def kinds(self) -> list[tuple[str, int]]:
        """Kinds of objects, and how many there are."""
        with self._store.transaction() as db:
            rows = db.execute("SELECT kind, count(*) AS many FROM objects GROUP BY kind ORDER BY kind").fetchall()
        return [(row["kind"], row["many"]) for row in rows]

    def of_kind(self, kind: str) -> list[Object]:
        """The newest fifty objects of a kind."""
        with self._store.transaction() as db:
            rows = db.execute("SELECT body FROM objects WHERE kind = ? ORDER BY seq DESC LIMIT 50", (kind,)).fetchall()
        return [public(json.loads(row["body"])) for row in rows]

    def pulse(self) -> int:
        """A number that grows whenever something happens."""
        with self._store.transaction() as db:
            return sum(
                db.execute(f"SELECT coalesce(max(seq), 0) FROM {table}").fetchone()[0]
                for table in ("journal", "events", "delivery_attempts", "deliveries")
            )

    def _events(self, about: str | None) -> list[Object]:
        with self._store.transaction() as db:
            rows = db.execute(
                "SELECT body FROM events WHERE ? IS NULL OR instr(body, ?) ORDER BY seq DESC LIMIT ?",
                (about, about, _EVENTS_READ),
            ).fetchall()
        return [json.loads(row["body"]) for row in rows]

    def _told(self, event: Object) -> Told:
        with self._store.transaction() as db:
            rows = db.execute("SELECT * FROM deliveries WHERE event = ? ORDER BY seq", (event["id"],)).fetchall()
            return Told(event, [Delivery(row["state"], row["endpoint"], self._attempts(row["seq"])) for row in rows])

    def _attempts(self, delivery: int) -> list[dict[str, Any]]:
        with self._store.transaction() as db:
            rows = db.execute(
                "SELECT at, url, status, note FROM delivery_attempts WHERE delivery = ? ORDER BY seq", (delivery,)
            ).fetchall()
        return [dict(row) for row in rows]


def _grouped(moments: list[Moment]) -> list[Moment]:
    """Events of the clock at one time belong together."""
    grouped: list[Moment] = []
    for moment in moments:
        last = grouped[-1] if grouped else None
        if last and last.entry is None and moment.entry is None and last.at == moment.at:
            last.told += moment.told
        else:
            grouped.append(moment)
    for moment in grouped:
        moment.told.reverse()  # what came first stands first
    return grouped
