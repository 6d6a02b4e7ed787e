"""An hour that is booked further ahead than money can be held: the card is saved, and asked when the day has come."""

from datetime import datetime, timedelta

import pytest
import stripe as library
from flask import Flask
from sqlalchemy import select

from app import jobs
from app.actions import (
    approvals,
    authorizations,
    bookings,
    cancellations,
    deadlines,
    endings,
    payments,
    reschedules,
    saved_cards,
)
from app.actions.transactions import atomically
from app.actions.wishes import Wish
from app.extensions import db
from app.kit.errors import GatewayRefused, IllegalMove, Invalid, NotFound
from app.kit.money import Money
from app.kit.policy import MERCHANT_HOLD
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.deadline import Deadline
from app.models.event import EventState, StripeEvent
from app.models.mail import Mail
from app.models.mentor import Mentor
from app.models.operation import Operation
from app.models.states import BookingState, Party, PaymentState, Transition
from app.models.user import User
from tests import people
from tests.faults.recovery import deliver, finish
from tests.faults.truths import untold, untruths
from tests.people import HOUR, IN_A_MONTH, TOMORROW_AT_TEN, booked, completed, fresh, saved
from tests.stripe_double import Stripe

EIGHTY = Money(8_000, "EUR")
B, P = BookingState, PaymentState
DECLINES_LATER, ASKS_UNLESS_SET_UP, ALWAYS_ASKS = (
    "pm_card_chargeCustomerFail",
    "pm_card_authenticationRequiredOnSetup",
    "pm_card_authenticationRequired",
)


@pytest.fixture
def far_hour(ann: User, bob: Mentor, stripe: Stripe) -> Booking:
    """In a month; Stripe waits for the card."""
    return booked(ann, bob, stripe, starts_at=IN_A_MONTH)


@pytest.fixture
def saved_hour(far_hour: Booking, stripe: Stripe) -> Booking:
    return saved(far_hour, stripe)


@pytest.fixture
def declining_hour(far_hour: Booking, stripe: Stripe) -> Booking:
    """The card was taken, and will be declined."""
    return saved(far_hour, stripe, DECLINES_LATER)


def wait_until(hour: Booking, stripe: Stripe, before: timedelta) -> Booking:
    """Until so long before the start, and the worker comes by."""
    stripe.wait_until(hour.starts_at - before)
    jobs.run("authorize_saved_cards")
    finish()
    return fresh(hour)


def cancelled(hour: Booking, by: Party, stripe: Stripe) -> Booking:
    quoted = cancellations.quote(fresh(hour), by=by, now=stripe.now())
    cancellations.cancel(fresh(hour), by=by, quoted=quoted.token, now=stripe.now())
    return fresh(hour)


def states(hour: Booking) -> tuple[BookingState, PaymentState]:
    assert hour.payment is not None
    return hour.state, hour.payment.state


def waiting() -> set[str]:
    """What is still due some day of a saved card."""
    db.session.rollback()
    return set(db.session.scalars(select(Deadline.kind).where(Deadline.kind.in_(deadlines.OF_SAVED_CARDS))))


def kinds_of_mail(person_id: str) -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Mail.kind).where(Mail.person_id == person_id).order_by(Mail.created_at)))


def all_is_well(stripe: Stripe) -> bool:
    assert untruths(stripe) == []
    assert untold() == []
    return True


def test_nothing_is_asked_of_a_card_that_is_needed_in_a_month_but_to_be_saved(far_hour: Booking, stripe: Stripe):
    assert states(far_hour) == (B.PENDING_PAYMENT, P.NEEDS_CARD)
    assert far_hour.payment.authorize_at == IN_A_MONTH - 48 * HOUR
    setup = stripe.setup_of(far_hour)
    assert (setup.usage, setup.metadata["booking"], setup.metadata["price"]) == ("off_session", far_hour.id, "8000")
    assert stripe.count("/v1/payment_intents") == 0


def test_nobodys_card_is_saved_without_their_word(ann: User, bob: Mentor, stripe: Stripe):
    wish = Wish(IN_A_MONTH, 60, "Review", "", "a form that was not ticked")
    with pytest.raises(Invalid, match="agree") as refusal:
        bookings.book(ann, bob, wish, now=stripe.now())
    assert refusal.value.field == "consent"
    near = Wish(TOMORROW_AT_TEN, 60, "Review", "", "a form that was not ticked")
    assert bookings.book(ann, bob, near, now=stripe.now()).payment.authorize_at is None


def test_a_saved_card_confirms_the_hour_and_holds_nothing(saved_hour: Booking, ann: User, stripe: Stripe):
    assert states(saved_hour) == (B.CONFIRMED, P.CARD_SAVED)
    assert (saved_hour.payment.card_last4, saved_hour.payment.authorized) == ("4242", Money(0, "EUR"))
    assert waiting() == set(deadlines.OF_SAVED_CARDS)
    assert kinds_of_mail(ann.id) == ["confirmed"]
    assert all_is_well(stripe)


def test_two_days_before_the_price_is_held_and_then_charged_like_any_other(saved_hour: Booking, stripe: Stripe):
    assert states(wait_until(saved_hour, stripe, 49 * HOUR)) == (B.CONFIRMED, P.CARD_SAVED)
    held = wait_until(saved_hour, stripe, 48 * HOUR)
    assert states(held) == (B.CONFIRMED, P.AUTHORIZED)
    assert held.payment.authorized == EIGHTY
    assert held.payment.capture_before == stripe.now() + MERCHANT_HOLD, "the bank's word is read, not assumed"
    assert held.payment.release_at == held.complete_by
    assert waiting() == set()
    assert kinds_of_mail(held.mentee_id)[-1] == "held"
    moved = db.session.scalars(select(Transition).where(Transition.went_to == P.AUTHORIZED)).one()
    assert moved.by == Party.SYSTEM
    assert states(completed(held, stripe)) == (B.COMPLETED, P.CAPTURED)
    assert all_is_well(stripe)


def test_a_bank_that_asks_for_its_customer_only_the_first_time_is_content(far_hour: Booking, stripe: Stripe):
    """The card authenticates as it is saved, so that nobody has to be there on the day."""
    setup = stripe.save(far_hour, ASKS_UNLESS_SET_UP)
    assert setup.status == "requires_action"
    stripe.pass_authentication(setup)
    jobs.run("poll_events")
    jobs.run("handle_events")
    assert states(fresh(far_hour)) == (B.CONFIRMED, P.CARD_SAVED)
    assert states(wait_until(far_hour, stripe, 48 * HOUR)) == (B.CONFIRMED, P.AUTHORIZED)
    assert all_is_well(stripe)


def test_a_bank_that_wants_to_see_its_customer_is_a_decline_which_they_put_right(far_hour: Booking, stripe: Stripe):
    setup = stripe.save(far_hour, ALWAYS_ASKS)
    stripe.pass_authentication(setup)
    saved_cards.learn(setup.id, now=stripe.now())
    declined = wait_until(far_hour, stripe, 48 * HOUR)
    assert states(declined) == (B.CONFIRMED, P.CARD_SAVED)
    assert "authentication" in declined.payment.decline_message
    assert kinds_of_mail(declined.mentee_id)[-1] == "card_declined"
    intent = stripe.pay(declined, ALWAYS_ASKS)
    stripe.pass_authentication(intent)
    payments.learn(intent.id, now=stripe.now())
    held = fresh(far_hour)
    assert states(held) == (B.CONFIRMED, P.AUTHORIZED)
    assert held.payment.capture_before == stripe.now() + timedelta(days=7), "who is there gets a longer hold"
    assert (held.payment.decline_message, waiting()) == (None, set())
    assert states(wait_until(held, stripe, 36 * HOUR)) == (B.CONFIRMED, P.AUTHORIZED)
    assert stripe.count("/confirm") == 3, "nobody asks again what is held"
    assert all_is_well(stripe)


def test_a_card_that_declines_is_asked_three_times_and_then_the_time_is_free(
    declining_hour: Booking, ann: User, bob: Mentor, stripe: Stripe
):
    asked = []
    for before in range(50, 11, -1):
        hour = wait_until(declining_hour, stripe, before * HOUR)
        if stripe.count("/confirm") > len(asked) + 1:  # the first one saved the card
            asked.append(before)
    assert asked == [48, 36, 24]
    assert states(hour) == (B.EXPIRED, P.FAILED)
    assert (hour.ended_by, hour.ended_because) == (Party.SYSTEM, endings.CARD_DECLINED)
    assert stripe.intent_of(hour).status == "canceled"
    assert stripe.count("/v1/payment_intents") == 1, "all tries were made on one"
    assert kinds_of_mail(ann.id).count("card_declined") == 3
    assert kinds_of_mail(bob.user_id)[-1] == "expired"
    assert waiting() == set()
    assert all_is_well(stripe)
    assert booked(people.person("Cho"), bob, stripe, starts_at=IN_A_MONTH).state == B.PENDING_PAYMENT


def test_another_card_at_the_screen_saves_the_hour(declining_hour: Booking, stripe: Stripe):
    declined = wait_until(declining_hour, stripe, 36 * HOUR)
    assert declined.payment.is_declined
    with pytest.raises(library.CardError):
        stripe.pay(declined, "pm_card_visa_chargeDeclined")
    stripe.pay(declined, "pm_card_mastercard")
    jobs.run("poll_events")
    jobs.run("handle_events")
    held = fresh(declining_hour)
    assert states(held) == (B.CONFIRMED, P.AUTHORIZED)
    assert held.payment.card_brand == "mastercard"
    assert states(wait_until(held, stripe, 12 * HOUR)) == (B.CONFIRMED, P.AUTHORIZED)
    assert all_is_well(stripe)


@pytest.mark.parametrize("by", [Party.MENTEE, Party.MENTOR])
def test_calling_off_before_anything_is_held_costs_nothing_and_forgets_the_card(
    saved_hour: Booking, stripe: Stripe, by: Party
):
    gone = cancelled(saved_hour, by, stripe)
    assert states(gone) == (B.CANCELLED, P.VOIDED)
    assert stripe.setup_of(gone).metadata["end_ends_as"] == "cancelled", "what is left at Stripe tells of the end"
    assert waiting() == set()
    stripe.wait_until(saved_hour.ends_at)
    jobs.run("authorize_saved_cards")
    assert stripe.count("/v1/payment_intents") == 0
    assert all_is_well(stripe)


def test_calling_off_after_a_decline_gives_up_what_could_still_be_paid(declining_hour: Booking, stripe: Stripe):
    wait_until(declining_hour, stripe, 48 * HOUR)
    gone = cancelled(declining_hour, Party.MENTEE, stripe)
    assert states(gone) == (B.CANCELLED, P.VOIDED)
    assert stripe.intent_of(gone).status == "canceled"
    assert all_is_well(stripe)


def test_a_late_fee_is_taken_of_a_hold_or_not_at_all(ann: User, stripe: Stripe):
    """Twenty hours before, the one is held, and the other was declined."""
    strict = people.mentor("Fay", terms=Terms.STRICT)
    good, bad = (
        saved(booked(ann, strict, stripe, starts_at=IN_A_MONTH + n * HOUR, key=f"the form of hour {n}"), stripe, card)
        for n, card in enumerate(("pm_card_visa", DECLINES_LATER))
    )
    for before in (48, 20):
        stripe.wait_until(IN_A_MONTH - before * HOUR)
        jobs.run("authorize_saved_cards")
        finish()
    assert cancelled(good, Party.MENTEE, stripe).payment.captured == EIGHTY
    assert cancelled(bad, Party.MENTEE, stripe).payment.captured == Money(0, "EUR")
    assert all_is_well(stripe)


def test_a_checkout_that_runs_out_gives_up_the_setup_too(far_hour: Booking, stripe: Stripe):
    stripe.wait(timedelta(minutes=15))
    jobs.run("expire_checkouts")
    assert states(fresh(far_hour)) == (B.EXPIRED, P.VOIDED)
    assert stripe.setup_of(far_hour).status == "canceled"
    with pytest.raises(library.InvalidRequestError):
        stripe.save(far_hour)
    assert all_is_well(stripe)


def test_a_card_that_is_saved_late_revives_nothing_though_stripe_was_not_told_of_the_end(
    far_hour: Booking, stripe: Stripe
):
    stripe.save(far_hour)
    stripe.wait(timedelta(minutes=15))
    stripe.fail_next("drop_request", "/v1/setup_intents/*", count=4)
    jobs.run("expire_checkouts")
    deliver_all(stripe)
    assert states(fresh(far_hour)) == (B.EXPIRED, P.NEEDS_CARD)
    assert db.session.scalars(select(StripeEvent.state).distinct()).all() == [EventState.HANDLED], (
        "no riddle to anybody"
    )
    stripe.wait(timedelta(minutes=2))
    finish()
    assert states(fresh(far_hour)) == (B.EXPIRED, P.VOIDED)
    assert all_is_well(stripe)


def test_a_card_that_is_saved_after_its_checkout_has_ended_stays_out_of_it(far_hour: Booking, stripe: Stripe):
    """The browser was a moment faster than our request to give up, which Stripe refuses then."""
    stripe.save(far_hour)
    stripe.wait(timedelta(minutes=15))
    jobs.run("expire_checkouts")
    finish()
    late = fresh(far_hour)
    assert states(late) == (B.EXPIRED, P.VOIDED)
    assert stripe.setup_of(late).metadata["end_ends_as"] == "expired"
    deliver_all(stripe)
    assert states(fresh(far_hour)) == (B.EXPIRED, P.VOIDED)
    assert all_is_well(stripe)


def deliver_all(stripe: Stripe) -> None:
    stripe.wait(timedelta(minutes=1))
    jobs.run("poll_events")
    jobs.run("handle_events")


def test_webhooks_tell_of_a_saved_card_in_whatever_order_and_however_often(
    app: Flask, far_hour: Booking, stripe: Stripe
):
    stripe.save(far_hour)
    for _ in range(2):
        assert set(deliver(app, stripe)) <= {200}
        jobs.run("handle_events")
    assert states(fresh(far_hour)) == (B.CONFIRMED, P.CARD_SAVED)
    assert all_is_well(stripe)


def test_a_setup_that_is_nobodys_here_is_not_found(app: Flask, stripe: Stripe):
    foreign = stripe.client.v1.setup_intents.create({"usage": "off_session"})
    with pytest.raises(NotFound):
        saved_cards.learn(foreign.id, now=stripe.now())


def test_an_answer_that_is_lost_on_the_day_is_looked_up_and_holds_once(saved_hour: Booking, stripe: Stripe):
    for path in ("/v1/payment_intents", "*/confirm"):
        stripe.fail_next("lose_answer", path, count=2)
    held = wait_until(saved_hour, stripe, 48 * HOUR)
    assert states(held) == (B.CONFIRMED, P.AUTHORIZED)
    assert len(stripe.client.v1.payment_intents.list({}).data) == 1
    assert all_is_well(stripe)


def test_a_worker_that_was_away_asks_the_bank_once_before_it_gives_anything_up(saved_hour: Booking, stripe: Stripe):
    """Both are due, and whoever gives up first leaves it to the other."""
    stripe.wait_until(saved_hour.starts_at - 6 * HOUR)
    both = {reached.kind: reached for reached in authorizations.due(stripe.now())}
    authorizations.take_up(both[deadlines.GIVE_UP], now=stripe.now())
    assert states(fresh(saved_hour)) == (B.CONFIRMED, P.CARD_SAVED)
    authorizations.take_up(both[deadlines.AUTHORIZE], now=stripe.now())
    assert states(fresh(saved_hour)) == (B.CONFIRMED, P.AUTHORIZED)
    assert all_is_well(stripe)


def test_a_card_that_declines_a_late_worker_frees_the_time_at_once(declining_hour: Booking, stripe: Stripe):
    for _ in range(2):
        hour = wait_until(declining_hour, stripe, 6 * HOUR)
    assert states(hour) == (B.EXPIRED, P.FAILED)
    assert all_is_well(stripe)


def test_a_cancellation_while_the_banks_answer_is_lost_lets_go_of_what_it_held(saved_hour: Booking, stripe: Stripe):
    stripe.fail_next("lose_answer", "*/confirm", count=2)
    stripe.wait_until(saved_hour.starts_at - 48 * HOUR)
    jobs.run("authorize_saved_cards")
    hour = cancelled(saved_hour, Party.MENTEE, stripe)
    assert hour.state == B.CANCELLED
    finish()
    assert states(fresh(saved_hour)) == (B.CANCELLED, P.VOIDED)
    assert stripe.intent_of(saved_hour).status == "canceled"
    assert all_is_well(stripe)


def test_nothing_can_be_charged_of_what_is_only_saved(saved_hour: Booking, stripe: Stripe):
    stripe.wait_until(saved_hour.ends_at)
    with pytest.raises(GatewayRefused, match="nothing on the card"):
        bookings.complete(saved_hour, now=stripe.now())


def test_a_card_that_stripe_knows_no_more_is_told_like_a_decline(saved_hour: Booking, stripe: Stripe):
    """Ann has removed it; on the day she is asked for another one, and there is something to pay on."""
    stripe.client.v1.payment_methods.detach(saved_hour.payment.method_id)
    declined = wait_until(saved_hour, stripe, 48 * HOUR)
    assert declined.payment.is_declined
    stripe.pay(declined)
    payments.learn(declined.payment.intent_id, now=stripe.now())
    assert states(fresh(saved_hour)) == (B.CONFIRMED, P.AUTHORIZED)
    refused = db.session.scalars(select(Operation.state).where(Operation.kind == payments.AUTHORIZE)).all()
    assert refused == ["refused"]
    assert all_is_well(stripe)


def moved(hour: Booking, to: datetime, stripe: Stripe) -> Booking:
    """Bob proposes, Ann agrees."""
    reschedules.propose(fresh(hour), to, by=Party.MENTOR, note="", now=stripe.now())
    proposal = reschedules.open_one(fresh(hour), now=stripe.now())
    assert proposal is not None
    reschedules.accept(fresh(hour), proposal.id, by=Party.MENTEE, now=stripe.now())
    return fresh(hour)


def test_an_hour_that_is_moved_takes_its_saved_card_along(saved_hour: Booking, stripe: Stripe):
    """To a week later, and after that to tomorrow, for which the bank is asked at once."""
    later = moved(saved_hour, IN_A_MONTH + timedelta(days=7), stripe)
    assert later.payment.authorize_at == IN_A_MONTH + timedelta(days=5)
    stripe.wait_until(IN_A_MONTH - 24 * HOUR)
    jobs.run("authorize_saved_cards")
    assert states(fresh(saved_hour)) == (B.CONFIRMED, P.CARD_SAVED)
    moved(later, stripe.now() + timedelta(days=1), stripe)
    jobs.run("authorize_saved_cards")
    assert states(fresh(saved_hour)) == (B.CONFIRMED, P.AUTHORIZED)
    assert waiting() == set()


def test_an_hour_is_not_moved_to_where_its_price_could_not_be_reserved_any_more(saved_hour: Booking, stripe: Stripe):
    with pytest.raises(IllegalMove, match="no time left"):
        moved(saved_hour, stripe.now() + 10 * HOUR, stripe)
    assert fresh(saved_hour).starts_at == IN_A_MONTH


@pytest.fixture
def asked_hour(far_hour: Booking, stripe: Stripe) -> Booking:
    """A card is saved for it, and Bob has yet to say yes."""
    with atomically():
        Booking.locked(far_hour.id).needs_answer = True
    return saved(far_hour, stripe)


def test_an_hour_that_its_mentor_accepts_is_reserved_on_its_day(asked_hour: Booking, stripe: Stripe):
    assert states(asked_hour) == (B.REQUESTED, P.CARD_SAVED)
    approvals.accept(asked_hour, now=stripe.now())
    assert states(fresh(asked_hour)) == (B.CONFIRMED, P.CARD_SAVED)
    assert states(wait_until(asked_hour, stripe, 48 * HOUR)) == (B.CONFIRMED, P.AUTHORIZED)
    assert all_is_well(stripe)


def test_a_request_that_its_mentor_declines_is_over_at_once(asked_hour: Booking, stripe: Stripe):
    approvals.decline(asked_hour, now=stripe.now())
    finish()
    assert states(fresh(asked_hour)) == (B.CANCELLED, P.VOIDED)
    assert waiting() == set()
    assert all_is_well(stripe)


def test_a_request_that_its_mentor_leaves_unanswered_is_over_too(asked_hour: Booking, stripe: Stripe):
    stripe.wait(49 * HOUR)
    jobs.run("lapse_requests")
    finish()
    assert states(fresh(asked_hour)) == (B.EXPIRED, P.VOIDED)
    assert waiting() == set()
    assert all_is_well(stripe)
