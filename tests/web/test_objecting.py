"""Objecting, answering, ruling: the pages of all three, also of two who answer at once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app import jobs
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.states import BookingState, ObjectionState
from app.models.user import User
from tests import people
from tests.people import HOUR, fresh
from tests.stripe_double import Stripe
from tests.web.conftest import Browser
from tests.web.effects import nothing_happens

Open = Callable[..., Browser]
B, J = BookingState, ObjectionState


def objected(anns: Browser, hour: Booking, **typed: str) -> Browser:
    anns.get(f"/mentee/bookings/{hour.id}")
    anns.click("Object to this charge")
    anns.press("Object", **{"problem": "Bob left after ten minutes.", "remedy": "full_refund", **typed})
    return anns


def stands(hour: Booking) -> ObjectionState:
    objection = fresh(hour).objection
    assert objection is not None
    return objection.state


def test_ann_objects_bob_counters_and_she_accepts(completed_hour: Booking, browser: Open, stripe: Stripe):
    anns = objected(browser("ann@example.com"), completed_hour)
    assert "Waiting for the mentor Bob has until Fri 5 Jun 2026, 20:05 to answer" in anns.words
    bobs = browser("bob@example.com")
    bobs.get("/mentor/")
    bobs.click("Answer")
    assert "Bob left after ten minutes." in bobs.words
    assert "You have until" in bobs.words
    bobs.press("Propose this", remedy="part_refund", refund="30", words="My train was late.")
    anns.get("/mentee/")
    anns.click("Answer")
    assert "Bob proposes: a part goes back My train was late." in anns.words
    anns.press("Accept it")
    assert "This has ended: €30.00 goes back." in anns.words
    anns.get(f"/mentee/bookings/{completed_hour.id}")
    told = " | ".join(anns.page.steps)
    for sentence in ("Objected to what was charged", "Proposed: a part goes back", "Settled: €30.00 goes back"):
        assert sentence in told
    assert "€80.00 was charged, €30.00 of it refunded." in anns.words
    assert fresh(completed_hour).payment.refunded_minor == 3_000


def test_the_page_says_what_silence_means_and_the_clock_plays_it(
    completed_hour: Booking, browser: Open, stripe: Stripe
):
    anns = objected(browser("ann@example.com"), completed_hour, remedy="part_refund", refund="20.00")
    anns.get(f"/mentee/bookings/{completed_hour.id}")
    last = anns.page.steps[-1]
    assert last.startswith("Still to come: Counts as accepted, if nobody answers: a part goes back")
    assert "€20.00" in last
    stripe.wait(timedelta(hours=72))
    jobs.run("end_silences")
    anns.get(f"/mentee/bookings/{completed_hour.id}")
    assert "€80.00 was charged, €20.00 of it refunded." in anns.words
    assert any(step.startswith("Settled: €20.00 goes back: nobody answered in time") for step in anns.page.steps)


def test_of_two_proposals_at_once_the_second_is_told_so_and_keeps_its_words(
    completed_hour: Booking, browser: Open, stripe: Stripe
):
    anns, bobs = objected(browser("ann@example.com"), completed_hour), browser("bob@example.com")
    address = f"/mentor/bookings/{completed_hour.id}/objection"
    bobs.get(address)
    anns.press("Propose this", remedy="part_refund", refund="60", words="Sixty would do.")
    with nothing_happens(stripe):
        answer = bobs.press("Propose this", remedy="part_refund", refund="25", words="My train was late, I am sorry.")
    assert answer.status_code == 409
    assert "Something about this objection has changed since you opened the page" in bobs.words
    assert "Sixty would do." in bobs.words
    kept = bobs.form("Propose this").fields
    assert (kept["refund"], kept["words"], kept["remedy"]) == ("25", "My train was late, I am sorry.", "part_refund")
    bobs.press("Propose this")
    assert stands(completed_hour) == J.WITH_MENTEE
    assert fresh(completed_hour).objection.standing.refund_minor == 2_500


def test_whoever_accepts_what_has_changed_meanwhile_accepts_nothing(
    completed_hour: Booking, browser: Open, stripe: Stripe
):
    anns, bobs = objected(browser("ann@example.com"), completed_hour), browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{completed_hour.id}/objection")
    anns.press("Propose this", remedy="part_refund", refund="60", words="")
    with nothing_happens(stripe):
        assert bobs.press("Accept it").status_code == 409
    assert "Somebody was faster" in bobs.words


def test_they_cannot_agree_and_olga_rules(completed_hour: Booking, olga: User, browser: Open, stripe: Stripe):
    objected(browser("ann@example.com"), completed_hour)
    bobs, olgas = browser("bob@example.com"), browser("olga@example.com")
    bobs.get(f"/mentor/bookings/{completed_hour.id}/objection")
    bobs.press("Ask an operator to decide")
    assert "A person of ours reads what both of you wrote, and decides." in bobs.words
    olgas.get("/operator/")
    assert "Objections to decide" in olgas.words
    olgas.click("Decide")
    assert "Bob left after ten minutes." in olgas.words
    assert "Ann did not check in" in olgas.words
    answer = olgas.press("Decide", refund="80.01", because="Both were late.")
    assert answer.status_code == 422
    assert olgas.form("Decide").fields["because"] == "Both were late."
    olgas.press("Decide", refund="40", because="Both were late.")
    assert "This has ended: Both were late." in olgas.words
    assert stands(completed_hour) == J.RULED
    assert [refund.amount for refund in stripe.refunds_of(completed_hour)] == [4_000]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"problem": ""}, "What was wrong? Please fill this in."),
        ({"problem": " \u200b "}, "What was wrong? Please fill this in."),
        ({"problem": "x" * 2_001}, "At most 2000 characters"),
        ({"problem": "\u202egnorw"}, "contains a character that cannot be shown"),
        ({"remedy": ""}, "What would be right? Please choose."),
        ({"remedy": "nothing"}, "Not a valid choice"),
        ({"remedy": "part_refund", "refund": "1e3"}, "Please give an amount like 80"),
        ({"remedy": "part_refund", "refund": "0"}, "A part is more than nothing and less than €80.00."),
        ({"remedy": "part_refund", "refund": "80"}, "A part is more than nothing and less than €80.00."),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_typed_is_lost(
    completed_hour: Booking, browser: Open, stripe: Stripe, typed: dict[str, str], said: str
):
    anns = browser("ann@example.com")
    with nothing_happens(stripe):
        objected(anns, completed_hour, **{"refund": "12", **typed})
    assert said in anns.words
    kept = anns.form("Object").fields
    assert kept["refund"] == typed.get("refund", "12")
    assert kept["problem"].strip(" \u200b") == typed.get("problem", "Bob left after ten minutes.").strip(" \u200b")


def test_after_three_days_there_is_nothing_to_object_with(completed_hour: Booking, browser: Open, stripe: Stripe):
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{completed_hour.id}/objection")
    stripe.wait(timedelta(hours=72))
    answer = anns.press("Object", problem="Bob left.", remedy="full_refund")
    assert answer.status_code == 409
    assert "The three days in which you could object are over" in anns.words
    assert anns.form("Object").fields["problem"] == "Bob left."
    anns.get(f"/mentee/bookings/{completed_hour.id}")
    assert "Object to this charge" not in anns.words


def test_ann_says_that_bob_did_not_come_and_he_admits_it(held_hour: Booking, browser: Open, stripe: Stripe):
    stripe.wait_until(held_hour.ends_at)
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    anns.get(f"/mentee/bookings/{held_hour.id}")
    anns.click("Bob did not come")
    anns.press("Tell us", problem="I waited for an hour.")
    assert "Bob has until" in anns.words
    assert "Then all of the €80.00 that is reserved is released." in anns.words
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    assert "Complete session" not in bobs.words
    bobs.click("Ann says that Bob did not come")
    bobs.press("I was not there, release it")
    anns.get(f"/mentee/bookings/{held_hour.id}")
    assert "Bob did not come. Nothing was charged." in anns.words
    assert fresh(held_hour).state == B.NO_SHOW


def test_bob_contests_that_he_did_not_come_and_olga_rules(
    held_hour: Booking, olga: User, browser: Open, stripe: Stripe
):
    stripe.wait_until(held_hour.ends_at)
    anns, bobs, olgas = (browser(f"{name}@example.com") for name in ("ann", "bob", "olga"))
    anns.get(f"/mentee/bookings/{held_hour.id}/mentor-absence")
    anns.press("Tell us", problem="I waited for an hour.")
    bobs.get(f"/mentor/bookings/{held_hour.id}/objection")
    assert bobs.press("Contest it", words="").status_code == 422
    bobs.press("Contest it", claim="took_place", words="We talked for an hour.")
    assert "The €80.00 that Ann paid is nobody’s for good until this has ended." in bobs.words
    olgas.get(f"/operator/bookings/{held_hour.id}/ruling")
    olgas.press("Decide", refund="80", because="Bob did not check in.")
    hour = fresh(held_hour)
    assert (hour.state, hour.payment.left.minor, stands(hour)) == (B.CANCELLED, 0, J.RULED)


def test_a_new_session_that_is_owed(completed_hour: Booking, browser: Open, stripe: Stripe):
    anns, bobs = objected(browser("ann@example.com"), completed_hour, remedy="new_session"), browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{completed_hour.id}/objection")
    bobs.press("Accept it")
    assert "Bob owes Ann a new session." in bobs.words
    anns.get(f"/mentee/bookings/{completed_hour.id}/objection")
    anns.press("It took place")
    assert "This has ended: the new session took place." in anns.words


def test_ann_takes_an_objection_to_a_fee_back(ann: User, browser: Open, stripe: Stripe):
    hour = people.paid(people.booked(ann, people.mentor("Bob", terms=Terms.STRICT), stripe), stripe)
    stripe.wait_until(hour.starts_at + HOUR / 2)
    bobs = browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{hour.id}")
    bobs.press("Ann did not come, charge €80.00")
    anns = objected(browser("ann@example.com"), hour)
    anns.press("Take it back")
    assert "This has ended: Ann took the objection back." in anns.words
