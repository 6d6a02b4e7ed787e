"""From the first visit to the last cent, as people do it: book, hold, complete, cancel, and what time does."""

import re
from collections import defaultdict
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Meet
from tests.browser.person import DAY, HOUR, THREE_DAYS, WORKS, Person

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_gil_comes_by_signs_up_books_and_pays_and_bob_is_paid_after_the_session(meet: Meet) -> None:
    gil, bob, olga = meet("Gil", known=False), meet("Bob"), meet("Olga")
    before = _mentors_share_in_euros(olga)

    gil.visits("Bob")
    gil.tab.get_by_role("banner").get_by_role("link", name="Sign up").click()
    _sign_up(gil)
    gil.sees("Welcome, Gil.", "Free times")
    gil.picks()
    gil.sees("€80.00", "You are charged only after the session")
    gil.describes("How do I test a payment?")
    gil.types_card(WORKS)
    gil.sees("Confirmed. €80.00 is reserved, nothing is charged.", "€80.00 pending. It is not a charge.")
    assert gil.story[:3] == ["Time reserved", "Reserved on Visa ·· 4242, not charged €80.00", "Session confirmed"]
    assert [line for line in gil.story if line.startswith("…")] == [
        "… Until then Gil cancels for free; later, €40.00 is charged",
        "… The session ends",
        "… Charged, if Bob completes the session €80.00",
        "… Released, if not €80.00",
    ]

    gil.lets_pass(DAY)
    gil.sees("Next: Bob marks the session complete.")
    bob.open("/mentor/")
    todo = bob.tab.get_by_role("listitem").filter(has_text="How do I test a payment?")
    todo.get_by_role("button", name="Complete session").click()
    for person in (bob, gil):
        person.open(gil.tab.url if person is gil else bob.tab.url)
        person.sees("Completed. €80.00 was charged.")
        assert person.story[-3:-1] == ["Charged €80.00", "Session completed"]
        assert person.story[-1].startswith("… Bob's share is theirs for good")

    assert _mentors_share_in_euros(olga) == before + Decimal("72.00")


def _sign_up(person: Person) -> None:
    person.tab.get_by_label("Your name").fill(person.name)
    person.tab.get_by_label("E-mail").fill(f"{person.name.lower()}@example.com")
    person.tab.get_by_label("Password").fill("a few random words")
    person.click("Create my account")


def _mentors_share_in_euros(olga: Person) -> Decimal:
    """What all mentors have earned. The books must add up to nothing in every currency, whenever one looks."""
    olga.open("/operator/")
    sums: dict[str, Decimal] = defaultdict(Decimal)
    share = Decimal()
    for book in olga.tab.locator("table.ledger").all():
        currency = book.locator("thead th").last.inner_text()
        for row in book.locator("tbody tr").all():
            account, text = (cell.inner_text() for cell in row.locator("th, td").all())
            amount = Decimal(re.sub("[^0-9.-]", "", text))
            sums[currency] += amount
            share += amount if currency == "EUR" and account.startswith("mentor:") else 0
    assert set(sums) >= {"EUR", "JPY"}
    assert set(sums.values()) == {Decimal()}
    return share


def test_ann_cancels_before_the_session_and_cho_takes_her_time(meet: Meet) -> None:
    ann, cho, bob = meet("Ann"), meet("Cho"), meet("Bob")
    cho.visits("Bob")
    time = cho.free_times[len(cho.free_times) // 2]  # well within the seven days that each of them sees
    ann.pays("Bob", "Naming things", time)
    cho.visits("Bob")
    assert time not in cho.free_times

    ann.click("Cancel this session")
    ann.sees("Cancel this session?", "The reservation of €80.00 is released and nothing is charged.", "€0.00")
    ann.click("Cancel this session")
    ann.sees("Cancelled by Ann. Nothing was charged.", "pending may stay visible for a few days")
    assert ann.story[-2:] == ["Reservation released, nothing charged €80.00", "Session cancelled: it was called off"]

    cho.pays("Bob", "Cache invalidation", time)
    bob.open("/mentor/")
    expect(bob.tab.get_by_role("link", name="Cache invalidation")).to_be_visible()


def test_bob_refunds_a_session_that_was_completed(meet: Meet) -> None:
    bob, ann, olga = meet("Bob"), meet("Ann"), meet("Olga")
    before = _mentors_share_in_euros(olga)
    bob.open("/mentor/")
    bob.click("Why is my queue slow on Mondays?")
    bob.click("Cancel and refund")
    bob.sees("The whole €80.00 is refunded to the card", "Ann pays", "€0.00")
    bob.click("Cancel this session")
    bob.sees("Cancelled by Bob. €80.00 was refunded.")
    ann.open("/mentee/")
    ann.click("Why is my queue slow on Mondays?")
    ann.sees("Cancelled by Bob. €80.00 was refunded.", "a charge of €80.00 and, within days, €80.00 back")
    assert "Refunded to the card: it was called off €80.00" in ann.story
    assert _mentors_share_in_euros(olga) == before - Decimal("72.00")


def test_what_nobody_pays_and_what_nobody_completes_expires_and_both_see_why(meet: Meet) -> None:
    cho, bob = meet("Cho"), meet("Bob")
    kept = cho.pays("Bob", "Left alone")
    cho.books("Bob", "Left unpaid")
    unpaid = cho.tab.url.removesuffix("/payment")

    cho.lets_pass(HOUR)
    cho.open(unpaid)
    _comes_to_nothing(cho, bob, "Left unpaid", "it was not paid in time")
    assert cho.story[-1] == "Session expired: it was not paid in time"

    cho.lets_pass(THREE_DAYS)
    cho.open(kept)
    _comes_to_nothing(cho, bob, "Left alone", "it was not marked complete in time")
    assert cho.story[-2:] == [
        "Reservation released, nothing charged €80.00",
        "Session expired: it was not marked complete in time",
    ]


def _comes_to_nothing(mentee: Person, mentor: Person, title: str, why: str) -> None:
    mentee.comes_to_see(f"Expired: {why}. Nothing was charged.")
    mentor.open("/mentor/")
    mentor.click(title)
    mentor.sees(f"Expired: {why}. Nothing was charged.")
