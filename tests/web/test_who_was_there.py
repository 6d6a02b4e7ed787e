"""Being there, and not: the pages of both sides."""

from collections.abc import Callable

from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.states import BookingState
from app.models.user import User
from tests import people
from tests.people import HOUR, fresh
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]


def test_who_checks_in_is_seen_by_both_and_by_the_operator(
    held_hour: Booking, olga: User, browser: Open, stripe: Stripe
):
    pages = {"mentee": browser("ann@example.com"), "mentor": browser("bob@example.com")}
    pages["mentee"].get(f"/mentee/bookings/{held_hour.id}")
    assert "I am here" not in pages["mentee"].words
    stripe.wait_until(held_hour.starts_at - HOUR / 6)
    for role, theirs in pages.items():
        theirs.get(f"/{role}/bookings/{held_hour.id}")
        theirs.press("I am here")
        assert "You checked in at" in theirs.words
        assert "I am here" not in theirs.words
    for role, theirs in {**pages, "operator": browser("olga@example.com")}.items():
        theirs.get(f"/{role}/bookings/{held_hour.id}")
        told = [step for step in theirs.page.steps if step.startswith("Checked in")]
        assert [step.rpartition(" ")[2] for step in told] == ["Ann", "Bob"]


def test_bob_reads_what_a_no_show_costs_before_he_says_so(ann: User, browser: Open, stripe: Stripe):
    hour = people.paid(people.booked(ann, people.mentor("Bob", terms=Terms.STANDARD), stripe), stripe)
    stripe.wait_until(hour.starts_at + HOUR / 3)
    bobs = browser("bob@example.com")
    bobs.get(f"/mentor/bookings/{hour.id}")
    bobs.press("Ann did not come, charge €40.00")
    assert "Ann did not come. €40.00 was charged." in bobs.words
    assert any(step.startswith("Charged; the other €40.00 released") for step in bobs.page.steps)
    assert any("Still to come: Bob's share is theirs for good" in step for step in bobs.page.steps)
    assert fresh(hour).state == BookingState.NO_SHOW
    bobs.get("/mentor/")
    assert "Yours, clearing €36.00 Yours for good €0.00" in bobs.words
