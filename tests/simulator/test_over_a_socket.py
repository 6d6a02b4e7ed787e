"""The real process: starts fast, stays on this machine, and loses nothing it has acknowledged."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest
import stripe

from .stories import a_hold, an_intent, refusal

ROOT = Path(__file__).parents[2]
Running = tuple[subprocess.Popen[bytes], int]


@contextmanager
def running(*options: str) -> Iterator[Running]:
    """The simulator as its users start it, on a free port."""
    command = [sys.executable, "-m", "stripe_simulator", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout
    try:
        port = int(process.stdout.readline().decode().rsplit(":", 1)[1])
        yield process, port
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def over_http(port: int, retries: int = 0) -> Iterator[stripe.StripeClient]:
    """The official library over a socket of its own."""
    transport = stripe.RequestsClient(timeout=(3, 15))
    yield stripe.StripeClient(
        "sk_test_x",
        base_addresses={"api": f"http://127.0.0.1:{port}"},
        http_client=transport,
        max_network_retries=retries,
    )
    transport.close()


def control(port: int, path: str, **given: object) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", f"/_simulator/{path}", json.dumps(given), {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_it_starts_within_a_second_and_stays_small() -> None:
    with running() as (process, port), over_http(port) as client:
        # Its own seconds, not the wall's: a busy machine is no slow start.
        used = psutil.Process(process.pid).cpu_times()
        assert used.user + used.system < 1
        for _ in range(50):
            a_hold(client)
        assert psutil.Process(process.pid).memory_info().rss < 60 * 1024 * 1024


@pytest.mark.parametrize("signal", ["terminate", "kill"])
def test_ending_the_process_loses_nothing_acknowledged(tmp_path: Path, signal: str) -> None:
    database = str(tmp_path / "stripe.db")
    acknowledged: list[tuple[str, str]] = []
    with running("--database", database) as (process, port):

        def keep_holding(worker: int) -> None:
            with over_http(port) as client:
                for number in range(10_000):
                    key = f"{worker}-{number}"
                    try:
                        intent = client.v1.payment_intents.create(
                            {"amount": 5000, "currency": "usd"}, {"idempotency_key": key}
                        )
                    except stripe.APIConnectionError:
                        return
                    acknowledged.append((key, intent.id))

        workers = [threading.Thread(target=keep_holding, args=(n,)) for n in range(4)]
        for worker in workers:
            worker.start()
        wait_for(lambda: len(acknowledged) > 100)
        getattr(process, signal)()
        for worker in workers:
            worker.join()
        process.wait(timeout=5)
    with running("--database", database) as (_, port), over_http(port) as client:
        told = {event.data.object.id for event in client.v1.events.list({"limit": 100}).auto_paging_iter()}
        assert {intent_id for _, intent_id in acknowledged} <= told
        for key, intent_id in acknowledged[-20:]:
            wish: Any = {"amount": 5000, "currency": "usd"}
            assert client.v1.payment_intents.create(wish, {"idempotency_key": key}).id == intent_id


def test_sigterm_ends_it_cleanly_and_soon() -> None:
    with running() as (process, _):
        process.terminate()
        assert process.wait(timeout=3) == 0


@pytest.mark.parametrize("fault", ["lose_answer", "drop_request", "truncate_answer"])
def test_a_broken_connection_looks_broken_to_the_library(fault: str) -> None:
    with running() as (_, port), over_http(port) as client:
        control(port, "faults", kind=fault)
        error = refusal(lambda: an_intent(client))
        assert isinstance(error, stripe.APIConnectionError)
        assert len(client.v1.payment_intents.list().data) == (0 if fault == "drop_request" else 1)


def test_the_librarys_retry_after_a_lost_answer_finds_its_effect() -> None:
    with running() as (_, port), over_http(port, retries=1) as client:
        control(port, "faults", kind="lose_answer")
        assert an_intent(client).last_response.headers["Idempotent-Replayed"] == "true"
        assert len(client.v1.payment_intents.list().data) == 1


@pytest.mark.parametrize("option", [("--host", "0.0.0.0"), ("--webhook-url", "https://example.com/hook")])
def test_it_refuses_to_be_reached_or_to_reach_beyond_this_machine(option: tuple[str, str]) -> None:
    command = [sys.executable, "-m", "stripe_simulator", "--port", "0", *option]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=10, check=False)
    assert done.returncode == 2
    assert b"loopback" in done.stderr or b"on this machine" in done.stderr


def test_a_rebound_name_is_refused() -> None:
    with running() as (_, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/_simulator/clock", headers={"Host": "evil.example"})
        assert connection.getresponse().status == 403
        connection.close()


@pytest.mark.parametrize(
    "request_line",
    [
        b"NONSENSE\r\n\r\n",
        b"POST /v1/refunds HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
    ],
)
def test_nonsense_on_the_wire_does_not_hurt_it(request_line: bytes) -> None:
    with running() as (_, port), over_http(port) as client:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
            wire.sendall(request_line)
            wire.shutdown(socket.SHUT_WR)
            while wire.recv(4096):
                pass
        assert an_intent(client).id


class _Hook(BaseHTTPRequestHandler):
    """A webhook endpoint that refuses the first delivery of each kind it gets."""

    got: ClassVar[list[tuple[str, str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = json.loads(body)["type"]
        refused = kind == "charge.succeeded" and kind not in [each for each, _, _ in self.got]
        self.got.append((kind, self.headers["Stripe-Signature"], body))
        self.send_response(500 if refused else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silence."""


def test_webhooks_arrive_by_themselves_signed_and_again_after_a_failure() -> None:
    _Hook.got.clear()
    hook = HTTPServer(("127.0.0.1", 0), _Hook)
    thread = threading.Thread(target=hook.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{hook.server_address[1]}/hook"
    with (
        running("--webhook-url", url, "--webhook-secret", "whsec_demo") as (_, port),
        over_http(port) as client,
    ):
        a_hold(client)
        wait_for(lambda: len(_Hook.got) == 4)
    hook.shutdown()
    hook.server_close()
    thread.join()
    kinds = [kind for kind, _, _ in _Hook.got]
    assert kinds == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.succeeded",
    ]
    for _, signature, body in _Hook.got:
        assert stripe.WebhookSignature.verify_header(body, signature, "whsec_demo", 300)
