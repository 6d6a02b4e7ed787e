"""What happened at Stripe, read from its own journal of events: nothing can hide from it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

OURS = "test:"  # our idempotency keys begin with the name of the environment


@dataclass
class Refund:
    amount: int
    status: str
    by_us: bool
    operation: str | None


@dataclass
class Intent:
    """One PaymentIntent, by what was told of it. Amounts are in minor units; ``held`` is what the bank reserved."""

    id: str
    booking: str
    amount: int
    currency: str
    created_at: datetime
    held: int = 0
    held_at: datetime | None = None
    capture_before: datetime | None = None
    captured: int = 0
    captured_at: datetime | None = None
    captured_by_us: bool = False
    canceled_at: datetime | None = None
    canceled_by_us: bool = False
    lapsed: bool = False
    at_the_bank: bool = False  # 3-D Secure was asked for, and not answered yet
    replaces: str | None = None  # the one in whose place it is to be held
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def refunded(self) -> int:
        return sum(refund.amount for refund in self.refunds.values() if refund.status not in ("failed", "canceled"))

    @property
    def came_back(self) -> bool:
        """Whether the mentee's bank sent a refund back."""
        return any(refund.status == "failed" for refund in self.refunds.values())

    @property
    def is_held(self) -> bool:
        return self.held > 0 and not self.captured and self.canceled_at is None

    @property
    def is_over(self) -> bool:
        return self.captured > 0 or self.canceled_at is not None


@dataclass
class Setup:
    """One SetupIntent: a card that is, or is not, kept for later."""

    id: str
    booking: str
    is_saved: bool = False
    is_canceled: bool = False
    at_the_bank: bool = False

    @property
    def is_open(self) -> bool:
        return not self.is_saved and not self.is_canceled


class Theirs:
    """Stripe's side of a history, fed with events as they happen."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.intents: dict[str, Intent] = {}
        self.setups: dict[str, Setup] = {}  # by booking
        self.customers: Counter[str] = Counter()
        self.twice: list[str] = []

    @property
    def latest(self) -> str | None:
        return self.events[-1]["id"] if self.events else None

    def hear(self, events: Iterable[dict[str, Any]]) -> int:
        """Take in what has happened since; how much that was."""
        before = len(self.events)
        for event in events:
            self.events.append(event)
            self._learn(event, event["data"]["object"], _time(event["created"]))
        return len(self.events) - before

    def of(self, booking_id: str | None) -> list[Intent]:
        return [intent for intent in self.intents.values() if intent.booking == booking_id]

    def _learn(self, event: dict[str, Any], told: dict[str, Any], at: datetime) -> None:
        by_us = (event["request"]["idempotency_key"] or "").startswith(OURS)
        match event["type"]:
            case "setup_intent.created":
                booking = told["metadata"].get("booking", "")
                self._once(self.setups.get(booking), f"a card for {booking} was asked for")
                self.setups[booking] = Setup(told["id"], booking)
            case "setup_intent.requires_action" | "setup_intent.setup_failed":
                self.setups[told["metadata"]["booking"]].at_the_bank = event["type"].endswith("action")
            case "setup_intent.succeeded":
                self.setups[told["metadata"]["booking"]].is_saved = True
            case "setup_intent.canceled":
                self.setups[told["metadata"]["booking"]].is_canceled = True
            case "customer.created":
                self.customers[told["email"]] += 1
            case "payment_intent.created":
                booking = told["metadata"].get("booking", "")
                made = Intent(told["id"], booking, told["amount"], told["currency"].upper(), at)
                made.replaces = told["metadata"].get("replaces")
                self.intents[told["id"]] = made
            case "payment_intent.requires_action" | "payment_intent.payment_failed":
                self.intents[told["id"]].at_the_bank = event["type"].endswith("action")
            case "charge.succeeded":
                before = told["payment_method_details"]["card"].get("capture_before")
                self.intents[told["payment_intent"]].capture_before = _time(before) if before else None
            case "payment_intent.amount_capturable_updated":
                intent = self.intents[told["id"]]
                intent.held, intent.held_at = told["amount_capturable"], at
            case "charge.captured":
                intent = self.intents[told["payment_intent"]]
                self._once(intent.captured_at, f"{intent.id} was captured")
                intent.captured, intent.captured_at, intent.captured_by_us = told["amount_captured"], at, by_us
            case "payment_intent.canceled":
                intent = self.intents[told["id"]]
                self._once(intent.canceled_at, f"{intent.id} was canceled")
                intent.canceled_at, intent.canceled_by_us = at, by_us
                intent.lapsed = told["cancellation_reason"] == "expired"
            case "refund.created":
                self._refund(told, by_us)
            case "refund.updated" | "refund.failed":
                self.intents[told["payment_intent"]].refunds[told["id"]].status = told["status"]

    def _refund(self, told: dict[str, Any], by_us: bool) -> None:
        refunds = self.intents[told["payment_intent"]].refunds
        operation = told["metadata"].get("operation")
        if operation is not None and any(refund.operation == operation for refund in refunds.values()):
            self.twice.append(f"{operation} refunded twice")
        refunds[told["id"]] = Refund(told["amount"], told["status"], by_us, operation)

    def _once(self, before: object | None, what: str) -> None:
        if before is not None:
            self.twice.append(f"{what} twice")


def _time(unix: float) -> datetime:
    return datetime.fromtimestamp(unix, UTC)
