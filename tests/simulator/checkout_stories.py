"""Short words for Checkout: open a session, fill in its page, go to the bank and come back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import stripe
from werkzeug.test import Client

from stripe_simulator import Simulator

VISA, DECLINED, NO_FUNDS = "4242424242424242", "4000000000000002", "4000000000009995"
THREE_D_SECURE = "4000000000003220"
SUCCESS = "http://localhost:5000/thanks?session={CHECKOUT_SESSION_ID}"
CANCEL = "http://localhost:5000/basket"


def an_item(amount: int = 2500, quantity: int = 2, **more: Any) -> dict[str, Any]:
    """Two hours of a mentor's time at $25, priced on the spot."""
    price = {"currency": "usd", "unit_amount": amount, "product_data": {"name": "An hour with Bob"}, **more}
    return {"price_data": price, "quantity": quantity}


def a_session(client: stripe.StripeClient, mode: str = "payment", **given: Any) -> stripe.checkout.Session:
    """An open session: $50 to pay, a card to keep, or $50 a month."""
    wish: dict[str, Any] = {"mode": mode, "success_url": SUCCESS, "cancel_url": CANCEL}
    if mode == "setup":
        wish["currency"] = "usd"
    elif mode == "subscription":
        wish["line_items"] = [an_item(recurring={"interval": "month"})]
    else:
        wish["line_items"] = [an_item()]
    return client.v1.checkout.sessions.create({**wish, **given})  # type: ignore[typeddict-item]


def again(client: stripe.StripeClient, session: stripe.checkout.Session, **given: Any) -> stripe.checkout.Session:
    """The session as it is now."""
    return client.v1.checkout.sessions.retrieve(session.id, given)  # type: ignore[arg-type]


@dataclass
class Tab:
    """A browser's tab on a session's page, without a browser: what was sent, what came back."""

    sim: Simulator
    session: stripe.checkout.Session
    path: str = field(init=False)

    def __post_init__(self) -> None:
        self.path = urlsplit(str(self.session.url)).path

    def look(self, query: str = "") -> str:
        """The page's text."""
        return Client(self.sim).get(f"{self.path}?{query}").text

    def send(self, number: str = VISA, **fields: str) -> dict[str, Any]:
        """Fill in the form and press the button: `{"redirect": url}` or `{"errors": {field: words}}`."""
        form = {"email": "ann@example.com", "name": "Ann", "number": number, "expiry": "12 / 50", "cvc": "123"}
        answer = Client(self.sim).post(self.path, data={**form, **fields}, headers={"Accept": "application/json"})
        assert answer.status_code == 200
        return dict(answer.get_json())

    def pay(self, number: str = VISA, **fields: str) -> str:
        """Pay with a card that needs no bank, and tell where the browser is sent."""
        return str(self.send(number, **fields)["redirect"])

    def refused(self, number: str = DECLINED, **fields: str) -> dict[str, str]:
        """What the page says to a card or an entry that does not work."""
        return dict(self.send(number, **fields)["errors"])

    def at_the_bank(self, url: str, outcome: str = "complete") -> str:
        """Answer the bank, and tell where it sends the browser."""
        parts = urlsplit(url)
        assert parts.path.startswith("/three_d_secure/")
        secret = parse_qs(parts.query)["client_secret"][0]
        answer = Client(self.sim).post(parts.path, data={"client_secret": secret, "outcome": outcome})
        return answer.headers["Location"]

    def come_back(self, url: str) -> Any:
        """Follow the bank's way back to the page, no further."""
        parts = urlsplit(url)
        assert parts.path == self.path
        return Client(self.sim).get(f"{parts.path}?{parts.query}")


def open_tab(sim: Simulator, client: stripe.StripeClient, mode: str = "payment", **given: Any) -> Tab:
    """A new session with its page open."""
    return Tab(sim, a_session(client, mode, **given))


def checkout_objects(sim: Simulator, client: stripe.StripeClient) -> list[tuple[type, Any]]:
    """One session of each mode, open and complete, and what belongs to them."""
    ann = client.v1.customers.create({"email": "ann@example.com"})
    tabs = [open_tab(sim, client, mode, customer=ann.id) for mode in ("payment", "setup", "subscription")]
    for tab in tabs:
        tab.pay()
    done = [again(client, tab.session) for tab in tabs]
    attempts = client.v1.setup_attempts.list({"setup_intent": str(done[1].setup_intent)})
    return [
        *[(stripe.checkout.Session, session) for session in (*(tab.session for tab in tabs), *done)],
        *[(stripe.LineItem, line) for line in client.v1.checkout.sessions.line_items.list(done[0].id)],
        *[(stripe.SetupAttempt, attempt) for attempt in attempts],
    ]
