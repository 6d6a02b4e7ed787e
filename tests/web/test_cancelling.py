"""Calling a session off: the page says what it does to the money, and exactly that is done."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.states import BookingState, Party, PaymentState
from app.models.user import User
from tests import people
from tests.faults.recovery import finish
from tests.people import HOUR, TOMORROW_AT_TEN, completed, fresh
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
        assert (
            anns.post(f"/mentee/bookings/{completed_hour.id}/cancellation", {"quoted": "0-8000-0"}).status_code == 409
        )


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


def test_ann_reads_what_cancelling_late_costs_before_she_books_and_pays_just_that(
    ann: User, browser: Open, stripe: Stripe
):
    bob = people.mentor("Bob", terms=Terms.STANDARD)
    anns = browser("ann@example.com")
    anns.get(f"/mentors/{bob.id}")
    assert "Free to cancel until 24 hours before; later, half of the price is charged." in anns.words
    anns.get(f"/mentee/bookings/new?mentor={bob.id}&minutes=60&starts_at={TOMORROW_AT_TEN:%Y-%m-%dT%H:%M:%SZ}")
    assert "Until Mon 1 Jun, 19:00 Free Later, until it begins €40.00" in anns.words, "in Tokyo's time"
    hour = people.paid(people.booked(ann, bob, stripe), stripe)
    anns.get(f"/mentee/bookings/{hour.id}")
    assert "Until then Ann cancels for free; later, €40.00 is charged" in anns.words
    stripe.wait_until(hour.starts_at - HOUR)
    anns.get(f"/mentee/bookings/{hour.id}")
    assert "cancels for free" not in anns.words
    anns.click("Cancel this session")
    assert "It is late: €40.00 of the reservation is charged, and the other €40.00 released." in anns.words
    assert "You pay €40.00" in anns.words
    anns.press("Cancel this session")
    assert "Cancelled late by Ann. €40.00 was charged." in anns.words
    assert "Charged; the other €40.00 released" in anns.words
    bobs = browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{hour.id}")
    assert "Cancelled late by Ann. €40.00 was charged." in bobs.words


def test_a_quote_that_ran_out_while_ann_was_reading_is_shown_anew(ann: User, browser: Open, stripe: Stripe):
    hour = people.paid(people.booked(ann, people.mentor("Bob", terms=Terms.STRICT), stripe), stripe)
    stripe.wait_until(hour.starts_at - 24 * HOUR)
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{hour.id}/cancellation")
    assert "nothing is charged" in anns.words
    stripe.wait(HOUR)
    anns.press("Cancel this session")
    assert "This booking has changed since you looked" in anns.words
    assert stripe.intent_of(hour).status == "requires_capture"


def test_what_stays_charged_because_a_refund_came_back_is_not_said_to_be_nothing(
    anns_hour: Booking, app: Flask, browser: Open, stripe: Stripe
):
    hour = completed(people.paid(anns_hour, stripe, "pm_card_refundFail"), stripe)
    bobs = browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{hour.id}/cancellation")
    bobs.press("Cancel this session")
    assert "Cancelled by Bob. €80.00 was refunded." in bobs.words
    stripe.wait(timedelta(minutes=5))
    stripe.deliver(app)
    finish()
    bobs.get(f"/mentor/bookings/{hour.id}")
    assert "Cancelled by Bob. €80.00 stays charged for now." in bobs.words
