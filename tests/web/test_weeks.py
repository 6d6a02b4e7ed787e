"""A mentor's free times, seven days at a time, in the viewer's calendar."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pytest

from app.actions import opening_hours
from app.actions.opening_hours import Rules, Span
from app.kit import policy
from app.models.availability import ExceptionKind
from app.models.mentor import Mentor
from app.models.user import User
from tests import people
from tests.people import HOUR
from tests.stripe_double import MONDAY, Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]

TODAY = MONDAY.date()
NEXT_MONDAY = "2026-06-08"


@pytest.fixture
def far(bob: Mentor) -> Iterator[Mentor]:
    """Bob, where one can book until next Monday, 06:00 UTC."""
    before = policy.current()
    policy.use(replace(before, horizon=7 * 24 * HOUR - 2 * HOUR))
    yield bob
    policy.use(before)


def days(who: Browser) -> list[str]:
    """The days on which the shown times begin, in UTC."""
    return sorted({at[:10] for at in who.form("Continue").choices["starts_at"]})


def test_a_week_is_shown_from_today_and_one_goes_on_and_back(browser: Open, far: Mentor):
    people.person("Cho", time_zone="UTC")
    chos = browser("cho@example.com")
    chos.get(f"/mentors/{far.id}")
    assert "Mon 1 Jun to Sun 7 Jun" in chos.words
    assert days(chos) == [f"2026-06-0{n}" for n in range(1, 8)]
    chos.click("Later")
    assert days(chos) == [NEXT_MONDAY]
    assert "Next free: Mon 1 Jun" in chos.words
    chos.click("Earlier")
    assert "Mon 1 Jun to Sun 7 Jun" in chos.words
    assert not any(words == "Earlier" for words, _ in chos.page.links)


def test_whoever_looks_is_taken_to_the_first_free_day(browser: Open, ann: User, far: Mentor):
    span = Span(ExceptionKind.OFF, TODAY, date(2026, 6, 7))
    opening_hours.make_exception(far, span, now=MONDAY)
    anns = browser("ann@example.com")
    anns.get(f"/mentors/{far.id}")
    assert "Mon 8 Jun to Sun 14 Jun" in anns.words
    anns.click("Earlier")
    assert "Nothing is free in these seven days." in anns.words
    anns.click("Mon 8 Jun")
    assert anns.form("Continue").choices["starts_at"]


@pytest.mark.parametrize("asked", ["", "x", "2026-02-30", "0001-01-01", "9999-12-31", "%00", "2026-06-08' OR 1=1"])
def test_a_week_that_there_is_not_is_answered_by_one_that_there_is(browser: Open, far: Mentor, asked: str):
    anyone = browser()
    assert anyone.get(f"/mentors/{far.id}?from={asked}").status_code == 200
    assert "Continue" in anyone.words


def test_within_a_week_there_is_nothing_to_leaf_through(browser: Open, bob: Mentor):
    opening_hours.set_rules(bob, Rules(horizon_days=4))
    anyone = browser()
    anyone.get(f"/mentors/{bob.id}")
    assert not {"Earlier", "Later"} & {words for words, _ in anyone.page.links}


def test_an_hour_that_comes_twice_is_told_apart(browser: Open, stripe: Stripe, bob: Mentor):
    people.person("Cho", time_zone="Europe/Berlin")
    opening_hours.set_weekly(bob, [(6, 120, 180)])
    stripe.wait_until(MONDAY.replace(month=10, day=23))
    chos = browser("cho@example.com")
    chos.get(f"/mentors/{bob.id}?minutes=30")
    assert "02:00 CEST 02:30 CEST 02:00 CET 02:30 CET" in chos.words


def test_a_length_that_the_mentor_does_not_offer_is_not_shown(browser: Open, bob: Mentor):
    opening_hours.set_rules(bob, Rules(durations=(90,)))
    anyone = browser()
    anyone.get(f"/mentors/{bob.id}?minutes=30")
    assert "90 min" in anyone.words
    assert "30 min" not in anyone.words
    anyone.get("/")
    assert "Nothing free" not in anyone.words
