"""A calendar program shows a person's sessions: those of their own, as long as they wish, and nobody else's."""

from collections.abc import Callable
from typing import Any

import pytest
import vobject

from app.actions import cancellations
from app.extensions import db
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import Party
from app.models.user import User
from tests import people
from tests.people import HOUR
from tests.statements import overheard
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]
ANN, BOB = "ann@example.com", "bob@example.com"


def subscribe(person: Browser) -> str:
    """Make an address for the feed; its path."""
    person.get("/account")
    person.press("Make an address")
    return address_of(person)


def address_of(person: Browser) -> str:
    person.get("/account")
    found = [word for word in person.answer.text.split('"') if word.startswith("http://localhost/calendar/")]
    assert len(found) == 1
    return found[0].removeprefix("http://localhost")


def events(answer: Any) -> list[Any]:
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return list(vobject.readOne(answer.text).contents.get("vevent", []))


@pytest.mark.parametrize(("email", "other", "zone"), [(ANN, "Bob", "Asia/Tokyo"), (BOB, "Ann", "Europe/Berlin")])
def test_both_sides_have_the_hour_in_their_calendar(
    browser: Open, held_hour: Booking, email: str, other: str, zone: str
):
    side = "mentee" if email == ANN else "mentor"
    path, program = subscribe(browser(email)), browser()
    (event,) = events(program.get(path))
    assert event.summary.value == f"Review of my parser ({other})"
    assert event.dtstart.value == held_hour.starts_at
    assert event.dtstart.params["X-VOBJ-ORIGINAL-TZID"] == [zone]
    assert event.url.value == f"http://localhost/{side}/bookings/{held_hour.id}"


def test_it_keeps_up_with_what_happens(browser: Open, held_hour: Booking, stripe: Stripe, bob: Mentor, ann: User):
    path, program = subscribe(browser(ANN)), browser()
    cancellations.cancel(held_hour, by=Party.MENTOR, quoted="8000-0-0", now=stripe.now())
    assert events(program.get(path)) == []
    waiting = people.booked(ann, bob, stripe, starts_at=people.TOMORROW_AT_TEN + HOUR, key="another form")
    assert events(program.get(path)) == [], "a time that waits for a card is not certain"
    done = people.completed(people.paid(waiting, stripe), stripe)
    assert len(events(program.get(path))) == 1
    stripe.wait_until(done.starts_at + 31 * 24 * HOUR)
    assert events(program.get(path)) == []


def test_nobody_elses_hours_are_in_it(browser: Open, held_hour: Booking, cho: User, dia: Mentor):
    for email in ("cho@example.com", "dia@example.com"):
        assert events(browser().get(subscribe(browser(email)))) == []


def test_an_address_that_was_changed_or_withdrawn_leads_nowhere(browser: Open, held_hour: Booking):
    anns, program = browser(ANN), browser()
    first = subscribe(anns)
    anns.press("Change the address")
    second = address_of(anns)
    assert first != second
    assert program.get(first).status_code == 404
    assert len(events(program.get(second))) == 1
    anns.get("/account")
    anns.press("Withdraw it")
    assert program.get(second).status_code == 404
    assert "Make an address" in anns.words


def test_a_guessed_address_leads_nowhere(browser: Open, held_hour: Booking, ann: User, subtests: pytest.Subtests):
    path, program, bobs = subscribe(browser(ANN)), browser(), subscribe(browser(BOB))
    key, bobs_key = path.rsplit("/", 1)[1], bobs.rsplit("/", 1)[1]
    for guess in (
        path[:-5] + ".ics",
        path.replace(key, bobs_key),
        path.replace(key, "cal_.ics"),
        path.replace(key, "None.ics"),
        path.replace(key, "%C3%A9.ics"),
        f"/calendar/us_nothing/{key}",
        path.removesuffix(".ics"),
    ):
        with subtests.test(guess):
            assert program.get(guess).status_code == 404


def test_who_has_no_feed_has_none_for_any_key(browser: Open, held_hour: Booking, ann: User):
    assert browser().get(f"/calendar/{ann.id}/cal_2345.ics").status_code == 404


def test_a_feed_takes_as_few_questions_for_many_hours_as_for_one(
    browser: Open, held_hour: Booking, ann: User, bob: Mentor, stripe: Stripe
):
    path, program = subscribe(browser(ANN)), browser()
    program.get(path)
    counts = []
    for n in range(1, 4):
        with overheard(db.engine) as questions:
            assert len(events(program.get(path))) == n
        counts.append(len(questions))
        starts_at = people.TOMORROW_AT_TEN + n * HOUR
        people.paid(people.booked(ann, bob, stripe, starts_at=starts_at, key=f"form {n}"), stripe)
    assert counts == [2, 2, 2]


@pytest.mark.parametrize("email", [ANN, BOB])
def test_one_hour_is_taken_along_from_its_page(browser: Open, held_hour: Booking, email: str):
    person, side = browser(email), "mentee" if email == ANN else "mentor"
    person.get(f"/{side}/bookings/{held_hour.id}")
    answer = person.click("Add to your calendar")
    assert "attachment" in answer.headers["Content-Disposition"]
    (event,) = events(answer)
    assert event.dtend.value == held_hour.ends_at


def test_an_hour_that_does_not_stand_cannot_be_taken_along(browser: Open, anns_hour: Booking):
    anns = browser(ANN)
    assert anns.get(f"/mentee/bookings/{anns_hour.id}/session.ics").status_code == 404
    anns.get(f"/mentee/bookings/{anns_hour.id}")
    assert "Add to your calendar" not in anns.words
