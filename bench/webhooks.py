"""How fast webhooks are taken in: verified, stored once, acknowledged. Beside it a bare route and dj-stripe.

All are served by gunicorn, 2 processes of 4 threads, from PostgreSQL as it is by default (fsync and all), over a
connection for each request. In every round the sides take turns with the same freshly signed events; the median of the
rounds' ratios decides. No Stripe is there to be called.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import stripe

from bench._load import Round
from bench._sides import Side, other_python
from stripe_simulator import Simulator
from stripe_simulator.webhooks import signature
from tests.simulator.in_process import InProcessClient

SECRET = "whsec_bench"
OF_BARE, OF_DJ_STRIPE, P99_OF_BARE = 0.6, 6.0, 2.0  # wanted
SETTINGS = {
    "SECRET_KEY": "a secret of forty characters for measuring",
    "STRIPE_SECRET_KEY": "sk_test_bench",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_bench",
    "STRIPE_WEBHOOK_SECRET": SECRET,
    "STRIPE_API_BASE": "http://127.0.0.1:9",  # where nobody answers
    "ENVIRONMENT": "bench",
    "ALLOWED_HOSTS": "",
    "DEMO": "no",
}
OURS = {"environment": SETTINGS["ENVIRONMENT"]}
DJ_STRIPE = "/stripe/webhook/00000000-0000-4000-8000-000000000001/"
SLOW = 0.25  # of the events is enough for who needs several times as long


def main(arguments: list[str]) -> int:
    """Print the figures; 0 when all are as wanted."""
    parser = argparse.ArgumentParser(prog="bench webhooks")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=2000, help="in each round")
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args(arguments)
    sides, template = _sides(), _template()
    with ExitStack() as servers:
        for side in sides:
            servers.enter_context(side.running())
        for n in range(options.rounds + 1):
            bodies = list(_events(template, options.events))
            for side in sides if n % 2 else sides[::-1]:
                requests = [_request(side.path, body) for body in bodies]
                side.answer(requests, options.connections, counts=n > 0)
    return _report(*sides)


def _sides() -> list[Side]:
    here, other = Path(sys.executable), other_python()
    upgrade, tables = ["-m", "flask", "--app", "wsgi:make", "db", "upgrade"], ["-m", "bench._dj_stripe"]
    secret = {"STRIPE_WEBHOOK_SECRET": SECRET}
    kept = {**secret, "KEEP_CONNECTIONS": "yes"}
    return [
        Side("Mentorhold", here, "wsgi:app", upgrade, "/webhooks/stripe", SETTINGS),
        Side("bare route", other, "bench._bare_route:app", ["-m", "bench._bare_route"], "/webhooks/stripe", secret),
        Side("dj-stripe", other, "bench._dj_stripe:app", tables, DJ_STRIPE, secret, SLOW),
        Side("dj-stripe, kept", other, "bench._dj_stripe:app", tables, DJ_STRIPE, kept, SLOW),
    ]


def _template() -> str:
    """What Stripe says when a card was authorized, with INTENT and EVENT where the ids stand."""
    simulator = Simulator(":memory:")
    network = InProcessClient(simulator)
    client = stripe.StripeClient("sk_test_bench", base_addresses={"api": "http://127.0.0.1"}, http_client=network)
    intent = client.v1.payment_intents.create(
        {
            "amount": 8_000,
            "currency": "eur",
            "capture_method": "manual",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "payment_method": "pm_card_visa",
            "confirm": True,
            "description": "Review of my parser (bk_7h2mx4k9q3wz8v5rtn)",
            "metadata": {"booking": "bk_7h2mx4k9q3wz8v5rtn", "operation": "op_7h2mx4k9q3wz8v5rtn", **OURS},
        }
    )
    told = next(event for event in simulator.events_since(None) if event["type"].endswith("capturable_updated"))
    simulator.close()
    return json.dumps(told).replace(intent.id, "INTENT").replace(told["id"], "EVENT")


def _events(template: str, count: int) -> Iterator[bytes]:
    """Distinct ones, each about a payment of its own."""
    for _ in range(count):
        name = uuid.uuid4().hex[:24]
        yield template.replace("INTENT", f"pi_{name}").replace("EVENT", f"evt_{name}").encode()


def _request(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: */*; q=0.5, application/xml\r\n"
        "Content-Type: application/json; charset=utf-8\r\nUser-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n"
        f"Stripe-Signature: {signature(body, time.time(), SECRET)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _report(ours: Side, bare: Side, theirs: Side, kept: Side) -> int:
    for side in (ours, bare, theirs, kept):
        rate, p50, p99 = side.median(_rate), side.median(_p50) * 1000, side.median(_p99) * 1000
        busy = statistics.median(side.busy) * 1000
        print(f"{side.name:16} {rate:6.0f} per second, p50 {p50:5.1f} ms, p99 {p99:6.1f} ms, processor {busy:5.2f} ms")
    print(f"{'(sending them':16} {'needs':>6} {ours.median(_own) * 1000:.2f} ms of the processor for each)")
    of_bare, of_theirs = ours.times(bare, _rate), ours.times(theirs, _rate)
    p99 = ours.times(bare, _p99)
    print(f"of the bare route's rate      {of_bare:5.2f}  (wanted: {OF_BARE})")
    print(f"of dj-stripe's rate           {of_theirs:5.2f}  (wanted: {OF_DJ_STRIPE}; with connections kept: "
          f"{ours.times(kept, _rate):.2f})")  # fmt: skip
    print(f"p99, of the bare route's      {p99:5.2f}  (wanted: at most {P99_OF_BARE})")
    return 0 if of_bare >= OF_BARE and of_theirs >= OF_DJ_STRIPE and p99 <= P99_OF_BARE else 1


def _rate(answered: Round) -> float:
    return answered.rate


def _p50(answered: Round) -> float:
    return answered.percentile(0.5)


def _p99(answered: Round) -> float:
    return answered.percentile(0.99)


def _own(answered: Round) -> float:
    return answered.own / len(answered.took)
