"""`python -m stripe_simulator.facts`: the truth list against a simulator, or with `--key sk_test_…` against Stripe."""

from __future__ import annotations

import argparse
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe

from ..server import Server
from ..simulator import Simulator
from . import FACTS, Fact, Unlike, World

_MISSING = {
    "clock": "its time cannot be moved",
    "faults": "faults cannot be ordered",
    "deliveries": "its deliveries cannot be watched",
}
_TEST_KEY = re.compile(r"^(sk|rk)_test_\w+$", re.ASCII)


def main(arguments: list[str] | None = None) -> int:
    """0 when every fact that could be tried holds, 1 when one does not, 2 for a key that is refused."""
    parser = argparse.ArgumentParser(prog="stripe_simulator.facts", description="Try what is believed of Stripe.")
    parser.add_argument("--key", help="a test key of a Stripe sandbox; none: a simulator of its own")
    parser.add_argument("--only", default="", help="facts whose name contains this")
    options = parser.parse_args(arguments)
    if options.key is not None and not _TEST_KEY.match(options.key):
        print("Only a test key (sk_test_… or rk_test_…) is taken: the list makes payments.", file=sys.stderr)
        return 2
    wanted = [fact for fact in FACTS if options.only in fact.name]
    with _stripe(options.key) if options.key else _simulator() as world:
        return _report([(fact, *tried(fact, world)) for fact in wanted])


@contextmanager
def _stripe(key: str) -> Iterator[World]:
    transport = stripe.RequestsClient(timeout=(5, 30))
    yield World(stripe.StripeClient(key, http_client=transport, max_network_retries=2), patience=30)
    transport.close()  # type: ignore[no-untyped-call]


@contextmanager
def _simulator() -> Iterator[World]:
    """A simulator in this process, reached over a socket as any other."""
    simulator = Simulator(webhook_url="http://127.0.0.1/hook")
    server = Server(simulator, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    transport = stripe.RequestsClient(timeout=(3, 15))
    api = {"api": f"http://127.0.0.1:{server.server_address[1]}"}
    client = stripe.StripeClient("sk_test_facts", base_addresses=api, http_client=transport)  # type: ignore[arg-type]
    yield simulated(simulator, client)
    transport.close()  # type: ignore[no-untyped-call]
    server.shutdown()
    server.server_close()
    simulator.close()


def simulated(simulator: Simulator, client: stripe.StripeClient) -> World:
    """A world whose clock moves and that fails on order."""

    def order(_: str, given: dict[str, Any]) -> None:
        simulator.faults.add(given.pop("kind"), **given)

    def deliver(status: int) -> list[tuple[str, str]]:
        came: list[tuple[str, str]] = []

        def answer(_: str, body: bytes, headers: dict[str, str]) -> int:
            came.append((body.decode(), headers["Stripe-Signature"]))
            return status

        simulator.deliver(answer)
        return came

    def rotate() -> tuple[str, str]:
        return simulator.webhooks.secret, simulator.webhooks.rotate()

    return World(client, advance=simulator.clock.advance, control=order, deliver=deliver, rotate=rotate)


def tried(fact: Fact, world: World) -> tuple[str, str]:
    """`holds`, `skipped`, `DIFFERS` or `FAILED`, and why."""
    if not world.has(fact.needs):
        return "skipped", _MISSING[fact.needs]
    try:
        fact.run(world)
    except Unlike as unlike:
        return "DIFFERS", str(unlike)
    except Exception as error:
        return "FAILED", f"{type(error).__name__}: {error}"
    return "holds", ""


def _report(results: list[tuple[Fact, str, str]]) -> int:
    for fact, outcome, why in results:
        print(f"{outcome:8} {fact.mark:10} {fact.area:12} {fact.sentence}{f' ({why})' if why else ''}", flush=True)
    counts = Counter(outcome for _, outcome, _ in results)
    print(f"{len(results)} facts: " + ", ".join(f"{many} {outcome}" for outcome, many in sorted(counts.items())))
    return 1 if counts["DIFFERS"] or counts["FAILED"] else 0


if __name__ == "__main__":
    stripe.enable_telemetry = False
    sys.exit(main())
