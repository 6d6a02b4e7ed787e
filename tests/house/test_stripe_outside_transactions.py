"""A row first, then Stripe, and no transaction open meanwhile: watched at the wire, through the life of an hour."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import jobs
from app.actions import bookings, cancellations
from app.extensions import db
from app.kit.errors import GatewayDown
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.states import BookingState, OperationState, Party
from stripe_simulator import Simulator
from tests.house.conftest import application
from tests.people import booked, completed, fresh, mentor, paid, person
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

CALLS = ("/customers", "/payment_intents", "/capture", "/cancel", "/refunds")  # every kind that changes something
HOURS = ("first", "second", "third", "fourth", "fifth")


class Wire(InProcessClient):
    """The way to Stripe, with somebody watching it: what is said, and how things stand here at that moment."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator)  # however slow the machine: no call is given up here
        self.said: list[str] = []
        self.inside_a_transaction: list[str] = []
        self.without_a_row: list[str] = []

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **rest: Any) -> Any:
        what = f"{method.upper()} {urlsplit(url).path}"
        self.said.append(what)
        if db.session().in_transaction():
            self.inside_a_transaction.append(what)
        if method.upper() == "POST" and not _is_pending(headers["Idempotency-Key"]):
            self.without_a_row.append(what)
        return super().request(method, url, headers, post_data, **rest)

    def saw_no_wrong(self) -> bool:
        assert self.said, "nothing was said at all"
        assert self.inside_a_transaction == []
        assert self.without_a_row == []
        return True


def _is_pending(idempotency_key: str) -> bool:
    """Whether the operation that the key names is written down already, where every other process can see it."""
    _environment, operation_id, _attempt = idempotency_key.split(":")
    with db.engine.connect() as elsewhere:
        states = elsewhere.execute(select(Operation.state).where(Operation.id == operation_id)).scalars().all()
    return states == [OperationState.PENDING]


@pytest.fixture
def wire(stripe: Stripe) -> Wire:
    return Wire(stripe.simulator)


@pytest.fixture
def watched(database_url: str, stripe: Stripe, wire: Wire) -> Iterator[Flask]:
    """An application with a watcher at its wire; inside an application context."""
    app = application(database_url, stripe, client=wire)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def hours_with_bob(stripe: Stripe) -> dict[str, Booking]:
    """Ann books some hours, one after the other, tomorrow."""
    ann, bob = person("Ann"), mentor("Bob")
    tomorrow = stripe.now().replace(minute=0) + timedelta(days=1)
    return {
        name: booked(ann, bob, stripe, starts_at=tomorrow + timedelta(hours=n), key=f"the-form-of-{name}")
        for n, name in enumerate(HOURS)
    }


def test_through_a_whole_life_stripe_is_called_outside_of_transactions_and_after_a_row(
    watched: Flask, stripe: Stripe, wire: Wire
):
    hours = hours_with_bob(stripe)
    cancel(hours["first"], stripe)
    stripe.deliver(watched)
    jobs.run("handle_events")
    for name in ("second", "third", "fourth"):
        paid(hours[name], stripe)
    cancel(hours["fourth"], stripe)
    stripe.wait(timedelta(minutes=16))
    jobs.run("expire_checkouts")
    done = completed(hours["second"], stripe)
    cancel(done, stripe)
    stripe.wait_until(hours["third"].complete_by)
    jobs.run("expire_stale_holds")
    stripe.deliver(watched)
    jobs.run("handle_events")
    ends = {name: fresh(hour).state for name, hour in hours.items()}
    assert ends == {
        "first": BookingState.CANCELLED,
        "second": BookingState.CANCELLED,
        "third": BookingState.EXPIRED,
        "fourth": BookingState.CANCELLED,
        "fifth": BookingState.EXPIRED,
    }
    assert [call for call in CALLS if not heard(wire, call)] == []
    assert wire.saw_no_wrong()


def test_a_lost_answer_is_looked_for_outside_of_transactions_too(watched: Flask, stripe: Stripe, wire: Wire):
    hour = paid(hours_with_bob(stripe)["first"], stripe)
    stripe.wait_until(hour.ends_at)
    stripe.fail_next("lose_answer", "*/capture", count=2)
    with pytest.raises(GatewayDown):
        bookings.complete(hour, now=stripe.now())
    due_at_once()
    begun = len(wire.said)
    jobs.run("finish_operations")
    assert fresh(hour).state == BookingState.COMPLETED
    assert wire.said[begun:]
    assert not any(said.startswith("POST") for said in wire.said[begun:])
    assert wire.saw_no_wrong()


def test_a_webhook_fetches_its_news_outside_of_transactions(watched: Flask, stripe: Stripe, wire: Wire):
    hour = hours_with_bob(stripe)["first"]
    stripe.pay(hour)
    assert stripe.deliver(watched) > 0
    jobs.run("handle_events")
    assert fresh(hour).state == BookingState.CONFIRMED
    assert wire.saw_no_wrong()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_page_asks_stripe_inside_a_transaction(watched: Flask, stripe: Stripe, wire: Wire):
    hour = hours_with_bob(stripe)["first"]
    here = f"/mentee/bookings/{hour.id}"
    db.session.remove()
    ann, bob = (Browser(watched.test_client()).log_in(f"{name}@example.com") for name in ("ann", "bob"))
    begun = len(wire.said)
    assert ann.get(f"{here}/payment").status_code == 200
    assert wire.said[begun:], "the pay page did not ask Stripe"
    stripe.pay(hour)
    assert ann.post(f"{here}/payment/check").status_code == 302
    stripe.wait_until(hour.ends_at)
    assert bob.post(f"/mentor/bookings/{hour.id}/completion").status_code == 302
    assert fresh(hour).state == BookingState.COMPLETED
    assert wire.saw_no_wrong()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_history_and_ledger_are_written_in_the_transaction_of_the_change_they_tell_of(completed_hour: Booking):
    """PostgreSQL notes with every row which transaction wrote it."""
    payment = completed_hour.payment
    assert payment is not None
    capture = db.session.scalars(select(Operation).where(Operation.kind == "capture")).one()
    writers = {
        name: set(db.session.execute(text(f"SELECT xmin::text FROM {table} WHERE {where}"), {"id": row_id}).scalars())
        for name, table, where, row_id in (
            ("payment", "payment", "id = :id", payment.id),
            ("booking", "booking", "id = :id", completed_hour.id),
            ("operation", "operation", "id = :id", capture.id),
            ("history", "transition", "operation_id = :id", capture.id),
            ("ledger", "ledger_entry", "operation_id = :id", capture.id),
            ("balances", "balance", "account LIKE '%' || :id", ""),
        )
    }
    assert len({writer for written in writers.values() for writer in written}) == 1, writers
    assert all(writers.values())


def cancel(hour: Booking, stripe: Stripe) -> None:
    hour = fresh(hour)
    quote = cancellations.quote(hour, by=Party.MENTOR, now=stripe.now())
    cancellations.cancel(hour, by=Party.MENTOR, quoted=quote.token, now=stripe.now())


def heard(wire: Wire, ending: str) -> bool:
    return any(said.startswith("POST") and said.endswith(ending) for said in wire.said)


def due_at_once() -> None:
    """The worker's pauses are in the database's time, which does not wait for tests."""
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE operation SET not_before = 0, lease_until = 0"))
