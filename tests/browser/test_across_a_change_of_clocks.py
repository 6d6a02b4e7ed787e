"""Cho in Tokyo and Eli in New York, around the Sunday in March on which one of them changes the clocks."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Meet
from tests.browser.house import House
from tests.browser.person import ALSO_WORKS, DAY, DECLINES_LATER, HOUR, THREE_DAYS, WORKS, Person

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

WEDNESDAY = datetime(2027, 3, 10, 15, tzinfo=UTC)
# Nine in the morning where Eli is, which is another instant of the day from Sunday on.
ON_SATURDAY, ON_SUNDAY = "2027-03-13T14:00:00Z", "2027-03-14T13:00:00Z"
WEEK_AFTER = "2027-03-21T13:00:00Z"
# Ten in the morning there. Of what is held for the one on Wednesday, the bank lets go before the other.
NEXT_SATURDAY, SATURDAY_AFTER = "2027-03-13T15:00:00Z", "2027-03-20T14:00:00Z"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of its own, in which it is March."""
    started = House(tmp_path_factory.mktemp("march"))
    body = json.dumps({"set": WEDNESDAY.timestamp()}).encode()
    clock = urllib.request.Request(
        f"{started.simulator_url}/_simulator/clock", body, {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(clock, timeout=60).close()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def log_ins() -> dict[str, Any]:
    """Who knows this house."""
    return {}


def opens(person: Person, title: str) -> None:
    """Their page of a session."""
    person.open("/mentor/" if person.name == "Eli" else "/mentee/")
    person.click(title)


def test_two_weeks_of_cho_and_eli(meet: Meet) -> None:
    """One story, because the clock of a house only goes forward."""
    cho, eli = meet("Cho"), meet("Eli")
    _a_session_moves_over_the_change_and_the_hold_with_it(cho, eli)
    _another_moves_beyond_its_hold_to_a_card_that_is_saved_for_it(cho, eli)
    _the_fee_of_a_late_cancellation_stays_where_the_session_was_first(cho, eli)
    _a_session_far_ahead_is_held_on_its_day_or_the_mentee_sees_to_it(cho, eli)
    _what_was_moved_beyond_its_hold_is_held_anew_and_charged(cho, eli)
    _a_no_show_that_is_contested_is_given_back_when_nobody_answers(cho, eli)


def _a_session_moves_over_the_change_and_the_hold_with_it(cho: Person, eli: Person) -> None:
    cho.visits("Eli")
    assert {ON_SATURDAY, ON_SUNDAY} <= set(cho.free_times)
    assert "2027-03-14T12:30:00Z" not in cho.free_times, "half past eight in New York"
    cho.picks(ON_SATURDAY)
    cho.sees("Sat 13 Mar, 23:00", "Sat 13 Mar, 09:00 in New York")
    cho.describes("Numbers that hold")
    cho.types_card(WORKS)
    cho.sees("Confirmed. $95.00 is reserved, nothing is charged.")

    cho.click("Propose another time")
    cho.tab.locator("label.pill", has=cho.tab.locator(f"[value='{ON_SUNDAY}']")).click()
    cho.tab.get_by_label("A word with it").fill("My plane lands late.")
    cho.click("Propose this time")
    cho.sees("You propose another time", "Sun 14 Mar 2027, 22:00", "Sun 14 Mar, 09:00 for Eli (New York)")

    eli.open("/mentor/")
    eli.sees("another time is proposed: Sun 14 Mar, 09:00")
    eli.click("Answer")
    eli.sees("Cho proposes another time", "Sun 14 Mar 2027, 09:00", "“My plane lands late.”")
    eli.click("Agree, move the session")
    eli.sees("Agreed. The session has moved", "Confirmed. $95.00 is reserved, nothing is charged.")
    assert eli.story[:5] == [
        "Time reserved",
        "Reserved on Visa ·· 4242, not charged $95.00",
        "Session confirmed",
        "Another time proposed: Sun 14 Mar, 09:00",
        "Moved to Sun 14 Mar, 09:00, the money with it",
    ]
    opens(cho, "Numbers that hold")
    cho.sees("Sun 14 Mar 2027, 22:00")
    cho.does_not_see("Sat 13 Mar 2027, 23:00")


def _another_moves_beyond_its_hold_to_a_card_that_is_saved_for_it(cho: Person, eli: Person) -> None:
    """The bank keeps the money for a week. Cho saves a card, and both read what becomes of the reservation."""
    cho.visits("Eli")
    cho.picks(NEXT_SATURDAY)
    cho.describes("Numbers that travel")
    cho.types_card(WORKS)
    cho.sees("Confirmed. $95.00 is reserved, nothing is charged.")

    cho.click("Propose another time")
    cho.sees("For later times the reservation is released", "Save a card for this session")
    cho.tab.get_by_role("checkbox").check()
    cho.click("Save a card for later times")
    cho.sees("We save it for another time of this session.")
    cho.types_card(ALSO_WORKS)
    cho.sees("Your card is saved. The reservation stays as it is until you both agree on another time.")
    cho.click("Later")
    cho.tab.locator("label.pill", has=cho.tab.locator(f"[value='{SATURDAY_AFTER}']")).click()
    cho.click("Propose this time")
    cho.sees("You propose another time", "Sat 20 Mar 2027, 23:00", "reserved anew on Thu 18 Mar 2027, 23:00")

    opens(eli, "Numbers that travel")
    eli.sees("Cho proposes another time", "Sat 20 Mar 2027, 10:00")
    eli.sees("the present reservation of $95.00 is released", "reserved anew on Thu 18 Mar 2027, 10:00")
    eli.click("Agree, move the session")
    eli.sees("Agreed.", "Confirmed. A card is saved; $95.00 is reserved on it before the session.")
    assert eli.story[4:7] == [
        "Moved to Sat 20 Mar, 10:00",
        "Reservation released, to be made anew $95.00",
        "… Until then Cho cancels for free; later, once it is reserved, $95.00 is charged",
    ]
    opens(cho, "Numbers that travel")
    cho.sees("Sat 20 Mar 2027, 23:00", "$95.00 pending may stay visible for a few days")


def _what_was_moved_beyond_its_hold_is_held_anew_and_charged(cho: Person, eli: Person) -> None:
    """It is Friday in the week after, and two days before the session have just begun."""
    opens(cho, "Numbers that travel")
    cho.comes_to_see("Confirmed. $95.00 is reserved, nothing is charged.")
    cho.sees("Reserved on Mastercard ·· 4444, not charged")
    cho.open("/")
    for _ in range(2):
        cho.lets_pass(DAY)
    opens(eli, "Numbers that travel")
    eli.click("Complete session, charge $95.00")
    eli.sees("Completed. $95.00 was charged.")


def _the_fee_of_a_late_cancellation_stays_where_the_session_was_first(cho: Person, eli: Person) -> None:
    """Cho had until Friday night in Tokyo to cancel for free, and the session is on Sunday by now."""
    cho.open("/")
    for _ in range(2):
        cho.lets_pass(DAY)
    for _ in range(2):
        cho.lets_pass(HOUR)
    opens(cho, "Numbers that hold")
    cho.click("Cancel this session")
    cho.sees("It is late: the whole $95.00 that is reserved is charged.", "You pay", "$95.00")
    cho.click("Cancel this session")
    cho.sees("Cancelled late by Cho. $95.00 was charged.")
    opens(eli, "Numbers that hold")
    eli.sees("Cancelled late by Cho. $95.00 was charged.")
    expect(eli.tab.locator("ol.timeline")).to_contain_text("Charged")


def _a_session_far_ahead_is_held_on_its_day_or_the_mentee_sees_to_it(cho: Person, eli: Person) -> None:
    """It is Friday night by now. The card is saved; when it is asked, the bank declines, and Cho pays at the screen."""
    cho.visits("Eli")
    cho.click("Later")
    cho.picks(WEEK_AFTER)
    cho.sees("We save your card for this session", "Sun 21 Mar, 22:00", "Sun 21 Mar, 09:00 in New York")
    cho.tab.get_by_role("checkbox").check()
    cho.describes("A month of numbers")
    cho.types_card(DECLINES_LATER)
    cho.sees("Your session is confirmed and your card is saved. Nothing is reserved on it yet.")
    opens(eli, "A month of numbers")
    eli.sees("Fri 19 Mar 2027, 09:00")

    for span in (THREE_DAYS, THREE_DAYS, DAY):
        cho.lets_pass(span)
    opens(cho, "A month of numbers")
    cho.comes_to_see("Confirmed, but the bank has declined to reserve $95.00. Nothing is charged.")
    opens(eli, "A month of numbers")
    eli.sees("Confirmed, but the bank has declined to reserve $95.00. Nothing is charged.")

    cho.click("See to the payment")
    cho.types_card(WORKS)
    cho.sees("Confirmed. $95.00 is reserved, nothing is charged.")
    opens(eli, "A month of numbers")
    eli.sees("Confirmed. $95.00 is reserved, nothing is charged.")


def _a_no_show_that_is_contested_is_given_back_when_nobody_answers(cho: Person, eli: Person) -> None:
    """By Sunday evening."""
    opens(eli, "A month of numbers")
    eli.click("Cho did not come, charge $95.00")
    eli.sees("$95.00 was charged.")

    opens(cho, "A month of numbers")
    cho.click("Object to this charge")
    cho.tab.get_by_label("What went wrong?").or_(cho.tab.locator("textarea")).first.fill(
        "I was there; nobody let me in."
    )
    cho.tab.locator("input[name=remedy][value=full_refund]").check()
    cho.click("Object")
    cho.sees("Waiting for the mentor", "until")

    cho.lets_pass(THREE_DAYS)
    opens(cho, "A month of numbers")
    cho.comes_to_see("$95.00 was charged, $95.00 of it refunded.")
    opens(eli, "A month of numbers")
    eli.sees("$95.00 was charged, $95.00 of it refunded.")
