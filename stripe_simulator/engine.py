"""From an HTTP request under /v1 to its answer: caller, route, parameters, key, locks, one transaction."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from . import idempotency
from .callers import Caller, identify, secret_key_required
from .errors import ApiError, ConnectionLost, key_in_use, lock_timeout, server_error
from .expansion import browser_view, render
from .faults import Fault
from .forms import decode
from .idempotency import Saved, Ticket
from .ids import new_id
from .locks import Holds
from .routing import Call, Endpoint, Router
from .shapes import Object

if TYPE_CHECKING:
    import sqlite3

    from .clock import Clock
    from .store import Store
    from .work import Work

_LOCK_WAIT_SECONDS = 2.0
_LARGEST_BODY = 1_000_000
_LOCKED_BY_PARAM = ("payment_intent", "charge")


@dataclass
class Reply:
    """An answer before it is written out."""

    status: int
    body: Object
    request_id: str
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False


@dataclass(frozen=True)
class _Job:
    """A request that passed every check and is ready to run."""

    endpoint: Endpoint
    call: Callable[[Work], Call]
    ticket: Ticket | None
    request_id: str
    expand: list[str]
    fault: Fault | None


class Engine:
    """Answers API requests; safe to use from many threads."""

    def __init__(self, store: Store, clock: Clock, begin: Callable[..., Work], account: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._begin = begin
        self._account = account
        self._router = Router()
        self._keys = Holds()
        self._objects = Holds()

    def answer(self, request: Request, fault: Fault | None) -> Reply:
        """The answer; an error, even one of ours, is one too. Raises: ConnectionLost while shutting down."""
        request_id = new_id("req")
        try:
            return self._execute(request, request_id, fault)
        except ApiError as error:
            return Reply(error.status, error.body(), request_id, error.headers)
        except ConnectionLost:
            raise
        except Exception:
            # A bug of the simulator. Loud here, and shaped like Stripe's own trouble for the caller.
            traceback.print_exc(file=sys.stderr)
            return Reply(500, server_error(saved=False).body(), request_id)

    def _execute(self, request: Request, request_id: str, fault: Fault | None) -> Reply:
        caller = identify(request, self._account(), self._connected)
        endpoint, names = self._router.match(request.method, request.path)
        if caller.publishable and not endpoint.browser:
            raise secret_key_required()
        params = endpoint.read(decode(_text(request)))
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        ticket = idempotency.ticket(caller.scope, key, request.path, params)
        locked = names.get("id") or next((params[name] for name in _LOCKED_BY_PARAM if name in params), None)
        expand = params.pop("expand", [])

        def call(work: Work) -> Call:
            return Call(work, params, request.path, names, caller.publishable, request.host_url.rstrip("/"))

        job = _Job(endpoint, call, ticket, request_id, expand, fault)
        with (
            self._keys.hold(ticket.name if ticket else None, lambda: key_in_use(ticket.key if ticket else "")),
            self._objects.hold(locked if request.method != "GET" else None, lock_timeout, wait=_LOCK_WAIT_SECONDS),
        ):
            if fault and fault.kind == "delay":
                time.sleep(fault.seconds)
            return self._in_transaction(job, caller)

    def _connected(self, account: str) -> bool:
        with self._store.transaction() as db:
            found = self._begin(db, 0, self._account()).find("account", account)
        return found is not None and not found.get("deleted")

    def _in_transaction(self, job: _Job, caller: Caller) -> Reply:
        with self._store.transaction() as db:
            self._clock.run_due()
            now = self._clock.now()
            if job.ticket and (saved := idempotency.find(db, job.ticket, now)):
                headers = {"Idempotent-Replayed": "true", "Original-Request": saved.request_id}
                return Reply(saved.status, saved.body, job.request_id, headers, replayed=True)
            key = job.ticket.key if job.ticket else None
            work = self._begin(db, now, caller.account, request_id=job.request_id, idempotency_key=key)
            reply, kept = self._run(job, work)
            if caller.publishable:
                reply.body = browser_view(reply.body)
            if job.ticket and kept:
                self._save(db, job.ticket, reply, now)
            return reply

    def _run(self, job: _Job, work: Work) -> tuple[Reply, bool]:
        """Run the endpoint; tell its answer and whether a key remembers it."""
        try:
            with work.attempt():
                reply = self._effect(job, work)
                if job.fault and job.fault.kind == "error_500_saved_without_effect":
                    raise server_error(saved=True)
        except ApiError as error:
            return Reply(error.status, error.body(), job.request_id, error.headers), error.saved
        if job.fault and job.fault.kind == "error_500_saved_with_effect":
            failure = server_error(saved=True)
            reply = Reply(failure.status, failure.body(), job.request_id, failure.headers)
        return reply, True

    def _effect(self, job: _Job, work: Work) -> Reply:
        """The endpoint's own work. A refusal with effect returns, so that what it wrote is kept."""
        call = job.call(work)
        try:
            return Reply(200, render(work, job.endpoint.run(call), job.expand), job.request_id)
        except ApiError as error:
            if not error.effect:
                raise
            return Reply(error.status, error.body(), job.request_id, error.headers)

    def _save(self, db: sqlite3.Connection, ticket: Ticket, reply: Reply, now: float) -> None:
        idempotency.save(db, ticket, Saved(reply.status, reply.body, reply.request_id), now)


def _text(request: Request) -> str:
    """The form as text: the query of a GET or DELETE, the body of a POST. Raises: ApiError 400 or 413."""
    if request.method != "POST":
        return request.query_string.decode("latin-1")
    if (request.content_length or 0) > _LARGEST_BODY:
        raise ApiError(413, "The request body is too large.")
    body = request.get_data()
    try:
        return body.decode("ascii")
    except UnicodeDecodeError:
        raise ApiError(400, "Invalid request body: it is not form-encoded ASCII.") from None
