"""What stands at the way to Stripe: a breaker for when it does not answer, and a turnstile that counts requests."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar
from urllib.parse import urlsplit

from app.kit.breaker import Breaker
from app.kit.errors import GatewayDown

Body = TypeVar("Body", str, bytes)


class Guard:
    """Lets no call through while ``breaker`` is open, and every request of one past ``turnstile``.

    A call is what one asks for; the library may make several requests of it, and each counts.
    """

    def __init__(
        self, breaker: Breaker, turnstile: Callable[[str], AbstractContextManager[None]] | None = None
    ) -> None:
        self._breaker, self._turnstile = breaker, turnstile

    def is_closed(self) -> bool:
        return self._breaker.is_open

    def watch(
        self, call: Callable[[], tuple[Body, int, Mapping[str, str]]], *, lost: type[Exception]
    ) -> tuple[Body, int, Mapping[str, str]]:
        """Make a call and note whether it was answered. Raises: GatewayDown at once while the breaker is open."""
        if not self._breaker.lets_through():
            raise GatewayDown("Our payment provider does not answer at the moment.", asked=False)
        try:
            answer = call()
        except lost:
            self._breaker.failed()
            raise
        (self._breaker.failed if _is_out_of_order(*answer) else self._breaker.succeeded)()
        return answer

    def turn(self, method: str, url: str) -> AbstractContextManager[None]:
        """Wait for a request's turn; it is sent inside."""
        return self._turnstile(endpoint(method, url)) if self._turnstile else nullcontext()


def endpoint(method: str, url: str) -> str:
    """A request without the ids in its path, as Stripe counts: ``POST /v1/payment_intents/:id/capture``."""
    version, *words = urlsplit(url).path.strip("/").split("/")
    return f"{method.upper()} /{'/'.join([version, *(':id' if _is_id(word) else word for word in words)])}"


def is_replayed(headers: Mapping[str, str]) -> bool:
    """Whether this is what Stripe keeps for an idempotency key, rather than how it feels now."""
    return any(name.lower() == "idempotent-replayed" and value == "true" for name, value in headers.items())


def _is_id(word: str) -> bool:
    """Stripe's own words are lower case; in an id there is always a digit or a capital."""
    return not word.islower() or any(letter.isdigit() for letter in word)


def _is_out_of_order(body: str | bytes, status: int, headers: Mapping[str, str]) -> bool:
    """Whether Stripe would answer nobody like this now, rather than this one request."""
    if status == 429:
        return "lock_timeout" not in str(body)  # that is about one object: somebody else is changing it
    return status == 401 or (status >= 500 and not is_replayed(headers))
