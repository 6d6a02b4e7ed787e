"""Ann asks and Bob answers, as they see it."""

from collections.abc import Callable

import pytest

from app import jobs
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User
from tests import people
from tests.people import TOMORROW_AT_TEN
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]

IN_THREE_DAYS = TOMORROW_AT_TEN + 48 * people.HOUR


@pytest.fixture
def bobs(browser: Open, bob: Mentor) -> Browser:
    """Bob has said that he accepts every session himself."""
    opened = browser("bob@example.com")
    opened.get("/mentor/")
    opened.click("How we meet")
    opened.press("Save who says yes", approves="y")
    assert "Saved, for what is booked from now on." in opened.words
    assert opened.form("Save who says yes").fields["approves"] == "y"
    return opened


@pytest.fixture
def request_id(bobs: Browser, ann: User, bob: Mentor, stripe: Stripe) -> str:
    return people.paid(people.booked(ann, bob, stripe, starts_at=IN_THREE_DAYS), stripe).id


def test_ann_knows_before_she_books_that_bob_will_be_asked(browser: Open, bobs: Browser, ann: User):
    anns = browser("ann@example.com")
    anns.get("/")
    anns.click("Bob")
    assert "Bob accepts every session in person, within 48 hours." in anns.words
    anns.press("Continue", starts_at="2026-06-04T10:00:00Z")
    assert "Bob answers every request, by Wed 3 Jun, 17:00 if you ask now." in anns.words


def test_ann_waits_and_sees_until_when(browser: Open, request_id: str):
    anns = browser("ann@example.com")
    anns.get("/mentee/")
    assert "Waiting for the mentor" in anns.words
    anns.get(f"/mentee/bookings/{request_id}")
    assert "Requested. €80.00 is reserved, nothing is charged. Next: Bob accepts or declines." in anns.words
    assert "What your bank shows now: €80.00 pending." in anns.words
    assert anns.page.steps[-2:] == [
        "Still to come: Bob accepts Wed 3 Jun 2026, 17:00",
        "Still to come: Released, if not Wed 3 Jun 2026, 17:00 €80.00",
    ]
    anns.click("Take the request back…")
    assert "The reservation of €80.00 is released and nothing is charged." in anns.words
    anns.press("Cancel this session")
    assert "Cancelled by Ann. Nothing was charged." in anns.words


def test_bob_accepts_from_his_inbox(bobs: Browser, request_id: str, browser: Open):
    bobs.get("/mentor/")
    assert "Asked by Ann" in bobs.words
    assert "Answer by Wed 3 Jun, 10:00 , or the request is over." in bobs.words
    bobs.press("Accept")
    assert "Accepted. Ann has been told." in bobs.words
    assert "Confirmed. €80.00 is reserved, nothing is charged." in bobs.words
    assert any("Request accepted, session confirmed" in step and "Bob" in step for step in bobs.page.steps)
    bobs.get("/mentor/")
    assert "Asked by Ann" not in bobs.words


def test_bob_declines_on_the_bookings_page(bobs: Browser, request_id: str, browser: Open):
    bobs.get(f"/mentor/bookings/{request_id}")
    assert "Cancel this session" not in bobs.words
    bobs.press("Decline")
    assert "Declined. Ann has been told, and nothing is charged." in bobs.words
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{request_id}")
    assert "Declined by Bob. Nothing was charged." in anns.words


def test_an_answer_that_comes_too_late_is_told_why(bobs: Browser, request_id: str, stripe: Stripe):
    bobs.get(f"/mentor/bookings/{request_id}")
    stripe.wait(48 * people.HOUR)
    jobs.run("lapse_requests")
    assert bobs.send("Accept").status_code == 409
    assert "This request has been answered, or taken back." in bobs.words
    bobs.get(f"/mentor/bookings/{request_id}")
    assert "Expired: the mentor did not answer in time. Nothing was charged." in bobs.words


def test_nobody_but_the_mentor_answers(bobs: Browser, request_id: str, browser: Open):
    people.mentor("Dia")
    for someone in ("ann@example.com", "dia@example.com"):
        for answer in ("acceptance", "refusal"):
            assert browser(someone).post(f"/mentor/bookings/{request_id}/{answer}").status_code == 404
    assert Booking.one(Booking.id == request_id).state == "requested"


def test_the_card_page_of_a_mentor_who_approves_ends_with_the_question(
    bobs: Browser, browser: Open, ann: User, bob: Mentor, stripe: Stripe
):
    hour = people.booked(ann, bob, stripe, starts_at=IN_THREE_DAYS)
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{hour.id}/payment")
    stripe.pay(hour)
    anns.follow(anns.post(f"/mentee/bookings/{hour.id}/payment/check"))
    assert "Bob has been asked. €80.00 is reserved; nothing is charged." in anns.words
