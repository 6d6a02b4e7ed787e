"""The processes of the Procfile: told to stop in the middle of a call, they finish what they have begun, no more.

And whoever is killed instead leaves its work to the next one.
"""

import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from flask import Flask

from app import jobs
from app.models.states import BookingState, OperationState
from tests import people
from tests.faults.flows import taken_place, the_hour
from tests.faults.recovery import let_pass
from tests.faults.truths import untruths
from tests.people import PASSWORD
from tests.processes import CONNECTIONS, eventually, reachable, running
from tests.stripe_double import Stripe
from tests.test_crew import held_hours, operations_in, written_down

SLOW = 1.5  # seconds that Stripe takes for an answer
MANY = 1_000
DRAINED = 20  # seconds
A_LEASE = people.HOUR / 120 + people.HOUR / 3600  # half a minute, and a second


@pytest.fixture
def address(stripe: Stripe) -> Iterator[str]:
    with reachable(stripe) as address:
        yield address


def be_slow(stripe: Stripe, path: str) -> None:
    stripe.simulator.faults.add("delay", path=path, seconds=SLOW, count=MANY)


def asked(stripe: Stripe) -> int:
    """How many of the slow requests have begun."""
    return MANY - int(stripe.simulator.faults.waiting()[0]["count"])


def test_told_to_stop_the_worker_finishes_what_it_has_begun_and_leaves_the_rest_as_it_was(
    app: Flask, stripe: Stripe, address: str
):
    written_down(held_hours(stripe, 6), stripe)
    be_slow(stripe, "*/cancel")
    with running("worker", app, address) as (process, _):
        eventually(lambda: asked(stripe) == CONNECTIONS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DRAINED) == 0
    begun = stripe.count("/cancel")
    assert begun in (CONNECTIONS, CONNECTIONS + 1), "one more may have waited for a connection"
    assert len(operations_in(OperationState.DONE)) == begun
    left = operations_in(OperationState.PENDING)
    assert [(operation.tries, operation.lease_until) for operation in left] == [(0, 0)] * (6 - begun)


def test_a_worker_that_is_killed_leaves_its_work_to_whoever_comes_when_its_lease_is_over(
    app: Flask, stripe: Stripe, address: str
):
    written_down(held_hours(stripe, 1), stripe)
    be_slow(stripe, "*/cancel")
    with running("worker", app, address) as (process, _):
        eventually(lambda: asked(stripe) == 1)
        process.kill()
    assert jobs.run("finish_operations") == 0, "nobody knows that it is dead"
    eventually(lambda: stripe.count("/cancel") == 1)
    let_pass(A_LEASE)
    assert jobs.run("finish_operations") == 1
    assert stripe.count("/cancel") == 1, "the next one asked first"
    assert untruths(stripe) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_told_to_stop_the_web_server_answers_who_is_waiting(app: Flask, stripe: Stripe, address: str):
    taken_place(stripe)
    completion = f"/mentor/bookings/{the_hour().id}/completion"
    be_slow(stripe, "*/capture")
    with running("web", app, address) as (process, url), ThreadPoolExecutor(1) as bob:
        eventually(lambda: _is_ready(url))
        session, token = _log_in(url, "bob@example.com")
        waiting = bob.submit(
            session.post, url + completion, {"csrf_token": token}, headers={"Referer": url}, allow_redirects=False
        )
        eventually(lambda: asked(stripe) == 1)
        process.send_signal(signal.SIGTERM)
        assert waiting.result().status_code == 302
        assert process.wait(DRAINED) == 0
    assert the_hour().state == BookingState.COMPLETED
    assert untruths(stripe) == []


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def _log_in(url: str, email: str) -> tuple[requests.Session, str]:
    session = requests.Session()
    given = {"email": email, "password": PASSWORD, "csrf_token": _token(session.get(f"{url}/log-in").text)}
    assert session.post(f"{url}/log-in", given, headers={"Referer": url}).status_code == 200
    return session, _token(session.get(f"{url}/account").text)


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found is not None
    return found[1]
