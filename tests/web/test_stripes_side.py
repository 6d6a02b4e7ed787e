"""The way from our pages to Stripe's own."""

from tests.conftest import settings_for


def test_the_banner_leads_to_the_simulators_dashboard(browser):
    assert 'href="http://127.0.0.1:12111/"' in browser().get("/").text


def test_an_operator_goes_from_a_booking_to_its_payment_at_stripe(browser, olga, held_hour, stripe):
    intent = stripe.intent_of(held_hour).id
    page = browser("olga@example.com").get(f"/operator/bookings/{held_hour.id}").text
    assert f'href="http://127.0.0.1:12111/dashboard/{intent}"' in page
    assert "dashboard" not in browser("bob@example.com").get(f"/mentor/bookings/{held_hour.id}").text


def test_with_real_keys_it_is_the_real_dashboard_of_the_same_mode():
    real = {"stripe_api": "https://api.stripe.com"}
    live = {"stripe_secret_key": "sk_live_x", "stripe_publishable_key": "pk_live_x", "https": True}
    assert settings_for("sqlite://", **real).dashboard_of("pi_1") == "https://dashboard.stripe.com/test/payments/pi_1"
    assert (
        settings_for("sqlite://", **real, **live).dashboard_of("pi_1") == "https://dashboard.stripe.com/payments/pi_1"
    )
