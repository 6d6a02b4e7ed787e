"""The pay page: what it lets in, declined cards, and a booking form sent twice."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import stripe as library
from flask import Flask

from app import jobs
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import BookingState, PaymentState
from app.models.user import User
from tests.people import fresh
from tests.stripe_double import Stripe
from tests.web.conftest import Browser
from tests.web.effects import later_by_the_databases_clock, nothing_happens

Open = Callable[..., Browser]


def test_a_declined_card_is_said_in_human_words_and_another_works_on_the_same_intent(
    anns_hour: Booking, browser: Open, stripe: Stripe
):
    anns, intent = browser("ann@example.com"), stripe.intent_of(anns_hour)
    with pytest.raises(library.CardError):
        stripe.pay(anns_hour, "pm_card_chargeDeclined")
    anns.follow(anns.post(f"/mentee/bookings/{anns_hour.id}/payment/check"))
    assert anns.address == f"/mentee/bookings/{anns_hour.id}/payment"
    assert "That card did not work Your card was declined. You have not been charged." in anns.words
    assert intent.client_secret in anns.answer.text

    stripe.pay(anns_hour)
    anns.follow(anns.post(f"/mentee/bookings/{anns_hour.id}/payment/check"))
    assert "Your session is confirmed" in anns.words
    assert "declined" not in anns.words
    assert [made.id for made in stripe.intents()] == [intent.id]


def test_the_pay_page_and_only_it_lets_stripe_in(anns_hour: Booking, browser: Open):
    anns = browser("ann@example.com")
    paying = anns.get(f"/mentee/bookings/{anns_hour.id}/payment")
    assert "script-src 'self' http://127.0.0.1:12111;" in paying.headers["Content-Security-Policy"]
    assert "frame-src http://127.0.0.1:12111" in paying.headers["Content-Security-Policy"]
    assert "http://127.0.0.1:12111/stripe.js" in paying.text
    assert "4242 4242 4242 4242" in anns.words
    for path in (f"/mentee/bookings/{anns_hour.id}", f"/mentee/bookings/{anns_hour.id}/payment/return", "/mentee/"):
        assert "12111" not in anns.get(path).headers["Content-Security-Policy"], path


def test_asking_how_the_payment_stands_again_and_again_changes_nothing(
    held_hour: Booking, browser: Open, stripe: Stripe
):
    anns = browser("ann@example.com")
    with nothing_happens(stripe):
        for _ in range(3):
            anns.follow(anns.post(f"/mentee/bookings/{held_hour.id}/payment/check"))
            assert "Confirmed. €80.00 is reserved, nothing is charged." in anns.words


def test_a_form_that_is_sent_twice_books_once(
    browser: Open, ann: User, bob: Mentor, stripe: Stripe, the_booking: Callable[[], Booking]
):
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/new?mentor={bob.id}&minutes=60&starts_at=2026-06-02T10:00:00Z")
    form = anns.form("Keep this time")
    first = anns.submit(form, "Keep this time", title="A parser")
    with nothing_happens(stripe):
        second = anns.submit(form, "Keep this time", title="A parser")
    assert first.location == second.location == f"/mentee/bookings/{the_booking().id}/payment"
    stripe.pay(the_booking())
    anns.follow(anns.post(f"/mentee/bookings/{the_booking().id}/payment/check"))
    with nothing_happens(stripe):
        anns.follow(anns.submit(form, "Keep this time", title="A parser"))
    assert "Confirmed." in anns.words, "sent once more after paying, it leads to how the booking stands"


def test_a_checkout_that_takes_too_long_ends_and_both_see_why(anns_hour: Booking, browser: Open, stripe: Stripe):
    anns, chos = browser("ann@example.com"), browser()
    chos.get(f"/mentors/{anns_hour.mentor.id}")
    assert "2026-06-02T10:00:00Z" not in chos.form("Continue").choices["starts_at"]
    stripe.wait(timedelta(minutes=15))
    assert jobs.run("expire_checkouts") == 1
    anns.follow(anns.get(f"/mentee/bookings/{anns_hour.id}/payment"))
    assert "Expired: it was not paid in time. Nothing was charged." in anns.words
    assert "Session expired: it was not paid in time" in " ".join(anns.page.steps)
    assert stripe.intent_of(anns_hour).status == "canceled"
    chos.get(f"/mentors/{anns_hour.mentor.id}")
    assert "2026-06-02T10:00:00Z" in chos.form("Continue").choices["starts_at"]


def test_a_hold_that_bob_forgets_is_released_and_both_see_why(held_hour: Booking, browser: Open, stripe: Stripe):
    stripe.wait_until(held_hour.ends_at + timedelta(hours=48))
    assert jobs.run("expire_stale_holds") == 1
    for person, side in (("ann@example.com", "mentee"), ("bob@example.com", "mentor")):
        theirs = browser(person)
        theirs.get(f"/{side}/bookings/{held_hour.id}")
        assert "Expired: it was not marked complete in time. Nothing was charged." in theirs.words
        assert "Reservation released, nothing charged" in " ".join(theirs.page.steps)
        assert "Mentorhold €80.00" in " ".join(theirs.page.steps), "it says who let go"
    assert stripe.intent_of(held_hour).status == "canceled"


def test_while_stripe_is_away_the_pay_page_keeps_the_time_and_says_so(
    anns_hour: Booking, browser: Open, stripe: Stripe
):
    anns = browser("ann@example.com")
    stripe.fail_next("drop_request", "*/payment_intents/*", method="GET", count=2)
    anns.get(f"/mentee/bookings/{anns_hour.id}/payment")
    assert "Stripe is not answering yet. Your time is kept for you and you have not been charged." in anns.words
    anns.click("Try again")
    assert stripe.intent_of(anns_hour).client_secret in anns.answer.text


def test_an_intent_that_could_not_be_made_at_once_is_made_by_the_worker(
    browser: Open, anns_hour: Booking, bob: Mentor, stripe: Stripe, app: Flask
):
    anns = browser("ann@example.com")
    stripe.fail_next("drop_request", "*/payment_intents", count=2)
    anns.get(f"/mentee/bookings/new?mentor={bob.id}&minutes=30&starts_at=2026-06-03T10:00:00Z")
    anns.press("Keep this time", title="Another parser")
    assert "Your time is kept for you and you have not been charged" in anns.words
    assert len(stripe.intents()) == 1
    later_by_the_databases_clock()
    assert jobs.run("finish_operations") == 1
    anns.click("Try again")
    assert anns.page.forms[-1].action.endswith("/payment/check")
    assert sorted(intent.amount for intent in stripe.intents()) == [4_000, 8_000]


def test_while_stripe_is_away_asking_how_the_payment_stands_says_that_we_are_confirming(
    anns_hour: Booking, browser: Open, stripe: Stripe
):
    anns = browser("ann@example.com")
    stripe.pay(anns_hour)
    stripe.fail_next("drop_request", "*/payment_intents/*", method="GET", count=2)
    answer = anns.post(f"/mentee/bookings/{anns_hour.id}/payment/check")
    assert answer.status_code == 503
    assert "We are confirming with our payment provider" in anns.words
    assert "Nothing is charged twice" in anns.words
    anns.follow(anns.post(f"/mentee/bookings/{anns_hour.id}/payment/check"))
    assert "Your session is confirmed" in anns.words


def test_while_stripe_is_away_a_first_booking_reserves_nothing_and_keeps_what_was_typed(
    browser: Open, ann: User, bob: Mentor, stripe: Stripe
):
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/new?mentor={bob.id}&minutes=60&starts_at=2026-06-02T10:00:00Z")
    stripe.fail_next("drop_request", "*/customers", count=2)
    answer = anns.send("Keep this time", title="A parser", description="It took me an hour to type this.")
    assert answer.status_code == 503
    assert stripe.intents() == []
    form = anns.form("Keep this time")
    assert form.fields["description"] == "It took me an hour to type this."
    later_by_the_databases_clock()
    jobs.run("finish_operations")
    anns.press("Keep this time")
    assert anns.address.endswith("/payment")


def test_while_stripe_is_away_completing_says_that_we_are_confirming_and_the_worker_finishes_it_once(
    held_hour: Booking, browser: Open, stripe: Stripe
):
    bobs = browser("bob@example.com")
    stripe.wait_until(held_hour.ends_at)
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    form = bobs.form("Complete session")
    stripe.fail_next("lose_answer", "*/capture", count=2)
    assert bobs.submit(form, "Complete session").status_code == 503
    assert "We are confirming with our payment provider" in bobs.words
    assert "Nothing is charged twice" in bobs.words
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    assert "We are confirming this with Stripe" in bobs.words
    assert not any(shown.button("Complete session") for shown in bobs.page.forms)
    assert bobs.submit(form, "Complete session").status_code == 409
    assert "Still being confirmed" in bobs.words

    later_by_the_databases_clock()
    assert jobs.run("finish_operations") == 1
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    assert "Completed. €80.00 was charged." in bobs.words
    assert stripe.intent_of(held_hour).amount_received == 8_000


def test_while_stripe_is_away_cancelling_says_that_we_are_confirming_and_the_worker_finishes_it(
    held_hour: Booking, browser: Open, stripe: Stripe
):
    anns = browser("ann@example.com")
    stripe.fail_next("drop_request", "*/cancel", count=2)
    anns.get(f"/mentee/bookings/{held_hour.id}/cancellation")
    assert anns.send("Cancel this session").status_code == 503
    assert "We are confirming with our payment provider" in anns.words
    assert fresh(held_hour).state == BookingState.CONFIRMED
    later_by_the_databases_clock()
    assert jobs.run("finish_operations") == 1
    hour = fresh(held_hour)
    assert (hour.state, hour.payment.state) == (BookingState.CANCELLED, PaymentState.VOIDED)
    anns.get(f"/mentee/bookings/{held_hour.id}")
    assert "Cancelled by Ann. Nothing was charged." in anns.words
