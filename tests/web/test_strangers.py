"""Someone else's row is not there; what is not one's own to do is answered like what does not exist."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User
from tests.people import fresh
from tests.stripe_double import Stripe
from tests.web.conftest import Browser
from tests.web.effects import nothing_happens

Open = Callable[..., Browser]

NOBODYS = "bk_22222222222222222x"
MENTEES = ("", "/payment", "/payment/return", "/cancellation")
MENTORS = ("", "/cancellation")
MENTEES_POSTS = ("/payment/check", "/agreement", "/cancellation")
MENTORS_POSTS = ("/completion", "/no-show", "/cancellation")


def test_a_foreign_booking_and_one_that_is_not_there_have_the_same_answer(
    held_hour: Booking, cho: User, dia: Mentor, browser: Open, stripe: Stripe, subtests: pytest.Subtests
):
    strangers = [
        (browser("cho@example.com"), "mentee", MENTEES, MENTEES_POSTS),
        (browser("bob@example.com"), "mentee", MENTEES, MENTEES_POSTS),
        (browser("dia@example.com"), "mentor", MENTORS, MENTORS_POSTS),
    ]
    stripe.wait_until(held_hour.ends_at)
    with nothing_happens(stripe):
        for who, door, pages, posts in strangers:
            who.follow(who.get("/account"))
            for tail in pages:
                with subtests.test(f"GET {door}{tail}"):
                    foreign = who.get(f"/{door}/bookings/{held_hour.id}{tail}").status_code, who.words
                    nobodys = who.get(f"/{door}/bookings/{NOBODYS}{tail}").status_code, who.words
                    assert foreign == nobodys
                    assert foreign[0] == 404
            for tail in posts:
                with subtests.test(f"POST {door}{tail}"):
                    quoted = {"quoted": "8000-0-0"}
                    foreign = who.post(f"/{door}/bookings/{held_hour.id}{tail}", quoted).status_code, who.words
                    nobodys = who.post(f"/{door}/bookings/{NOBODYS}{tail}", quoted).status_code, who.words
                    assert foreign == nobodys
                    assert foreign[0] == 404


def test_ids_that_cannot_be_are_not_there(
    held_hour: Booking, olga: User, browser: Open, stripe: Stripe, subtests: pytest.Subtests
):
    anns, bobs, olgas = browser("ann@example.com"), browser("bob@example.com"), browser("olga@example.com")
    odd = ("%00", "bk_%00x", "%ff%fe", "x" * 5_000, "'%20OR%201=1--", "%F0%9F%92%B8", "..%2f..%2fetc", "bk_%0d%0a")
    with nothing_happens(stripe):
        for who, path in (
            (anns, "/mentors/{}"),
            (anns, "/mentee/bookings/{}"),
            (bobs, "/mentor/bookings/{}"),
            (olgas, "/operator/bookings/{}"),
        ):
            for made_up in odd:
                with subtests.test(path.format(made_up)[:60]):
                    assert who.get(path.format(made_up)).status_code == 404


def test_doors_of_others_look_like_walls(
    held_hour: Booking, cho: User, browser: Open, stripe: Stripe, subtests: pytest.Subtests
):
    chos, bobs = browser("cho@example.com"), browser("bob@example.com")
    with nothing_happens(stripe):
        for who, path in (
            (chos, "/mentor/"),
            (chos, "/mentor/availability"),
            (chos, f"/mentor/bookings/{held_hour.id}"),
            (chos, "/operator/"),
            (bobs, "/operator/"),
            (bobs, f"/operator/bookings/{held_hour.id}"),
            (bobs, f"/operator/bookings/{held_hour.id}/cancellation"),
        ):
            with subtests.test(path):
                assert who.get(path).status_code == 404
        assert bobs.post(f"/operator/bookings/{held_hour.id}/cancellation", {"quoted": "8000-0-0"}).status_code == 404
        assert chos.post(f"/mentor/bookings/{held_hour.id}/completion").status_code == 404


def test_whoever_is_not_logged_in_is_asked_to_and_changes_nothing(
    held_hour: Booking, browser: Open, stripe: Stripe, subtests: pytest.Subtests
):
    nobody = browser()
    with nothing_happens(stripe):
        for path in ("/mentee/", "/mentor/", "/operator/", "/account", f"/mentee/bookings/{held_hour.id}"):
            with subtests.test(path):
                answer = nobody.get(path)
                assert (answer.status_code, answer.location.split("?")[0]) == (302, "/log-in")
        for tail in ("completion", "no-show", "cancellation"):
            with subtests.test(tail):
                answer = nobody.post(f"/mentor/bookings/{held_hour.id}/{tail}", {"quoted": "8000-0-0"})
                assert (answer.status_code, answer.location.split("?")[0]) == (302, "/log-in")


@pytest.mark.parametrize("before", [True, False], ids=["before the start", "before the end"])
def test_bob_cannot_complete_too_early(held_hour: Booking, browser: Open, stripe: Stripe, before: bool):
    bobs = browser("bob@example.com")
    if not before:
        stripe.wait_until(held_hour.starts_at + timedelta(minutes=1))
    with nothing_happens(stripe):
        assert bobs.post(f"/mentor/bookings/{held_hour.id}/completion").status_code == 409
    assert ("has not started yet" if before else "once Ann agrees") in bobs.words


def test_bob_cannot_complete_too_late(held_hour: Booking, browser: Open, stripe: Stripe):
    bobs = browser("bob@example.com")
    stripe.wait_until(held_hour.ends_at + timedelta(hours=48, seconds=1))
    with nothing_happens(stripe):
        assert bobs.post(f"/mentor/bookings/{held_hour.id}/completion").status_code == 409
    assert "The time to complete this session is over" in bobs.words


def test_completing_twice_charges_once(held_hour: Booking, browser: Open, stripe: Stripe):
    bobs = browser("bob@example.com")
    stripe.wait_until(held_hour.ends_at)
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    form = bobs.form("Complete session")
    assert bobs.submit(form, "Complete session").status_code == 302
    with nothing_happens(stripe):
        assert bobs.submit(form, "Complete session").status_code == 409
        assert "This is already completed." in bobs.words
        assert bobs.post(f"/mentor/bookings/{held_hour.id}/no-show").status_code == 409


def test_what_was_not_paid_cannot_be_completed(anns_hour: Booking, browser: Open, stripe: Stripe):
    bobs, anns = browser("bob@example.com"), browser("ann@example.com")
    with nothing_happens(stripe):
        for tail in ("completion", "no-show"):
            assert bobs.post(f"/mentor/bookings/{anns_hour.id}/{tail}").status_code == 409
        assert anns.post(f"/mentee/bookings/{anns_hour.id}/agreement").status_code == 409


def test_amounts_in_the_request_do_not_change_what_is_charged(held_hour: Booking, browser: Open, stripe: Stripe):
    bobs = browser("bob@example.com")
    stripe.wait_until(held_hour.ends_at)
    made_up = {"amount": "1", "amount_to_capture": "1", "price": "99999", "state": "completed", "ended_by": "operator"}
    assert bobs.post(f"/mentor/bookings/{held_hour.id}/completion", made_up).status_code == 302
    assert fresh(held_hour).payment.captured_minor == stripe.intent_of(held_hour).amount_received == 8_000
