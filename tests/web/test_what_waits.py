"""What an operator finds in the console when much waits: first what needs a person, then how much more there is."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from app import jobs
from app.actions import inbox
from app.extensions import db
from app.models.booking import Booking
from app.models.event import StripeEvent
from app.models.operation import Operation
from app.models.states import BookingState, EventState, OperationState, Party, Transition
from app.models.user import User
from app.web import attention
from tests.faults.meddlers import Meddler, meddled
from tests.faults.recovery import let_leases_run_out
from tests.faults.test_webhooks import tell
from tests.people import fresh
from tests.stripe_double import MONDAY, Stripe
from tests.web.conftest import Browser
from tests.web.effects import nothing_happens

Open = Callable[..., Browser]
O = OperationState  # noqa: E741 - read as in the table of moves
MOST = attention.MOST_SHOWN


@pytest.fixture
def olgas(olga: User, browser: Open) -> Browser:
    return browser("olga@example.com")


def operations(state: OperationState, count: int, *, after: timedelta = timedelta()) -> None:
    """Captures of nobody's, a second apart."""
    rows = [
        {
            "id": f"op_{state}_{n}",
            "kind": "capture",
            "subject": f"pay_{state}_{n}",
            "params": {},
            "api_version": "",
            "state": state,
            "by": Party.MENTOR,
            "error": f"It is {state}.",
            "created_at": MONDAY + after + timedelta(seconds=n),
            "version": 1,
        }
        for n in range(count)
    ]
    db.session.execute(insert(Operation), rows)
    db.session.commit()


def test_in_an_outage_what_needs_a_person_comes_before_all_that_the_worker_will_finish(app: Flask, olgas: Browser):
    operations(O.PENDING, MOST + 10)
    operations(O.PARKED, 2, after=timedelta(hours=1))
    olgas.get("/operator/")
    words = olgas.words
    assert words.index("op_parked_0") < words.index("op_parked_1") < words.index("op_pending_0")
    assert words.count("Capture op_") == MOST
    assert "Not shown: 12 being confirmed with Stripe." in words


def test_where_everything_is_shown_nothing_is_said_to_be_missing(app: Flask, olgas: Browser):
    operations(O.PENDING, MOST - 1)
    operations(O.PARKED, 1)
    olgas.get("/operator/")
    assert olgas.words.count("Capture op_") == MOST
    assert "Not shown" not in olgas.words


def test_however_much_waits_it_is_not_counted_for_long(app: Flask, olgas: Browser):
    operations(O.PARKED, MOST + 1)
    operations(O.PENDING, attention.MOST_COUNTED + 1)
    olgas.get("/operator/")
    assert "op_pending" not in olgas.words
    assert "Not shown: 1 needing a person, more than 1,000 being confirmed with Stripe." in olgas.words


@pytest.fixture
def meddler(stripe: Stripe) -> Meddler:
    return Meddler(stripe)


@pytest.fixture
def stuck(anns_hour: Booking, database_url: str, meddler: Meddler, stripe: Stripe) -> Booking:
    """Ann's card was entered, and our code broke at the one event that told of it, again and again."""
    with meddled(database_url, meddler, stripe) as app:
        stripe.pay(anns_hour)
        assert tell(app, stripe, stripe.simulator.events_since(None)[-1]) == 200
        try_in_vain(meddler)
    return anns_hour


def try_in_vain(meddler: Meddler) -> None:
    meddler.breaks = {"/v1/payment_intents/": RuntimeError("a mistake of ours")}
    for _ in range(inbox.MOST_TRIES):
        assert the_event().state == EventState.RECEIVED
        jobs.run("handle_events")
        let_leases_run_out()
    meddler.breaks = {}
    assert the_event().state == EventState.STUCK


def the_event() -> StripeEvent:
    db.session.rollback()
    db.session.expire_all()
    return StripeEvent.one()


def moves() -> list[tuple[str, Party, str]]:
    """How the event came to where it is."""
    traces = db.session.scalars(select(Transition).where(Transition.subject == the_event().id).order_by(Transition.id))
    return [(move.went_to, move.by, move.because) for move in traces]


def test_an_event_that_was_stuck_is_tried_again_when_the_mistake_is_mended(
    stuck: Booking, olgas: Browser, stripe: Stripe
):
    olgas.get("/operator/")
    assert "a mistake of ours" in olgas.words
    olgas.press("Try again")
    assert "It is tried again within seconds." in olgas.words
    assert (the_event().state, the_event().tries, the_event().handled_at) == (EventState.RECEIVED, 0, None)
    assert moves()[-1] == (EventState.RECEIVED, Party.OPERATOR, "try again")
    jobs.run("handle_events")
    assert the_event().state == EventState.HANDLED
    assert fresh(stuck).state == BookingState.CONFIRMED
    olgas.get("/operator/")
    assert "could not be acted on" not in olgas.words


def test_an_event_that_keeps_failing_comes_back_after_as_many_tries_as_before(
    stuck: Booking, olgas: Browser, meddler: Meddler
):
    olgas.get("/operator/")
    olgas.press("Try again")
    assert "could not be acted on" not in olgas.words
    try_in_vain(meddler)
    olgas.get("/operator/")
    assert olgas.form("Try again")


def test_an_event_is_dismissed_with_a_reason_and_does_nothing(stuck: Booking, olgas: Browser, stripe: Stripe):
    olgas.get("/operator/")
    with nothing_happens(stripe):
        assert olgas.send("Dismiss", because=" ").status_code == 422
    olgas.get("/operator/")
    olgas.press("Dismiss", because="Ann has called us")
    assert "could not be acted on" not in olgas.words
    assert the_event().state == EventState.HANDLED
    assert moves()[-1] == (EventState.HANDLED, Party.OPERATOR, "Ann has called us")
    jobs.run("handle_events")
    assert fresh(stuck).state == BookingState.PENDING_PAYMENT


@pytest.mark.parametrize("state", [EventState.RECEIVED, EventState.HANDLED, EventState.QUARANTINED])
def test_only_what_is_stuck_can_be_decided_about(state: EventState, stuck: Booking, olgas: Browser, stripe: Stripe):
    with db.engine.begin() as connection:
        connection.execute(update(StripeEvent).values(state=state))
    with nothing_happens(stripe):
        for event_id, status in ((the_event().id, 409), ("evt_nothing", 404)):
            assert olgas.post(f"/operator/events/{event_id}/another-try").status_code == status
            assert olgas.post(f"/operator/events/{event_id}/dismissal", {"because": "no"}).status_code == status
    assert the_event().state == state


def test_of_many_that_are_stuck_the_oldest_are_shown_and_the_others_counted(olgas: Browser):
    rows = [
        {
            "id": f"evt_{n}",
            "type": "charge.refunded",
            "livemode": False,
            "body": "{}",
            "state": EventState.STUCK,
            "received_at": MONDAY + timedelta(seconds=n),
            "version": 1,
        }
        for n in range(MOST + 3)
    ]
    db.session.execute(insert(StripeEvent), rows)
    db.session.commit()
    olgas.get("/operator/")
    assert [f"evt_{n}" in olgas.words for n in (0, MOST - 1, MOST)] == [True, True, False]
    assert "Not shown: 3 that came later." in olgas.words
