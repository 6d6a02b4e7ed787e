"""An hour from the list of mentors to the money, through pages, links and forms only."""

from collections.abc import Callable
from datetime import timedelta

from flask import Flask

from app import jobs
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User
from tests.people import TOMORROW_AT_TEN
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

TITLE = "Review of my parser"
AT_TEN = TOMORROW_AT_TEN.strftime("%Y-%m-%dT%H:%M:%SZ")

Open = Callable[..., Browser]


def reserve(ann: Browser, starts_at: str = AT_TEN) -> Browser:
    """From the list of mentors to the pay page."""
    ann.get("/")
    ann.click("Bob")
    ann.press("Continue", starts_at=starts_at)
    ann.press("Keep this time", title=TITLE, description="It is slow.")
    assert ann.address.endswith("/payment"), ann.words
    return ann


def test_ann_books_bob_completes_and_both_see_what_was_charged(
    browser: Open, ann: User, bob: Mentor, stripe: Stripe, the_booking: Callable[[], Booking]
):
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")

    anns.get("/")
    assert "Next free" in anns.words
    assert "€80.00" in anns.words
    anns.click("Bob")
    assert "Python, calmly" in anns.words
    assert AT_TEN in anns.form("Continue").choices["starts_at"]
    anns.press("Continue", starts_at=AT_TEN)
    assert "We reserve €80.00 now." in anns.words
    assert "Thu 4 Jun 2026, 20:00" in anns.words, "when it is released at the latest, in Tokyo"
    anns.press("Keep this time", title=TITLE, description="It is slow.")

    assert "You are charged only after the session" in anns.words
    assert stripe.intent_of(the_booking()).client_secret in anns.answer.text
    stripe.pay(the_booking())
    anns.post(f"/mentee/bookings/{the_booking().id}/payment/check")
    anns.follow(anns.answer)
    assert "Your session is confirmed. €80.00 is reserved" in anns.words

    stripe.wait_until(the_booking().ends_at + timedelta(minutes=5))
    bobs.get("/mentor/")
    assert f"{TITLE} for Ann" in bobs.words
    bobs.press("Complete session")
    assert "Completed. €80.00 was charged." in bobs.words
    bobs.click("Mentoring")
    assert "Yours, clearing €72.00" in bobs.words

    anns.get(f"/mentee/bookings/{the_booking().id}")
    assert "Completed. €80.00 was charged." in anns.words
    assert stripe.intent_of(the_booking()).amount_received == 8_000


def test_what_is_over_is_not_called_upcoming_any_more(browser: Open, held_hour: Booking, stripe: Stripe):
    anns = browser("ann@example.com")
    stripe.wait_until(held_hour.ends_at - timedelta(minutes=1))
    anns.get("/mentee/")
    assert "Over, not yet completed" not in anns.words
    stripe.wait_until(held_hour.ends_at)
    anns.get("/mentee/")
    upcoming, _, over = anns.words.partition("Over, not yet completed")
    assert "Nothing booked" in upcoming
    assert TITLE in over


def test_the_webhook_may_come_before_ann_is_back(
    browser: Open, ann: User, bob: Mentor, stripe: Stripe, app: Flask, the_booking: Callable[[], Booking]
):
    anns = reserve(browser("ann@example.com"))
    stripe.pay(the_booking())
    assert stripe.deliver(app) > 0
    jobs.run("handle_events")
    anns.get(f"/mentee/bookings/{the_booking().id}/payment/return")
    anns.follow(anns.answer)
    assert "Confirmed. €80.00 is reserved, nothing is charged." in anns.words
    anns.get(f"/mentee/bookings/{the_booking().id}/payment")
    anns.follow(anns.answer)
    assert anns.address == f"/mentee/bookings/{the_booking().id}", "there is nothing to pay any more"


def test_without_a_script_ann_checks_her_payment_with_a_button(
    browser: Open, ann: User, bob: Mentor, stripe: Stripe, the_booking: Callable[[], Booking]
):
    anns = reserve(browser("ann@example.com"))
    stripe.pay(the_booking())
    anns.get(f"/mentee/bookings/{the_booking().id}/payment/return")
    assert "Confirming with your bank" in anns.words
    anns.press("Check now")
    assert "Your session is confirmed" in anns.words


def test_the_money_timeline_tells_both_sides_the_same(completed_hour: Booking, browser: Open):
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    anns.get(f"/mentee/bookings/{completed_hour.id}")
    bobs.get(f"/mentor/bookings/{completed_hour.id}")
    assert anns.page.steps == [
        "Time reserved Mon 1 Jun 2026, 17:00 · Ann",
        "Reserved on Visa ·· 4242, not charged Mon 1 Jun 2026, 17:00 · Ann €80.00",
        "Session confirmed Mon 1 Jun 2026, 17:00 · Ann",
        "Charged Tue 2 Jun 2026, 20:05 · Bob €80.00",
        "Session completed Tue 2 Jun 2026, 20:05 · Bob",
        "Still to come: Bob's share is theirs for good Fri 5 Jun 2026, 20:05",
    ]
    here = [step.replace("Mon 1 Jun 2026, 17:00", "Mon 1 Jun 2026, 10:00") for step in anns.page.steps]
    assert bobs.page.steps == [step.replace("20:05", "13:05") for step in here], "in Berlin it is seven hours earlier"
    assert "What your bank shows now: a charge of €80.00." in anns.words


def test_steps_to_come_are_dated_and_marked(held_hour: Booking, browser: Open):
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{held_hour.id}")
    assert anns.page.steps[-3:] == [
        "Still to come: The session ends Tue 2 Jun 2026, 20:00",
        "Still to come: Charged, if Bob completes the session Thu 4 Jun 2026, 20:00 €80.00",
        "Still to come: Released, if not Thu 4 Jun 2026, 20:00 €80.00",
    ]


def test_a_finished_session_is_completed_early_with_anns_word(held_hour: Booking, browser: Open, stripe: Stripe):
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    stripe.wait_until(held_hour.starts_at + timedelta(minutes=20))
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    assert "only be completed once Ann agrees" in bobs.words
    anns.get(f"/mentee/bookings/{held_hour.id}")
    anns.press("We are done, Bob may complete")
    assert "Bob can complete the session now" in anns.words
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    bobs.press("Complete session")
    assert "Completed. €80.00 was charged." in bobs.words


def test_ann_does_not_come_and_pays_nothing(held_hour: Booking, browser: Open, stripe: Stripe):
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    stripe.wait_until(held_hour.starts_at + timedelta(minutes=20))
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    bobs.press("Ann did not come")
    assert "The session did not take place. Nothing was charged." in bobs.words
    anns.get(f"/mentee/bookings/{held_hour.id}")
    assert "Reservation released, nothing charged" in anns.words
    assert stripe.intent_of(held_hour).status == "canceled"
