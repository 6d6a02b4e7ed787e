"""The card: the bank asks, the bank refuses, Stripe is silent. Nobody is charged, and the page goes on."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Meet
from tests.browser.house import House
from tests.browser.person import ASKS_THE_BANK, DECLINED, WORKS, Person

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_the_bank_asks_ann_and_she_says_yes(meet: Meet) -> None:
    ann = meet("Ann")
    ann.books("Dia", "Saying no")
    ann.types_card(ASKS_THE_BANK)
    ann.tells_the_bank("Complete")
    ann.sees("Confirmed. ¥12,000 is reserved, nothing is charged.")
    assert "Reserved on Visa ·· 3220, not charged ¥12,000" in ann.story


@pytest.mark.parametrize("refusal", ["Fail", "Cancel", "Escape"])
def test_the_bank_does_not_believe_ann_and_another_card_works_on_the_same_page(meet: Meet, refusal: str) -> None:
    ann = meet("Ann")
    ann.books("Dia", f"Saying yes ({refusal})")
    pay_page = ann.tab.url
    ann.types_card(ASKS_THE_BANK)
    dialog = ann.tab.get_by_role("dialog")
    expect(dialog.frame_locator("iframe").get_by_role("button", name="Complete")).to_be_focused()
    if refusal == "Fail":
        ann.tells_the_bank("Fail")
    elif refusal == "Cancel":
        dialog.get_by_role("button", name="Cancel").click()
    else:
        ann.tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    _is_refused(ann, "We are unable to authenticate your payment method.")
    assert ann.tab.url == pay_page
    ann.types_card(WORKS)
    ann.sees("Confirmed. ¥12,000 is reserved, nothing is charged.")


def test_a_declined_card_says_so_and_the_next_one_pays_the_same_intent(meet: Meet) -> None:
    cho = meet("Cho")
    cho.books("Bob", "Second chances")
    pay_page = cho.tab.url
    cho.types_card(DECLINED)
    _is_refused(cho, "Your card was declined.")
    assert cho.tab.url == pay_page

    cho.tab.reload()
    _is_refused(cho, "Your card was declined.")
    cho.types_card(WORKS)
    cho.sees("Confirmed. €80.00 is reserved, nothing is charged.")
    assert [line for line in cho.story if line.startswith("Reserved on")] == [
        "Reserved on Visa ·· 4242, not charged €80.00"
    ]


def _is_refused(person: Person, words: str) -> None:
    """The page says what happened, aloud for those who listen, and that no money moved."""
    told = person.tab.get_by_role("alert").filter(has_text=words)
    expect(told).to_be_visible()
    expect(told).to_contain_text("You have not been charged.")
    expect(person.reserve_button).to_be_enabled()


def test_half_a_card_never_leaves_the_form(meet: Meet) -> None:
    ann = meet("Ann")
    ann.books("Dia", "Half a card")
    ann.types_card("4242 42")
    _is_refused(ann, "Your card number is incomplete.")
    expect(ann.card_form.get_by_label("Card number")).to_have_value("4242 42")


def test_stripe_is_silent_and_later_the_same_page_takes_the_card(meet: Meet, house: House) -> None:
    cho = meet("Cho")
    cho.visits("Bob")
    cho.picks()
    cho.tab.set_default_timeout(60_000)
    with house.stripe_silent():
        cho.tab.get_by_label("What is it about?").fill("Patience")
        cho.click("Keep this time and enter my card")
        cho.sees("Stripe is not answering yet.", "you have not been charged")
        pay_page = cho.tab.url
    _comes_to_have_a_card_form(cho)
    assert cho.tab.url == pay_page
    cho.types_card(WORKS)
    cho.sees("Confirmed. €80.00 is reserved, nothing is charged.")


def _comes_to_have_a_card_form(person: Person) -> None:
    for _ in range(20):
        if person.tab.locator("#payment-element").count():
            break
        person.tab.wait_for_timeout(1000)
        person.click("Try again")
    expect(person.card_form.get_by_label("Card number")).to_be_visible()


def test_a_card_that_was_kept_is_one_click_the_next_time_and_the_bank_may_still_ask(meet: Meet) -> None:
    cho = meet("Cho")
    cho.books("Eli", "Keep my card")
    cho.tab.get_by_label("Keep this card with Stripe").check()
    cho.types_card(ASKS_THE_BANK)
    cho.tells_the_bank("Complete")
    cho.sees("Confirmed.")

    cho.books("Eli", "One click")
    cho.click("on Visa ·· 3220")
    cho.tells_the_bank("Complete")
    cho.sees("Confirmed.")

    cho.open("/account/cards/")
    cho.sees("Visa ·· 3220")
    cho.click("Remove Visa ·· 3220")
    cho.sees("Visa ·· 3220 is removed.", "No saved cards")
