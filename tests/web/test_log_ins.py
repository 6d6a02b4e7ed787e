"""Log-ins that run out, forms that outlive them, and links that lead out of the house."""

from collections.abc import Callable
from random import Random
from urllib.parse import quote

import pytest
from flask import Flask

from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User
from tests.people import PASSWORD
from tests.stripe_double import Stripe
from tests.web.conftest import Browser
from tests.web.effects import nothing_happens

Open = Callable[..., Browser]

TEN = "2026-06-02T10:00:00Z"
LONG = "".join(Random(7).choices([chr(n) for n in range(0x4E00, 0x9FFF)], k=1_000))  # no packing makes it small


def typing(who: Browser, bob: Mentor) -> Browser:
    who.get(f"/mentee/bookings/new?mentor={bob.id}&minutes=60&starts_at={TEN}")
    return who


@pytest.mark.parametrize("description", ["It took me an hour.\r\nReally.", LONG], ids=["short", "long"])
def test_text_typed_while_the_log_in_ran_out_is_in_the_form_again(
    browser: Open, ann: User, bob: Mentor, stripe: Stripe, description: str
):
    anns = typing(browser("ann@example.com"), bob)
    with nothing_happens(stripe):
        anns.forget()
        anns.press("Keep this time", title="A parser", description=description)
        assert "Please log in to go on." in anns.words
        anns.press("Log in", email="ann@example.com", password=PASSWORD)
    kept = anns.form("Keep this time").fields
    assert kept["title"] == "A parser"
    assert kept["description"].replace("\r\n", "\n") == description.replace("\r\n", "\n")
    assert (kept["mentor"], kept["minutes"], kept["starts_at"]) == (bob.id, "60", TEN)
    anns.press("Keep this time")
    assert anns.address.endswith("/payment")
    assert len(stripe.intents()) == 1


def test_text_beyond_all_limits_does_not_stand_in_the_way_of_the_log_in(browser: Open, ann: User, bob: Mentor):
    anns = typing(browser("ann@example.com"), bob)
    anns.forget()
    anns.press("Keep this time", title=LONG, description=LONG[::-1])
    anns.press("Log in", email="ann@example.com", password=PASSWORD)
    assert anns.form("Keep this time").fields["description"] == LONG[::-1]


def test_text_typed_while_the_log_in_ran_out_survives_that_the_time_is_taken_meanwhile(
    browser: Open, ann: User, cho: User, bob: Mentor, stripe: Stripe
):
    anns, chos = typing(browser("ann@example.com"), bob), typing(browser("cho@example.com"), bob)
    anns.forget()
    anns.press("Keep this time", title="A parser", description="It took me an hour.")
    chos.press("Keep this time", title="Mine")
    assert anns.press("Log in", email="ann@example.com", password=PASSWORD).status_code == 409
    assert "That time was just taken" in anns.words
    assert anns.form("Take Tue 2 Jun").fields["description"] == "It took me an hour."


def test_completing_after_the_log_in_ran_out_leads_back_to_the_booking_and_charges_nothing(
    held_hour: Booking, browser: Open, stripe: Stripe
):
    bobs = browser("bob@example.com")
    stripe.wait_until(held_hour.ends_at)
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    with nothing_happens(stripe):
        bobs.forget()
        bobs.press("Complete session")
        bobs.press("Log in", email="bob@example.com", password=PASSWORD)
    assert bobs.address == f"/mentor/bookings/{held_hour.id}"
    bobs.press("Complete session")
    assert "Completed." in bobs.words


def test_whatever_a_browser_says_where_it_came_from_it_is_asked_to_log_in(
    browser: Open, held_hour: Booking, subtests: pytest.Subtests
):
    for came_from in ("http://[", "http://localhost//evil.example", "http://evil.example/mentee/", ""):
        with subtests.test(came_from):
            nobody = browser()
            answer = nobody.post(f"/mentor/bookings/{held_hour.id}/completion", headers={"Referer": came_from})
            assert answer.status_code == 302
            nobody.get(answer.location)
            nobody.press("Log in", email="bob@example.com", password=PASSWORD)
            assert nobody.address == "/"


def test_a_form_without_its_token_is_refused(
    held_hour: Booking, browser: Open, stripe: Stripe, subtests: pytest.Subtests
):
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    stripe.wait_until(held_hour.ends_at)
    with nothing_happens(stripe):
        for who, path in (
            (anns, "/mentee/bookings"),
            (anns, f"/mentee/bookings/{held_hour.id}/cancellation"),
            (anns, f"/mentee/bookings/{held_hour.id}/payment/check"),
            (anns, f"/mentee/bookings/{held_hour.id}/agreement"),
            (anns, "/account"),
            (anns, "/log-out"),
            (anns, "/time-zone"),
            (bobs, f"/mentor/bookings/{held_hour.id}/completion"),
            (bobs, f"/mentor/bookings/{held_hour.id}/no-show"),
            (bobs, "/mentor/profile"),
            (bobs, "/mentor/availability"),
        ):
            for token in ("", "x", "\0"):
                with subtests.test(f"{path} {token!r}"):
                    assert who.post(path, {"csrf_token": token, "quoted": "8000-0-0"}).status_code == 400
                    assert "This page was open for too long" in who.words
                    assert "Nothing was charged or changed." in who.words
    assert "Ann" in anns.words, "she is still logged in"


def test_a_form_of_ann_that_cho_sends_is_refused(browser: Open, ann: User, cho: User, bob: Mentor, stripe: Stripe):
    shared = typing(browser("ann@example.com"), bob)
    anns_form = shared.form("Keep this time")
    shared.get("/")
    shared.press("Log out")
    shared.log_in("cho@example.com")
    with nothing_happens(stripe):
        assert shared.submit(anns_form, "Keep this time", title="A parser").status_code == 400
    assert "Your log-in has changed since it was loaded." in shared.words


EVIL = (
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/\r\n/evil.example",
    "\x01//evil.example",
    " //evil.example",
    "evil.example",
    "/\0",
    "\\\\evil.example",
    "///evil.example",
)


@pytest.mark.parametrize("door", ["log-in", "sign-up", "time-zone"])
def test_no_link_leads_out_of_the_house(browser: Open, ann: User, door: str, subtests: pytest.Subtests):
    people = browser("ann@example.com") if door == "time-zone" else browser()
    for n, target in enumerate(EVIL):
        with subtests.test(repr(target)):
            if door == "time-zone":
                answer = people.post("/time-zone", {"zone": "Europe/Paris", "next": target})
            elif door == "log-in":
                people.forget()
                people.get(f"/log-in?next={quote(target)}")
                answer = people.send("Log in", email="ann@example.com", password=PASSWORD)
            else:
                people.forget()
                people.get(f"/sign-up?next={quote(target)}")
                answer = people.send("Create my account", name="Eve", email=f"eve{n}@example.com", password=PASSWORD)
            assert (answer.status_code, answer.location) == (302, "/")


def test_the_choice_of_a_zone_leads_back_into_the_house(browser: Open, app: Flask, subtests: pytest.Subtests):
    someone = browser()
    for target in EVIL:
        with subtests.test(repr(target)):
            someone.get(f"/time-zone?next={quote(target)}")
            assert someone.form("Show times in this zone").fields["next"] == "/"
            assert {href for words, href in someone.page.links if words.startswith("Keep")} == {"/"}


def test_whoever_is_logged_in_already_is_not_led_out_either(browser: Open, ann: User, subtests: pytest.Subtests):
    anns = browser("ann@example.com")
    for door in ("log-in", "sign-up"):
        for target in EVIL:
            with subtests.test(f"{door} {target!r}"):
                assert anns.get(f"/{door}?next={quote(target)}").location == "/"
        assert anns.get(f"/{door}?next=/mentee/").location == "/mentee/"


def test_methods_that_a_page_does_not_have_are_refused(
    held_hour: Booking, browser: Open, stripe: Stripe, app: Flask, subtests: pytest.Subtests
):
    bobs = browser("bob@example.com")
    bobs.get("/mentor/")
    with nothing_happens(stripe):
        for path, allowed in (
            (f"/mentor/bookings/{held_hour.id}/completion", "POST"),
            (f"/mentor/bookings/{held_hour.id}", "GET"),
            ("/mentee/bookings", "POST"),
            ("/log-out", "POST"),
            ("/webhooks/stripe", "POST"),
            ("/", "GET"),
        ):
            refused = ["PUT", "DELETE", "PATCH"] + (["GET", "HEAD"] if allowed == "POST" else ["POST"])
            for method in refused:
                with subtests.test(f"{method} {path}"):
                    answer = bobs.client.open(path, method=method)
                    assert answer.status_code == 405
        head = bobs.client.head(f"/mentor/bookings/{held_hour.id}")
        assert (head.status_code, head.data) == (200, b"")


def test_a_refused_method_comes_with_those_that_work(browser: Open):
    assert "POST" in browser().get("/log-out").headers.get("Allow", "")


def test_what_is_too_large_is_refused(browser: Open, ann: User, bob: Mentor, stripe: Stripe):
    anns = typing(browser("ann@example.com"), bob)
    form = anns.form("Keep this time")
    with nothing_happens(stripe):
        assert anns.submit(form, "Keep this time", title="x" * 300_000).status_code == 413
        assert "What you sent is larger than we accept." in anns.words
        anns.forget()
        assert anns.submit(form, "Keep this time", title="x" * 300_000).status_code == 413
