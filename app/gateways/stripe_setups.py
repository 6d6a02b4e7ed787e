"""The part of the door to Stripe behind which cards are kept for later. Source: https://docs.stripe.com/api/setup_intents"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from app.gateways.stripe_objects import ABANDONED, REQUESTED, Card, Key, Setup, plain

NEWEST = 100  # the longest page; and how far back a look-up reads
WITH_THE_CARD = ["payment_method"]


class Setups:
    """What a gateway, which knows how to ask, can ask about SetupIntents and the cards they keep.

    It raises what the gateway raises.
    """

    _client: Any
    _asking: Callable[[], AbstractContextManager[None]]
    _pages: Callable[..., Iterator[list[Any]]]

    def create_setup(self, params: dict[str, Any], key: Key) -> Setup:
        """Source: https://docs.stripe.com/api/setup_intents/create"""
        return self._setup(lambda of: of.create({**params, "expand": WITH_THE_CARD}, key.options))

    def find_setup(self, customer_id: str, operation_id: str) -> Setup | None:
        """The one that an operation made, if it did. Source: https://docs.stripe.com/api/setup_intents/list"""
        with self._asking():
            expanded = [f"data.{name}" for name in WITH_THE_CARD]
            listed = self._client.v1.setup_intents.list({"customer": customer_id, "limit": NEWEST, "expand": expanded})
            return next((Setup.of(s) for s in listed.data if plain(s.metadata).get("operation") == operation_id), None)

    def setup(self, setup_id: str) -> Setup:
        """Source: https://docs.stripe.com/api/setup_intents/retrieve"""
        return self._setup(lambda of: of.retrieve(setup_id, {"expand": WITH_THE_CARD}))

    def setup_pages(self, since: datetime | None = None) -> Iterator[list[Setup]]:
        """All that were made since then, newest first, page by page.

        Source: https://docs.stripe.com/api/setup_intents/list
        """
        expanded = {"expand": [f"data.{name}" for name in WITH_THE_CARD]}
        return self._pages(self._client.v1.setup_intents.list, Setup.of, since, expanded)

    def cancel_setup(self, setup_id: str, key: Key, *, abandoned: bool) -> Setup:
        """Give up one whose card is not saved; ``abandoned`` if nobody asked for it.

        Source: https://docs.stripe.com/api/setup_intents/cancel
        """
        params = {"cancellation_reason": ABANDONED if abandoned else REQUESTED, "expand": WITH_THE_CARD}
        return self._setup(lambda of: of.cancel(setup_id, params, key.options))

    def label_setup(self, setup_id: str, metadata: dict[str, str], key: Key) -> Setup:
        """Add ``metadata`` to what is written on it. Source: https://docs.stripe.com/api/setup_intents/update"""
        return self._setup(lambda of: of.update(setup_id, {"metadata": metadata, "expand": WITH_THE_CARD}, key.options))

    def cards_of(self, customer_id: str) -> list[Card]:
        """What is kept for a customer, the newest first.

        Source: https://docs.stripe.com/api/payment_methods/customer_list
        """
        with self._asking():
            wanted = {"type": "card", "limit": NEWEST}
            return [Card.of(m) for m in self._client.v1.customers.payment_methods.list(customer_id, wanted).data]

    def forget_card(self, method_id: str) -> None:
        """Part a card from its customer, for good. Source: https://docs.stripe.com/api/payment_methods/detach"""
        with self._asking():
            self._client.v1.payment_methods.detach(method_id)

    def _setup(self, call: Callable[[Any], Any]) -> Setup:
        with self._asking():
            return Setup.of(call(self._client.v1.setup_intents))
