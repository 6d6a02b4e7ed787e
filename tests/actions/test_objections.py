"""A mentee objects to a charge: what is proposed, agreed, ruled or settled by silence, and what the money does then."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from app import jobs
from app.actions import (
    alarms,
    bookings,
    books,
    cancellations,
    contests,
    earnings,
    ledger,
    objections,
    refunds,
    settlements,
)
from app.actions.objections import Wanted
from app.extensions import db
from app.kit.errors import GatewayDown, GatewayRefused, IllegalMove, Invalid, NotFound, Overtaken
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.ledger import Balance
from app.models.mail import Mail
from app.models.objection import About, Objection, Remedy
from app.models.states import BookingState, ObjectionState, Party
from app.models.user import User
from tests import people
from tests.faults.recovery import finish
from tests.people import HOUR, fresh
from tests.stripe_double import Stripe

B, J = BookingState, ObjectionState
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
NOTHING = Money(0, "EUR")
ALL, HALF = Wanted(Remedy.FULL_REFUND), Wanted(Remedy.PART_REFUND, Money(4_000, "EUR"), "We did half of it.")
NONE, AGAIN = Wanted(Remedy.NOTHING, words="It took place."), Wanted(Remedy.NEW_SESSION, words="Let us do it again.")


@pytest.fixture
def contested_hour(completed_hour: Booking, stripe: Stripe) -> Booking:
    """Ann wants all of her 80 euros back."""
    objections.object_to(completed_hour, "Bob left after ten minutes.", ALL, now=stripe.now())
    return fresh(completed_hour)


def of(hour: Booking) -> Objection:
    found = fresh(hour).objection
    assert found is not None
    return found


def shares(hour: Booking) -> tuple[int, int]:
    """What of Bob's is pending and what is available, in cents."""
    mentor_id = hour.mentor_id
    db.session.rollback()
    has = Counter({row.account: row.minor for row in db.session.scalars(db.select(Balance))})
    return has[ledger.pending_of(mentor_id)], has[ledger.available_of(mentor_id)]


def told(kind: str) -> set[str]:
    """Who got a mail of this kind."""
    db.session.rollback()
    return {mail.person.name for mail in db.session.scalars(db.select(Mail).where(Mail.kind == kind))}


def is_right(stripe: Stripe) -> bool:
    settlements.follow(now=stripe.now())
    return books.problems(stripe.now()) + settlements.differences() == []


def test_what_is_contested_stays_pending_until_it_is_decided(contested_hour: Booking, stripe: Stripe):
    objections.propose(contested_hour, Party.MENTOR, NONE, seen=1, now=stripe.now())
    objections.appeal(contested_hour, Party.MENTEE, seen=2, now=stripe.now())
    stripe.wait(30 * DAY)
    jobs.run("end_silences")
    jobs.run("clear_earnings")
    assert (of(contested_hour).state, shares(contested_hour)) == (J.WITH_OPERATOR, (7_200, 0))
    objections.rule(contested_hour, Money(3_000, "EUR"), "Both are right.", refunded=NOTHING, now=stripe.now())
    jobs.run("clear_earnings")
    hour = fresh(contested_hour)
    assert (of(hour).state, hour.state, hour.payment.refunded) == (J.RULED, B.COMPLETED, Money(3_000, "EUR"))
    assert shares(hour) == (0, 4_500)
    assert told(kind="objection_ended") == {"Ann", "Bob"}
    assert is_right(stripe)


def test_ann_can_object_until_the_last_second_of_three_days(completed_hour: Booking, stripe: Stripe):
    ended_at = completed_hour.ended_at
    assert objections.cannot_object(completed_hour, now=ended_at + earnings.CLEARING - SECOND) is None
    with pytest.raises(IllegalMove, match="three days"):
        objections.object_to(completed_hour, "Too late.", ALL, now=ended_at + earnings.CLEARING)


def test_ann_objects_once_to_what_was_charged(contested_hour: Booking, stripe: Stripe):
    objections.withdraw(contested_hour, now=stripe.now())
    with pytest.raises(IllegalMove, match="one objection"):
        objections.object_to(contested_hour, "Once more.", ALL, now=stripe.now())


def test_nobody_objects_to_what_was_not_charged_or_was_given_back(held_hour: Booking, stripe: Stripe):
    with pytest.raises(IllegalMove, match="nothing was charged"):
        objections.object_to(held_hour, "It is dear.", ALL, now=stripe.now())
    hour = people.completed(held_hour, stripe)
    cancellations.cancel(hour, by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())
    with pytest.raises(IllegalMove, match="given back"):
        objections.object_to(hour, "It was dear.", ALL, now=stripe.now())


@pytest.mark.parametrize("cents", [0, 8_000, 9_000])
def test_a_part_is_more_than_nothing_and_less_than_all(completed_hour: Booking, stripe: Stripe, cents: int):
    part = Wanted(Remedy.PART_REFUND, Money(cents, "EUR"))
    with pytest.raises(Invalid, match=r"less than €80\.00"):
        objections.object_to(completed_hour, "Bob was late.", part, now=stripe.now())
    assert fresh(completed_hour).objection is None


def test_bob_accepts_and_all_goes_back(contested_hour: Booking, stripe: Stripe):
    objections.accept(contested_hour, Party.MENTOR, seen=1, now=stripe.now())
    hour = fresh(contested_hour)
    assert (of(hour).state, hour.state, hour.payment.left) == (J.AGREED, B.CANCELLED, NOTHING)
    assert [refund.amount for refund in stripe.refunds_of(hour)] == [8_000]
    assert shares(hour) == (0, 0)
    assert is_right(stripe)


def test_bob_counters_ann_accepts_and_that_much_goes_back(contested_hour: Booking, stripe: Stripe):
    objections.propose(contested_hour, Party.MENTOR, HALF, seen=1, now=stripe.now())
    assert (of(contested_hour).state, told("proposal")) == (J.WITH_MENTEE, {"Ann"})
    objections.accept(contested_hour, Party.MENTEE, seen=2, now=stripe.now())
    hour = fresh(contested_hour)
    assert (of(hour).state, hour.state, hour.payment.refunded) == (J.AGREED, B.COMPLETED, HALF.refund)
    stripe.wait(SECOND)
    jobs.run("clear_earnings")
    assert shares(hour) == (0, 3_600)


def test_nobody_accepts_what_they_have_proposed_themselves(contested_hour: Booking, stripe: Stripe):
    with pytest.raises(IllegalMove, match="the other side has to answer"):
        objections.accept(contested_hour, Party.MENTEE, seen=1, now=stripe.now())


@pytest.mark.parametrize(
    "act",
    [
        lambda hour, now: objections.propose(hour, Party.MENTEE, HALF, seen=1, now=now),
        lambda hour, now: objections.accept(hour, Party.MENTEE, seen=1, now=now),
        lambda hour, now: objections.appeal(hour, Party.MENTEE, seen=1, now=now),
    ],
    ids=["propose", "accept", "appeal"],
)
def test_whoever_has_not_read_the_latest_proposal_is_told_so_and_nothing_is_done(
    contested_hour: Booking, stripe: Stripe, act: Callable[..., None]
):
    objections.propose(contested_hour, Party.MENTOR, NONE, seen=1, now=stripe.now())
    with pytest.raises(Overtaken, match="has changed since"):
        act(contested_hour, stripe.now())
    found = of(contested_hour)
    assert (found.state, len(found.proposals)) == (J.WITH_MENTEE, 2)


@pytest.mark.parametrize(
    ("counter", "refunded", "state"), [(None, 8_000, B.CANCELLED), (HALF, 4_000, B.COMPLETED), (NONE, 0, B.COMPLETED)]
)
def test_silence_accepts_what_was_proposed_last_and_not_a_second_too_early(
    contested_hour: Booking, stripe: Stripe, counter: Wanted | None, refunded: int, state: BookingState
):
    if counter is not None:
        objections.propose(contested_hour, Party.MENTOR, counter, seen=1, now=stripe.now())
    stripe.wait(contests.TO_ANSWER - SECOND)
    jobs.run("end_silences")
    assert of(contested_hour).is_live
    stripe.wait(SECOND)
    for _ in range(2):
        jobs.run("end_silences")
    hour = fresh(contested_hour)
    assert (of(hour).state, hour.state, hour.payment.refunded.minor) == (J.AGREED, state, refunded)
    assert [refund.amount for refund in stripe.refunds_of(hour)] == [refunded] * bool(refunded)
    assert told("objection_ended") == {"Ann", "Bob"}


def test_each_proposal_gives_the_other_side_three_days_anew(contested_hour: Booking, stripe: Stripe):
    stripe.wait(2 * DAY)
    objections.propose(contested_hour, Party.MENTOR, HALF, seen=1, now=stripe.now())
    stripe.wait(2 * DAY)
    jobs.run("end_silences")
    assert of(contested_hour).state == J.WITH_MENTEE


def test_silence_that_was_broken_just_before_the_worker_came_is_none(contested_hour: Booking, stripe: Stripe):
    stripe.wait(contests.TO_ANSWER)
    (reached,) = objections.unanswered(stripe.now())
    objections.propose(contested_hour, Party.MENTOR, HALF, seen=1, now=stripe.now())
    objections.take_silence_for_yes(reached, now=stripe.now())
    assert (of(contested_hour).state, stripe.refunds_of(contested_hour)) == (J.WITH_MENTEE, [])
    stripe.wait(contests.TO_ANSWER)
    jobs.run("end_silences")
    assert fresh(contested_hour).payment.refunded == HALF.refund


@pytest.mark.parametrize(("kept", "state"), [(True, J.AGREED), (False, J.WITH_OPERATOR)])
def test_a_new_session_that_is_agreed_keeps_the_money_pending_until_ann_says_whether_it_took_place(
    contested_hour: Booking, stripe: Stripe, kept: bool, state: ObjectionState
):
    objections.propose(contested_hour, Party.MENTOR, AGAIN, seen=1, now=stripe.now())
    objections.accept(contested_hour, Party.MENTEE, seen=2, now=stripe.now())
    stripe.wait(7 * DAY)
    jobs.run("clear_earnings")
    assert (of(contested_hour).state, shares(contested_hour)) == (J.PROMISED, (7_200, 0))
    assert told("promise") == {"Ann", "Bob"}
    objections.say_kept(contested_hour, kept=kept, now=stripe.now())
    jobs.run("clear_earnings")
    assert of(contested_hour).state == state
    assert shares(contested_hour) == ((0, 7_200) if kept else (7_200, 0))


def test_a_new_session_that_nobody_complains_about_took_place(contested_hour: Booking, stripe: Stripe):
    objections.propose(contested_hour, Party.MENTOR, AGAIN, seen=1, now=stripe.now())
    objections.accept(contested_hour, Party.MENTEE, seen=2, now=stripe.now())
    stripe.wait(contests.TO_KEEP_A_PROMISE)
    jobs.run("end_silences")
    jobs.run("clear_earnings")
    assert (of(contested_hour).state, shares(contested_hour)) == (J.AGREED, (0, 7_200))


def test_an_objection_that_is_taken_back_frees_the_money(contested_hour: Booking, stripe: Stripe):
    objections.withdraw(contested_hour, now=stripe.now())
    jobs.run("clear_earnings")
    assert (of(contested_hour).state, shares(contested_hour)) == (J.WITHDRAWN, (0, 7_200))


def test_a_full_refund_that_bob_makes_by_himself_ends_it(contested_hour: Booking, stripe: Stripe):
    cancellations.cancel(contested_hour, by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())
    assert of(contested_hour).state == J.AGREED
    assert len(stripe.refunds_of(contested_hour)) == 1


def test_what_was_agreed_is_never_more_than_what_is_left(contested_hour: Booking, stripe: Stripe):
    objections.propose(contested_hour, Party.MENTOR, HALF, seen=1, now=stripe.now())
    big = Money(6_000, "EUR")
    payment = fresh(contested_hour).payment
    refunds.give_back(payment, big, by=Party.OPERATOR, because="in between", refunded=NOTHING, now=stripe.now())
    objections.accept(contested_hour, Party.MENTEE, seen=2, now=stripe.now())
    assert fresh(contested_hour).payment.left == NOTHING


def test_silence_waits_for_a_refund_that_is_being_confirmed(contested_hour: Booking, stripe: Stripe):
    stripe.wait(contests.TO_ANSWER)
    stripe.fail_next("drop_request", "/v1/refunds", count=2)
    payment = fresh(contested_hour).payment
    with pytest.raises(GatewayDown):
        refunds.give_back(
            payment, HALF.refund, by=Party.OPERATOR, because="meanwhile", refunded=NOTHING, now=stripe.now()
        )
    jobs.run("end_silences")
    assert of(contested_hour).state == J.WITH_MENTOR
    finish()
    stripe.wait(earnings.AGAIN)
    jobs.run("end_silences")
    assert (of(contested_hour).state, fresh(contested_hour).payment.left) == (J.AGREED, NOTHING)
    assert [refund.amount for refund in stripe.refunds_of(contested_hour)] == [4_000, 4_000]


def test_a_refund_whose_answer_is_lost_is_made_once(contested_hour: Booking, stripe: Stripe):
    stripe.fail_next("lose_answer", "/v1/refunds", count=2)
    with pytest.raises(GatewayDown):
        objections.accept(contested_hour, Party.MENTOR, seen=1, now=stripe.now())
    finish()
    hour = fresh(contested_hour)
    assert (hour.state, hour.payment.left, len(stripe.refunds_of(hour))) == (B.CANCELLED, NOTHING, 1)


def test_what_was_agreed_and_stripe_refuses_is_seen_to_by_a_person(contested_hour: Booking, stripe: Stripe):
    """Somebody was faster in Stripe's dashboard, and we have not heard of it."""
    stripe.client.v1.refunds.create({"payment_intent": stripe.intent_of(contested_hour).id, "amount": 100})
    with pytest.raises(GatewayRefused):
        objections.accept(contested_hour, Party.MENTOR, seen=1, now=stripe.now())
    (alarm,) = alarms.newest()
    assert alarm.sentence.startswith(f"€80.00 of {contested_hour.id} were to go back after an objection, and Stripe")
    assert of(contested_hour).state == J.AGREED


def test_an_operator_gives_back_no_more_than_is_left_and_reads_what_is_new(contested_hour: Booking, stripe: Stripe):
    objections.appeal(contested_hour, Party.MENTOR, seen=1, now=stripe.now())
    with pytest.raises(Invalid, match=r"Between nothing and €80\.00"):
        objections.rule(contested_hour, Money(8_001, "EUR"), "All.", refunded=NOTHING, now=stripe.now())
    with pytest.raises(Overtaken):
        objections.rule(contested_hour, NOTHING, "None.", refunded=Money(1, "EUR"), now=stripe.now())
    assert of(contested_hour).state == J.WITH_OPERATOR


def test_while_an_operator_decides_nobody_proposes(contested_hour: Booking, stripe: Stripe):
    objections.appeal(contested_hour, Party.MENTOR, seen=1, now=stripe.now())
    with pytest.raises(IllegalMove, match="operator decides"):
        objections.propose(contested_hour, Party.MENTEE, HALF, seen=1, now=stripe.now())


def test_there_is_nothing_to_answer_where_nobody_objects(completed_hour: Booking, stripe: Stripe):
    with pytest.raises(NotFound):
        objections.accept(completed_hour, Party.MENTOR, seen=1, now=stripe.now())


def test_ann_objects_to_the_fee_of_a_no_show_and_gets_it_back(ann: User, stripe: Stripe):
    hour = people.paid(people.booked(ann, people.mentor("Bob", terms=Terms.STANDARD), stripe), stripe)
    stripe.wait_until(hour.starts_at + HOUR / 2)
    bookings.report_no_show(hour, now=stripe.now())
    objections.object_to(hour, "I was there from the first minute.", ALL, now=stripe.now())
    assert of(hour).about == About.FEE
    objections.appeal(hour, Party.MENTOR, seen=1, now=stripe.now())
    objections.rule(hour, Money(4_000, "EUR"), "She checked in.", refunded=NOTHING, now=stripe.now())
    hour = fresh(hour)
    assert (hour.state, hour.payment.left, of(hour).state) == (B.NO_SHOW, NOTHING, J.RULED)
    jobs.run("clear_earnings")
    assert shares(hour) == (0, 0)
    assert is_right(stripe)
