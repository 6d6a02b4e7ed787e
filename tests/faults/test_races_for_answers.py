"""A request is answered, taken back and let go of at the same instant: one of these happens, and whole."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from app.kit.errors import Failure, IllegalMove
from app.models.states import BookingState, PaymentState
from tests.faults import rivals
from tests.faults.crowds import ROUNDS, Crowd
from tests.faults.recovery import finish
from tests.faults.rivals import Hour, accept, change_ones_mind, decline, lapse, the, work
from tests.faults.truths import untold, untruths
from tests.stripe_double import Stripe

B, P = BookingState, PaymentState

pytestmark = pytest.mark.faults


def is_told_it_is_over(failure: Failure | None) -> bool:
    return failure is None or isinstance(failure, IllegalMove)


@pytest.mark.parametrize(
    ("acts", "in_time", "ends"),
    [
        ((accept, change_ones_mind), True, {B.CONFIRMED, B.CANCELLED}),
        ((accept, decline), True, {B.CONFIRMED, B.CANCELLED}),
        ((accept, accept, decline, change_ones_mind), True, {B.CONFIRMED, B.CANCELLED}),
        ((decline, lapse), False, {B.EXPIRED}),
        ((lapse, lapse, change_ones_mind), False, {B.EXPIRED, B.CANCELLED}),
    ],
    ids=lambda given: "_against_".join(act.__name__ for act in given) if isinstance(given, tuple) else "",
)
def test_of_several_answers_one_counts(
    acts: tuple[Callable[[Hour], None], ...],
    in_time: bool,
    ends: set[B],
    crowd: Crowd,
    shared_stripe: Stripe,
    tally: Counter[str],
):
    hours = rivals.asked(shared_stripe, ROUNDS)
    for hour in hours:
        answer_by = the(hour).answer_by
        assert answer_by is not None
        now = answer_by - timedelta(seconds=1) if in_time else answer_by
        told = crowd.at_once(*(partial(act, hour) for act in acts), work, now=now)
        assert all(is_told_it_is_over(failure) for failure in told)
    finish()
    ended = [the(hour) for hour in hours]
    tally.update(str(hour.state) for hour in ended)
    assert {hour.state for hour in ended} <= ends
    for hour in ended:
        assert hour.payment is not None
        assert hour.payment.state == (P.AUTHORIZED if hour.state == B.CONFIRMED else P.VOIDED)
    assert shared_stripe.count("/cancel") == sum(hour.state != B.CONFIRMED for hour in ended)
    assert untruths(shared_stripe) == []
    assert untold() == []


def test_an_answer_at_the_last_moment_and_a_worker_who_thinks_it_is_over(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    """Their clocks differ by a second: whoever is first has decided it."""
    hours = rivals.asked(shared_stripe, ROUNDS)
    for hour in hours:
        answer_by = the(hour).answer_by
        assert answer_by is not None
        told = crowd.at_once(partial(accept, hour), partial(lapse, hour), now=answer_by - timedelta(seconds=1))
        assert all(is_told_it_is_over(failure) for failure in told)
    finish()
    states = Counter(the(hour).state for hour in hours)
    tally.update(map(str, states.elements()))
    assert set(states) <= {B.CONFIRMED, B.EXPIRED}
    assert shared_stripe.count("/cancel") == states[B.EXPIRED]
    assert untruths(shared_stripe) == []
