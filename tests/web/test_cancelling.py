"""Calling a session off: the page says what it does to the money, and exactly that is done."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.models.booking import Booking
from app.models.states import BookingState, Party, PaymentState
from app.models.user import User
from tests.people import completed, fresh
from tests.stripe_double import Stripe
from tests.web.conftest import Browser
from tests.web.effects import nothing_happens

Open = Callable[..., Browser]


@pytest.mark.parametrize(
    ("who", "door", "by"), [("ann", "mentee", Party.MENTEE), ("bob", "mentor", Party.MENTOR)], ids=["mentee", "mentor"]
)
def test_either_side_reads_a_quote_and_the_hold_is_released(
    held_hour: Booking, browser: Open, stripe: Stripe, who: str, door: str, by: Party
):
    theirs = browser(f"{who}@example.com")
    theirs.get(f"/{door}/bookings/{held_hour.id}")
    theirs.click("Cancel this session")
    assert "The reservation of €80.00 is released and nothing is charged." in theirs.words
    assert "pays €0.00" in theirs.words if door == "mentor" else "You pay €0.00" in theirs.words
    theirs.press("Cancel this session")
    assert f"Cancelled by {who.capitalize()}. Nothing was charged." in theirs.words
    hour = fresh(held_hour)
    assert (hour.state, hour.ended_by, hour.payment.state) == (BookingState.CANCELLED, by, PaymentState.VOIDED)
    others = browser()
    others.get(f"/mentors/{hour.mentor.id}")
    assert "2026-06-02T10:00:00Z" in others.form("Continue").choices["starts_at"], "the time is free again"


def test_a_time_is_given_back_before_the_card(anns_hour: Booking, browser: Open, stripe: Stripe):
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{anns_hour.id}/payment")
    anns.click("Give this time back")
    assert "Nothing is reserved on a card yet, and nothing is charged." in anns.words
    anns.press("Cancel this session")
    assert "Cancelled by Ann. Nothing was charged." in anns.words
    assert stripe.intent_of(anns_hour).status == "canceled"


def test_bob_gives_back_what_was_charged(completed_hour: Booking, browser: Open, stripe: Stripe):
    bobs, anns = browser("bob@example.com"), browser("ann@example.com")
    bobs.get(f"/mentor/bookings/{completed_hour.id}")
    bobs.click("Cancel and refund")
    assert "The whole €80.00 is refunded to the card" in bobs.words
    bobs.press("Cancel this session")
    assert "Cancelled by Bob. €80.00 was refunded." in bobs.words
    bobs.get("/mentor/")
    assert "Yours, clearing €0.00" in bobs.words
    anns.get(f"/mentee/bookings/{completed_hour.id}")
    assert any("Refunded to the card" in step and "€80.00" in step for step in anns.page.steps)
    assert "Charged in the end €0.00" in anns.words
    assert [refund.amount for refund in stripe.refunds_of(completed_hour)] == [8_000]


def test_ann_cannot_take_back_a_session_that_she_had(completed_hour: Booking, browser: Open, stripe: Stripe):
    anns = browser("ann@example.com")
    with nothing_happens(stripe):
        assert anns.get(f"/mentee/bookings/{completed_hour.id}/cancellation").status_code == 409
        assert "Please ask your mentor for a refund" in anns.words
        assert anns.post(f"/mentee/bookings/{completed_hour.id}/cancellation", {"quoted": "0-8000"}).status_code == 409


def test_a_refund_comes_too_late_after_thirty_days(completed_hour: Booking, browser: Open, stripe: Stripe):
    bobs = browser("bob@example.com")
    stripe.wait(timedelta(days=31))
    with nothing_happens(stripe):
        assert bobs.get(f"/mentor/bookings/{completed_hour.id}/cancellation").status_code == 409
        assert "can be refunded for 30 days" in bobs.words


def test_a_quote_that_is_no_longer_true_is_not_executed(held_hour: Booking, browser: Open, stripe: Stripe):
    bobs = browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{held_hour.id}/cancellation")
    stale = bobs.form("Cancel this session")
    completed(held_hour, stripe)
    with nothing_happens(stripe):
        assert bobs.submit(stale, "Cancel this session").status_code == 409
        assert "This booking has changed since you looked" in bobs.words
        for made_up in ("", "0-0", "8000-8000", "x" * 5_000, "\0"):
            stale.fields["quoted"] = made_up
            assert bobs.submit(stale, "Cancel this session").status_code == 409, made_up[:20]


def test_cancelling_twice_cancels_once(held_hour: Booking, browser: Open, stripe: Stripe):
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{held_hour.id}/cancellation")
    form = anns.form("Cancel this session")
    anns.submit(form, "Cancel this session")
    with nothing_happens(stripe):
        assert anns.submit(form, "Cancel this session").status_code == 409
        assert "This is already cancelled." in anns.words


def test_a_session_that_has_begun_is_not_cancelled_by_ann(held_hour: Booking, browser: Open, stripe: Stripe):
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{held_hour.id}/cancellation")
    form = anns.form("Cancel this session")
    stripe.wait_until(held_hour.starts_at)
    with nothing_happens(stripe):
        assert anns.submit(form, "Cancel this session").status_code == 409
        assert "The session has started." in anns.words


def test_olga_sees_the_booking_and_refunds_it(completed_hour: Booking, olga: User, browser: Open, stripe: Stripe):
    olgas, anns = browser("olga@example.com"), browser("ann@example.com")
    olgas.get("/operator/")
    assert "platform:commission €8.00" in olgas.words
    assert "None. Every money action ended with a clear answer." in olgas.words
    olgas.click("Review of my parser")
    assert "Ann with Bob" in olgas.words
    olgas.click("Cancel this session")
    assert "Ann pays €0.00" in olgas.words
    olgas.press("Cancel this session")
    assert "Cancelled by the operator. €80.00 was refunded." in olgas.words
    assert "Cancel this session…" not in olgas.words
    anns.get(f"/mentee/bookings/{completed_hour.id}")
    assert "Cancelled by the operator. €80.00 was refunded." in anns.words
    olgas.get("/operator/")
    assert "platform:commission €0.00" in olgas.words


def test_olga_sees_a_money_action_whose_end_is_not_known(held_hour: Booking, olga: User, browser: Open, stripe: Stripe):
    olgas, anns = browser("olga@example.com"), browser("ann@example.com")
    anns.get(f"/mentee/bookings/{held_hour.id}/cancellation")
    stripe.fail_next("drop_request", "*/cancel", count=2)
    anns.send("Cancel this session")
    olgas.get("/operator/")
    assert "Confirming with Stripe" in olgas.words
    olgas.click("its booking")
    assert olgas.address == f"/operator/bookings/{held_hour.id}"
