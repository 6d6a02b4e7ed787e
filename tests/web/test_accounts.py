"""Signing up, logging in and out, and in whose time the pages speak."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.extensions import db
from app.kit import clock
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User
from tests.conftest import settings_for
from tests.people import PASSWORD
from tests.stripe_double import Stripe
from tests.web.conftest import Browser
from tests.web.effects import nothing_happens

Open = Callable[..., Browser]

EVE = {"name": "Eve", "email": "eve@example.com", "password": "a few random words", "time_zone": "Europe/Oslo"}


def eve() -> User | None:
    db.session.rollback()
    db.session.expire_all()
    return User.with_email("eve@example.com")


def test_eve_signs_up_and_is_welcome(browser: Open, app: Flask):
    eves = browser()
    eves.get("/sign-up?next=/mentee/")
    eves.press(
        "Create my account", **{**EVE, "email": " Eve@EXAMPLE.com "}, is_operator="1", stripe_customer_id="cus_1"
    )
    assert eves.address == "/mentee/"
    assert "Welcome, Eve." in eves.words
    assert "Times in Europe/Oslo" in eves.words
    made = eve()
    assert made is not None
    assert (made.is_operator, made.is_mentor, made.stripe_customer_id) == (False, False, None)
    assert "a few random words" not in made.password_hash


def test_what_cannot_be_a_log_in_is_answered_and_kept(
    browser: Open, ann: User, stripe: Stripe, subtests: pytest.Subtests
):
    eves = browser()
    wrong = [
        ({"name": ""}, "Please fill this in."),
        ({"name": "x" * 81}, "At most 80 characters"),
        ({"name": "x" * 65_536}, "At most 80 characters"),
        ({"name": "Eve\r\nBcc: all@example.com"}, "a character that cannot be shown"),
        ({"name": "\u202eevE"}, "a character that cannot be shown"),
        ({"name": "E\0ve"}, "a character that cannot be shown"),
        ({"email": ""}, "Please fill this in."),
        ({"email": "eve"}, "e-mail address like"),
        ({"email": "eve@"}, "e-mail address like"),
        ({"email": "eve@example.com\r\nBcc: x@example.com"}, "e-mail address like"),
        ({"email": "ev\0e@example.com"}, "e-mail address like"),
        ({"email": "Eve <eve@example.com>"}, "e-mail address like"),
        ({"email": "e" * 300 + "@example.com"}, "e-mail address like"),
        ({"email": "ANN@example.com"}, "This address has a log-in already."),
        ({"password": ""}, "Please choose a password."),
        ({"password": "short"}, "10 to 128 characters"),
        ({"password": "x" * 129}, "10 to 128 characters"),
        ({"time_zone": "Mars/Olympus"}, "Not a valid choice"),
        ({"time_zone": "../../etc/passwd"}, "Not a valid choice"),
        ({"time_zone": ""}, "required"),
        ({"name": " \u3000"}, "Please fill this in."),
    ]
    with nothing_happens(stripe):
        for typed, said in wrong:
            with subtests.test(repr(typed)[:60]):
                eves.get("/sign-up")
                answer = eves.send("Create my account", **{**EVE, **typed})
                assert answer.status_code == 422
                assert said in eves.words
                shown = eves.form("Create my account").fields
                assert shown["password"] == "", "a password is never sent back"
                if "email" not in typed:
                    assert shown["email"] == "eve@example.com"


def test_a_wrong_password_and_an_unknown_address_have_the_same_answer(browser: Open, ann: User):
    nobody, heard = browser(), []
    for email in ("ann@example.com", "nobody@example.com"):
        nobody.get("/log-in")
        answer = nobody.send("Log in", email=email, password="not the password")
        heard.append((answer.status_code, nobody.words))
    assert heard[0] == heard[1]
    assert heard[0][0] == 422
    assert "The address and the password do not belong together." in heard[0][1]


def test_addresses_that_cannot_be_do_not_log_in(browser: Open, ann: User, subtests: pytest.Subtests):
    nobody = browser()
    nobody.get("/log-in")
    form = nobody.form("Log in")
    for email in ("ann\0@example.com", "ann@example.com\0", "' OR 1=1 --", "é" * 200, "\ufdfa" * 200):
        with subtests.test(repr(email)[:40]):
            assert nobody.submit(form, "Log in", email=email, password=PASSWORD).status_code == 422
    assert nobody.get("/mentee/").status_code == 302, "nobody is logged in"


def test_an_address_is_known_in_capitals_too(browser: Open, ann: User):
    assert browser("ANN@Example.com").get("/mentee/").status_code == 200


def test_a_log_in_begins_a_session_of_its_own(browser: Open, ann: User):
    anns = browser()
    anns.get("/sign-up")
    before = anns.form("Create my account").fields["csrf_token"]
    anns.log_in("ann@example.com")
    assert anns.post("/account", {"csrf_token": before}).status_code == 400, "what was planted before is worth nothing"


def test_ann_logs_out(browser: Open, ann: User):
    anns = browser("ann@example.com")
    anns.get("/")
    anns.press("Log out")
    assert "Log in" in anns.words
    assert anns.get("/mentee/").location == "/log-in?next=/mentee/"


def test_a_session_that_was_tampered_with_is_nobodys(browser: Open, ann: User):
    anns = browser("ann@example.com")
    cookie = anns.client.get_cookie("session")
    assert cookie is not None
    for forged in (cookie.value[:-3] + "abc", "", "x" * 4_000, "eyJfdXNlcl9pZCI6ICJ1c18xIn0.x.y"):
        anns.client.set_cookie("session", forged)
        assert anns.get("/mentee/").status_code == 302, forged[:40]


def test_settings_are_saved_and_the_zone_is_shown(browser: Open, ann: User):
    anns = browser("ann@example.com")
    anns.get("/account")
    assert "Times in Asia/Tokyo" in anns.words
    anns.press("Save", name="Ann B.", time_zone="America/New_York")
    assert "Saved." in anns.words
    assert "Times in America/New_York" in anns.words
    again = browser("ann@example.com")
    again.get("/account")
    assert "Times in America/New_York" in again.words
    assert again.form("Save").fields["name"] == "Ann B."


def test_settings_that_cannot_be_are_refused(browser: Open, ann: User, subtests: pytest.Subtests):
    anns = browser("ann@example.com")
    anns.get("/account")
    form = anns.form("Save")
    for typed in ({"name": ""}, {"name": "x" * 81}, {"name": "\0"}, {"time_zone": "Mars"}, {"time_zone": "\0"}):
        with subtests.test(repr(typed)[:40]):
            assert anns.submit(form, "Save", **typed, email="eve@example.com", is_operator="1").status_code == 422
    db.session.rollback()
    db.session.expire_all()
    assert (ann.name, ann.time_zone, ann.email, ann.is_operator) == ("Ann", "Asia/Tokyo", "ann@example.com", False)


def test_a_visitors_zone_is_remembered_and_slots_are_shown_in_it(browser: Open, bob: Mentor):
    someone = browser()
    someone.get(f"/mentors/{bob.id}")
    assert "Times in UTC" in someone.words
    someone.click("(change)")
    someone.press("Show times in this zone", zone="Asia/Kathmandu")
    assert someone.address == f"/mentors/{bob.id}"
    assert "Times in Asia/Kathmandu" in someone.words
    assert "Next free: Mon 1 Jun, 14:45" in someone.words, "five hours and three quarters east of nine o'clock"


def test_there_is_no_such_zone(browser: Open, app: Flask, subtests: pytest.Subtests):
    someone = browser()
    for made_up in ("", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "UTC\0", "x" * 9_000, "europe/paris"):
        with subtests.test(made_up[:20]):
            assert someone.post("/time-zone", {"zone": made_up}).status_code == 422
            assert "There is no such time zone." in someone.words


def test_the_other_sides_time_stands_in_small_print(held_hour: Booking, browser: Open):
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    anns.get(f"/mentee/bookings/{held_hour.id}")
    assert "Tue 2 Jun 2026, 19:00 Tue 2 Jun, 12:00 for Bob (Berlin)" in anns.words
    bobs.get(f"/mentor/bookings/{held_hour.id}")
    assert "Tue 2 Jun 2026, 12:00 Tue 2 Jun, 19:00 for Ann (Tokyo)" in bobs.words


@pytest.fixture
def throttled(database_url: str, stripe: Stripe, ann: User) -> Iterator[Flask]:
    """The application as it runs for real: with limits."""
    made = create_app(settings_for(database_url, rate_limits=True))
    clock.use(stripe.now)
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def test_guessing_a_password_is_stopped_after_five_tries_even_with_the_right_one(browser: Open, throttled: Flask):
    guesser = browser(of=throttled)
    guesser.get("/log-in")
    form = guesser.form("Log in")

    def guess(**typed: Any) -> int:
        return guesser.submit(form, "Log in", **typed).status_code

    assert [guess(email="ann@example.com", password=f"guess {n}") for n in range(5)] == [422] * 5
    assert guess(email=" ANN@example.com", password=PASSWORD) == 429
    assert "Too many attempts Please wait a minute and try again." in guesser.words
    assert int(guesser.answer.headers["Retry-After"]) > 0
    assert [guess(email=f"p{n}@example.com", password="x") for n in range(6)][-1] == 429, "ten for one caller"
