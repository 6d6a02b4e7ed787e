"""A booking's page keeps up with the booking: its changing part can be fetched alone, and only when it has changed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from app.actions import bookings, objections
from app.actions.objections import Wanted
from app.kit.errors import GatewayDown
from app.models.booking import Booking
from app.models.objection import Remedy
from app.models.states import BookingState
from app.web import live
from tests import people
from tests.people import HOUR
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]


def look(browser: Browser, side: str, hour: str, known: str = "") -> TestResponse:
    """What the page's script asks for."""
    headers = {"If-None-Match": known} if known else {}
    return browser.get(f"/{side}/bookings/{hour}?part=standing", headers=headers)


def test_the_part_is_what_the_page_shows_without_its_frame(browser: Open, held_hour: Booking):
    anns, hour = browser("ann@example.com"), held_hour.id
    part = look(anns, "mentee", hour).text
    assert "Confirmed. €80.00 is reserved, nothing is charged." in part
    assert "Where the money is" in part
    assert "<html" not in part
    assert "<h1" not in part
    whole = anns.get(f"/mentee/bookings/{hour}").text
    assert f'data-live="/mentee/bookings/{hour}?part=standing"' in whole
    assert "js/live.js" in whole


def test_a_form_and_a_countdown_are_no_news(browser: Open, anns_hour: Booking, stripe: Stripe):
    """Both look different each time."""
    anns, hour, starts_at = browser("ann@example.com"), anns_hour.id, anns_hour.starts_at
    for part, then in (("data-now", stripe.now()), ("csrf_token", starts_at)):
        stripe.wait_until(then)
        known = look(anns, "mentee", hour)
        assert part in known.text
        stripe.wait(timedelta(minutes=1))
        assert look(anns, "mentee", hour, known.headers["ETag"]).status_code == 304
        if then < starts_at:
            people.paid(people.fresh(anns_hour), stripe)


@pytest.mark.parametrize("side", ["mentee", "mentor"])
def test_nothing_is_sent_again_until_something_has_changed(
    browser: Open, held_hour: Booking, stripe: Stripe, side: str
):
    someone, hour = browser({"mentee": "ann@example.com", "mentor": "bob@example.com"}[side]), held_hour.id
    starts_at, ends_at = held_hour.starts_at, held_hour.ends_at
    known = look(someone, side, hour).headers["ETag"]
    stripe.wait(timedelta(minutes=3))
    answer = look(someone, side, hour, known)
    assert (answer.status_code, answer.text) == (304, "")
    stripe.wait_until(starts_at - timedelta(minutes=15))
    answer = look(someone, side, hour, known)
    assert "Join the meeting" in answer.text, "time alone has changed it"
    known = answer.headers["ETag"]
    stripe.wait_until(ends_at)
    bookings.complete(people.fresh(held_hour), now=stripe.now())
    answer = look(someone, side, hour, known)
    assert answer.status_code == 200
    assert "Completed. €80.00 was charged." in answer.text


def test_the_page_asks_often_while_much_can_happen_and_not_at_all_in_the_end(
    browser: Open, anns_hour: Booking, stripe: Stripe
):
    now = stripe.now()
    assert live.again(anns_hour, now=now) == live.AT_ONCE, "the card may come at any moment"
    held = people.paid(anns_hour, stripe)
    assert live.again(held, now=now) == live.SOMETIME
    assert live.again(held, now=held.starts_at - HOUR) == live.SOON
    stripe.fail_next("lose_answer", "*/capture", count=2)
    stripe.wait_until(held.ends_at)
    with pytest.raises(GatewayDown):
        bookings.complete(held, now=stripe.now())
    assert live.again(people.fresh(held), now=stripe.now()) == live.AT_ONCE, "it is being confirmed"


def test_what_has_ended_is_not_asked_about(browser: Open, completed_hour: Booking, stripe: Stripe):
    assert completed_hour.state == BookingState.COMPLETED
    assert live.again(completed_hour, now=stripe.now()) is None
    assert "data-again" not in look(browser("ann@example.com"), "mentee", completed_hour.id).text


def test_what_is_quarrelled_about_is_asked_about_until_that_has_ended(completed_hour: Booking, stripe: Stripe):
    wanted = Wanted(Remedy.FULL_REFUND)
    objections.object_to(completed_hour, "Bob left after ten minutes.", wanted, now=stripe.now())
    quarrel = people.fresh(completed_hour)
    assert live.again(quarrel, now=stripe.now()) == live.SOMETIME
    objections.withdraw(quarrel, now=stripe.now())
    assert live.again(people.fresh(quarrel), now=stripe.now()) is None


def test_the_part_is_nobody_elses_either(browser: Open, held_hour: Booking):
    hour = held_hour.id
    people.person("Cho")
    assert look(browser("cho@example.com"), "mentee", hour).status_code == 404
    stranger = look(browser(), "mentee", hour)
    assert (stranger.status_code, stranger.location) == (302, f"/log-in?next=/mentee/bookings/{hour}?part%3Dstanding")


def test_a_checkout_that_was_left_is_found_again_with_its_time(browser: Open, anns_hour: Booking):
    anns, hour = browser("ann@example.com"), anns_hour.id
    anns.get("/mentee/")
    assert anns.answer.text.count("data-countdown") == 1
    anns.get(f"/mentee/bookings/{hour}")
    assert "Your time is kept until 17:15 . You have not been charged." in anns.words, "also without a script"
    assert anns.answer.text.count("data-countdown") == 1
    anns.click("Enter your card")
    assert anns.address == f"/mentee/bookings/{hour}/payment"
