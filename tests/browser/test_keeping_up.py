"""Pages about a booking keep up with it while somebody looks at them, and leave alone who is at work on them."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Meet
from tests.browser.person import WORKS

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_ann_sees_that_bob_has_called_off_without_loading_the_page_again(meet: Meet) -> None:
    ann, bob = meet("Ann"), meet("Bob")
    ann.pays("Bob", "Will it be seen?")
    ann.sees("Confirmed. €80.00 is reserved")
    ann.tab.evaluate("window.kept = 'the same page'")
    bob.open(ann.tab.url.replace("/mentee/", "/mentor/"))
    bob.click("Cancel this session…")
    bob.click("Cancel this session")
    bob.sees("Cancelled by Bob. Nothing was charged.")
    ann.tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # she comes back to this tab
    ann.sees("Cancelled by Bob. Nothing was charged.")
    assert ann.story[-1] == "Session cancelled: it was called off"
    assert ann.tab.evaluate("window.kept") == "the same page"
    expect(ann.tab.locator("#live-news")).to_have_text("Cancelled by Bob. Nothing was charged.")


def test_a_checkout_that_was_left_counts_down_and_goes_on_when_the_card_has_come(meet: Meet) -> None:
    ann = meet("Ann")
    ann.visits("Bob")
    ann.picks()
    ann.describes("I was called to the door")
    ann.sees("Your time is kept until")
    payment = ann.tab.url
    ann.open("/mentee/")
    expect(ann.tab.get_by_role("timer").first).to_contain_text("min")
    ann.open(payment.removesuffix("/payment"))
    ann.sees("Enter your card")
    expect(ann.tab.get_by_role("timer")).to_contain_text("s left")
    ann.tab.evaluate("window.kept = 'the same page'")
    elsewhere = ann.context.new_page()
    first, ann.tab = ann.tab, elsewhere
    ann.open(payment)
    ann.types_card(WORKS)
    ann.sees("Confirmed.")
    ann.tab = first
    ann.tab.bring_to_front()
    ann.sees("Confirmed.")
    assert ann.tab.evaluate("window.kept") == "the same page"
