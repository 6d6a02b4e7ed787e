"""The hold planner: when money is held for a session, whatever hour of whatever year it is booked, and for when."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.actions import holds
from app.actions.holds import Plan
from app.kit import policy
from app.kit.calendar import instants
from app.kit.policy import CUSTOMER_HOLD, MERCHANT_HOLD, Policy

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
HOURS_OF_A_YEAR = [NEW_YEAR + n * HOUR for n in range(365 * 24)]
AHEAD = [HOUR, DAY, 2 * DAY, *(n * HOUR for n in range(108, 120)), 6 * DAY, 30 * DAY, 365 * DAY]
DEFERRED_WHATEVER = 30 * DAY
# Each with the days on which its clocks change in 2026; Lord Howe's do it by half an hour.
CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
}


def plan(starts_at: datetime, minutes: int, now: datetime) -> Plan:
    return holds.plan(starts_at, starts_at + timedelta(minutes=minutes), now=now)


@pytest.fixture(params=["usual", "the tightest that is allowed"])
def in_force(request: pytest.FixtureRequest) -> Iterator[Policy]:
    before = policy.current()
    chosen = Policy()
    if request.param != "usual":
        room = MERCHANT_HOLD - chosen.authorization_lead - chosen.longest - chosen.completion_grace
        chosen = replace(chosen, safety_margin=room)
    assert chosen.problems() == []
    policy.use(chosen)
    yield chosen
    policy.use(before)


@pytest.mark.parametrize("minutes", Policy().durations)
def test_whatever_hour_it_is_a_hold_outlives_its_session_by_all_that_was_promised(in_force: Policy, minutes: int):
    """From the moment at which it is made: by the mentee now, or by us, whose holds live shortest, on the day."""
    for now in HOURS_OF_A_YEAR:
        for ahead in AHEAD:
            planned = plan(now + ahead, minutes, now)
            made_at, lives = (planned.authorize_at, MERCHANT_HOLD) if planned.authorize_at else (now, CUSTOMER_HOLD)
            assert made_at >= now, "nothing can be held in the past"
            assert planned.complete_by + in_force.safety_margin <= made_at + lives


def test_a_card_is_saved_only_where_no_hold_of_now_would_do(in_force: Policy):
    for now in HOURS_OF_A_YEAR[::7]:
        for ahead in AHEAD:
            planned = plan(now + ahead, 60, now)
            needed = planned.complete_by + in_force.safety_margin - now
            assert planned.is_deferred == (needed > CUSTOMER_HOLD)


def test_the_bank_is_asked_three_times_and_then_the_time_is_free_well_before_the_session(in_force: Policy):
    for starts_at in HOURS_OF_A_YEAR:
        planned = plan(starts_at, 60, starts_at - DEFERRED_WHATEVER)
        assert planned.authorize_at is not None
        tries = (planned.authorize_at, *planned.retries, planned.give_up_at)
        assert [(starts_at - at) // HOUR for at in tries] == [48, 36, 24, 12]
        asked_next = [holds.next_retry(starts_at, now=at) for at in tries]
        assert asked_next == [*planned.retries, None, None]


def test_free_cancellation_ends_only_when_money_is_held(in_force: Policy):
    """So that a late fee has something to be taken from."""
    for starts_at in HOURS_OF_A_YEAR:
        booked_at = starts_at - DEFERRED_WHATEVER
        planned = plan(starts_at, 60, booked_at)
        assert planned.authorize_at is not None
        assert planned.authorize_at <= in_force.free_until(starts_at, booked_at)


@pytest.mark.parametrize("zone", CHANGES)
def test_no_change_of_clocks_moves_a_date(in_force: Policy, zone: str):
    """A session at any hour of the days around one: what lies before and after it are elapsed hours."""
    for change in CHANGES[zone]:
        for day in (change + n * DAY for n in range(-4, 5)):
            for hour in range(24):
                starts_at, ends_at = instants(day, hour * 60, hour * 60 + 60, ZoneInfo(zone))
                planned = holds.plan(starts_at, ends_at, now=starts_at - DEFERRED_WHATEVER)
                assert planned.authorize_at == starts_at - 48 * HOUR
                assert planned.complete_by == ends_at + 48 * HOUR
                near = holds.plan(starts_at, ends_at, now=starts_at - DAY)
                assert (near.is_deferred, near.complete_by) == (False, planned.complete_by)


def test_a_hold_is_let_go_at_its_deadline_or_before_the_bank_does(in_force: Policy):
    until = NEW_YEAR
    assert holds.release_at(until, None) == until
    assert holds.release_at(until, until + in_force.safety_margin) == until
    early = until + in_force.safety_margin - timedelta(seconds=1)
    assert holds.release_at(until, early) == until - timedelta(seconds=1)
