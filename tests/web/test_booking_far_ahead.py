"""An hour in a month, through pages: what is agreed to, what is dated, and what the bank makes of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app import jobs
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import BookingState, PaymentState
from app.models.user import User
from tests import people
from tests.faults.recovery import finish
from tests.people import HOUR, IN_A_MONTH
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]
FAR = IN_A_MONTH.strftime("%Y-%m-%dT%H:%M:%SZ")
DECLINES_LATER = "pm_card_chargeCustomerFail"
TITLE = "Review of my parser"


@pytest.fixture
def anns(browser: Open, ann: User, bob: Mentor) -> Browser:
    """Ann's browser, at the form for an hour in a month. She is in Tokyo."""
    anns = browser("ann@example.com")
    anns.get(f"/mentors/{bob.id}?from=2026-06-30")
    anns.press("Continue", starts_at=FAR)
    return anns


def came_back(anns: Browser, hour: Booking) -> None:
    """From the card form, which has told that it is done."""
    anns.post(f"/mentee/bookings/{hour.id}/payment/check")
    anns.follow(anns.answer)


def worked(hour: Booking, stripe: Stripe, before: timedelta) -> None:
    stripe.wait_until(hour.starts_at - before)
    jobs.run("authorize_saved_cards")
    finish()


def test_before_booking_the_plan_is_told_in_dates_of_her_own_zone(anns: Browser):
    assert "Reserved now Nothing" in anns.words
    assert "Reserved on Mon 29 Jun, 19:00 €80.00" in anns.words
    assert "We save your card now and reserve €80.00 on Mon 29 Jun 2026, 19:00" in anns.words
    assert "ask it again on Tue 30 Jun, 07:00 and Tue 30 Jun, 19:00" in anns.words
    assert "If nothing can be reserved by Wed 1 Jul 2026, 07:00" in anns.words


def test_without_her_word_nothing_is_booked_and_what_she_typed_stays(anns: Browser, stripe: Stripe):
    anns.press("Keep this time", title=TITLE, description="It is slow.")
    assert "Please agree, or pick an earlier time" in anns.words
    assert anns.form("Keep this time").fields["title"] == TITLE
    assert stripe.count("/v1/setup_intents") == 0


def test_a_month_ahead_to_the_money(anns: Browser, browser: Open, stripe: Stripe, the_booking: Callable[[], Booking]):
    anns.press("Keep this time", title=TITLE, description="", consent="y")
    assert "We save it now and reserve €80.00 on Mon 29 Jun 2026, 19:00" in anns.words
    assert stripe.setup_of(the_booking()).client_secret in anns.answer.text
    stripe.save(the_booking())
    came_back(anns, the_booking())
    assert "Your session is confirmed and your card is saved. Nothing is reserved on it yet." in anns.words
    assert "What your bank shows now: nothing." in anns.words
    assert anns.page.steps[-5:] == [
        "Still to come: Reserved on Visa ·· 4242, not charged Mon 29 Jun 2026, 19:00 · Mentorhold €80.00",
        "Still to come: Called off and free again, if nothing could be reserved Wed 1 Jul 2026, 07:00",
        "Still to come: The session ends Wed 1 Jul 2026, 20:00",
        "Still to come: Charged, if Bob completes the session Fri 3 Jul 2026, 20:00 €80.00",
        "Still to come: Released, if not Fri 3 Jul 2026, 20:00 €80.00",
    ]
    worked(the_booking(), stripe, 48 * HOUR)
    bobs = browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{the_booking().id}")
    assert "Confirmed. €80.00 is reserved, nothing is charged." in bobs.words
    assert "Reserved on Visa ·· 4242, not charged Mon 29 Jun 2026, 12:00 · Mentorhold €80.00" in bobs.page.steps
    stripe.wait_until(the_booking().ends_at)
    bobs.get(f"/mentor/bookings/{the_booking().id}")
    bobs.press("Complete session")
    assert "Completed. €80.00 was charged." in bobs.words


def test_a_declined_card_leads_her_back_to_the_card_form(
    anns: Browser, browser: Open, stripe: Stripe, the_booking: Callable[[], Booking]
):
    anns.press("Keep this time", title=TITLE, description="", consent="y")
    stripe.save(the_booking(), DECLINES_LATER)
    came_back(anns, the_booking())
    anns.get(f"/mentee/bookings/{the_booking().id}/payment")
    assert anns.answer.status_code == 302, "there is nothing to pay yet"
    worked(the_booking(), stripe, 48 * HOUR)
    anns.get(f"/mentee/bookings/{the_booking().id}")
    assert "the bank has declined to reserve €80.00" in anns.words
    assert "Still to come: The bank is asked again about Visa ·· 0341 Tue 30 Jun 2026, 07:00 · Mentorhold €80.00" in (
        anns.page.steps
    )
    bobs = browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{the_booking().id}")
    assert "See to the payment" not in bobs.words
    assert "Your card was declined" not in bobs.words, "which is between Ann and her bank"
    anns.click("See to the payment")
    assert "That card did not work Your card was declined." in anns.words
    assert "Your time is kept until Wed 1 Jul 2026, 07:00" in anns.words
    assert stripe.intent_of(the_booking()).client_secret in anns.answer.text
    stripe.pay(the_booking())
    anns.get(f"/mentee/bookings/{the_booking().id}/payment/return")
    anns.press("Check now")
    assert "Your session is confirmed. €80.00 is reserved" in anns.words
    assert (the_booking().state, the_booking().payment.state) == (BookingState.CONFIRMED, PaymentState.AUTHORIZED)


def test_calling_off_says_that_nothing_was_reserved(anns: Browser, stripe: Stripe, the_booking: Callable[[], Booking]):
    anns.press("Keep this time", title=TITLE, description="", consent="y")
    hour = people.saved(the_booking(), stripe)
    anns.get(f"/mentee/bookings/{hour.id}")
    anns.click("Cancel this session")
    assert "Nothing is reserved on a card yet, and nothing is charged." in anns.words
    anns.press("Cancel this session")
    assert "Cancelled by Ann. Nothing was charged." in anns.words
    assert the_booking().payment.state == PaymentState.VOIDED
