"""What an operator does: refund in parts, and decide about what nobody could explain."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import jobs
from app.extensions import db
from app.kit.money import Money
from app.models.alarm import Alarm
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.operation import Operation
from app.models.states import AlarmState, BookingState, OperationState
from app.models.user import User
from tests.faults.recovery import finish
from tests.people import booked, completed, fresh
from tests.stripe_double import Stripe
from tests.web.conftest import Browser
from tests.web.effects import nothing_happens

Open = Callable[..., Browser]


@pytest.fixture
def olgas(olga: User, browser: Open) -> Browser:
    return browser("olga@example.com")


def at_refund(olgas: Browser, hour: Booking) -> Browser:
    olgas.get(f"/operator/bookings/{hour.id}")
    olgas.click("Refund")
    return olgas


def test_olga_refunds_a_part_and_both_sides_read_why(
    completed_hour: Booking, olgas: Browser, browser: Open, stripe: Stripe
):
    at_refund(olgas, completed_hour)
    assert "Can be refunded €80.00" in olgas.words
    olgas.press("Refund", amount="30.00", because="the room was loud")
    assert "The refund is on its way" in olgas.words
    for email, door in (("ann@example.com", "mentee"), ("bob@example.com", "mentor")):
        theirs = browser(email)
        theirs.get(f"/{door}/bookings/{completed_hour.id}")
        told = [step for step in theirs.page.steps if "Refunded to the card: the room was loud" in step]
        assert len(told) == 1
        assert "€30.00" in told[0]
        assert "€80.00 was charged, €30.00 of it refunded." in theirs.words
        assert "Charged in the end €50.00" in theirs.words
    assert [refund.amount for refund in stripe.refunds_of(completed_hour)] == [3_000]


def test_a_second_refund_starts_from_what_is_left(completed_hour: Booking, olgas: Browser, stripe: Stripe):
    at_refund(olgas, completed_hour).press("Refund", amount="30", because="late")
    at_refund(olgas, completed_hour)
    assert "Refunded so far €30.00" in olgas.words
    assert olgas.form("Refund").fields["amount"] == "50.00"
    olgas.press("Refund", because="and the rest")
    hour = fresh(completed_hour)
    assert (hour.state, hour.payment.left) == (BookingState.CANCELLED, Money(0, "EUR"))
    assert olgas.get(f"/operator/bookings/{hour.id}/refund").status_code == 409


@pytest.mark.parametrize("amount", ["", "0", "-1", "80.01", "1e3", "1,50", "NaN", "１２", "30.001", "9" * 40])
def test_a_wrong_amount_is_told_at_its_field_and_nothing_happens(
    completed_hour: Booking, olgas: Browser, stripe: Stripe, amount: str
):
    at_refund(olgas, completed_hour)
    with nothing_happens(stripe):
        answer = olgas.send("Refund", amount=amount, because="the room was loud")
    assert answer.status_code == 422
    assert "Please look at this again" in olgas.words
    assert olgas.form("Refund").fields["because"] == "the room was loud", "what was typed is kept"


def test_a_form_that_was_sent_before_refunds_nothing_more(completed_hour: Booking, olgas: Browser, stripe: Stripe):
    form = at_refund(olgas, completed_hour).form("Refund")
    olgas.submit(form, "Refund", amount="10", because="once")
    with nothing_happens(stripe):
        again = olgas.submit(form, "Refund", amount="10", because="once")
    assert again.status_code == 409
    assert "since you looked" in olgas.words


def test_a_refund_that_stripe_does_not_answer_is_confirmed_and_then_done(
    completed_hour: Booking, olgas: Browser, stripe: Stripe
):
    stripe.fail_next("lose_answer", "/v1/refunds", count=2)
    answer = at_refund(olgas, completed_hour).send("Refund", amount="10", because="the room was loud")
    assert answer.status_code == 503
    assert "confirming" in olgas.words
    finish()
    assert fresh(completed_hour).payment.refunded == Money(1_000, "EUR")
    assert len(stripe.refunds_of(completed_hour)) == 1


def test_what_was_not_charged_cannot_be_refunded(held_hour: Booking, olgas: Browser):
    olgas.get(f"/operator/bookings/{held_hour.id}")
    assert "Refund" not in olgas.words
    assert olgas.get(f"/operator/bookings/{held_hour.id}/refund").status_code == 409


@pytest.fixture
def riddle(ann: User, bob: Mentor, stripe: Stripe) -> Operation:
    """A hold whose answer was lost, and whose amount somebody has changed at Stripe before we could look."""
    stripe.fail_next("lose_answer", "/v1/payment_intents", count=2)
    booked(ann, bob, stripe)
    stripe.client.v1.payment_intents.update(stripe.intents()[0].id, {"amount": 9_000})
    finish()
    return the_hold()


def the_hold() -> Operation:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Operation).where(Operation.kind == "hold")).one()


def test_a_riddle_that_was_solved_at_stripe_is_looked_at_again(riddle: Operation, olgas: Browser, stripe: Stripe):
    assert riddle.state == OperationState.PARKED
    stripe.client.v1.payment_intents.update(stripe.intents()[0].id, {"amount": 8_000})
    olgas.get("/operator/")
    assert "does not belong to" in olgas.words
    olgas.press("Ask Stripe again")
    assert the_hold().state == OperationState.DONE
    assert len(stripe.intents()) == 1
    assert "Every money action ended with a clear answer" in olgas.words


def test_a_riddle_that_stays_one_is_parked_again(riddle: Operation, olgas: Browser):
    olgas.get("/operator/")
    assert olgas.send("Ask Stripe again").status_code == 503
    assert the_hold().state == OperationState.PARKED


def test_a_riddle_can_be_given_up_with_a_reason_and_the_time_is_free_again(
    riddle: Operation, olgas: Browser, ann: User, stripe: Stripe
):
    olgas.get("/operator/")
    olgas.press("Give it up", because="Ann has booked anew")
    hold = the_hold()
    assert (hold.state, hold.error) == (OperationState.REFUSED, "Ann has booked anew")
    assert db.session.scalars(select(Booking)).one().state == BookingState.CANCELLED


def test_nothing_is_given_up_without_a_reason(riddle: Operation, olgas: Browser):
    olgas.get("/operator/")
    assert olgas.send("Give it up", because=" ").status_code == 422
    assert the_hold().state == OperationState.PARKED


def test_what_is_settled_cannot_be_decided_about(completed_hour: Booking, olgas: Browser, stripe: Stripe):
    olgas.get("/operator/")
    done = db.session.scalars(select(Operation.id).where(Operation.kind == "capture")).one()
    with nothing_happens(stripe):
        assert olgas.post(f"/operator/operations/{done}/look-up").status_code == 409
        assert olgas.post(f"/operator/operations/{done}/refusal", {"because": "no"}).status_code == 409
        assert olgas.post("/operator/operations/op_nothing/look-up").status_code == 404
        assert olgas.post("/operator/operations/op_nothing/refusal", {"because": "no"}).status_code == 404


@pytest.fixture
def alarmed(held_hour: Booking, stripe: Stripe) -> Booking:
    """Charged here, and then Stripe knows nothing of the charge any more; compared once before, and once since."""
    jobs.reconcile_since(stripe.now() - timedelta(days=1))
    held = stripe.keep()
    hour = completed(held_hour, stripe)
    stripe.put_back(held)
    stripe.wait(timedelta(days=2))
    jobs.reconcile_since(stripe.now() - timedelta(days=30))
    return hour


def test_olga_reads_what_does_not_agree_with_stripe_and_settles_it(alarmed: Booking, olgas: Browser, stripe: Stripe):
    olgas.get("/operator/")
    assert "Alarms were open" in olgas.words
    assert "is requires_capture at Stripe" in olgas.words
    olgas.press("Settle it", because="")
    assert "Please say in a few words why nothing more need be done." in olgas.words
    assert db.session.query(Alarm).filter_by(state=AlarmState.OPEN).count() == 1
    olgas.get("/operator/")
    olgas.press("Settle it", because="Stripe gave it back by hand")
    assert "No alarm is open" in olgas.words
    db.session.rollback()
    settled = db.session.query(Alarm).filter_by(state=AlarmState.SETTLED).one().id
    with nothing_happens(stripe):
        assert olgas.post(f"/operator/alarms/{settled}/settlement", {"because": "again"}).status_code == 409
        assert olgas.post("/operator/alarms/al_nothing/settlement", {"because": "no"}).status_code == 404


def test_an_alarm_leads_to_its_booking(alarmed: Booking, olgas: Browser):
    olgas.get("/operator/")
    olgas.click("its booking")
    assert alarmed.title in olgas.words


def test_every_comparison_with_stripe_is_told_of(alarmed: Booking, olgas: Browser):
    olgas.get("/operator/")
    olgas.click("All comparisons")
    assert olgas.words.index("Alarms were open") < olgas.words.index("All is right"), "the newest comes first"
    assert "1 compared, 0 mended, 0 not ours, 0 open alarms." in olgas.words
