"""Two that wait for each other: one gives way, and its whole transaction is done again; Stripe is not asked twice."""

from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import DataError, OperationalError
from structlog.testing import capture_logs

from app import create_app
from app.actions import bookings
from app.actions.transactions import MOST_TIMES, at_once, atomically, unbroken
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from app.models.booking import Booking
from app.models.states import BookingState
from app.models.user import User
from stripe_simulator import Simulator
from tests.conftest import settings_for
from tests.faults.flows import taken_place, the_hour
from tests.faults.truths import untruths
from tests.processes import eventually
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import API, Stripe

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


class Rival:
    """Somebody who locks the booking first and its payment then, when all others do it the other way round."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._has_the_booking = Event()
        self._thread = Thread(target=self._live)

    def come(self) -> None:
        self._thread.start()
        assert self._has_the_booking.wait(30)

    def go(self) -> None:
        self._thread.join()

    def _live(self) -> None:
        with self._engine.begin() as connection:
            connection.execute(text("SELECT id FROM booking FOR UPDATE"))
            self._has_the_booking.set()
            eventually(self._somebody_waits)
            connection.execute(text("SELECT id FROM payment FOR UPDATE"))

    def _somebody_waits(self) -> bool:
        with self._engine.connect() as aside:
            return bool(aside.scalar(WAITING))


class Wire(InProcessClient):
    """The way to Stripe, on which a rival comes while an answer is on its way."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator)
        self.rival: Rival | None = None

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **rest: Any) -> Any:
        answer = super().request(method, url, headers, post_data, **rest)
        if self.rival is not None and url.endswith("/capture"):
            self.rival.come()
        return answer


@pytest.fixture
def wire(stripe: Stripe) -> Wire:
    return Wire(stripe.simulator)


@pytest.fixture
def wired(database_url: str, stripe: Stripe, wire: Wire) -> Iterator[Flask]:
    gateway = StripeGateway("sk_test_platform", api=API, http_client=wire)
    app = create_app(settings_for(database_url), gateway=gateway)
    clock.use(stripe.now)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("late", [False, True], ids=["before_stripe_is_asked", "after_stripe_has_answered"])
def test_a_deadlock_is_untangled_and_nobody_hears_of_it(late: bool, wired: Flask, wire: Wire, stripe: Stripe):
    taken_place(stripe)
    hour, rival = the_hour(), Rival(db.engine)
    if late:
        wire.rival = rival
    else:
        rival.come()
    with capture_logs() as told:
        bookings.complete(hour, now=stripe.now())
    rival.go()
    assert [entry["event"] for entry in told].count("broken off, and done again") == 1
    assert the_hour().state == BookingState.COMPLETED
    assert stripe.count("/capture") == 1
    assert untruths(stripe) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_is_broken_off_again_and_again_is_given_up(anns_hour: Booking):
    tries = []

    @unbroken
    def hopeless() -> None:
        with atomically():
            tries.append(db.session.scalar(text("SELECT txid_current()")))
            db.session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'no luck' USING ERRCODE = '40001'; END $$"))

    with pytest.raises(OperationalError):
        hopeless()
    assert len(set(tries)) == MOST_TIMES


def test_other_trouble_of_the_database_is_told_at_once(app: Flask):
    tries = []

    @unbroken
    def away() -> None:
        tries.append("once")
        raise OperationalError("SELECT 1", {}, ConnectionError("the database is away"))

    with pytest.raises(OperationalError):
        away()
    assert tries == ["once"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_after_a_statement_of_its_own_transactions_are_whole_again_also_if_it_failed(ann: User):
    divided = text("SELECT 6 / CAST(:by AS integer) AS result")
    for by in (3, 0):
        if by:
            assert at_once(divided, {"by": by})[0].result == 2
        else:
            with pytest.raises(DataError, match="division by zero"):
                at_once(divided, {"by": by})
        db.session.execute(update(User).values(name="Nobody"))
        db.session.rollback()
        assert db.session.scalar(select(User.name).where(User.id == ann.id)) == "Ann"
