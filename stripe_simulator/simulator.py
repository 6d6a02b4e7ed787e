"""The simulator as one WSGI application, with handles for tests: clock, faults, events, deliveries."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from werkzeug.wrappers import Request, Response

from . import idempotency
from .browser import cors
from .clock import Clock
from .control import Control
from .dashboard import Dashboard
from .engine import Engine, Reply
from .errors import ApiError, ConnectionLost
from .extras import Act
from .faults import BadGateway, Fault, Faults
from .history import History
from .ids import new_id
from .journal import Journal
from .pages import Pages
from .shapes import API_VERSION, Object
from .store import Store
from .webhooks import Send, Webhooks, signature
from .work import Work, dump

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_REQUESTS_KEPT = 10_000


class Logged(NamedTuple):
    """One API request; status 0 means that its caller got no answer."""

    method: str
    path: str
    status: int
    idempotency_key: str | None
    replayed: bool


class Snapshot(NamedTuple):
    """All that a simulator knows, and its Unix time then."""

    state: sqlite3.Connection
    moment: float


class Simulator:
    """A stateful stand-in for Stripe's API: `sim(environ, start_response)`, safe to call from many threads.

    `database` is a path or ":memory:". Without `webhook_url` no deliveries are queued but to endpoints made
    through the API. `ticks` is the real clock behind the simulated one; one that stands still makes everything
    repeatable. `watchers` are told of every request of every simulator and its answer.
    """

    watchers: ClassVar[list[Callable[[Request, Reply], None]]] = []

    def __init__(
        self,
        database: str = ":memory:",
        webhook_url: str | None = None,
        webhook_secret: str = "whsec_test",
        ticks: Callable[[], float] = time.time,
    ) -> None:
        self._store = Store(str(database))
        self.clock = Clock(self._store, self.begin, ticks)
        self.faults = Faults()
        self.journal = Journal(self._store, self.clock)
        self.webhooks = Webhooks(self._store, self.clock, webhook_url, webhook_secret)
        self._log: deque[Logged] = deque(maxlen=_REQUESTS_KEPT)
        self._log_guard = threading.Lock()
        self._account_id = self._find_account_id()
        self._engine = Engine(self._store, self.clock, self.begin, lambda: self._account_id)
        self._control = Control(self)
        self._dashboard = Dashboard(self, History(self._store, self.journal))
        self._pages = Pages(self._store, self.clock, self.begin, lambda: self._account_id)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request. Raises: ConnectionLost when a fault says that no answer arrives."""
        request = Request(environ)
        if request.path.startswith("/v1/"):
            response = self._api(request)
        elif request.path.startswith("/_simulator/"):
            response = self._control.answer(request)
        elif request.path == "/" or request.path.startswith("/dashboard/"):
            response = self._dashboard.answer(request)
        else:
            response = self._pages.answer(request)
        return response(environ, start_response)

    def begin(
        self,
        db: sqlite3.Connection,
        now: float,
        account: str,
        *,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Work:
        """A unit of work inside an open transaction, at a simulated moment."""
        return Work(
            db,
            now,
            account,
            platform=self._account_id,
            request_id=request_id,
            idempotency_key=idempotency_key,
            webhooks=self.webhooks.url is not None,
        )

    def act(self, what: Act, given: Mapping[str, Any]) -> Object:
        """Do one thing to the state as the platform, now. Raises: what `what` raises; then nothing is changed."""
        with self._store.transaction() as db:
            self.clock.run_due()
            return what(self.begin(db, self.clock.now(), self._account_id), given)

    def deliver(self, send: Send, *, force: bool = False) -> int:
        """One pass over due undelivered events; returns how many got a 2xx. See `Webhooks.deliver`."""
        return self.webhooks.deliver(send, force=force)

    def events_since(self, event_id: str | None) -> list[dict[str, Any]]:
        """Every event after one (None: all), oldest first."""
        with self._store.transaction() as db:
            rows = db.execute(
                "SELECT body FROM events WHERE seq > coalesce((SELECT seq FROM events WHERE id = ?), 0) ORDER BY seq",
                (event_id,),
            ).fetchall()
        return [json.loads(row["body"]) for row in rows]

    def sign(self, body: bytes, at: float | None = None) -> str:
        """The `Stripe-Signature` header of a body, at a Unix time (default: the simulated now)."""
        return signature(body, self.clock.now() if at is None else at, self.webhooks.secret)

    def requests(self) -> list[Logged]:
        """The latest API requests, oldest first."""
        with self._log_guard:
            return list(self._log)

    def forget_idempotency_keys(self) -> None:
        """As after a day: every saved answer is gone."""
        with self._store.transaction() as db:
            idempotency.forget_all(db)

    def snapshot(self) -> Snapshot:
        """Everything as it is now but the faults on order; for `restore`, any number of times, here or elsewhere."""
        return Snapshot(self._store.copy(), self.clock.now())

    def restore(self, snapshot: Snapshot) -> None:
        """Be as it was then, at the time that it was then. Faults on order and the log of requests are forgotten."""
        self._store.put_back(snapshot.state)
        self.clock.pretend(snapshot.moment)
        self._begin_anew()

    def reset(self) -> None:
        """Forget everything: objects, events, keys, faults, the clock's offset."""
        with self._store.transaction():
            self._store.erase()
            self.clock.forget()
            self._begin_anew()

    def close(self) -> None:
        self._store.close()

    def _begin_anew(self) -> None:
        self._account_id = self._find_account_id()
        self.faults.clear()
        self.webhooks.mischief.clear()
        with self._log_guard:
            self._log.clear()

    def _find_account_id(self) -> str:
        """The platform's own account, made on first use and kept with the database."""
        found = self._store.setting("account", "")
        if not found:
            found = new_id("acct")[:21]
            self._store.set_setting("account", found)
        return found

    def _api(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return cors(request, Response(status=204))
        fault = self.faults.take(request.method, request.path)
        reply = None
        try:
            reply = self._struck(fault) or self._engine.answer(request, fault)
            response = cors(request, _response(request, reply, fault))
            self._record(request, reply.status, reply)
            return response
        except ConnectionLost:
            with suppress(ConnectionLost):
                self._record(request, 0, reply)
            raise
        except BadGateway as proxy:
            self._record(request, 502, reply)
            return Response(proxy.page, 502, mimetype="text/html")

    def _struck(self, fault: Fault | None) -> Reply | None:
        """The answer of a fault that stops a request at the door. Raises: ConnectionLost, BadGateway."""
        try:
            if fault:
                fault.strike_before()
        except ApiError as error:
            return Reply(error.status, error.body(), new_id("req"), error.headers)
        return None

    def _record(self, request: Request, status: int, reply: Reply | None) -> None:
        key, replayed = request.headers.get("Idempotency-Key"), bool(reply and reply.replayed)
        with self._log_guard:
            self._log.append(Logged(request.method, request.path, status, key, replayed))
        answered = dump(reply.body) if reply else ""
        self.journal.write(request, status, reply.request_id if reply else "", answered, replayed=replayed)
        if reply:
            for watch in self.watchers:
                watch(request, reply)


def _response(request: Request, reply: Reply, fault: Fault | None) -> Response:
    """Write an answer out, whole or as the fault wants it. Raises: ConnectionLost."""
    if fault and fault.kind == "lose_answer":
        raise ConnectionLost("The request took effect, but its answer was lost.")
    if fault and fault.kind == "html_answer":
        raise BadGateway
    body = (dump(reply.body) + "\n").encode()
    response = Response(body, reply.status, mimetype="application/json")
    response.headers["Request-Id"] = reply.request_id
    response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
    if key := request.headers.get("Idempotency-Key"):
        response.headers["Idempotency-Key"] = key
    response.headers.update(reply.headers)
    if fault and fault.kind == "truncate_answer":
        response.headers["Content-Length"] = str(len(body))
        response.response = [body[: len(body) // 2]]
    return response
