"""The webhook door of a real web server, started as the Procfile says: bad HTTP, slow people, and a thousand at once.

REQUESTS and SEED are those of test_door.py; KNOCKS says how often one event comes.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import Flask

from app.extensions import db
from app.models.booking import Booking
from app.models.event import StripeEvent
from app.models.states import BookingState
from stripe_simulator.webhooks import signature
from tests.faults.bad_http import TRICKS, answers, chunked, chunks, request
from tests.faults.crowds import SEED
from tests.faults.recovery import finish
from tests.faults.truths import untruths
from tests.people import fresh
from tests.processes import eventually, running
from tests.stripe_double import API, Stripe

ON_EACH_DATABASE = int(os.environ.get("REQUESTS", "1500")) // 20
KNOCKS = int(os.environ.get("KNOCKS", "300"))
CALLERS = 32
PATIENCE = 0.5  # seconds that the server has with a slow client, here
WORKERS, THREADS = 2, 16  # of both together, says the Procfile

pytestmark = pytest.mark.faults


@dataclass(frozen=True)
class Server:
    port: int
    said: Path

    def answers(self, sent: bytes, *, then_hang_up: bool = True) -> list[int]:
        return answers(self.port, sent, then_hang_up=then_hang_up)


@pytest.fixture
def server(app: Flask, tmp_path: Path) -> Iterator[Server]:
    told = {"WEB_CONCURRENCY": str(WORKERS), "SLOWEST_CLIENT_SECONDS": str(PATIENCE), "DEMO": "no"}
    said = tmp_path / "said.log"
    with said.open("wb") as log, running("web", app, API, said=log, **told) as (_, address):
        port = int(address.rpartition(":")[2])
        eventually(lambda: "Listening at" in said.read_text())
        yield Server(port, said)


@pytest.fixture
def event(anns_hour: Booking, stripe: Stripe) -> dict[str, Any]:
    """Stripe tells that Ann's card is authorized."""
    stripe.pay(anns_hour)
    told: dict[str, Any] = stripe.simulator.events_since(None)[-1]
    return told


def signing(body: bytes) -> bytes:
    """The header that signs it, now by the server's clock."""
    return b"Stripe-Signature: " + signature(body, time.time(), "whsec_test").encode() + b"\r\n"


def stored() -> set[str]:
    db.session.rollback()
    return set(db.session.scalars(db.select(StripeEvent.id)))


def is_harmless(status: int, kind: str) -> bool:
    """Not taken, and no mistake of ours. To an unknown transfer coding, the server's own answer is 501 (RFC 9112)."""
    return status in (100, 101) or 400 <= status < 500 or (status == 501 and kind == "an unknown transfer coding")


def test_no_trick_of_http_gets_anything_in_or_breaks_anything(
    server: Server, event: dict[str, Any], database_url: str, tally: Counter[str]
):
    chance = Random(f"{SEED} {database_url.split(':')[0]}")
    for n in range(ON_EACH_DATABASE):
        body = json.dumps(event | {"id": f"evt_{n}"}).encode()
        kind = chance.choice(list(TRICKS))
        sent = chance.choice(TRICKS[kind])(chance, body, signing(body))
        statuses = server.answers(sent)
        tally.update(f"{kind}: {status}" for status in statuses or ["hung up"])
        assert all(is_harmless(status, kind) for status in statuses), f"trick {n}: {statuses} {sent!r}"
    assert stored() == set()
    body = json.dumps(event).encode()
    assert server.answers(request(body, signing(body))) == [200]
    other = json.dumps(event | {"id": "evt_in_chunks"}).encode()
    assert server.answers(chunked(chunks(other), signing(other))) == [200]
    assert stored() == {event["id"], "evt_in_chunks"}
    assert "Traceback" not in server.said.read_text()


def test_an_event_that_comes_a_thousand_times_at_once_is_one_row(
    server: Server, event: dict[str, Any], anns_hour: Booking, stripe: Stripe
):
    body = json.dumps(event).encode()
    knock = request(body, signing(body), b"Connection: close\r\n")
    with ThreadPoolExecutor(CALLERS) as callers:
        answers = list(callers.map(server.answers, [knock] * KNOCKS))
    assert answers == [[200]] * KNOCKS
    assert stored() == {event["id"]}
    finish()
    assert fresh(anns_hour).state == BookingState.CONFIRMED
    assert untruths(stripe) == []


def test_those_who_stop_in_the_middle_of_a_body_keep_nobody_else_waiting_for_long(
    server: Server, event: dict[str, Any]
):
    body = json.dumps(event).encode()
    knock = request(body, signing(body), b"Connection: close\r\n")
    with ThreadPoolExecutor(THREADS + 1) as callers:
        slow = [callers.submit(server.answers, knock[:-9], then_hang_up=False) for _ in range(THREADS)]
        time.sleep(PATIENCE / 5)
        assert callers.submit(server.answers, knock).result() == [200]
        assert [each.result() for each in slow] == [[400]] * THREADS
    assert stored() == {event["id"]}
