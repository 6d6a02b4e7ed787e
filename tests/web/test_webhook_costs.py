"""What a webhook costs, in counts: they hold on any machine, however busy."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from app.extensions import db
from app.models.event import StripeEvent
from tests.faults.recovery import knock
from tests.statements import Ears
from tests.stripe_double import Stripe

THREADS = 4


class Overheard:
    """``statements``: what the database was told; ``alone``: how many of them were transactions of their own."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.alone = 0
        self.connections = 0
        self.sessions = 0

    def statement(self, words: str) -> None:
        self.statements.append(words.split()[0])

    def kept(self) -> None:
        self.alone += 1

    def connected(self, *_: Any) -> None:
        self.connections += 1

    def session(self, *_: Any) -> None:
        self.sessions += 1


@contextmanager
def overhearing() -> Iterator[Overheard]:
    heard = Overheard()
    ears = Ears(db.engine, heard.statement, heard.kept)
    listeners = ((Engine, "connect", heard.connected), (Session, "after_begin", heard.session))
    for listener in listeners:
        event.listen(*listener)
    try:
        yield heard
    finally:
        ears.stop()
        for listener in listeners:
            event.remove(*listener)


def events(count: int, stripe: Stripe) -> list[tuple[bytes, str]]:
    """Distinct ones, signed."""
    told = {"type": "payment_intent.amount_capturable_updated", "livemode": False}
    bodies = [
        json.dumps({**told, "id": f"evt_{n}", "data": {"object": {"id": f"pi_{n}"}}}).encode() for n in range(count)
    ]
    return [(body, stripe.simulator.sign(body)) for body in bodies]


def test_a_webhook_is_one_statement_no_session_and_no_call_to_stripe(app: Flask, stripe: Stripe):
    (first, second) = events(2, stripe)
    assert knock(app, *first) == 200
    asked = len(stripe.simulator.requests())
    with overhearing() as heard:
        assert knock(app, *second) == 200
    if db.engine.dialect.name == "postgresql":
        assert (heard.statements, heard.alone) == (["INSERT"], 1)
    else:
        assert heard.statements == ["BEGIN", "INSERT"]
    assert (heard.connections, heard.sessions) == (0, 0)
    assert len(stripe.simulator.requests()) == asked


def test_a_hundred_webhooks_on_four_threads_open_four_connections_at_most(app: Flask, stripe: Stripe):
    db.session.rollback()
    db.engine.dispose()
    with overhearing() as heard, ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda sent: knock(app, *sent), events(100, stripe)))
    assert answers == [200] * 100
    assert 1 <= heard.connections <= THREADS
    assert db.session.query(StripeEvent).count() == 100
