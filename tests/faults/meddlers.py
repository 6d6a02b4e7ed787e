"""A way to Stripe on which somebody meddles: what comes back is broken, or not all of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask

from app import create_app
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from tests.conftest import settings_for
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import Stripe


class Meddler(InProcessClient):
    """``breaks``: what happens to whoever asks for an address that contains this. ``hides``: events not listed yet.

    ``garbles``: events that are listed in a shape that nobody can read.
    """

    def __init__(self, stripe: Stripe) -> None:
        super().__init__(stripe.simulator)
        self.breaks: dict[str, BaseException] = {}
        self.hides: set[str] = set()
        self.garbles: set[str] = set()
        self.asked: list[str] = []

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **rest: Any) -> Any:
        self.asked.append(f"{method.upper()} {url}")
        for part, error in self.breaks.items():
            if part in url:
                raise error
        body, status, answered = super().request(method, url, headers, post_data, **rest)
        return self._meddled_with(body) if "/v1/events" in url else body, status, answered

    def _meddled_with(self, body: str) -> str:
        listed = json.loads(body)
        listed["data"] = [event for event in listed["data"] if event["id"] not in self.hides]
        for event in listed["data"]:
            if event["id"] in self.garbles:
                event["data"] = {"object": ["nobody", "knows"]}
        return json.dumps(listed)


@contextmanager
def meddled(database_url: str, meddler: Meddler, stripe: Stripe, **settings_changed: object) -> Iterator[Flask]:
    """An application behind a meddler; inside an application context."""
    settings = settings_for(database_url, **settings_changed)
    gateway = StripeGateway(settings.stripe_secret_key, api=settings.stripe_api, http_client=meddler)
    application = create_app(settings, gateway=gateway)
    clock.use(stripe.now)
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()
