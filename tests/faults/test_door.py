"""Whatever is sent to the webhook door: only a genuine event is stored, once, and nothing is ever our mistake.

REQUESTS says how many in all, SEED which. What the server itself has to stand is in test_door_over_a_socket.py.
"""

import io
import os
import re
from collections import Counter
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.actions import cancellations
from app.extensions import db
from app.kit.columns import metadata
from app.models.event import StripeEvent
from app.models.states import EventState, Party
from tests import people
from tests.apart import apart
from tests.faults.crowds import SEED
from tests.faults.hostility import Hostility, Request
from tests.faults.recovery import finish
from tests.faults.truths import untruths
from tests.people import HOUR, TOMORROW_AT_TEN
from tests.stripe_double import WEBHOOK_PATH, Stripe

REQUESTS = int(os.environ.get("REQUESTS", "1500"))
ON_EACH_DATABASE = REQUESTS * 9 // 20  # the last tenth goes to a real server
SECRET = re.compile(rb"pi_\w+_secret_\w+")
SAID_TO_BE_SECRET = re.compile(rb'("client_secret": )"(?:[^"\\]|\\.)*"')  # whatever stands there by now
SOME = 50  # after so many, what was stored is compared with what was said

pytestmark = pytest.mark.faults


@pytest.fixture
def events(app: Flask, stripe: Stripe) -> list[dict[str, Any]]:
    """What Stripe has told of three hours: one is to be paid, one is held, one was paid and then refunded."""
    ann, bob = people.person("Ann"), people.mentor("Bob")
    _, held, done = (
        people.booked(ann, bob, stripe, starts_at=TOMORROW_AT_TEN + n * HOUR, key=f"form {n}") for n in range(3)
    )
    people.paid(held, stripe)
    done = people.completed(people.paid(done, stripe), stripe)
    cancellations.cancel(done, by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())
    assert untruths(stripe) == []
    return stripe.simulator.events_since(None)


def everything(stripe: Stripe) -> tuple[dict[str, Any], int]:
    """All that we and Stripe know, but for events and what became of them."""
    db.session.rollback()
    rows = {
        table.name: sorted(map(str, db.session.execute(select(table))))
        for table in metadata.sorted_tables
        if table.name not in ("stripe_event", "transition")
    }
    return rows, stripe.count("")


def stored() -> dict[str, bytes]:
    db.session.rollback()
    return {event_id: body.encode() for event_id, body in db.session.execute(select(StripeEvent.id, StripeEvent.body))}


def send(app: Flask, request: Request) -> int:
    """As a WSGI server hands it over, so that nothing between here and there makes it better than it is."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": WEBHOOK_PATH,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        variable = name.upper().replace("-", "_")
        environ[variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}"] = value
    statuses: list[str] = []
    answer = apart(app, environ | request.cgi, lambda status, _headers, _error=None: statuses.append(status))
    b"".join(answer)
    answer.close()
    return int(statuses[-1].split()[0])


def test_of_all_that_is_sent_only_genuine_events_are_stored_and_nothing_moves(
    app: Flask, stripe: Stripe, events: list[dict[str, Any]], database_url: str, tally: Counter[str]
):
    finish()
    before = everything(stripe)
    hostility = Hostility(f"{SEED} {database_url.split(':')[0]}", events, stripe.now().timestamp())
    taken: dict[str, bytes] = {}
    for n, request in enumerate(hostility.requests(ON_EACH_DATABASE), start=1):
        status = send(app, request)
        tally[f"{request.kind}: {status}"] += 1
        assert status in request.may, f"request {n}: {request}"
        if status == 200 and request.event_id:
            taken[request.event_id] = SAID_TO_BE_SECRET.sub(rb'\1"redacted"', request.body)
        if n % SOME == 0 or n == ON_EACH_DATABASE:
            assert stored() == taken
            assert not any(SECRET.search(body) for body in taken.values())
    assert everything(stripe) == before
    while db.session.query(StripeEvent).filter_by(state=EventState.RECEIVED).first():
        finish()
    told = Counter(db.session.scalars(select(StripeEvent.state)))
    assert set(told) <= {EventState.HANDLED, EventState.QUARANTINED}
    assert everything(stripe) == before
    assert untruths(stripe) == []
