"""The clock of a simulator, over a real socket; and what happens while nobody answers there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from time import sleep

import pytest

from app.kit import clock
from app.kit.clock import SimulatedClock

A_WEEK = timedelta(days=7)
SOON = timedelta(seconds=5)  # how far apart two readings on a busy machine may be
FRESH = 1.05  # seconds after which the simulator is asked again


class Hands(HTTPServer):
    """A server that shows ``offset`` and counts who looks; with a ``body`` it says that instead."""

    def __init__(self, port: int = 0) -> None:
        self.offset, self.looks = A_WEEK, 0
        self.told: list[dict[str, float]] = []
        self.body: bytes | None = None
        self.status = 200
        self.announced = 0
        super().__init__(("127.0.0.1", port), Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Hands

    def do_GET(self) -> None:
        self.server.looks += self.path == "/_simulator/clock"
        shown = json.dumps({"now": 0, "offset": self.server.offset.total_seconds()}).encode()
        self._say(shown if self.server.body is None else self.server.body)

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append(told)
        self.server.offset += timedelta(seconds=told.get("advance", 0))
        self._say(b"{}")

    def log_message(self, *_: object) -> None:
        """Quietly."""

    def _say(self, body: bytes) -> None:
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(self.server.announced or len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running(hands: Hands) -> Iterator[Hands]:
    thread = Thread(target=hands.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hands
    finally:
        hands.shutdown()
        hands.server_close()
        thread.join()


@pytest.fixture
def hands() -> Iterator[Hands]:
    with running(Hands()) as server:
        yield server


def ahead(simulated: SimulatedClock) -> timedelta:
    """How far the clock is before the machine's, to the minute."""
    return timedelta(minutes=round((simulated() - datetime.now(UTC)) / timedelta(minutes=1)))


def test_the_time_is_aware_utc_and_the_machines_own():
    assert clock.system_time().tzinfo is UTC
    assert abs(clock.system_time() - datetime.now(UTC)) < SOON


def test_the_source_of_the_time_can_be_replaced():
    before, then = clock.source(), datetime(2026, 6, 1, 8, tzinfo=UTC)
    try:
        clock.use(lambda: then)
        assert clock.now() == then
    finally:
        clock.use(before)


@pytest.mark.parametrize("ending", ["", "/"])
def test_the_simulators_time_is_shown(hands: Hands, ending: str):
    simulated = SimulatedClock(hands.url + ending)
    assert ahead(simulated) == A_WEEK
    assert simulated().tzinfo is UTC


def test_it_is_asked_for_at_most_once_a_second(hands: Hands):
    simulated = SimulatedClock(hands.url)
    assert len({simulated() for _ in range(200)}) > 1, "time goes on meanwhile"
    assert hands.looks <= 2
    sleep(FRESH)
    simulated()
    assert hands.looks >= 2


def test_advancing_tells_the_simulator_and_is_seen_at_once(hands: Hands):
    simulated = SimulatedClock(hands.url)
    assert ahead(simulated) == A_WEEK
    simulated.advance(timedelta(hours=1))
    assert hands.told == [{"advance": 3600}]
    assert ahead(simulated) == A_WEEK + timedelta(hours=1)


def test_while_the_simulator_is_down_time_goes_on_from_where_it_was():
    hands = Hands()
    with running(hands):
        simulated = SimulatedClock(hands.url)
        before = simulated()
    sleep(FRESH)
    assert before < simulated() < before + 2 * SOON
    assert ahead(simulated) == A_WEEK


def test_once_it_is_back_its_time_is_shown_again():
    first = Hands()
    with running(first):
        simulated = SimulatedClock(first.url)
        assert ahead(simulated) == A_WEEK
    again = Hands(first.server_port)
    again.offset = 2 * A_WEEK
    with running(again):
        sleep(FRESH)
        assert ahead(simulated) == 2 * A_WEEK


def test_a_simulator_that_was_never_there_leaves_the_machines_time():
    hands = Hands()
    hands.server_close()
    assert abs(SimulatedClock(hands.url)() - datetime.now(UTC)) < SOON


def test_the_time_of_a_simulator_that_is_down_cannot_be_advanced():
    hands = Hands()
    hands.server_close()
    with pytest.raises(OSError):
        SimulatedClock(hands.url).advance(timedelta(hours=1))


@pytest.mark.parametrize(
    ("body", "status", "announced"),
    [
        pytest.param(b"{}", 500, 0, id="an error"),
        pytest.param(b'{"error": "no such page"}', 404, 0, id="no such page"),
        pytest.param(b"", 200, 0, id="nothing"),
        pytest.param(b"<html>", 200, 0, id="a page"),
        pytest.param(b"\xff\xfe", 200, 0, id="bytes"),
        pytest.param(b"{}", 200, 0, id="no offset"),
        pytest.param(b'{"offset": "soon"}', 200, 0, id="a word"),
        pytest.param(b'{"offset": NaN}', 200, 0, id="no number"),
        pytest.param(b'{"offset": null}', 200, 0, id="null"),
        pytest.param(b"[1]", 200, 0, id="a list"),
        pytest.param(b'{"offset": 5', 200, 500, id="broken off"),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(hands: Hands, body: bytes, status: int, announced: int):
    simulated = SimulatedClock(hands.url)
    assert ahead(simulated) == A_WEEK
    simulated.advance(timedelta())  # so that it is asked again at once
    hands.status, hands.body, hands.announced, looks = status, body, announced, hands.looks
    assert ahead(simulated) == A_WEEK
    assert hands.looks > looks
