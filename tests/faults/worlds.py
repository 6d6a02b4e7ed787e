"""A world to be killed in: a database and a Stripe behind a socket, both of which can be put back to a moment."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert, make_url, select, text

from app import create_app
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from app.kit.columns import metadata
from config import Settings
from stripe_simulator import Simulator
from stripe_simulator.server import Server
from tests.conftest import TABLES, settings_for
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import MONDAY, Stripe


class World:
    """Its Stripe lives in this process, so that it survives when a child that talks to it over HTTP is killed."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.database_url = database_url
        self.folder = folder
        self._placeholder = Simulator(":memory:")
        self._server = Server(self._placeholder, "127.0.0.1", 0)
        self._serving = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._serving.start()
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._moment = MONDAY

    @property
    def now(self) -> datetime:
        return self._moment

    @property
    def settings(self) -> Settings:
        port = self._server.server_address[1]
        return settings_for(self.database_url, stripe_api=f"http://127.0.0.1:{port}")

    @property
    def file(self) -> Path:
        """The database, on SQLite."""
        return Path(make_url(self.database_url).database or "")

    @property
    def stripe_file(self) -> Path:
        return self.folder / "stripe.db"

    @contextmanager
    def alive(self, *, begins: datetime | None = None) -> Iterator[tuple[Flask, Stripe]]:
        """A fresh process, as it were: a new application on the database, inside its context, and its Stripe."""
        stripe = Stripe(str(self.stripe_file), begins=begins or self._moment)
        self._server.simulator = stripe.simulator
        settings, network = self.settings, InProcessClient(stripe.simulator)
        gateway = StripeGateway(settings.stripe_secret_key, api=settings.stripe_api, http_client=network)
        application = create_app(settings, gateway=gateway)
        clock.use(stripe.now)
        try:
            with application.app_context():
                yield application, stripe
                self._moment = stripe.now()
                db.session.remove()
                db.engine.dispose()
        finally:
            clock.use(clock.system_time)
            self._server.simulator = self._placeholder
            stripe.close()

    def remember(self) -> None:
        """Keep everything as it is now, while nobody is alive."""
        shutil.copy(self.stripe_file, self.folder / "stripe.kept")
        if self._on_sqlite:
            shutil.copy(self.file, self.folder / "database.kept")
            return
        with self._bare() as connection:
            for table in metadata.sorted_tables:
                self._rows[table.name] = [dict(row) for row in connection.execute(select(table)).mappings()]

    def restore(self) -> None:
        """Everything as it was when it was remembered."""
        _replace(self.folder / "stripe.kept", self.stripe_file)
        if self._on_sqlite:
            _replace(self.folder / "database.kept", self.file)
            return
        with self._bare() as connection:
            connection.execute(text(f"TRUNCATE {TABLES}"))
            for table in metadata.sorted_tables:
                if self._rows[table.name]:
                    connection.execute(insert(table), self._rows[table.name])

    def close(self) -> None:
        self._server.shutdown()
        self._serving.join()
        self._server.server_close()
        self._placeholder.close()

    @property
    def _on_sqlite(self) -> bool:
        return make_url(self.database_url).drivername == "sqlite"

    @contextmanager
    def _bare(self) -> Iterator[Any]:
        with create_app(self.settings).app_context():
            with db.engine.begin() as connection:
                yield connection
            db.engine.dispose()


def _replace(kept: Path, file: Path) -> None:
    for name in (f"{file}-wal", f"{file}-shm"):
        Path(name).unlink(missing_ok=True)
    shutil.copy(kept, file)
