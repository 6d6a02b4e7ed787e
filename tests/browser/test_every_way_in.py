"""The same pages for people elsewhere, without JavaScript, and without a mouse."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Meet
from tests.browser.person import DAY, Person

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

MOST_TABS = 60


def test_strangers_in_new_york_and_tokyo_see_the_same_hour_in_their_own_time(meet: Meet) -> None:
    strangers = {
        zone: meet(zone, known=False, timezone_id=zone)
        for zone in ("America/New_York", "Asia/Tokyo", "Australia/Adelaide")
    }
    times = {}
    for zone, person in strangers.items():
        person.visits("Bob")
        expect(person.tab.get_by_text(f"Times in {zone}")).to_be_visible()
        times[zone] = _read_times(person)
    assert set.intersection(*(set(read) for read in times.values())), "each sees seven days of their own"
    for zone, read in times.items():
        assert read == {instant: _local(instant, zone) for instant in read}


def test_ann_and_cho_keep_their_zone_when_they_are_logged_in_and_can_change_it(meet: Meet) -> None:
    ann, cho = meet("Ann"), meet("Cho")
    for person, zone in ((ann, "America/New_York"), (cho, "Asia/Tokyo")):
        person.visits("Dia")
        expect(person.tab.get_by_text(f"Times in {zone}")).to_be_visible()
        read = _read_times(person)
        assert read == {instant: _local(instant, zone) for instant in read}
    ann.tab.get_by_text("(change)").click()
    ann.tab.get_by_label("Your time zone").select_option("Europe/Lisbon")
    ann.tab.get_by_role("button", name="Show times in this zone").click()
    expect(ann.tab.get_by_text("Times in Europe/Lisbon")).to_be_visible()
    assert set(_read_times(ann).items()) == {(at, _local(at, "Europe/Lisbon")) for at in _read_times(ann)}


def _read_times(person: Person) -> dict[str, tuple[str, str]]:
    """Day and time as they are read, by instant."""
    read: list[list[str]] = person.tab.locator("label.pill").evaluate_all(
        """all => all.map(pill => [
            pill.querySelector("input").value,
            pill.closest("fieldset").querySelector("legend").textContent.trim(), pill.textContent.trim(),
        ])"""
    )
    return {instant: (day, time) for instant, day, time in read}


def _local(instant: str, zone: str) -> tuple[str, str]:
    there = datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(ZoneInfo(zone))
    return there.strftime(f"%A {there.day} %B"), there.strftime("%H:%M")


def test_without_javascript_everything_works_but_the_card(meet: Meet) -> None:
    ivo = meet("Cho", known=False, java_script_enabled=False)
    ivo.log_in()
    ivo.books("Dia", "A quiet page")
    advice = ivo.tab.locator("noscript .notice")  # a page's text, for Playwright, does not contain it
    expect(advice).to_be_visible()
    expect(advice).to_contain_text("needs JavaScript")
    expect(advice).to_contain_text("You have not been charged.")
    ivo.click("Give this time back")
    ivo.sees("Nothing is reserved on a card yet, and nothing is charged.")
    ivo.click("Cancel this session")
    ivo.sees("Cancelled by Cho. Nothing was charged.")

    ann, bob = meet("Ann"), meet("Bob", java_script_enabled=False)
    paid = ann.pays("Bob", "Progressive enhancement")
    bob.open("/mentor/")
    bob.lets_pass(DAY)
    bob.click("Progressive enhancement")
    bob.click("Complete session, charge €80.00")
    bob.sees("Completed. €80.00 was charged.")
    ann.open(paid)
    ann.sees("Completed. €80.00 was charged.")


def test_an_hour_is_booked_and_paid_without_a_mouse(meet: Meet) -> None:
    ann = meet("Ann")
    ann.visits("Dia")
    tab, keys = ann.tab, ann.tab.keyboard
    _tab_to(ann, tab.get_by_role("radio").first)
    keys.press("Space")
    keys.press("ArrowDown")
    expect(tab.get_by_role("radio").nth(1)).to_be_checked()
    _tab_to(ann, tab.get_by_role("button", name="Continue"))
    keys.press("Enter")
    _tab_to(ann, tab.get_by_label("What is it about?"))
    keys.type("Hands on the keyboard")
    _tab_to(ann, tab.get_by_role("button", name="Keep this time and enter my card"))
    keys.press("Enter")
    ann.sees("Your card")
    expect(ann.reserve_button).to_be_enabled()
    for label, text in (("Card number", "4242424242424242"), ("Expiration date", "1240"), ("Security code", "123")):
        _tab_to(ann, ann.card_form.get_by_label(label))
        keys.type(text)
    _tab_to(ann, ann.reserve_button)
    keys.press("Enter")
    ann.sees("Confirmed.")


def _tab_to(person: Person, place: Locator) -> None:
    """Press Tab until the focus is there, and see that one can see it."""
    for _ in range(MOST_TABS):
        person.tab.keyboard.press("Tab")
        if place.evaluate("place => place === place.ownerDocument.activeElement && document.hasFocus()"):
            break
    expect(place).to_be_focused()
    seen: bool = place.evaluate(
        """place => [place, place.nextElementSibling].filter(Boolean).some(one => {
            const style = getComputedStyle(one);
            return style.outlineStyle !== "none" || style.boxShadow !== "none";
        })"""
    )
    assert seen, f"the focus on {place} cannot be seen"
