"""Killed at any moment, in the middle of any kind of write: what was acknowledged is there, whole, and only once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stripe

from .stories import a_hold, a_payment
from .test_over_a_socket import over_http, running, wait_for

Write = Callable[[stripe.StripeClient, dict[str, Any]], Any]
MANUAL: Any = {"amount": 5000, "currency": "usd", "capture_method": "manual", "allowed_payment_method_types": ["card"]}
CARD: Any = {"payment_method": "pm_card_visa", "confirm": True}


def _session(client: stripe.StripeClient, key: Any) -> Any:
    price: Any = {"currency": "usd", "unit_amount": 4000, "product_data": {"name": "An hour"}}
    wish: Any = {
        "mode": "payment",
        "success_url": "http://localhost/x",
        "line_items": [{"quantity": 1, "price_data": price}],
    }
    return client.v1.checkout.sessions.create(wish, key)


WRITES: dict[str, Write] = {
    "customers": lambda client, key: client.v1.customers.create({"email": "ann@example.com"}, key),
    "holds": lambda client, key: client.v1.payment_intents.create(MANUAL | CARD, key),
    "captures": lambda client, key: client.v1.payment_intents.capture(
        a_hold(client).id, {"amount_to_capture": 2000}, key
    ),
    "cancellations": lambda client, key: client.v1.payment_intents.cancel(a_hold(client).id, {}, key),
    "refunds": lambda client, key: client.v1.refunds.create({"payment_intent": a_payment(client).id}, key),
    "setups": lambda client, key: client.v1.setup_intents.create(
        CARD | {"allowed_payment_method_types": ["card"]}, key
    ),
    "sessions": _session,
    "products": lambda client, key: client.v1.products.create({"name": "An hour"}, key),
    "endpoints": lambda client, key: client.v1.webhook_endpoints.create(
        {"url": "http://localhost:9/hook", "enabled_events": ["charge.failed"]}, key
    ),
}
FIND: dict[str, Callable[[stripe.StripeClient, str], Any]] = {
    "customer": lambda client, name: client.v1.customers.retrieve(name),
    "payment_intent": lambda client, name: client.v1.payment_intents.retrieve(name),
    "refund": lambda client, name: client.v1.refunds.retrieve(name),
    "setup_intent": lambda client, name: client.v1.setup_intents.retrieve(name),
    "checkout.session": lambda client, name: client.v1.checkout.sessions.retrieve(name),
    "product": lambda client, name: client.v1.products.retrieve(name),
    "webhook_endpoint": lambda client, name: client.v1.webhook_endpoints.retrieve(name),
}


@pytest.mark.faults
def test_killing_it_loses_no_kind_of_write_that_was_acknowledged(tmp_path: Path) -> None:
    database = str(tmp_path / "stripe.db")
    acknowledged: list[tuple[str, str, Any]] = []
    with running("--database", database) as (process, port):

        def keep_writing(kind: str) -> None:
            with over_http(port) as client:
                for number in range(10_000):
                    key = f"{kind}-{number}"
                    try:
                        made = WRITES[kind](client, {"idempotency_key": key})
                    except stripe.APIConnectionError:
                        return
                    acknowledged.append((kind, key, made))

        writers = [threading.Thread(target=keep_writing, args=(kind,)) for kind in WRITES]
        for writer in writers:
            writer.start()
        wait_for(lambda: {kind for kind, _, _ in acknowledged} == set(WRITES) and len(acknowledged) > 150, 30)
        process.kill()
        for writer in writers:
            writer.join()
        process.wait(timeout=5)
    with running("--database", database) as (_, port), over_http(port) as client:
        for _, _, made in acknowledged:
            found = FIND[made.object](client, made.id)
            assert getattr(found, "status", None) == getattr(made, "status", None)
        told = {event.data.object.id for event in client.v1.events.list({"limit": 100}).auto_paging_iter()}
        silent = {"checkout.session", "webhook_endpoint"}
        assert {made.id for _, _, made in acknowledged if made.object not in silent} <= told
        for kind, key, made in acknowledged:
            if kind in ("customers", "holds", "setups", "products", "endpoints"):
                assert WRITES[kind](client, {"idempotency_key": key}).id == made.id
