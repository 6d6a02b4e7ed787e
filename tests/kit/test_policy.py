"""The promises about time are checked together."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.kit import policy
from app.kit.policy import CUSTOMER_HOLD, MERCHANT_HOLD, Policy

HOUR, NOTHING = timedelta(hours=1), timedelta()


def test_what_we_promise_by_default_can_be_kept():
    assert Policy().problems() == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"durations": ()}, "durations"),
        ({"durations": (30, 0)}, "durations"),
        ({"durations": (-30,)}, "durations"),
        ({"durations": (42,)}, "durations"),
        ({"completion_grace": NOTHING}, "Completion grace"),
        ({"safety_margin": NOTHING}, "safety margin"),
        ({"checkout": NOTHING}, "checkout"),
        ({"checkout": -HOUR}, "checkout"),
        ({"completion_grace": CUSTOMER_HOLD}, "48 h) + the longest session (1.5 h) + completion grace (168 h)"),
        ({"safety_margin": timedelta(days=6)}, "safety margin (144 h) = 241.5 h, and the shortest hold lives 114 h"),
        ({"durations": (60, 24 * 60)}, "the longest session (24 h)"),
        ({"authorization_lead": 59 * HOUR}, "Authorization lead (59 h)"),
        ({"authorization_lead": 36 * HOUR}, "36 h > 36 h > 24 h > 12 h > 0 h is not so"),
        ({"authorization_retries": (24 * HOUR, 36 * HOUR)}, "in that order"),
        ({"authorization_retries": (12 * HOUR,)}, "in that order"),
        ({"authorization_deadline": NOTHING}, "in that order"),
        ({"free_cancellation": 49 * HOUR}, "a late fee could find nothing"),
        ({"notice": timedelta(days=60)}, "nothing could be booked"),
        ({"horizon": HOUR}, "nothing could be booked"),
        ({"commission_bps": -1}, "commission"),
        ({"commission_bps": 10_001}, "commission"),
    ],
    ids=str,
)
def test_what_cannot_be_kept_is_said(change: dict[str, object], word: str):
    problems = replace(Policy(), **change).problems()
    assert len(problems) == 1
    assert word in problems[0]


@pytest.mark.parametrize("commission_bps", [0, 10_000])
def test_a_commission_may_be_nothing_or_everything(commission_bps: int):
    assert Policy(commission_bps=commission_bps).problems() == []


def test_the_last_hold_that_fits_fits():
    usual = Policy()
    others = usual.longest + usual.completion_grace + usual.safety_margin
    exactly = replace(usual, authorization_lead=MERCHANT_HOLD - others)
    assert exactly.problems() == []
    assert len(replace(exactly, safety_margin=usual.safety_margin + timedelta(minutes=1)).problems()) == 1


def test_a_bank_need_not_be_asked_again():
    assert replace(Policy(), authorization_retries=()).problems() == []


def test_everything_that_is_wrong_is_said_at_once():
    wrong = Policy(completion_grace=NOTHING, notice=timedelta(days=90), durations=(7,), commission_bps=-1)
    assert len(wrong.problems()) == 4


def test_the_policy_in_force_is_the_one_that_was_installed():
    before = policy.current()
    try:
        policy.use(Policy(commission_bps=500))
        assert policy.current().commission_bps == 500
    finally:
        policy.use(before)
