"""Bob offers a free trial, and Ann has one: as they see it."""

from collections.abc import Callable

import pytest

from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]


@pytest.fixture
def bobs(browser: Open, bob: Mentor) -> Browser:
    opened = browser("bob@example.com")
    opened.get("/mentor/arrangements")
    opened.press("Save my trial", trial_minutes="30")
    assert "Saved, for what is booked from now on." in opened.words
    assert opened.form("Save my trial").fields["trial_minutes"] == "30"
    return opened


@pytest.fixture
def anns(browser: Open, bobs: Browser, ann: User) -> Browser:
    """Ann has picked a time for her trial."""
    opened = browser("ann@example.com")
    opened.get("/")
    opened.click("Bob")
    opened.click("30 min Free trial, once")
    assert "30 min · Free trial" in opened.words
    opened.press("Continue", starts_at="2026-06-02T10:00:00Z")
    return opened


def test_ann_books_a_trial_without_a_card(
    anns: Browser, bobs: Browser, the_booking: Callable[[], Booking], stripe: Stripe
):
    assert "It is free, and needs no card." in anns.words
    assert "You can have one free trial with Bob." in anns.words
    assert "reserve" not in anns.words.lower().replace("nothing is reserved and nothing is charged", "")
    anns.press("Book my free trial", title="Do we get along?")
    hour = the_booking().id
    assert anns.address == f"/mentee/bookings/{hour}"
    assert "Confirmed. Free trial: nothing is charged." in anns.words
    assert "€" not in anns.words
    assert anns.page.steps[-1].startswith("Still to come: The session ends. Free trial: nothing is charged.")
    assert stripe.intents() == []
    anns.get("/mentee/")
    assert "Confirmed Free" in anns.words, "and no word of money that is held"
    anns.get("/")
    anns.click("Bob")
    assert "Free trial, once" not in anns.words
    bobs.get(f"/mentor/bookings/{hour}")
    assert "Confirmed. Free trial: nothing is charged." in bobs.words


def test_bob_says_that_it_took_place(anns: Browser, bobs: Browser, the_booking: Callable[[], Booking], stripe: Stripe):
    anns.press("Book my free trial", title="Do we get along?")
    hour, ends_at = the_booking().id, the_booking().ends_at
    stripe.wait_until(ends_at)
    bobs.get("/mentor/")
    assert "free trial" in bobs.words
    bobs.get(f"/mentor/bookings/{hour}")
    bobs.press("Complete session")
    assert "The free trial took place. Nothing was charged." in bobs.words
    anns.get(f"/mentee/bookings/{hour}")
    assert "The free trial took place. Nothing was charged." in anns.words
    assert anns.get(f"/mentee/bookings/{hour}/payment").status_code == 302


def test_ann_calls_her_trial_off(anns: Browser, the_booking: Callable[[], Booking]):
    anns.press("Book my free trial", title="Do we get along?")
    anns.click("Cancel this session…")
    assert "It is a free trial: nothing is charged." in anns.words
    anns.press("Cancel this session")
    assert "Cancelled by Ann. Nothing was charged." in anns.words
    assert the_booking().state == "cancelled"


def test_an_operator_sees_it_and_calls_it_off(
    anns: Browser, browser: Open, olga: User, the_booking: Callable[[], Booking]
):
    anns.press("Book my free trial", title="Do we get along?")
    olgas = browser("olga@example.com")
    olgas.get("/operator/")
    assert "Do we get along?" in olgas.words
    olgas.get(f"/operator/bookings/{the_booking().id}")
    olgas.click("Cancel this session…")
    olgas.press("Cancel this session")
    assert "Cancelled by the operator. Nothing was charged." in olgas.words


@pytest.mark.parametrize("word", ["yes ", "YES", "1", "no", "x" * 999])
def test_a_form_that_was_meddled_with_gives_nothing_away(anns: Browser, word: str, stripe: Stripe):
    assert anns.send("Book my free trial", title="Do we get along?", trial=word).status_code == 422
    assert stripe.intents() == []


def test_a_longer_session_is_not_free_for_the_asking(anns: Browser):
    answer = anns.send("Book my free trial", title="Do we get along?", minutes="90")
    assert answer.status_code == 422
    assert "A free trial with Bob takes 30 minutes." in anns.words
