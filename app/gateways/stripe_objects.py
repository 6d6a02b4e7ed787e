"""Stripe's objects as we know them: frozen, with money as money and times as times. Stripe's own never get this far."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.kit.money import Money

API_VERSION = "2026-10-28.endive"
ABANDONED, REQUESTED = "abandoned", "requested_by_customer"  # the reasons that we give for canceling
SUPERSEDED = "duplicate"  # and for one in whose place another is held, or that was to take another's place in vain
LAPSED = "expired"  # the bank let go
SAVED = "succeeded"  # the status of a SetupIntent whose card is kept
_WORD = re.compile(r"[A-Za-z0-9_.]{1,80}")


@dataclass(frozen=True)
class Key:
    """What makes a call repeatable: its idempotency key, and the API version its parameters were frozen for."""

    idempotency: str
    api_version: str = API_VERSION

    @property
    def options(self) -> Any:
        return {"idempotency_key": self.idempotency, "stripe_version": self.api_version}


@dataclass(frozen=True)
class Charge:
    """``accepted``: the bank said yes, whatever became of the hold since."""

    id: str
    accepted: bool
    created: datetime
    card_brand: str | None
    card_last4: str | None
    capture_before: datetime | None
    refunded: Money

    @classmethod
    def of(cls, charge: Any) -> "Charge":
        card = getattr(charge.payment_method_details, "card", None)  # there are other ways to pay
        before = getattr(card, "capture_before", None)
        return cls(
            id=charge.id,
            accepted=charge.status == "succeeded",
            created=_time(charge.created),
            card_brand=card.brand if card else None,
            card_last4=card.last4 if card else None,
            capture_before=_time(before) if before else None,
            refunded=_money(charge.amount_refunded, charge.currency),
        )


@dataclass(frozen=True)
class Intent:
    """A PaymentIntent. ``capturable`` is what is held now, ``received`` what was captured."""

    id: str
    created: datetime
    customer_id: str | None
    status: str
    amount: Money
    capturable: Money
    received: Money
    charge: Charge | None
    client_secret: str
    canceled_at: datetime | None
    cancellation_reason: str | None
    decline_message: str | None
    metadata: dict[str, str]

    @classmethod
    def of(cls, intent: Any) -> "Intent":
        """``latest_charge`` should be expanded: an id alone tells nothing."""
        charge, failure = intent.latest_charge, intent.last_payment_error
        return cls(
            id=intent.id,
            created=_time(intent.created),
            customer_id=_id(intent.customer),
            status=intent.status,
            amount=_money(intent.amount, intent.currency),
            capturable=_money(intent.amount_capturable, intent.currency),
            received=_money(intent.amount_received, intent.currency),
            charge=None if charge is None or isinstance(charge, str) else Charge.of(charge),
            client_secret=intent.client_secret or "",
            canceled_at=_time(intent.canceled_at) if intent.canceled_at else None,
            cancellation_reason=intent.cancellation_reason,
            decline_message=failure.message if failure else None,
            metadata=plain(intent.metadata),
        )


@dataclass(frozen=True)
class Setup:
    """A SetupIntent: a card that is kept for later, once it is ``SAVED``; ``method_id`` is that card's."""

    id: str
    created: datetime
    customer_id: str | None
    status: str
    method_id: str | None
    card_brand: str | None
    card_last4: str | None
    client_secret: str
    cancellation_reason: str | None
    decline_message: str | None
    metadata: dict[str, str]

    @classmethod
    def of(cls, setup: Any) -> "Setup":
        """``payment_method`` should be expanded: an id alone does not tell which card it is."""
        failure, card = setup.last_setup_error, getattr(setup.payment_method, "card", None)
        return cls(
            id=setup.id,
            created=_time(setup.created),
            customer_id=_id(setup.customer),
            status=setup.status,
            method_id=_id(setup.payment_method),
            card_brand=card.brand if card else None,
            card_last4=card.last4 if card else None,
            client_secret=setup.client_secret or "",
            cancellation_reason=setup.cancellation_reason,
            decline_message=failure.message if failure else None,
            metadata=plain(setup.metadata),
        )


@dataclass(frozen=True)
class Card:
    """A card that Stripe keeps for a customer."""

    id: str
    brand: str
    last4: str
    expires: str

    @classmethod
    def of(cls, method: Any) -> "Card":
        card = method.card
        return cls(method.id, card.brand, card.last4, f"{card.exp_month:02}/{card.exp_year % 100:02}")

    @property
    def name(self) -> str:
        return f"{self.brand.capitalize()} ·· {self.last4}"


@dataclass(frozen=True)
class Refund:
    id: str
    created: datetime
    intent_id: str | None
    amount: Money
    status: str
    metadata: dict[str, str]

    @classmethod
    def of(cls, refund: Any) -> "Refund":
        return cls(
            id=refund.id,
            created=_time(refund.created),
            intent_id=_id(refund.payment_intent),
            amount=_money(refund.amount, refund.currency),
            status=refund.status or "",
            metadata=plain(refund.metadata),
        )


@dataclass(frozen=True)
class Customer:
    id: str
    email: str | None
    metadata: dict[str, str]

    @classmethod
    def of(cls, customer: Any) -> "Customer | None":
        """None for one that was deleted: only its id is left."""
        if getattr(customer, "deleted", False):
            return None
        return cls(id=customer.id, email=customer.email, metadata=plain(customer.metadata))


@dataclass(frozen=True)
class BalanceTransaction:
    """Stripe's own entry of a movement of our balance: ``amount`` (negative when money leaves), before ``fee``.

    ``source_id`` is what moved it: a charge, a refund, a payout. ``intent_id`` and ``metadata`` are of that.
    """

    id: str
    type: str
    amount: Money
    fee: Money
    source_id: str | None
    intent_id: str | None
    metadata: dict[str, str]
    created: datetime

    @classmethod
    def of(cls, transaction: Any) -> "BalanceTransaction":
        """``source`` should be expanded."""
        source = transaction.source
        return cls(
            id=transaction.id,
            type=transaction.type,
            amount=_money(transaction.amount, transaction.currency),
            fee=_money(transaction.fee, transaction.currency),
            source_id=_id(source),
            intent_id=_id(getattr(source, "payment_intent", None)),
            metadata=plain(getattr(source, "metadata", None)),
            created=_time(transaction.created),
        )


@dataclass(frozen=True)
class Knock:
    """An event that Stripe has told us of: enough to know what to fetch.

    ``intent_id`` is of the PaymentIntent (or SetupIntent) it is about, if any; ``metadata`` is the object's at that
    time.
    """

    id: str
    type: str
    intent_id: str | None
    account: str | None
    livemode: bool
    metadata: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, event: Any) -> "Knock":
        """Read from an event's JSON. Raises: ValueError, LookupError, TypeError or AttributeError if it is none."""
        subject = event["data"]["object"]
        is_intent = event["type"].startswith(("payment_intent.", "setup_intent."))
        about = subject["id"] if is_intent else subject.get("payment_intent")
        if not (
            isinstance(event["livemode"], bool)
            and _is_word(event["id"])
            and _is_word(event["type"])
            and (_is_word(about) or (about is None and not is_intent))
            and (event.get("account") is None or _is_word(event["account"]))
        ):
            raise ValueError("not an event's shape")
        metadata = dict(subject.get("metadata") or {})
        return cls(event["id"], event["type"], about, event.get("account"), event["livemode"], metadata)


@dataclass(frozen=True)
class Told:
    """An event as Stripe's own list tells it: ``body`` is what it knocks, or would have knocked, with."""

    knock: Knock
    body: str
    created: datetime

    @classmethod
    def of(cls, event: Any) -> "Told | None":
        """None if it is none that we can read: the others are still worth reading."""
        try:
            told = event.to_dict(for_json=True)
            return cls(Knock.of(told), json.dumps(told), _time(told["created"]))
        except (ValueError, LookupError, TypeError, AttributeError):
            return None


def plain(metadata: Any) -> dict[str, str]:
    """Metadata as a dict: Stripe's own object is none."""
    return dict(metadata.to_dict()) if metadata else {}


def _money(minor: int, currency: str) -> Money:
    return Money(minor, currency.upper())


def _time(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def _id(reference: Any) -> str | None:
    """The id of what is referred to, expanded or not."""
    return reference if isinstance(reference, str) or reference is None else str(reference.id)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None
