"""A house that people have lived in for a while: what the laws are tried on.

Furnishing takes a second, and most laws only look: so one house serves all tests of a module.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe as library
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, create_engine

from app import create_app
from app.actions import cancellations, inbox
from app.extensions import db
from app.gateways import mailer
from app.gateways.mailer import Drawer
from app.gateways.stripe_gateway import StripeGateway
from app.gateways.stripe_objects import Knock
from app.kit import clock
from app.models.booking import Booking
from app.models.states import Party
from tests.conftest import settings_for
from tests.databases import postgresql_url
from tests.people import booked, completed, mentor, paid, person
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import Stripe
from tests.web.conftest import Browser


@dataclass(frozen=True)
class House:
    """``waiting``, ``held``, ``done`` and ``refunded`` are hours of Ann's with Bob: bookings by id."""

    app: Flask
    stripe: Stripe
    file: Path
    mentor_id: str
    waiting: str
    held: str
    done: str
    refunded: str

    @property
    def hours(self) -> dict[str, str]:
        return {"waiting": self.waiting, "held": self.held, "done": self.done, "refunded": self.refunded}

    def browser(self, name: str | None = None) -> Browser:
        """A browser, logged in as whoever is named."""
        fresh = Browser(self.app.test_client())
        return fresh.log_in(f"{name}@example.com") if name else fresh

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, as another program would read the file; how busy the way to Stripe is aside."""
        connection = sqlite3.connect(self.file)
        try:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            return {
                table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr)
                for (table,) in tables
                if table != "request_budget"
            }
        finally:
            connection.close()

    def changes_at_stripe(self) -> int:
        return self.stripe.count("", method="POST")


def application(
    database_url: str, stripe: Stripe, *, client: library.HTTPClient | None = None, **settings: object
) -> Flask:
    """An application whose Stripe is ``stripe``, called through ``client``, with the same clock. No mail leaves."""
    chosen = settings_for(database_url, **settings)
    calls = client or InProcessClient(stripe.simulator)
    gateway = StripeGateway(chosen.stripe_secret_key, api=chosen.stripe_api, http_client=calls)
    made = create_app(chosen, gateway=gateway)
    mailer.use(Drawer())
    clock.use(stripe.now)
    return made


def furnish(stripe: Stripe) -> dict[str, str]:
    """People, and hours in every stage of life; inside an application context."""
    ann, bob = person("Ann"), mentor("Bob")
    person("Cho"), mentor("Dia"), person("Olga", operator=True)
    made = {"mentor_id": bob.id}
    for name in ("refunded", "done"):
        hour = booked(ann, bob, stripe, starts_at=_full_hour(stripe) + timedelta(hours=2), key=f"form-of-{name}")
        made[name] = completed(paid(hour, stripe), stripe).id
    given_back = Booking.one(Booking.id == made["refunded"])
    quote = cancellations.quote(given_back, by=Party.MENTOR, now=stripe.now())
    cancellations.cancel(given_back, by=Party.MENTOR, quoted=quote.token, now=stripe.now())
    tomorrow = _full_hour(stripe) + timedelta(days=1)
    made["held"] = paid(booked(ann, bob, stripe, starts_at=tomorrow, key="form-of-held"), stripe).id
    made["waiting"] = booked(ann, bob, stripe, starts_at=tomorrow + timedelta(hours=3), key="form-of-waiting").id
    knock = Knock("evt_first", "payment_intent.created", None, None, livemode=False)
    inbox.receive(knock, "{}", livemode=False, now=stripe.now())
    db.session.remove()
    return made


def _full_hour(stripe: Stripe) -> datetime:
    return stripe.now().replace(minute=0)


@contextmanager
def own_stripe() -> Iterator[Stripe]:
    """A Stripe for more than one test; the clock is the machine's again afterwards."""
    stripe = Stripe()
    try:
        yield stripe
    finally:
        mailer.use(None)
        clock.use(clock.system_time)
        stripe.close()


@contextmanager
def inside(app: Flask) -> Iterator[None]:
    """An application context that leaves no connection behind."""
    with app.app_context():
        try:
            yield
        finally:
            db.session.remove()
            db.engine.dispose()


@pytest.fixture(scope="module")
def house(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A furnished house for tests that only look, or whose every attempt to change something has to fail."""
    file = tmp_path_factory.mktemp("house") / "house.db"
    shutil.copy(migrated_sqlite, file)
    with own_stripe() as stripe:
        app = application(f"sqlite:///{file}", stripe)
        with inside(app):
            made = furnish(stripe)
        yield House(app=app, stripe=stripe, file=file, **made)
        with inside(app):
            pass


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def furnished(
    request: pytest.FixtureRequest, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """A furnished database as somebody with a database client sees it: no code of ours is in between."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('furnished') / 'house.db'}"
    else:
        url = postgresql_url(f"{worker_id}_house")
    with own_stripe() as stripe:
        app = application(url, stripe)
        with inside(app):
            upgrade()
            furnish(stripe)
        engine = create_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()
