"""A world to be killed in: an application on a database, and a Stripe behind a socket, put back to any moment.

Both live in this process, which is never killed. What is killed is a child, forked warm from it, with connections of
its own to the same database and the same Stripe.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, insert, make_url, select

from app import create_app
from app.actions.budget import Turnstile
from app.extensions import db
from app.gateways import stripe_gateway
from app.gateways.guard import Guard
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from app.kit.breaker import Breaker
from app.kit.columns import metadata
from stripe_simulator.server import Server
from tests.conftest import settings_for
from tests.faults.steps import Steps, Wire
from tests.stripe_double import Kept, Stripe

DOOMED = "doomed"  # what a child that may be killed is called at the database
PLENTY = 100_000  # requests a second
QUIET_WITHIN = 10.0  # seconds for Stripe to end what nobody waits for any more

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Moment:
    """The world as it was: Stripe's side, and the database as a file's content or as rows."""

    stripe: Kept
    database: bytes | Rows


class World:
    """Made on an empty, migrated database, which it keeps for itself."""

    def __init__(self, database_url: str) -> None:
        self.stripe = Stripe()
        self._traffic = Traffic(self.stripe.simulator)
        self._server = Server(self._traffic, "127.0.0.1", 0)  # type: ignore[arg-type]
        self._serving = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._serving.start()
        url = make_url(database_url)
        self.database = url.get_backend_name()
        self._patience: float | None = None
        self._file = Path(url.database or "") if self.database == "sqlite" else None
        self._settings = settings_for(
            in_no_hurry(database_url), stripe_api=f"http://127.0.0.1:{self._server.server_address[1]}"
        )
        self.app = create_app(self._settings)
        with self.app.app_context():
            self.steps = Steps(db.engine)
            if self._file is not None:
                event.listen(db.engine, "connect", need_not_reach_the_disk)
            self.empty = self.remember()

    @contextmanager
    def alive(self, moment: Moment, *, patience: float | None = None) -> Iterator[Stripe]:
        """The world at a moment, with the application at work; ``patience``: seconds to wait for Stripe's answer."""
        with self.app.app_context():
            self.restore(moment)
            clock.use(self.stripe.now)
            self._patience = patience
            self.connect()
            try:
                yield self.stripe
            finally:
                self.come_to_rest()
                db.session.remove()
                clock.use(clock.system_time)

    def connect(self) -> None:
        """Give this process a way to Stripe of its own, guarded as in earnest, with a budget that is never used up."""
        guard = Guard(Breaker(clock.steady), Turnstile(in_all=PLENTY, per_endpoint=PLENTY).turn)
        wire = Wire(self.steps, self._patience)
        key, api = self._settings.stripe_secret_key, self._settings.stripe_api
        stripe_gateway.use(StripeGateway(key, api=api, http_client=wire, guard=guard))

    def remember(self) -> Moment:
        """Everything as it is now."""
        kept = self.stripe.keep()
        if self._file is not None:
            self.let_go()
            return Moment(kept, self._file.read_bytes())
        with db.engine.begin() as connection:
            rows = {
                table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in metadata.sorted_tables
            }
        return Moment(kept, rows)

    def restore(self, moment: Moment) -> None:
        """Everything as it was when it was remembered."""
        self.stripe.put_back(moment.stripe)
        if isinstance(moment.database, bytes):
            self.let_go()
            self._write(moment.database)
            return
        with db.engine.begin() as connection:
            _write_rows(connection, moment.database)

    def come_to_rest(self) -> None:
        """Until Stripe has ended what it was asked, also by those who are dead."""
        self._traffic.wait_until_quiet()

    def let_go(self) -> None:
        """Hold no lock, and no connection that would not survive a fork."""
        db.session.remove()
        if self._file is not None:
            db.engine.dispose()

    def be_born(self) -> None:
        """In a child: use nothing of the parent's connections, and have a name to be recognized by at the database."""
        os.environ["PGAPPNAME"] = DOOMED
        db.session.remove()
        db.engine.dispose(close=False)
        self.connect()

    def close(self) -> None:
        self._server.shutdown()
        self._serving.join()
        self._server.server_close()
        with self.app.app_context():
            db.engine.dispose()
        self.stripe.close()

    def _write(self, content: bytes) -> None:
        assert self._file is not None
        for name in (f"{self._file}-wal", f"{self._file}-shm"):
            Path(name).unlink(missing_ok=True)
        self._file.write_bytes(content)


class Traffic:
    """Stripe's front door, at which is known how many requests are being worked on."""

    def __init__(self, simulator: Any) -> None:
        self._simulator = simulator
        self._under_way = 0
        self._changed = threading.Condition()

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        with self._changed:
            self._under_way += 1
        try:
            answer: Iterable[bytes] = self._simulator(environ, start_response)
            return answer
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def wait_until_quiet(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: not self._under_way, QUIET_WITHIN), "Stripe does not come to rest"


def _write_rows(connection: Connection, rows: Rows) -> None:
    # Without triggers, also those that guard the ledger and the foreign keys.
    connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    connection.exec_driver_sql(";".join(f"DELETE FROM {table.name}" for table in metadata.sorted_tables))
    for table in metadata.sorted_tables:
        if rows[table.name]:
            connection.execute(insert(table), rows[table.name])


def in_no_hurry(database_url: str) -> str:
    """A killed process loses nothing that it has handed to the system: here, nothing need reach the disk."""
    url = make_url(database_url)
    if url.drivername != "sqlite":
        url = url.update_query_dict({"options": "-c synchronous_commit=off"})
    return url.render_as_string(hide_password=False)


def need_not_reach_the_disk(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.execute("PRAGMA synchronous = OFF")
