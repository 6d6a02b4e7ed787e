"""Asking for another time, and answering, as both sides see it."""

from collections.abc import Callable
from datetime import timedelta

from app.models.booking import Booking
from app.models.mentor import Mentor
from tests import people
from tests.people import TOMORROW_AT_TEN, fresh
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]
DAY_AFTER = "2026-06-03T10:00:00Z"


def asked(held_hour: Booking, browser: Open, note: str = "My train is late.") -> Browser:
    """Ann has proposed the day after."""
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{held_hour.id}")
    anns.click("Propose another time")
    anns.press("Propose this time", starts_at=DAY_AFTER, note=note)
    return anns


def test_ann_asks_and_bob_agrees(held_hour: Booking, browser: Open):
    anns, bobs = asked(held_hour, browser), browser("bob@example.com")
    assert "Proposed. Nothing changes until Bob agrees." in anns.words
    assert "You propose another time Wed 3 Jun 2026, 19:00" in anns.words

    bobs.get("/mentor/")
    assert "another time is proposed: Wed 3 Jun, 12:00" in bobs.words
    bobs.click("Answer")
    assert "Ann proposes another time Wed 3 Jun 2026, 12:00" in bobs.words
    assert "“My train is late.”" in bobs.words
    bobs.press("Agree, move the session")
    assert "Agreed. The session has moved" in bobs.words
    assert "Moved to Wed 3 Jun, 12:00, the money with it" in bobs.words
    assert fresh(held_hour).starts_at == TOMORROW_AT_TEN + timedelta(days=1)


def test_bob_declines_and_the_page_says_that_it_stays(held_hour: Booking, browser: Open):
    asked(held_hour, browser)
    bobs = browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    bobs.press("Decline")
    assert "Declined. The session stays where it is." in bobs.words
    assert fresh(held_hour).starts_at == TOMORROW_AT_TEN


def test_ann_withdraws_and_asks_for_another_one(held_hour: Booking, browser: Open):
    anns = asked(held_hour, browser)
    anns.press("Withdraw it")
    anns.click("Propose another time")
    anns.press("Propose this time", starts_at="2026-06-04T10:00:00Z", note="")
    assert "Thu 4 Jun 2026, 19:00" in anns.words


def test_a_proposal_that_fails_keeps_what_was_typed(held_hour: Booking, bob: Mentor, browser: Open, stripe: Stripe):
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{held_hour.id}/reschedule")
    people.booked(
        people.person("Cho"), bob, stripe, starts_at=TOMORROW_AT_TEN + timedelta(days=1), key="cho-was-faster-by-far"
    )
    answer = anns.press("Propose this time", starts_at=DAY_AFTER, note="My train is late.")
    assert answer.status_code == 409
    assert "Somebody was faster" in anns.words
    assert 'value="My train is late."' in answer.text


def test_nothing_picked_and_nonsense_are_told_apart_from_a_time(held_hour: Booking, browser: Open):
    anns = browser("ann@example.com")
    address = f"/mentee/bookings/{held_hour.id}/reschedule"
    anns.get(address)
    for starts_at in ("", "tomorrow", "2026-02-30T10:00:00Z", "2026-06-03T10:07:00Z"):
        answer = anns.post(f"{address}s", {"starts_at": starts_at, "note": "x" * 301})
        assert answer.status_code == 422, starts_at
    assert fresh(held_hour).reschedules == []


def test_of_two_proposals_at_once_the_second_is_shown_the_first(held_hour: Booking, browser: Open):
    bobs = browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{held_hour.id}/reschedule")
    asked(held_hour, browser)
    answer = bobs.press("Propose this time", starts_at="2026-06-04T10:00:00Z", note="Friday suits me.")
    assert answer.status_code == 409
    assert "There is a proposal already that waits for an answer." in bobs.words
    assert 'value="Friday suits me."' in answer.text


def test_an_answer_is_to_the_proposal_that_was_read(held_hour: Booking, browser: Open):
    anns, bobs = asked(held_hour, browser), browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    read = bobs.form("Agree, move the session")
    anns.press("Withdraw it")
    anns.click("Propose another time")
    anns.press("Propose this time", starts_at="2026-06-05T10:00:00Z", note="")
    answer = bobs.post(read.action, read.fields)
    assert answer.status_code == 409
    assert fresh(held_hour).starts_at == TOMORROW_AT_TEN
    assert bobs.post(read.action, {"reschedule": "../etc/passwd"}).status_code == 404


def test_a_session_that_is_over_cannot_be_moved(completed_hour: Booking, browser: Open):
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{completed_hour.id}")
    assert "Propose another time" not in anns.words
    assert anns.get(f"/mentee/bookings/{completed_hour.id}/reschedule").status_code == 409
