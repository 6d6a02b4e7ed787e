"""A free trial with Bob: once, and without any money at all."""

from datetime import timedelta

import pytest

from app import jobs
from app.actions import (
    accounts,
    approvals,
    availability,
    bookings,
    cancellations,
    meetings,
    reschedules,
    trials,
)
from app.actions.wishes import Wish
from app.extensions import db
from app.kit.errors import IllegalMove, Invalid, SlotTaken
from app.models.availability import SlotClaim
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import BookingState, Party
from app.models.user import User
from tests import people
from tests.people import HOUR, TOMORROW_AT_TEN, deadlines_of, fresh, told
from tests.stripe_double import Stripe

B = BookingState
DAY = 24 * HOUR


def a_trial(n: int = 0, *, minutes: int = 30) -> Wish:
    starts_at = TOMORROW_AT_TEN + n * 2 * HOUR
    return Wish(starts_at, minutes, "Do we get along?", "", f"the-form-number-{n}", is_trial=True)


@pytest.fixture
def generous_bob(bob: Mentor) -> Mentor:
    trials.offer(bob, 30)
    return bob


@pytest.fixture
def trial(ann: User, generous_bob: Mentor, stripe: Stripe) -> Booking:
    return bookings.book(ann, generous_bob, a_trial(), now=stripe.now())


def end(trial: Booking, by: Party, stripe: Stripe) -> None:
    quoted = cancellations.quote(fresh(trial), by=by, now=stripe.now())
    assert quoted.sentence == "It is a free trial: nothing is charged."
    cancellations.cancel(fresh(trial), by=by, quoted=quoted.token, now=stripe.now())


def test_it_is_confirmed_at_once_and_stripe_hears_nothing(trial: Booking, stripe: Stripe):
    assert (trial.state, trial.is_trial, trial.price.minor, trial.payments) == (B.CONFIRMED, True, 0, [])
    assert stripe.simulator.requests() == []
    assert "Nothing is charged." in told("confirmed")["Ann"]
    assert set(told("confirmed")) == {"Ann", "Bob"}
    assert deadlines_of(trial) == {"trial", "remind_day", "remind_hour"}
    assert meetings.of(trial, trial.starts_at) is not None


def test_the_time_is_taken_from_both(trial: Booking, generous_bob: Mentor, ann: User, stripe: Stripe):
    with pytest.raises(SlotTaken):
        people.booked(people.person("Cho"), generous_bob, stripe, key="the-form-of-cho-1")
    dia = people.mentor("Dia")
    with pytest.raises(SlotTaken):
        people.booked(ann, dia, stripe, key="another-form-of-ann")


def test_the_same_form_sent_twice_is_one_trial(trial: Booking, ann: User, generous_bob: Mentor, stripe: Stripe):
    assert bookings.book(ann, generous_bob, a_trial(), now=stripe.now()).id == trial.id


def test_it_ends_without_stripe_and_without_a_cent(trial: Booking, stripe: Stripe):
    with pytest.raises(IllegalMove):
        bookings.complete(trial, now=stripe.now())
    stripe.wait_until(trial.ends_at)
    bookings.complete(fresh(trial), now=stripe.now())
    assert (fresh(trial).state, fresh(trial).ended_by) == (B.COMPLETED, Party.MENTOR)
    assert "nothing is charged" in told("completed")["Ann"]
    assert deadlines_of(trial) == set()
    assert stripe.simulator.requests() == []
    assert db.session.query(SlotClaim).count() == 0
    with pytest.raises(IllegalMove):
        cancellations.quote(fresh(trial), by=Party.MENTOR, now=stripe.now())


def test_a_mentee_who_did_not_come_is_charged_nothing_and_has_had_their_trial(
    trial: Booking, ann: User, generous_bob: Mentor, stripe: Stripe
):
    stripe.wait_until(trial.starts_at + HOUR / 4)
    bookings.report_no_show(fresh(trial), now=stripe.now())
    assert fresh(trial).state == B.NO_SHOW
    assert "Nothing is charged." in told("no_show")["Ann"]
    assert trials.why_not(ann.id, generous_bob) == "You have had your free trial with Bob."


def test_if_nobody_says_how_it_went_it_took_place(trial: Booking, stripe: Stripe):
    stripe.wait_until(trial.complete_by - timedelta(seconds=1))
    assert jobs.run("close_trials") == 0
    assert jobs.run("remind") == 2, "and nobody is asked to complete it"
    stripe.wait(timedelta(seconds=1))
    assert jobs.run("close_trials") == 1
    assert (fresh(trial).state, fresh(trial).ended_by) == (B.COMPLETED, Party.SYSTEM)
    assert jobs.run("close_trials") == 0


@pytest.mark.parametrize("by", [Party.MENTEE, Party.MENTOR, Party.OPERATOR])
def test_who_calls_it_off_frees_the_time_and_another_try(
    by: Party, trial: Booking, ann: User, generous_bob: Mentor, stripe: Stripe
):
    end(trial, by, stripe)
    assert fresh(trial).state == B.CANCELLED
    assert "Nothing is charged." in told("cancelled")["Ann"]
    assert db.session.query(SlotClaim).count() == 0
    assert bookings.book(ann, generous_bob, a_trial(1), now=stripe.now()).state == B.CONFIRMED


def test_there_is_one_trial_with_a_mentor(trial: Booking, ann: User, generous_bob: Mentor, stripe: Stripe):
    with pytest.raises(Invalid, match="You have had your free trial with Bob"):
        bookings.book(ann, generous_bob, a_trial(1), now=stripe.now())
    assert people.booked(ann, generous_bob, stripe, starts_at=TOMORROW_AT_TEN + 4 * HOUR, key="p" * 16).price.minor
    cho = people.person("Cho")
    assert bookings.book(cho, generous_bob, a_trial(3), now=stripe.now()).state == B.CONFIRMED


def test_whoever_keeps_calling_off_has_had_their_tries(ann: User, generous_bob: Mentor, stripe: Stripe):
    for n in range(trials.MOST_TRIES):
        end(bookings.book(ann, generous_bob, a_trial(n), now=stripe.now()), Party.MENTEE, stripe)
    with pytest.raises(Invalid, match="You have had your free trial"):
        bookings.book(ann, generous_bob, a_trial(5), now=stripe.now())


def test_nobody_collects_trials(ann: User, generous_bob: Mentor, stripe: Stripe):
    for n, name in enumerate(("Dia", "Eve", "Fay")):
        mentor = people.mentor(name)
        trials.offer(mentor, 30)
        if n < trials.MOST_AHEAD:
            bookings.book(ann, mentor, a_trial(n), now=stripe.now())
        else:
            with pytest.raises(Invalid, match="You have 2 free trials ahead of you"):
                bookings.book(ann, mentor, a_trial(n), now=stripe.now())


def test_a_trial_is_what_the_mentor_offers_and_nothing_else(ann: User, bob: Mentor, stripe: Stripe):
    with pytest.raises(Invalid, match="Bob offers no free trial"):
        bookings.book(ann, bob, a_trial(), now=stripe.now())
    trials.offer(bob, 30)
    with pytest.raises(Invalid, match="takes 30 minutes"):
        bookings.book(ann, bob, a_trial(minutes=60), now=stripe.now())
    with pytest.raises(Invalid, match="lengths that you offer"):
        trials.offer(bob, 45)
    trials.offer(bob, None)
    with pytest.raises(Invalid, match="Bob offers no free trial"):
        bookings.book(ann, bob, a_trial(), now=stripe.now())


def test_it_is_not_moved(trial: Booking, stripe: Stripe):
    assert not reschedules.can(trial, now=stripe.now())
    with pytest.raises(IllegalMove, match="cannot be moved"):
        reschedules.check(trial, now=stripe.now())


@pytest.fixture
def asked(ann: User, generous_bob: Mentor, stripe: Stripe) -> Booking:
    """Bob accepts every session himself, also what is free."""
    accounts.set_approval(generous_bob, approves=True)
    return bookings.book(ann, generous_bob, a_trial(), now=stripe.now())


def test_bob_may_be_asked_first(asked: Booking, stripe: Stripe):
    assert asked.state == B.REQUESTED
    assert "asks for a free trial of 30 minutes" in told("requested")["Bob"]
    approvals.accept(asked, now=stripe.now())
    assert fresh(asked).state == B.CONFIRMED
    assert deadlines_of(asked) == {"trial", "remind_day", "remind_hour"}
    assert stripe.simulator.requests() == []


def test_bob_may_say_no_or_nothing(asked: Booking, ann: User, generous_bob: Mentor, stripe: Stripe):
    approvals.decline(asked, now=stripe.now())
    assert (fresh(asked).state, fresh(asked).ended_because) == (B.CANCELLED, "the mentor declined")
    assert "was declined by Bob. Nothing is charged." in told("declined")["Ann"]
    again = bookings.book(ann, generous_bob, a_trial(2), now=stripe.now())
    assert again.answer_by is not None
    stripe.wait_until(again.answer_by)
    assert jobs.run("lapse_requests") == 1
    assert (fresh(again).state, fresh(again).ended_because) == (B.EXPIRED, "the mentor did not answer in time")
    assert "does not take place" in told("not_answered")["Ann"]
    assert deadlines_of(again) == set()
    assert db.session.query(SlotClaim).count() == 0


def test_ann_takes_her_wish_for_a_trial_back(asked: Booking, stripe: Stripe):
    end(asked, Party.MENTEE, stripe)
    assert (fresh(asked).state, deadlines_of(asked)) == (B.CANCELLED, set())
    with pytest.raises(IllegalMove):
        approvals.accept(fresh(asked), now=stripe.now())


def test_the_open_times_do_not_change_for_what_is_free(trial: Booking, generous_bob: Mentor, stripe: Stripe):
    starts = [slot.starts_at for slot in availability.open_slots(generous_bob, 30, now=stripe.now())]
    assert trial.starts_at not in starts
