"""Bob accepts every session himself: Ann asks, the money is held and the hour kept, and somebody has to answer."""

from datetime import timedelta

import pytest
import stripe as library
from flask import Flask

from app import jobs
from app.actions import accounts, approvals, bookings, cancellations, card_forms, payments
from app.actions.opening_hours import Rules, set_rules
from app.extensions import db
from app.kit import policy
from app.kit.errors import Busy, GatewayDown, IllegalMove, SlotTaken
from app.kit.terms import Terms
from app.models.availability import SlotClaim
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import BookingState, Party, PaymentState
from app.models.user import User
from tests import people
from tests.people import HOUR, TOMORROW_AT_TEN, deadlines_of, fresh, told, wish
from tests.stripe_double import Stripe

B, P = BookingState, PaymentState
DAY = 24 * HOUR
IN_THREE_DAYS = TOMORROW_AT_TEN + 2 * DAY


@pytest.fixture
def careful_bob(bob: Mentor) -> Mentor:
    accounts.set_approval(bob, approves=True)
    return bob


@pytest.fixture
def request_(ann: User, careful_bob: Mentor, stripe: Stripe) -> Booking:
    """Ann has asked for an hour in three days, and 80 euros are held."""
    return people.paid(people.booked(ann, careful_bob, stripe, starts_at=IN_THREE_DAYS), stripe)


def ended(booking: Booking) -> tuple[BookingState, PaymentState | None, str]:
    now = fresh(booking)
    return now.state, now.payment.state if now.payment else None, now.ended_because


def test_an_hour_that_is_paid_for_is_a_request_and_everybody_knows_until_when(request_: Booking, stripe: Stripe):
    assert (request_.state, request_.answer_by) == (B.REQUESTED, stripe.now() + 48 * HOUR)
    assert stripe.intent_of(request_).amount_capturable == 8_000
    assert "Bob accepts or declines by Wed 3 Jun 2026, 17:00" in told("requested")["Ann"]
    assert "Please accept or decline by Wed 3 Jun 2026, 10:00" in told("requested")["Bob"]
    assert told("confirmed") == {}
    assert deadlines_of(request_) == {"answer"}


def test_the_hour_stays_taken_while_it_waits(request_: Booking, careful_bob: Mentor, stripe: Stripe):
    cho = people.person("Cho")
    with pytest.raises(SlotTaken):
        bookings.book(cho, careful_bob, wish(IN_THREE_DAYS, key="the-form-of-cho"), now=stripe.now())


def test_a_request_has_its_place_in_a_full_day(ann: User, careful_bob: Mentor, stripe: Stripe):
    set_rules(careful_bob, Rules(daily_cap=1))
    people.paid(people.booked(ann, careful_bob, stripe), stripe)
    with pytest.raises(SlotTaken, match="no more sessions on that day"):
        people.booked(people.person("Cho"), careful_bob, stripe, starts_at=TOMORROW_AT_TEN + 3 * HOUR, key="c" * 16)


def test_bob_accepts_and_then_it_is_like_any_other_hour(request_: Booking, stripe: Stripe):
    asked = len(stripe.simulator.requests())
    approvals.accept(request_, now=stripe.now())
    assert fresh(request_).state == B.CONFIRMED
    assert len(stripe.simulator.requests()) == asked, "Stripe need not hear of it"
    assert "Your session with Bob is confirmed" in told("confirmed")["Ann"]
    assert deadlines_of(request_) == {"release", "remind_day", "remind_hour", "ask_hour", "ask_day", "ask_last"}
    people.completed(request_, stripe)
    assert ended(request_) == (B.COMPLETED, P.CAPTURED, "the session took place")


def test_bob_declines_and_nothing_stays_on_the_card(request_: Booking, stripe: Stripe):
    approvals.decline(request_, now=stripe.now())
    assert ended(request_) == (B.CANCELLED, P.VOIDED, "the mentor declined")
    assert stripe.intent_of(request_).status == "canceled"
    assert "Bob cannot take your session" in told("declined")["Ann"]
    assert "The reservation of €80.00 is released and nothing is charged." in told("declined")["Ann"]
    assert set(told("declined")) == {"Ann", "Bob"}
    assert deadlines_of(request_) == set()
    assert db.session.query(SlotClaim).count() == 0


def test_without_an_answer_in_time_it_is_over(request_: Booking, stripe: Stripe):
    stripe.wait_until(request_.answer_by - timedelta(seconds=1))
    assert jobs.run("lapse_requests") == 0
    stripe.wait(timedelta(seconds=1))
    with pytest.raises(IllegalMove, match="time to answer this request is over"):
        approvals.accept(request_, now=stripe.now())
    assert jobs.run("lapse_requests") == 1
    assert ended(request_) == (B.EXPIRED, P.VOIDED, "the mentor did not answer in time")
    assert "Bob has not answered your request" in told("not_answered")["Ann"]
    assert "You have not answered the request" in told("not_answered")["Bob"]
    assert jobs.run("lapse_requests") == 0
    with pytest.raises(IllegalMove):
        approvals.accept(request_, now=stripe.now())


def test_what_was_answered_is_not_let_go_of_afterwards(request_: Booking, stripe: Stripe):
    approvals.accept(request_, now=stripe.now())
    stripe.wait(48 * HOUR)
    assert jobs.run("lapse_requests") == 0
    assert fresh(request_).state == B.CONFIRMED


@pytest.mark.parametrize("terms", Terms)
def test_ann_takes_her_request_back_for_free_however_late_and_whatever_the_terms(
    ann: User, careful_bob: Mentor, stripe: Stripe, terms: Terms
):
    careful_bob.terms = terms
    db.session.commit()
    hour = people.paid(people.booked(ann, careful_bob, stripe, starts_at=stripe.now() + 3 * HOUR), stripe)
    stripe.wait(1.5 * HOUR)
    quote = cancellations.quote(fresh(hour), by=Party.MENTEE, now=stripe.now())
    assert (quote.charged.minor, quote.released.minor) == (0, 8_000)
    cancellations.cancel(fresh(hour), by=Party.MENTEE, quoted=quote.token, now=stripe.now())
    assert ended(hour) == (B.CANCELLED, P.VOIDED, "it was called off")
    assert set(told("cancelled")) == {"Ann", "Bob"}
    assert stripe.intent_of(hour).amount_received == 0


def test_after_bobs_yes_ann_has_an_hour_to_think_about_it(ann: User, careful_bob: Mentor, stripe: Stripe):
    careful_bob.terms = Terms.STRICT
    db.session.commit()
    hour = people.paid(people.booked(ann, careful_bob, stripe, starts_at=TOMORROW_AT_TEN), stripe)
    stripe.wait_until(TOMORROW_AT_TEN - 10 * HOUR)
    approvals.accept(hour, now=stripe.now())
    assert fresh(hour).free_until == stripe.now() + HOUR
    stripe.wait(2 * HOUR)
    assert cancellations.quote(fresh(hour), by=Party.MENTEE, now=stripe.now()).charged.minor == 8_000


@pytest.mark.parametrize(
    ("ahead", "answered_within"),
    [(5 * DAY, 48 * HOUR), (49 * HOUR, 48 * HOUR), (30 * HOUR, 29 * HOUR), (2 * HOUR, HOUR), (HOUR, HOUR / 2),
     (timedelta(), timedelta()), (-HOUR, timedelta())],
)  # fmt: skip
def test_the_time_to_answer_ends_well_before_the_session(ahead: timedelta, answered_within: timedelta):
    assert policy.current().answer_by(TOMORROW_AT_TEN + ahead, TOMORROW_AT_TEN) == TOMORROW_AT_TEN + answered_within


def test_whatever_needs_a_confirmed_hour_is_refused(request_: Booking, stripe: Stripe):
    for act in (bookings.complete, bookings.report_no_show, bookings.agree_done):
        with pytest.raises(IllegalMove):
            act(fresh(request_), now=request_.starts_at + 2 * HOUR)
    assert fresh(request_).state == B.REQUESTED


def test_an_answer_while_the_request_is_taken_back_comes_too_late(request_: Booking, stripe: Stripe):
    """Stripe's answer to the void was lost: it is not known yet, but the money is going."""
    quoted = cancellations.quote(request_, by=Party.MENTEE, now=stripe.now()).token
    stripe.fail_next("lose_answer", "*/cancel", count=2)
    with pytest.raises(GatewayDown):
        cancellations.cancel(request_, by=Party.MENTEE, quoted=quoted, now=stripe.now())
    with pytest.raises(Busy):
        approvals.accept(fresh(request_), now=stripe.now())
    with pytest.raises(Busy):
        approvals.decline(fresh(request_), now=stripe.now())
    stripe.wait_until(request_.answer_by)
    assert jobs.run("lapse_requests") == 0, "and the deadline stays, for whoever comes next"
    assert "answer" in deadlines_of(request_)


def test_bobs_change_of_mind_about_approving_changes_nothing_that_is_booked(
    ann: User, careful_bob: Mentor, stripe: Stripe
):
    asked = people.booked(ann, careful_bob, stripe)
    accounts.set_approval(careful_bob, approves=False)
    assert people.paid(asked, stripe).state == B.REQUESTED
    plain = people.booked(ann, careful_bob, stripe, starts_at=TOMORROW_AT_TEN + 2 * HOUR, key="another-form")
    accounts.set_approval(careful_bob, approves=True)
    assert people.paid(plain, stripe).state == B.CONFIRMED


def test_a_saved_card_is_asked_once_bob_has_accepted_however_late_he_was_asked(
    ann: User, careful_bob: Mentor, stripe: Stripe
):
    """The card was saved, the worker was down, and we heard of it when the day to reserve the price had almost come."""
    hour = people.booked(ann, careful_bob, stripe, starts_at=stripe.now() + 6 * DAY)
    stripe.save(hour)
    stripe.wait(3 * DAY)
    card_forms.check(fresh(hour).payment, now=stripe.now())
    stripe.wait_until(hour.starts_at - 2 * DAY)
    jobs.run("authorize_saved_cards")
    assert ended(hour)[:2] == (B.REQUESTED, P.CARD_SAVED)
    approvals.accept(fresh(hour), now=stripe.now())
    jobs.run("authorize_saved_cards")
    assert ended(hour)[:2] == (B.CONFIRMED, P.AUTHORIZED)


def test_a_card_that_is_declined_asks_nobody_for_anything(ann: User, careful_bob: Mentor, stripe: Stripe):
    hour = people.booked(ann, careful_bob, stripe)
    with pytest.raises(library.CardError):
        stripe.pay(hour, "pm_card_chargeDeclined")
    assert fresh(hour).state == B.PENDING_PAYMENT
    assert told("requested") == {}


def test_what_is_charged_in_the_dashboard_before_the_answer_is_one(request_: Booking, stripe: Stripe):
    stripe.client.v1.payment_intents.capture(stripe.intent_of(request_).id)
    payment = fresh(request_).payment
    assert payment is not None
    payments.check(payment, now=stripe.now())
    assert ended(request_)[:2] == (B.COMPLETED, P.CAPTURED)
    assert not {"answer", "release"} & deadlines_of(request_)


def test_what_is_released_in_the_dashboard_before_the_answer_is_over(app: Flask, request_: Booking, stripe: Stripe):
    stripe.client.v1.payment_intents.cancel(stripe.intent_of(request_).id)
    payment = fresh(request_).payment
    assert payment is not None
    payments.check(payment, now=stripe.now())
    assert ended(request_)[:2] == (B.CANCELLED, P.VOIDED)
    assert deadlines_of(request_) == set()
    with pytest.raises(IllegalMove):
        approvals.accept(fresh(request_), now=stripe.now())
