"""A session moves beyond what is reserved for it, as both sides see it: the card, the dates, the money."""

from collections.abc import Callable
from datetime import timedelta

from app import jobs
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.states import PaymentState
from app.models.user import User
from tests import people
from tests.faults.recovery import finish
from tests.people import HOUR, TOMORROW_AT_TEN, fresh
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]
FAR = "2026-06-16T10:00:00Z"  # in two weeks
IN_TWO_WEEKS = TOMORROW_AT_TEN + timedelta(days=14)


def saves_a_card(anns: Browser, hour: Booking, stripe: Stripe, button: str) -> None:
    """From a page that asks for it, through the card form, and back."""
    anns.press(button, consent="y")
    assert "We save it for another time of this session." in anns.words
    assert stripe.setup_of(hour).client_secret in anns.answer.text
    assert "Your time is kept until" not in anns.words
    stripe.save(hour, "pm_card_mastercard")
    anns.get(f"/mentee/bookings/{hour.id}/payment/return")
    assert "whether your card is saved" in anns.words
    anns.press("Check now")
    assert "Your card is saved. The reservation stays as it is" in anns.words


def test_ann_saves_a_card_and_proposes_a_time_in_two_weeks(held_hour: Booking, browser: Open, stripe: Stripe):
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    anns.get(f"/mentee/bookings/{held_hour.id}")
    anns.click("Propose another time")
    assert "Later than Saturday 6 June?" in anns.words
    saves_a_card(anns, held_hour, stripe, "Save a card for later times")
    assert anns.address.endswith("/reschedule")
    assert "Later than" not in anns.words
    assert "For later times the reservation is released" in anns.words
    anns.get(f"/mentee/bookings/{held_hour.id}/reschedule?from=2026-06-14")
    anns.press("Propose this time", starts_at=FAR, note="I move house.")
    assert "the present reservation of €80.00 is released" in anns.words
    assert "reserved anew on Sun 14 Jun 2026, 19:00" in anns.words

    stripe.wait(HOUR)
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    assert "the present reservation of €80.00 is released" in bobs.words
    assert "reserved anew on Sun 14 Jun 2026, 12:00" in bobs.words
    bobs.press("Agree, move the session")
    assert "Confirmed. A card is saved; €80.00 is reserved on it before the session." in bobs.words
    steps = [step for step in bobs.page.steps if "Still to come" not in step]
    assert [step.split(" Mon ")[0] for step in steps] == [
        "Time reserved",
        "Reserved on the card, not charged",
        "Session confirmed",
        "Another time proposed: Tue 16 Jun, 12:00",
        "Moved to Tue 16 Jun, 12:00",
        "Reservation released, to be made anew",
    ]
    assert "Still to come: Reserved on Mastercard ·· 4444, not charged Sun 14 Jun 2026, 12:00" in "".join(
        bobs.page.steps
    )
    anns.get(f"/mentee/bookings/{held_hour.id}")
    assert "€80.00 pending may stay visible for a few days" in anns.words

    stripe.wait_until(IN_TWO_WEEKS - 48 * HOUR)
    jobs.run("authorize_saved_cards")
    finish()
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    assert "Confirmed. €80.00 is reserved, nothing is charged." in bobs.words


def test_bob_proposes_it_and_ann_saves_a_card_to_agree(held_hour: Booking, browser: Open, stripe: Stripe):
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{held_hour.id}/reschedule?from=2026-06-14")
    assert "Ann is asked to save one before agreeing" in bobs.words
    assert "Later than" not in bobs.words
    bobs.press("Propose this time", starts_at=FAR, note="")

    anns.get(f"/mentee/bookings/{held_hour.id}")
    assert "on a card that you save for it" in anns.words
    assert "Agree, move the session" not in anns.words
    saves_a_card(anns, held_hour, stripe, "Save a card to agree")
    assert anns.address == f"/mentee/bookings/{held_hour.id}"
    anns.press("Agree, move the session")
    assert "Agreed. The session has moved" in anns.words
    assert fresh(held_hour).starts_at == IN_TWO_WEEKS
    assert fresh(held_hour).payment.state == PaymentState.CARD_SAVED


def test_for_a_time_a_little_too_far_ann_reads_that_the_reservation_is_renewed(held_hour: Booking, browser: Open):
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{held_hour.id}/reschedule?from=2026-06-07")
    bobs.press("Propose this time", starts_at="2026-06-09T10:00:00Z")
    assert "it is renewed before that, on a card that Ann saves for it" in bobs.words
    anns.get(f"/mentee/bookings/{held_hour.id}")
    assert "it is renewed before that, on a card that you save for it" in anns.words


def test_whoever_presses_agree_on_an_old_page_is_told_what_to_do(held_hour: Booking, browser: Open):
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{held_hour.id}/reschedule?from=2026-06-14")
    bobs.press("Propose this time", starts_at=FAR, note="")
    proposal = fresh(held_hour).reschedules[0].id
    anns.get(f"/mentee/bookings/{held_hour.id}")
    answer = anns.post(f"/mentee/bookings/{held_hour.id}/reschedule/agreement", {"reschedule": proposal})
    assert answer.status_code == 409
    assert "Please save a card for it first." in anns.words
    assert fresh(held_hour).starts_at == TOMORROW_AT_TEN


def test_a_card_is_asked_for_with_her_word_only(held_hour: Booking, browser: Open, stripe: Stripe):
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{held_hour.id}/reschedule")
    answer = anns.post(f"/mentee/bookings/{held_hour.id}/card", {})
    assert answer.status_code == 422
    assert "Please agree that we save your card" in anns.words
    assert stripe.count("/v1/setup_intents") == 0


def test_without_stripe_nothing_has_changed_and_she_can_try_again(held_hour: Booking, browser: Open, stripe: Stripe):
    anns = browser("ann@example.com")
    stripe.fail_next("error_500_unsaved", "/v1/setup_intents", count=2)
    anns.get(f"/mentee/bookings/{held_hour.id}/reschedule")
    assert anns.press("Save a card for later times", consent="y").status_code == 503
    anns.get(f"/mentee/bookings/{held_hour.id}")
    assert "Confirmed. €80.00 is reserved, nothing is charged." in anns.words
    assert "We are confirming this" not in anns.words, "nothing is done with the money"
    finish()
    anns.get(f"/mentee/bookings/{held_hour.id}/reschedule")
    saves_a_card(anns, held_hour, stripe, "Save a card for later times")


def test_nobody_saves_a_card_for_someone_elses_session(held_hour: Booking, browser: Open):
    bobs = browser("bob@example.com")
    bobs.get("/")
    assert bobs.post(f"/mentee/bookings/{held_hour.id}/card", {"consent": "y"}).status_code == 404


def test_a_page_that_offers_to_agree_says_so_if_the_fee_is_due_by_now(ann: User, browser: Open, stripe: Stripe):
    hour = people.paid(people.booked(ann, people.mentor("Bob", terms=Terms.STRICT), stripe), stripe)
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{hour.id}/reschedule?from=2026-06-14")
    bobs.press("Propose this time", starts_at=FAR, note="")
    stripe.wait_until(hour.free_until + timedelta(minutes=1))
    anns.get(f"/mentee/bookings/{hour.id}")
    assert "Cancelling costs €80.00 by now, and the reservation stands for that" in anns.words
    assert "Save a card to agree" not in anns.words
    assert "Agree, move the session" not in anns.words
    anns.press("Decline")
    bobs.get(f"/mentor/bookings/{hour.id}/reschedule")
    assert "which stands for what cancelling costs by now" in bobs.words
