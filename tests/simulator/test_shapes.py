"""Objects look like those of the installed library: every field it requires, none that it does not know."""

from __future__ import annotations

import json
import typing
from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator

from .checkout_stories import checkout_objects
from .connect_stories import connect_objects
from .stories import a_hold, a_payment, refusal


def _fields(cls: type) -> dict[str, Any]:
    """A resource class's fields and types, inherited ones included."""
    names: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        names |= {name: hint for name, hint in vars(base).get("__annotations__", {}).items() if name[0].islower()}
    return names


def _optional(hint: object) -> bool:
    return type(None) in typing.get_args(hint)


def _nested(hint: object) -> type | None:
    """The class of an embedded object, seen through Optional."""
    for each in (hint, *typing.get_args(hint)):
        if isinstance(each, type) and issubclass(each, stripe.StripeObject) and "OBJECT_NAME" not in vars(each):
            return each
    return None


def _differences(shown: dict[str, Any], cls: type, where: str) -> list[str]:
    fields = _fields(cls)
    if not fields:
        return []
    wrong = [f"{where}.{name} is unknown" for name in shown if name not in fields]
    wrong += [
        f"{where}.{name} is missing" for name, hint in fields.items() if name not in shown and not _optional(hint)
    ]
    for name, value in shown.items():
        hint = fields.get(name)
        if value is None and hint is not None and not _optional(hint):
            wrong.append(f"{where}.{name} is null")
        if isinstance(value, dict) and (inner := _nested(hint)):
            wrong += _differences(value, inner, f"{where}.{name}")
    return wrong


def _shown(obj: Any) -> dict[str, Any]:
    return json.loads(str(obj))


@pytest.fixture
def objects(sim: Simulator, client: stripe.StripeClient) -> list[tuple[type, Any]]:
    """One of everything, in several states."""
    ann = client.v1.customers.create({"email": "ann@example.com"})
    paid = a_payment(client, customer=ann.id, expand=["latest_charge"])
    held = a_hold(client)
    waiting = a_hold(client, "pm_card_threeDSecure2Required", return_url="http://localhost/x")
    failed = refusal(lambda: a_hold(client, "pm_card_chargeDeclined")).error.payment_intent
    setup = client.v1.setup_intents.create(
        {"payment_method": "pm_card_visa", "confirm": True, "allowed_payment_method_types": ["card"]}
    )
    refund = client.v1.refunds.create({"payment_intent": paid.id})
    return [
        (stripe.Customer, ann),
        *[(stripe.PaymentIntent, intent) for intent in (held, waiting, failed)],
        *[(stripe.Charge, charge) for charge in client.v1.charges.list()],
        (stripe.Refund, refund),
        (stripe.SetupIntent, setup),
        *checkout_objects(sim, client),
        (stripe.PaymentMethod, client.v1.payment_methods.retrieve(setup.payment_method)),
        (stripe.BalanceTransaction, client.v1.balance_transactions.retrieve(refund.balance_transaction)),
        (stripe.Account, client.v1.accounts.retrieve_current()),
        *connect_objects(sim, client),
        *[(stripe.Event, event) for event in client.v1.events.list({"limit": 5})],
    ]


def test_every_object_has_the_librarys_fields(objects: list[tuple[type, Any]]) -> None:
    assert len(objects) > 12
    wrong = [line for cls, obj in objects for line in _differences(_shown(obj), cls, cls.__name__)]
    assert wrong == []
