"""What an operation is while it is carried out, and the kinds there are: each a small declaration.

:mod:`app.actions.operations` is the one mechanism that all kinds share.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from app.gateways.stripe_gateway import StripeGateway
from app.gateways.stripe_objects import Key
from app.kit.errors import Failure
from app.kit.money import Money
from app.models.operation import Operation

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Order:
    """An operation as it is carried out: frozen, and free of the database."""

    id: str
    kind: str
    subject: str
    amount: Money | None
    params: dict[str, Any]
    api_version: str
    attempt: int
    key_spent: bool
    tries: int
    created_at: datetime

    @classmethod
    def of(cls, operation: Operation) -> "Order":
        return cls(
            id=operation.id,
            kind=operation.kind,
            subject=operation.subject,
            amount=operation.amount,
            params=dict(operation.params),
            api_version=operation.api_version,
            attempt=operation.attempt,
            key_spent=operation.key_spent,
            tries=operation.tries,
            created_at=operation.created_at,
        )

    @property
    def key(self) -> Key:
        return Key(f"{_environment}:{self.id}:{self.attempt}", self.api_version)


@dataclass(frozen=True)
class Kind(Generic[Answer]):
    """A kind of operation: what to send, how to look up what became of it, how to settle, what a refusal means.

    ``settle`` and ``refuse`` run inside the settling transaction and lock their subject first. ``settle`` tells
    whether the answer is what the operation was for.
    """

    send: Callable[[StripeGateway, Order], Answer]
    look_up: Callable[[StripeGateway, Order], Answer | None]
    settle: Callable[[Order, Answer, datetime], bool]
    refuse: Callable[[Order, Failure, datetime], None]


KINDS: dict[str, Kind[Any]] = {}

_environment = "test"


def use_environment(name: str) -> None:
    """Name this installation in idempotency keys and in Stripe's metadata: two on one account never meet."""
    global _environment
    _environment = name


def environment() -> str:
    return _environment


def is_elsewhere(metadata: dict[str, str]) -> bool:
    """Whether an object at Stripe says that it belongs to another installation."""
    return metadata.get("environment", _environment) != _environment
