"""What every answer tells the browser."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from app import create_app
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User
from config import STRIPE_API
from tests.apart import apart
from tests.conftest import settings_for
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]


@pytest.fixture
def https(database_url: str, stripe: Stripe, app: Flask) -> Iterator[Flask]:
    """The application as it runs for real: with Stripe's own address, and behind TLS."""
    settings = settings_for(database_url, https=True, stripe_api=STRIPE_API)
    gateway = StripeGateway(
        settings.stripe_secret_key, api=settings.stripe_api, http_client=InProcessClient(stripe.simulator)
    )
    made = create_app(settings, gateway=gateway)
    clock.use(stripe.now)
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def test_no_page_may_be_framed_sniffed_or_kept(
    held_hour: Booking, olga: User, browser: Open, subtests: pytest.Subtests
):
    nobody, anns, bobs, olgas = browser(), *(browser(f"{name}@example.com") for name in ("ann", "bob", "olga"))
    for who, path, status in (
        (nobody, "/", 200),
        (nobody, f"/mentors/{held_hour.mentor.id}", 200),
        (nobody, "/log-in", 200),
        (nobody, "/sign-up", 200),
        (nobody, "/mentee/", 302),
        (nobody, "/nowhere", 404),
        (nobody, "/log-out", 405),
        (nobody, "/healthz", 200),
        (nobody, "/readyz", 200),
        (anns, "/account", 200),
        (anns, "/mentee/", 200),
        (anns, f"/mentee/bookings/{held_hour.id}", 200),
        (anns, f"/mentee/bookings/{held_hour.id}/payment", 302),
        (anns, f"/mentee/bookings/{held_hour.id}/cancellation", 200),
        (bobs, "/mentor/", 200),
        (bobs, "/mentor/profile", 200),
        (bobs, "/mentor/availability", 200),
        (olgas, "/operator/", 200),
    ):
        with subtests.test(path):
            answer = who.get(path)
            assert answer.status_code == status
            policy = answer.headers["Content-Security-Policy"]
            for promise in (
                "default-src 'none'",
                "script-src 'self';",
                "connect-src 'self'",
                "frame-ancestors 'none'",
                "form-action 'self'",
                "base-uri 'none'",
            ):
                assert promise in policy
            assert "stripe" not in policy
            assert "unsafe" not in policy
            assert "12111" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert "Strict-Transport-Security" not in answer.headers
            assert "<script>" not in answer.text
            assert " style=" not in answer.text
            assert " onclick=" not in answer.text


def test_files_are_not_sniffed_either(browser: Open):
    answer = browser().get("/static/css/app.css")
    answer.close()
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age" in answer.headers["Cache-Control"]


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Open, ann: User):
    nobody = browser()
    nobody.get("/log-in")
    answer = nobody.post("/log-in", {"email": "ann@example.com", "password": "correct horse battery"})
    cookies = answer.headers.getlist("Set-Cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == ["session"]
    assert "HttpOnly" in cookies[0]
    assert "SameSite=Lax" in cookies[0]
    assert "Secure" not in cookies[0]


def test_with_https_the_cookie_is_secure_and_the_browser_stays_with_https(browser: Open, ann: User, https: Flask):
    anns = browser(of=https)
    answer = anns.get("/log-in")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    anns.get("/log-in")
    answer = anns.send("Log in", email="ann@example.com", password="correct horse battery")
    assert answer.status_code == 302
    assert all("Secure" in cookie for cookie in answer.headers.getlist("Set-Cookie"))
    assert anns.get("/mentee/").status_code == 200


def test_with_https_a_form_from_elsewhere_is_refused(browser: Open, ann: User, https: Flask):
    anns = browser("ann@example.com", of=https)
    anns.get("/account")
    answer = anns.post("/account", {"name": "Eve"}, headers={"Referer": "https://evil.example/"})
    assert answer.status_code == 400


def test_with_real_keys_the_pay_page_and_only_it_lets_stripe_in(
    anns_hour: Booking, bob: Mentor, browser: Open, https: Flask
):
    anns = browser("ann@example.com", of=https)
    paying = anns.get(f"/mentee/bookings/{anns_hour.id}/payment")
    policy = paying.headers["Content-Security-Policy"]
    assert "script-src 'self' https://js.stripe.com https://*.js.stripe.com;" in policy
    assert "connect-src 'self' https://api.stripe.com" in policy
    assert "https://hooks.stripe.com" in policy
    assert 'src="https://js.stripe.com/v3/"' in paying.text
    assert "Simulated payments" not in anns.words
    assert "4242 4242" not in anns.words
    for path in (f"/mentee/bookings/{anns_hour.id}", "/"):
        assert "stripe" not in anns.get(path).headers["Content-Security-Policy"]


def test_while_payments_are_simulated_every_page_says_so(anns_hour: Booking, browser: Open):
    anns = browser("ann@example.com")
    for path in ("/", "/account", "/mentee/", f"/mentee/bookings/{anns_hour.id}/payment", "/nowhere"):
        anns.get(path)
        assert "Simulated payments. No real money." in anns.words, path


def test_the_live_client_secret_is_not_on_any_other_page(anns_hour: Booking, browser: Open, stripe: Stripe):
    secret = stripe.intent_of(anns_hour).client_secret
    for person, paths in (
        ("ann", ["/mentee/", f"/mentee/bookings/{anns_hour.id}", f"/mentee/bookings/{anns_hour.id}/payment/return"]),
        ("bob", ["/mentor/", f"/mentor/bookings/{anns_hour.id}"]),
    ):
        theirs = browser(f"{person}@example.com")
        for path in paths:
            assert secret not in apart(theirs.client.get, path).text, path
