"""A mentor who does not come: the hold stands while they may contest it, and no money is lost whoever is right."""

from datetime import timedelta

import pytest

from app import jobs
from app.actions import absences, bookings, books, cancellations, earnings, objections, payments, settlements
from app.extensions import db
from app.kit.errors import IllegalMove
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.mail import Mail
from app.models.mentor import Mentor
from app.models.objection import About, Objection
from app.models.states import BookingState, ObjectionState, Party, PaymentState
from app.models.user import User
from tests import people
from tests.people import HOUR, fresh
from tests.stripe_double import Stripe

B, P, J = BookingState, PaymentState, ObjectionState
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
NOTHING = Money(0, "EUR")


@pytest.fixture
def missed_hour(held_hour: Booking, stripe: Stripe) -> Booking:
    """Ann has waited for Bob, and said so."""
    return reported(held_hour, stripe)


def reported(hour: Booking, stripe: Stripe) -> Booking:
    stripe.wait_until(hour.ends_at)
    absences.report(hour, "I waited for an hour.", now=stripe.now())
    return fresh(hour)


def of(hour: Booking) -> Objection:
    found = fresh(hour).objection
    assert found is not None
    return found


def ends(hour: Booking) -> tuple[BookingState, PaymentState, ObjectionState]:
    hour = fresh(hour)
    assert hour.payment is not None
    return hour.state, hour.payment.state, of(hour).state


def test_nothing_happens_to_the_hold_while_bob_may_answer(missed_hour: Booking, stripe: Stripe):
    assert of(missed_hour).answer_by == missed_hour.payment.release_at == stripe.now() + 72 * HOUR
    stripe.wait(72 * HOUR - SECOND)
    for name in ("expire_stale_holds", "release_forgotten_holds", "end_silences"):
        jobs.run(name)
    assert ends(missed_hour) == (B.CONFIRMED, P.AUTHORIZED, J.WITH_MENTOR)
    assert stripe.intent_of(missed_hour).amount_capturable == 8_000


def test_if_bob_is_silent_all_of_it_is_released(missed_hour: Booking, stripe: Stripe):
    stripe.wait(72 * HOUR)
    jobs.run("end_silences")
    jobs.run("expire_stale_holds")
    assert ends(missed_hour) == (B.NO_SHOW, P.VOIDED, J.AGREED)
    assert fresh(missed_hour).ended_because == "the mentor did not come"
    assert fresh(missed_hour).payment.captured == NOTHING


def test_he_has_no_longer_than_the_hold_stands(ann: User, stripe: Stripe):
    bob, far = people.mentor("Bob"), stripe.now() + 4 * DAY
    hour = reported(people.paid(people.booked(ann, bob, stripe, starts_at=far), stripe), stripe)
    answer_by = of(hour).answer_by
    assert answer_by == hour.payment.capture_before - 6 * HOUR < stripe.now() + 72 * HOUR
    assert answer_by >= hour.ends_at + 48 * HOUR  # as long as he would have had to complete it
    stripe.wait_until(answer_by)
    jobs.run("expire_stale_holds")
    assert ends(hour) == (B.NO_SHOW, P.VOIDED, J.AGREED)


def test_a_saved_card_is_not_asked_again_for_an_hour_that_bob_is_silent_about(ann: User, bob: Mentor, stripe: Stripe):
    """He was told until when he had to answer: as long as the hold stood then."""
    hour = people.saved(people.booked(ann, bob, stripe, starts_at=people.IN_A_MONTH), stripe)
    stripe.wait_until(people.IN_A_MONTH - 48 * HOUR)
    jobs.run("authorize_saved_cards")
    hour = reported(fresh(hour), stripe)
    assert of(hour).answer_by == hour.payment.capture_before - 6 * HOUR < stripe.now() + 72 * HOUR
    stripe.wait_until(of(hour).answer_by)
    jobs.run("expire_stale_holds")
    assert ends(hour) == (B.NO_SHOW, P.VOIDED, J.AGREED)
    assert len(stripe.intents()) == 1


def test_bob_admits_it(missed_hour: Booking, stripe: Stripe):
    absences.admit(missed_hour, now=stripe.now())
    assert ends(missed_hour) == (B.NO_SHOW, P.VOIDED, J.AGREED)
    with pytest.raises(IllegalMove, match="answered before"):
        absences.admit(missed_hour, now=stripe.now())


@pytest.mark.parametrize(("back", "state"), [(0, B.COMPLETED), (8_000, B.CANCELLED)])
def test_bob_contests_it_and_the_price_is_safe_until_an_operator_has_ruled(
    missed_hour: Booking, stripe: Stripe, back: int, state: BookingState
):
    stripe.wait(72 * HOUR - SECOND)
    absences.contest(missed_hour, "We talked for an hour.", took_place=True, now=stripe.now())
    assert ends(missed_hour) == (B.COMPLETED, P.CAPTURED, J.WITH_OPERATOR)
    stripe.wait(10 * DAY)
    jobs.run("clear_earnings")
    assert fresh(missed_hour).payment.cleared_at is None
    ruling = Money(back, "EUR")
    objections.rule(missed_hour, ruling, "The logs say so.", refunded=NOTHING, now=stripe.now())
    assert ends(missed_hour) == (state, P.CAPTURED, J.RULED)
    assert fresh(missed_hour).payment.refunded == ruling
    jobs.run("clear_earnings")
    settlements.follow(now=stripe.now())
    assert fresh(missed_hour).payment.cleared_at == stripe.now()
    assert books.problems(stripe.now()) + settlements.differences() == []


def test_bob_says_that_it_was_ann_who_did_not_come_and_her_fee_is_safe(ann: User, stripe: Stripe):
    hour = people.paid(people.booked(ann, people.mentor("Bob", terms=Terms.STANDARD), stripe), stripe)
    hour = reported(hour, stripe)
    absences.contest(hour, "I waited, too.", took_place=False, now=stripe.now())
    assert ends(hour) == (B.NO_SHOW, P.CAPTURED, J.WITH_OPERATOR)
    assert fresh(hour).payment.captured == Money(4_000, "EUR")


def test_where_a_no_show_costs_nothing_there_is_nothing_to_rule_on(missed_hour: Booking, stripe: Stripe):
    absences.contest(missed_hour, "I waited, too.", took_place=False, now=stripe.now())
    assert ends(missed_hour) == (B.NO_SHOW, P.VOIDED, J.AGREED)


@pytest.mark.parametrize("act", [bookings.complete, bookings.report_no_show], ids=["complete", "no_show"])
def test_bob_has_to_answer_before_he_does_anything_else(missed_hour: Booking, stripe: Stripe, act):
    with pytest.raises(IllegalMove, match="Ann has told us that you did not come"):
        act(missed_hour, now=stripe.now())


def test_bob_may_still_call_it_off_which_ends_it(missed_hour: Booking, stripe: Stripe):
    cancellations.cancel(missed_hour, by=Party.MENTOR, quoted="8000-0-0", now=stripe.now())
    assert ends(missed_hour) == (B.CANCELLED, P.VOIDED, J.AGREED)


def test_ann_takes_it_back_and_bob_completes_the_hour_later_than_he_could_have(missed_hour: Booking, stripe: Stripe):
    objections.withdraw(missed_hour, now=stripe.now())
    assert ends(missed_hour) == (B.CONFIRMED, P.AUTHORIZED, J.WITHDRAWN)
    stripe.wait(70 * HOUR)
    bookings.complete(missed_hour, now=stripe.now())
    assert fresh(missed_hour).state == B.COMPLETED
    stripe.wait(earnings.CLEARING)
    jobs.run("clear_earnings")
    assert fresh(missed_hour).payment.cleared_at == stripe.now()


def test_a_charge_in_the_dashboard_is_contested_like_any_other(missed_hour: Booking, stripe: Stripe):
    stripe.client.v1.payment_intents.capture(stripe.intent_of(missed_hour).id)
    payments.check(fresh(missed_hour).payment, now=stripe.now())
    assert ends(missed_hour) == (B.COMPLETED, P.CAPTURED, J.WITH_MENTOR)
    stripe.wait(72 * HOUR)
    jobs.run("end_silences")
    assert ends(missed_hour) == (B.CANCELLED, P.CAPTURED, J.AGREED)


def test_one_who_is_a_little_late_is_not_absent(held_hour: Booking, stripe: Stripe):
    stripe.wait_until(held_hour.starts_at + absences.PATIENCE - SECOND)
    with pytest.raises(IllegalMove, match="10 minutes"):
        absences.report(held_hour, "Where is he?", now=stripe.now())
    absences.report(held_hour, "Where is he?", now=stripe.now() + SECOND)
    assert of(held_hour).about == About.ABSENCE
    with pytest.raises(IllegalMove, match="already"):
        absences.report(held_hour, "Where is he?", now=stripe.now() + MINUTE)


def test_both_are_told(missed_hour: Booking, stripe: Stripe):
    absences.contest(missed_hour, "We talked for an hour.", took_place=True, now=stripe.now())
    db.session.rollback()
    told = {(mail.kind, mail.person.name) for mail in db.session.scalars(db.select(Mail))}
    for kind in ("objection", "appeal", "completed"):
        assert {(kind, "Ann"), (kind, "Bob")} <= told
