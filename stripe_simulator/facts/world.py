"""What facts are tried on: a Stripe account behind the official library, and perhaps a clock that can be moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import stripe

DAY = 86_400
HOUR = 3_600


class Unlike(AssertionError):
    """Stripe did something else than the fact says."""


class World:
    """A sandbox or a simulator. `patience`: seconds to wait for what Stripe does in its own time."""

    def __init__(
        self,
        client: stripe.StripeClient,
        *,
        advance: Callable[[float], None] | None = None,
        control: Callable[[str, dict[str, Any]], None] | None = None,
        deliver: Callable[[int], list[tuple[str, str]]] | None = None,
        rotate: Callable[[], tuple[str, str]] | None = None,
        patience: float = 0.0,
    ) -> None:
        self.client = client
        self.api = client.v1
        self._advance = advance
        self._control = control
        self._deliver = deliver
        self._rotate = rotate
        self._patience = patience

    def has(self, needs: str) -> bool:
        """Whether this world has what a fact needs."""
        found = {"": True, "clock": self._advance, "faults": self._control, "deliveries": self._deliver}
        return found[needs] is not None

    def advance(self, seconds: float) -> None:
        """Let simulated time pass."""
        assert self._advance
        self._advance(seconds)

    def let_pass(self, seconds: float) -> None:
        """Let simulated time pass where there is any; elsewhere Stripe takes its own, and we are patient."""
        if self._advance:
            self._advance(seconds)

    def fault(self, kind: str, **given: Any) -> None:
        """Order a fault for the next request."""
        assert self._control
        self._control("faults", {"kind": kind, **given})

    def deliver(self, status: int) -> list[tuple[str, str]]:
        """Answer everything that is due with a status; the bodies and signatures that came."""
        assert self._deliver
        return self._deliver(status)

    def rotate(self) -> tuple[str, str]:
        """Give the endpoint a new secret; the old one and the new one."""
        assert self._rotate
        return self._rotate()

    def intent(self, **given: Any) -> Any:
        """An intent of $50 to be captured by hand."""
        wish = {"amount": 5000, "currency": "usd", "capture_method": "manual", "allowed_payment_method_types": ["card"]}
        return self.api.payment_intents.create({**wish, **given})  # type: ignore[typeddict-item]

    def hold(self, card: str = "pm_card_visa", **given: Any) -> Any:
        """$50 authorized on a card."""
        return self.intent(payment_method=card, confirm=True, **given)

    def payment(self, card: str = "pm_card_visa", **given: Any) -> Any:
        """$50 paid at once; its balance transaction and events may follow later."""
        return self.hold(card, capture_method="automatic", **given)

    def charge_of(self, intent: Any) -> Any:
        return self.api.charges.retrieve(str(intent.latest_charge))

    def customer_with(self, card: str, *, off_session: bool = True) -> tuple[str, str]:
        """A customer and a card of theirs that was set up, for use without them."""
        customer = self.api.customers.create({"email": "ann@example.com"})
        setup = self.api.setup_intents.create(
            {
                "customer": customer.id,
                "payment_method": card,
                "confirm": True,
                "allowed_payment_method_types": ["card"],
                "usage": "off_session" if off_session else "on_session",
            }
        )
        return customer.id, str(setup.payment_method)

    def told(self, action: Callable[[], Any], *about: str, wanted: int) -> list[str]:
        """The types of the events about these objects, or about what an action makes, oldest first.

        On a sandbox others may be at work, so only events that name one of the objects count. Order within one
        second is Stripe's word, not ours.
        """
        newest = self.api.events.list({"limit": 1}).data
        names = {*about, *self._outcome(action)}

        def found() -> list[str]:
            since = self.api.events.list({"limit": 100, "ending_before": newest[0].id} if newest else {"limit": 100})
            return [event.type for event in reversed(since.data) if _names(event) & names]

        deadline = time.monotonic() + self._patience
        while len(found()) < wanted and time.monotonic() < deadline:
            time.sleep(1)
        if self._patience:
            time.sleep(2)  # for what should not come, and does
        return found()

    def eventually(self, look: Callable[[], Any], wanted: Any) -> None:
        """Wait until something is as wanted. Raises: Unlike."""
        deadline = time.monotonic() + self._patience
        while (seen := look()) != wanted and time.monotonic() < deadline:
            time.sleep(1)
        same(seen, wanted)

    def _outcome(self, action: Callable[[], Any]) -> set[str]:
        """The ids of what an action made, refused or not."""
        try:
            made = action()
        except stripe.StripeError as error:
            made = getattr(error.error, "payment_intent", None)
        return {str(made.id)} if made is not None and hasattr(made, "id") else set()


def _names(event: Any) -> set[str]:
    obj = event.data.object.to_dict()
    return {str(obj.get(name)) for name in ("id", "payment_intent", "charge", "setup_intent")}


def same(seen: Any, wanted: Any) -> None:
    """Raises: Unlike when they differ."""
    if seen != wanted:
        raise Unlike(f"expected {wanted!r:.300}, saw {seen!r:.300}")


@contextmanager
def refusal() -> Iterator[list[Any]]:
    """The error of a block lands in the list; there must be one. Raises: Unlike."""
    met: list[Any] = []
    try:
        yield met
    except stripe.StripeError as error:
        met.append(error)
    if not met:
        raise Unlike("expected an error, saw none")


def refused(action: Callable[[], Any]) -> Any:
    """The error an action meets. Raises: Unlike if it meets none."""
    with refusal() as met:
        action()
    return met[0]
