"""What an operator decides about a money action that nobody could explain, while others are at the same payment."""

from threading import Event, Thread

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from app.actions import decisions
from app.extensions import db
from app.kit.errors import IllegalMove
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.operation import Operation
from app.models.states import BookingState, OperationState
from app.models.user import User
from tests.actions.test_transactions import WAITING
from tests.faults.recovery import finish, let_leases_run_out
from tests.people import booked, fresh
from tests.processes import eventually
from tests.stripe_double import Stripe


class News:
    """Somebody who learns of a payment: it is locked first, as everybody does it, and its operation then."""

    def __init__(self, engine: Engine) -> None:
        self.trouble: Exception | None = None
        self._engine = engine
        self._has_the_payment = Event()
        self._thread = Thread(target=self._live)

    def come(self) -> None:
        self._thread.start()
        assert self._has_the_payment.wait(30)

    def go(self) -> None:
        self._thread.join()

    def _live(self) -> None:
        try:
            with self._engine.begin() as connection:
                connection.execute(text("SELECT id FROM payment FOR NO KEY UPDATE"))
                self._has_the_payment.set()
                eventually(self._somebody_waits)
                connection.execute(text("SELECT id FROM operation WHERE kind = 'hold' FOR NO KEY UPDATE"))
        except Exception as trouble:
            self.trouble = trouble

    def _somebody_waits(self) -> bool:
        with self._engine.connect() as aside:
            return bool(aside.scalar(WAITING))


@pytest.fixture
def hour(ann: User, bob: Mentor, stripe: Stripe) -> Booking:
    """Its hold's answer was lost, twice."""
    stripe.fail_next("lose_answer", "/v1/payment_intents", count=2)
    return booked(ann, bob, stripe)


@pytest.fixture
def riddle(hour: Booking, stripe: Stripe) -> str:
    """The id of the hour's hold, whose amount somebody has changed at Stripe before we could look."""
    stripe.client.v1.payment_intents.update(stripe.intents()[0].id, {"amount": 9_000})
    finish()
    assert the_hold().state == OperationState.PARKED
    return the_hold().id


def the_hold() -> Operation:
    db.session.rollback()
    db.session.expire_all()
    return Operation.one(Operation.kind == "hold")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_who_gives_up_a_riddle_waits_for_the_news_of_its_payment_and_not_the_news_for_them(
    riddle: str, hour: Booking, stripe: Stripe
):
    news = News(db.engine)
    news.come()
    with capture_logs() as told:
        decisions.give_up(riddle, because="Ann has booked anew", now=stripe.now())
    news.go()
    assert news.trouble is None
    assert [entry["event"] for entry in told] == [], "nobody was in anybody's way"
    assert (the_hold().state, fresh(hour).state) == (OperationState.REFUSED, BookingState.CANCELLED)


def test_what_the_worker_is_at_cannot_be_given_up(hour: Booking, stripe: Stripe):
    """Else it would be refused here while it is being done at Stripe."""
    assert the_hold().state == OperationState.PENDING
    with pytest.raises(IllegalMove):
        decisions.give_up(the_hold().id, because="it takes so long", now=stripe.now())
    assert (the_hold().state, fresh(hour).state) == (OperationState.PENDING, BookingState.PENDING_PAYMENT)


def test_of_two_operators_who_look_and_give_up_the_first_decides(riddle: str, hour: Booking, stripe: Stripe):
    stripe.fail_next("error_500_unsaved", method="GET", count=2)
    decisions.look_again(riddle, now=stripe.now())
    with pytest.raises(IllegalMove):
        decisions.give_up(riddle, because="Ann has booked anew", now=stripe.now())
    let_leases_run_out()
    finish()
    assert the_hold().state == OperationState.PARKED
    decisions.give_up(riddle, because="Ann has booked anew", now=stripe.now())
    assert the_hold().error == "Ann has booked anew"
    with pytest.raises(IllegalMove):
        decisions.look_again(riddle, now=stripe.now())
