"""The one door to Stripe. Its words stay inside: out come our own frozen values and our own errors."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, TypeVar, cast

import stripe

from app.gateways.guard import Guard, is_replayed
from app.gateways.stripe_objects import (
    API_VERSION,
    BalanceTransaction,
    Customer,
    Intent,
    Key,
    Refund,
    Told,
    plain,
)
from app.gateways.stripe_setups import Setups
from app.kit.errors import CardDeclined, GatewayDown, GatewayRefused, Unexplained
from app.kit.money import Money

stripe.enable_telemetry = False  # else it writes a file into the home directory

CONNECT_TIMEOUT, READ_TIMEOUT = 3, 10  # seconds; the library's own 80 would hold a person's request hostage
NEWEST = 100  # the longest page; and how far back a look-up reads: one person has far fewer payments under way

NO_SUCH = "resource_missing"

Row = TypeVar("Row")


class StripeGateway(Setups):
    """Calls Stripe's API at ``api`` (Stripe's own, or a simulator's).

    Every call raises GatewayDown if the outcome is not known, GatewayRefused if Stripe definitely said no,
    CardDeclined if the card's bank did, and Unexplained if the answer contradicts what we asked. ``guard`` may
    keep a call waiting, or let none through.
    """

    _client: stripe.StripeClient

    def __init__(
        self,
        secret_key: str,
        *,
        api: str,
        http_client: stripe.HTTPClient | None = None,
        guard: Guard | None = None,
    ) -> None:
        network = http_client or stripe.RequestsClient(timeout=(CONNECT_TIMEOUT, READ_TIMEOUT))
        self._guard = guard
        self.livemode = secret_key.startswith(("sk_live_", "rk_live_"))
        self._client = stripe.StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api},
            max_network_retries=1,
            http_client=_Guarded(network, guard) if guard else network,
        )

    def _asking(self) -> AbstractContextManager[None]:
        return _our_errors()

    def create_customer(self, params: dict[str, Any], key: Key) -> str:
        """Source: https://docs.stripe.com/api/customers/create"""
        with _our_errors():
            return self._client.v1.customers.create(cast(Any, params), key.options).id

    def find_customer(self, email: str, operation_id: str) -> str | None:
        """The customer that an operation made, if it did. Source: https://docs.stripe.com/api/customers/list"""
        with _our_errors():
            listed = self._client.v1.customers.list({"email": email, "limit": NEWEST})
            return next((c.id for c in listed.data if plain(c.metadata).get("operation") == operation_id), None)

    def create_intent(self, params: dict[str, Any], key: Key) -> Intent:
        """Source: https://docs.stripe.com/api/payment_intents/create"""
        return self._intent(
            lambda: self._client.v1.payment_intents.create(
                cast(Any, {**params, "expand": ["latest_charge"]}), key.options
            )
        )

    def find_intent(self, customer_id: str, operation_id: str) -> Intent | None:
        """The intent that an operation made, if it did. Source: https://docs.stripe.com/api/payment_intents/list"""
        return self._find_intent(customer_id, "operation", operation_id)

    def find_intent_for(self, customer_id: str, payment_id: str) -> Intent | None:
        """The newest intent on which stands that it is for a payment. Source: https://docs.stripe.com/api/payment_intents/list"""
        return self._find_intent(customer_id, "payment", payment_id)

    def intent_pages(self, since: datetime | None = None) -> Iterator[list[Intent]]:
        """All that were made since then, newest first, page by page.

        Source: https://docs.stripe.com/api/payment_intents/list
        """
        expanded = {"expand": ["data.latest_charge"]}
        return self._pages(self._client.v1.payment_intents.list, Intent.of, since, expanded)

    def find(self, intent_id: str) -> Intent | None:
        """The intent; None if Stripe knows none with this id."""
        try:
            return self.intent(intent_id)
        except GatewayRefused as refusal:
            if refusal.code != NO_SUCH:
                raise
            return None

    def intent(self, intent_id: str) -> Intent:
        """Source: https://docs.stripe.com/api/payment_intents/retrieve"""
        return self._intent(lambda: self._client.v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]}))

    def authorize(self, intent_id: str, method_id: str, key: Key) -> Intent:
        """Hold an intent's amount on a saved card while its owner is away. A bank that wants to see them declines.

        Source: https://docs.stripe.com/api/payment_intents/confirm
        """
        params: Any = {"payment_method": method_id, "off_session": True, "expand": ["latest_charge"]}
        return self._intent(lambda: self._client.v1.payment_intents.confirm(intent_id, params, key.options))

    def capture(self, intent_id: str, amount: Money, key: Key, *, metadata: dict[str, str]) -> Intent:
        """Capture a hold, whole or in part; Stripe releases the rest. ``metadata`` is added to the intent's.

        Source: https://docs.stripe.com/api/payment_intents/capture
        """
        params: Any = {"amount_to_capture": amount.minor, "metadata": metadata, "expand": ["latest_charge"]}
        return self._intent(lambda: self._client.v1.payment_intents.capture(intent_id, params, key.options))

    def cancel(self, intent_id: str, key: Key, *, reason: str) -> Intent:
        """Void a hold, or give up an intent that was never paid.

        ``reason``: ABANDONED if nobody asked for it, REQUESTED, SUPERSEDED.
        Source: https://docs.stripe.com/api/payment_intents/cancel
        """
        params: Any = {"cancellation_reason": reason, "expand": ["latest_charge"]}
        return self._intent(lambda: self._client.v1.payment_intents.cancel(intent_id, params, key.options))

    def refund(self, params: dict[str, Any], key: Key) -> Refund:
        """Source: https://docs.stripe.com/api/refunds/create"""
        with _our_errors():
            return Refund.of(self._client.v1.refunds.create(cast(Any, params), key.options))

    def refunds_of(self, intent_id: str) -> list[Refund]:
        """Newest first. Source: https://docs.stripe.com/api/refunds/list"""
        with _our_errors():
            listed = self._client.v1.refunds.list({"payment_intent": intent_id, "limit": NEWEST})
            return [Refund.of(refund) for refund in listed.auto_paging_iter()]

    def refund_pages(self, since: datetime | None = None) -> Iterator[list[Refund]]:
        """All that were made since then, newest first, page by page. Source: https://docs.stripe.com/api/refunds/list"""
        return self._pages(self._client.v1.refunds.list, Refund.of, since, {})

    def balance_transaction_pages(self, since: datetime | None = None) -> Iterator[list[BalanceTransaction]]:
        """Every movement of our balance since then, newest first.

        Source: https://docs.stripe.com/api/balance_transactions/list
        """
        listing = self._client.v1.balance_transactions.list
        return self._pages(listing, BalanceTransaction.of, since, {"expand": ["data.source"]})

    def event_pages(
        self, since: datetime, until: datetime | None = None, *, types: Sequence[str]
    ) -> Iterator[list[Told | None]]:
        """What Stripe has knocked with, or tried to, newest first; it remembers for 30 days. At most 20 ``types``.

        Source: https://docs.stripe.com/api/events/list
        """
        return self._pages(self._client.v1.events.list, Told.of, since, {"types": list(types)}, until=until)

    def balance(self) -> dict[str, Money]:
        """What is ours at Stripe by currency, available or still clearing.

        Source: https://docs.stripe.com/api/balance/balance_retrieve
        """
        with _our_errors():
            balance = self._client.v1.balance.retrieve()
            parts: Any = (*balance.available, *balance.pending)
            amounts = [Money(part.amount, part.currency.upper()) for part in parts]
        return {
            currency: sum((amount for amount in amounts if amount.currency == currency), Money(0, currency))
            for currency in {amount.currency for amount in amounts}
        }

    def customer(self, customer_id: str) -> Customer | None:
        """None if there is none, or it was deleted. Source: https://docs.stripe.com/api/customers/retrieve"""
        try:
            with _our_errors():
                return Customer.of(self._client.v1.customers.retrieve(customer_id))
        except GatewayRefused as refusal:
            if refusal.code != NO_SUCH:
                raise
            return None

    def account_id(self) -> str:
        """Whose key this is. Not tried twice: who asks can do without. Source: https://docs.stripe.com/api/account"""
        with _our_errors():
            return self._client.v1.accounts.retrieve_current({}, {"max_network_retries": 0}).id

    def _pages(
        self,
        listing: Callable[..., Any],
        read: Callable[[Any], Row],
        since: datetime | None,
        params: dict[str, Any],
        *,
        until: datetime | None = None,
    ) -> Iterator[list[Row]]:
        """Pages of a list that begins with the newest; each is asked for when the one before has been used."""
        edges = (("gte", since), ("lt", until))
        created = {edge: max(0, int(at.timestamp())) for edge, at in edges if at is not None}
        wanted: dict[str, Any] = {**params, "limit": NEWEST, **({"created": created} if created else {})}
        while True:
            with _our_errors():
                page = listing(wanted)
                found, last = [read(each) for each in page.data], page.data[-1].id if page.data else ""
            if found:
                yield found
            if not page.has_more or not last:
                return
            wanted["starting_after"] = last

    def is_left_alone(self) -> bool:
        """Whether Stripe has not answered for a while, so that it would not be asked now."""
        return self._guard is not None and self._guard.is_closed()

    def _find_intent(self, customer_id: str, word: str, said: str) -> Intent | None:
        with _our_errors():
            listed = self._client.v1.payment_intents.list(
                {"customer": customer_id, "limit": NEWEST, "expand": ["data.latest_charge"]}
            )
            return next((Intent.of(i) for i in listed.data if plain(i.metadata).get(word) == said), None)

    def _intent(self, call: Callable[[], stripe.PaymentIntent]) -> Intent:
        with _our_errors():
            return Intent.of(call())


class _Guarded(stripe.HTTPClient):
    """The library's way over the network, past a guard."""

    name = "guarded"

    def __init__(self, network: stripe.HTTPClient, guard: Guard) -> None:
        super().__init__()
        self._network, self._guard = network, guard

    def request_with_retries(self, *args: Any, **rest: Any) -> Any:
        whole = super().request_with_retries
        return self._guard.watch(lambda: whole(*args, **rest), lost=stripe.APIConnectionError)

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **rest: Any) -> Any:
        with self._guard.turn(method, url):
            return self._network.request(method, url, headers, post_data, **rest)

    def close(self) -> None:
        self._network.close()  # type: ignore[no-untyped-call]


def is_signed(text: str, header: str, secret: str) -> bool:
    """Whether a webhook's header holds a signature of ``text`` by ``secret``, of whatever time."""
    try:
        return bool(stripe.WebhookSignature.verify_header(text, header, secret, tolerance=None))
    except stripe.SignatureVerificationError:
        return False


@contextmanager
def _our_errors() -> Iterator[None]:
    """Sort Stripe's errors by what is known about the money. Source: https://docs.stripe.com/error-low-level"""
    try:
        yield
    except stripe.CardError as error:
        raise CardDeclined(error.user_message or "Your bank declined the card.") from error
    except stripe.IdempotencyError as error:
        raise Unexplained(str(error)) from error
    except stripe.InvalidRequestError as error:
        if error.http_status == 429:
            raise GatewayDown(str(error)) from error
        raise GatewayRefused(error.user_message or str(error), code=error.code or "") from error
    except stripe.StripeError as error:
        # Not reached, cut off, overloaded, a wrong key, a 409 or a 5xx: whatever it was, the outcome is not known.
        raise GatewayDown(str(error), saved=_is_saved(error)) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unexplained(f"Stripe answered something we cannot read: {error}") from error


def _is_saved(error: stripe.StripeError) -> bool:
    return (error.http_status or 0) >= 500 and is_replayed(error.headers or {})


_gateway: StripeGateway | None = None


def use(gateway: StripeGateway) -> None:
    """Make ``gateway`` the one that :func:`stripe_gateway` answers with."""
    global _gateway
    _gateway = gateway


def stripe_gateway() -> StripeGateway:
    """The gateway that ``create_app()`` installed."""
    if _gateway is None:
        raise RuntimeError("no Stripe gateway is installed")
    return _gateway
