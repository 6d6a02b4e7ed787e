"""A free trial is there once, however many forms ask for it at the same instant."""

from collections import Counter
from functools import partial

import pytest

from app.actions import trials
from app.actions.wishes import Wish
from app.extensions import db
from app.kit.errors import Invalid
from app.models.booking import Booking
from tests import people
from tests.faults.crowds import ROUNDS, Crowd
from tests.faults.rivals import HALF_AN_HOUR, book
from tests.faults.truths import untold, untruths
from tests.people import TOMORROW_AT_TEN
from tests.stripe_double import Stripe

FORMS = 3

pytestmark = pytest.mark.faults


def test_of_several_forms_at_once_one_gets_the_trial(crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]):
    for turn in range(min(ROUNDS, 5)):
        mentee, mentor = people.person(f"Ann{turn}").id, people.mentor(f"Bob{turn}")
        trials.offer(mentor, 30)
        wishes = [
            Wish(TOMORROW_AT_TEN + n * HALF_AN_HOUR, 30, "Do we get along?", "", f"the-form-number-{n}", is_trial=True)
            for n in range(FORMS)
        ]
        acts = [partial(book, mentee, mentor.id, wish) for wish in wishes]
        told = crowd.at_once(*acts, now=shared_stripe.now())
        tally[" ".join(sorted(type(failure).__name__ for failure in told))] += 1
        assert sum(failure is None for failure in told) == 1
        assert all(failure is None or isinstance(failure, Invalid) for failure in told)
        db.session.rollback()
        assert db.session.query(Booking).count() == turn + 1
    assert untruths(shared_stripe) == []
    assert untold() == []
