"""Two at once about the same objection: one is taken, the other told, and the money moves once.

Processes race, on both databases; ROUNDS says how often, SEED in which order they are held back.
"""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from app import jobs
from app.actions import absences, objections
from app.actions.objections import Wanted
from app.kit import clock
from app.kit.errors import Busy, IllegalMove, Overtaken
from app.kit.money import Money
from app.models.objection import Objection, Remedy
from app.models.states import BookingState, ObjectionState, Party
from tests.faults import rivals
from tests.faults.crowds import ROUNDS, Crowd
from tests.faults.recovery import finish
from tests.faults.rivals import PRICE, Hour, the, work
from tests.faults.truths import untruths
from tests.stripe_double import Stripe

B, J = BookingState, ObjectionState
SECOND, THREE_DAYS = timedelta(seconds=1), timedelta(hours=72)
PART = Wanted(Remedy.PART_REFUND, Money(PRICE // 4, "EUR"), "A quarter would be right.")

pytestmark = pytest.mark.faults


def object_to(hour: Hour) -> None:
    """The request took a second on its way."""
    objections.object_to(the(hour), "It was short.", PART, now=clock.now() - SECOND)


def propose(hour: Hour, by: Party, cents: int) -> None:
    wanted = Wanted(Remedy.PART_REFUND, Money(cents, "EUR"), "More, or less.")
    objections.propose(the(hour), by, wanted, seen=1, now=clock.now())


def accept(hour: Hour) -> None:
    objections.accept(the(hour), Party.MENTOR, seen=1, now=clock.now())


def contest(hour: Hour) -> None:
    absences.contest(the(hour), "I was there.", took_place=True, now=clock.now())


def of(hour: Hour) -> Objection:
    found = the(hour).objection
    assert found is not None
    return found


def contested(stripe: Stripe, count: int) -> list[Hour]:
    """Hours to whose charge a mentee objects."""
    hours = rivals.charged(stripe, count)
    for hour in hours:
        objections.object_to(the(hour), "It was short.", PART, now=hour.complete_by)
    return hours


def test_of_two_proposals_at_once_one_counts_and_the_other_side_is_told(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    hours = contested(shared_stripe, ROUNDS)
    for hour in hours:
        acts = [partial(propose, hour, Party.MENTEE, 2_000), partial(propose, hour, Party.MENTOR, 500)]
        told = crowd.at_once(*acts, now=hour.complete_by)
        assert [type(failure) for failure in told if failure] == [Overtaken]
        first, second = of(hour).proposals
        assert (first.number, second.number) == (1, 2)
        tally[f"the {second.by}'s counts"] += 1
        assert of(hour).state == (J.WITH_MENTOR if second.by == Party.MENTEE else J.WITH_MENTEE)
    assert untruths(shared_stripe) == []


def test_who_accepts_while_the_mentee_proposes_accepts_what_was_read_or_nothing(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    hours = contested(shared_stripe, ROUNDS)
    for hour in hours:
        told = crowd.at_once(
            partial(accept, hour), partial(propose, hour, Party.MENTEE, 2_000), work, now=hour.complete_by
        )
        accepted, proposed, _ = (failure is None for failure in told)
        assert accepted != proposed
        assert all(failure is None or isinstance(failure, IllegalMove) for failure in told)
        finish()
        assert the(hour).payment.refunded_minor == (PRICE // 4 if accepted else 0)
        tally["accepted" if accepted else "proposed"] += 1
    assert untruths(shared_stripe) == []


def test_silence_and_a_late_yes_refund_once(crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]):
    hours = contested(shared_stripe, ROUNDS)
    for n, hour in enumerate(hours):
        silence = partial(work, "end_silences")
        told = crowd.at_once(partial(accept, hour), silence, silence, now=hour.complete_by + THREE_DAYS)
        assert all(failure is None or isinstance(failure, IllegalMove) for failure in told)
        tally["in time" if told[0] is None else "too late"] += 1
        if n == 0:
            finish()
    finish()
    assert {of(hour).state for hour in hours} == {J.AGREED}
    assert {the(hour).payment.refunded_minor for hour in hours} == {PRICE // 4}
    assert shared_stripe.count("/v1/refunds") == ROUNDS
    assert untruths(shared_stripe) == []


def test_an_objection_of_the_last_second_and_the_clearing_exclude_each_other(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    hours = rivals.charged(shared_stripe, ROUNDS)
    for hour in hours:
        clearing = partial(work, "clear_earnings")
        told = crowd.at_once(partial(object_to, hour), clearing, clearing, now=hour.complete_by + THREE_DAYS)
        assert told[1:] == [None, None]
        found = the(hour)
        assert (found.objection is None) == (told[0] is not None) == (found.payment.cleared_at is not None)
        tally["objected" if told[0] is None else "cleared"] += 1
    assert untruths(shared_stripe) == []


def test_a_mentor_who_answers_at_the_last_moment_is_paid_or_the_hold_is_released(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    hours = rivals.held(shared_stripe, ROUNDS)
    for hour in hours:
        absences.report(the(hour), "I waited.", now=the(hour).ends_at)
    for hour in hours:
        answer_by = of(hour).answer_by
        assert answer_by is not None
        told = crowd.at_once(
            partial(contest, hour), partial(work, "expire_stale_holds", "end_silences"), work, now=answer_by
        )
        assert all(failure is None or isinstance(failure, IllegalMove | Busy) for failure in told)
        finish()
        ends = the(hour).state, of(hour).state
        assert ends in {(B.COMPLETED, J.WITH_OPERATOR), (B.NO_SHOW, J.AGREED)}
        tally[str(ends[0])] += 1
    assert shared_stripe.count("/capture") + shared_stripe.count("/cancel") == ROUNDS
    assert untruths(shared_stripe) == []


def test_two_looks_of_the_operator_rule_once(crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]):
    hours = contested(shared_stripe, ROUNDS)
    for hour in hours:
        objections.appeal(the(hour), Party.MENTOR, seen=1, now=hour.complete_by)
        ruling = partial(rule, hour)
        told = crowd.at_once(ruling, ruling, work, now=hour.complete_by)
        assert sum(failure is None for failure in told[:2]) == 1
        finish()
        tally[str(of(hour).state)] += 1
    jobs.run("clear_earnings")
    assert {the(hour).payment.refunded_minor for hour in hours} == {PRICE // 2}
    assert untruths(shared_stripe) == []


def rule(hour: Hour) -> None:
    nothing = Money(0, "EUR")
    objections.rule(the(hour), Money(PRICE // 2, "EUR"), "Half of it.", refunded=nothing, now=clock.now())
