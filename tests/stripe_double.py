"""The simulator as tests talk of it: what the card's owner, the bank and the network do."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe as library
from flask import Flask

from app.extensions import db
from app.models.booking import Booking
from app.models.payment import Payment
from stripe_simulator import Simulator
from stripe_simulator.simulator import Snapshot
from tests.apart import apart
from tests.simulator.in_process import InProcessClient

API = "http://127.0.0.1:12111"
MONDAY = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)  # when every story begins
WEBHOOK_PATH = "/webhooks/stripe"


@dataclass(frozen=True)
class Kept:
    """A Stripe as it was at a moment."""

    snapshot: Snapshot
    now: datetime


class Stripe:
    """A Stripe account with its clock, for one test."""

    def __init__(self, database: str = ":memory:", *, begins: datetime = MONDAY) -> None:
        self.simulator = Simulator(
            database,
            webhook_url=f"http://localhost{WEBHOOK_PATH}",
            webhook_secret="whsec_test",
            ticks=lambda: 0.0,  # a slow machine is no reason for time to pass
        )
        self._now = begins
        self.simulator.clock.set(begins.timestamp())
        self.client = library.StripeClient(
            "sk_test_platform", base_addresses={"api": API}, http_client=InProcessClient(self.simulator)
        )
        self._browser = library.StripeClient(
            "pk_test_platform", base_addresses={"api": API}, http_client=InProcessClient(self.simulator)
        )

    def now(self) -> datetime:
        """The time of this test: it moves only when told to."""
        return self._now

    def wait_until(self, then: datetime) -> None:
        """Let time pass, at Stripe's and here."""
        self.simulator.clock.advance(then.timestamp() - self.simulator.clock.now())
        self._now = then

    def wait(self, duration: timedelta) -> None:
        self.wait_until(self._now + duration)

    def pay(self, booking: Booking, card: str = "pm_card_visa") -> Any:
        """What the mentee's browser does on the pay page. Raises: stripe.CardError as Stripe.js would tell."""
        intent = self.client.v1.payment_intents.retrieve(_intent_id(booking))
        back = "http://localhost/return"
        return self._browser.v1.payment_intents.confirm(
            intent.id,
            {"client_secret": intent.client_secret, "payment_method": card, "return_url": back},  # type: ignore[typeddict-unknown-key]
        )

    def save(self, booking: Booking, card: str = "pm_card_visa") -> Any:
        """What the browser does where a card is only saved. Raises: stripe.CardError as Stripe.js would tell."""
        setup = self.setup_of(booking)
        return self._browser.v1.setup_intents.confirm(
            setup.id,
            {"client_secret": setup.client_secret, "payment_method": card, "return_url": "http://localhost/return"},  # type: ignore[typeddict-unknown-key]
        )

    def pass_authentication(self, intent: Any) -> None:
        """What the cardholder does on the page that 3-D Secure shows."""
        form = f"client_secret={intent.client_secret}&outcome=complete"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        InProcessClient(self.simulator).request("post", f"{API}/three_d_secure/{intent.id}", headers, form)

    def setup_of(self, booking: Booking) -> Any:
        payment = _payment(booking)
        assert payment.setup_id is not None, "Stripe does not know this card yet"
        return self.client.v1.setup_intents.retrieve(payment.setup_id)

    def intent_of(self, booking: Booking) -> Any:
        return self.client.v1.payment_intents.retrieve(_intent_id(booking), {"expand": ["latest_charge"]})

    def refunds_of(self, booking: Booking) -> list[Any]:
        return list(self.client.v1.refunds.list({"payment_intent": _intent_id(booking)}).data)

    def intents(self) -> list[Any]:
        return list(self.client.v1.payment_intents.list({"limit": 100}).auto_paging_iter())

    def count(self, path: str, *, method: str = "POST") -> int:
        """How many requests of this kind had an effect or an answer, replays aside."""
        return sum(
            1
            for request in self.simulator.requests()
            if request.method == method and request.path.endswith(path) and not request.replayed
        )

    def fail_next(self, kind: str, path: str = "*", *, method: str = "POST", count: int = 1) -> None:
        """Let the next requests fail in one of the simulator's ways. The library retries a request once."""
        self.simulator.faults.add(kind, method=method, path=path, count=count)

    def deliver(self, app: Flask) -> int:
        """Knock at the application's webhook door with everything that is due, in this process."""

        def send(url: str, body: bytes, headers: dict[str, str]) -> int:
            return int(apart(app.test_client().post, WEBHOOK_PATH, data=body, headers=headers).status_code)

        return self.simulator.deliver(send)

    def keep(self) -> Kept:
        return Kept(self.simulator.snapshot(), self._now)

    def put_back(self, kept: Kept) -> None:
        """Everything as it was, the time too; faults still on order are forgotten."""
        self.simulator.restore(kept.snapshot)
        self._now = kept.now

    def close(self) -> None:
        self.simulator.close()


def _intent_id(booking: Booking) -> str:
    payment = _payment(booking)
    assert payment.intent_id is not None, "Stripe does not know this payment yet"
    return payment.intent_id


def _payment(booking: Booking) -> Payment:
    db.session.rollback()
    payment = db.session.scalars(
        db.select(Payment).where(Payment.booking_id == booking.id).order_by(Payment.created_at.desc())
    ).first()
    assert payment is not None, "there is no payment"
    return payment
