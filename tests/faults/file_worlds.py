"""A world that lives in files: an application on SQLite, and a Stripe whose state is a file beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from flask import Flask

from app import create_app
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from tests.conftest import settings_for
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import Stripe


class FileWorld:
    """The migrated database ``test.db`` of a folder, and Stripe's file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "test.db"
        self.stripe_file = folder / "stripe.db"

    @contextmanager
    def alive(self, *, begins: datetime) -> Iterator[tuple[Flask, Stripe]]:
        """A fresh process, as it were: a new application on the database, inside its context, and its Stripe."""
        stripe = Stripe(str(self.stripe_file), begins=begins)
        settings, network = settings_for(f"sqlite:///{self.file}"), InProcessClient(stripe.simulator)
        gateway = StripeGateway(settings.stripe_secret_key, api=settings.stripe_api, http_client=network)
        application = create_app(settings, gateway=gateway)
        clock.use(stripe.now)
        try:
            with application.app_context():
                yield application, stripe
                db.session.remove()
                db.engine.dispose()
        finally:
            clock.use(clock.system_time)
            stripe.close()
