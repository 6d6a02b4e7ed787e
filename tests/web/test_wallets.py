"""Saved cards as their owner sees them."""

from collections.abc import Callable

from app.models.booking import Booking
from app.models.user import User
from tests.people import fresh
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]


def keep(user_id: str, stripe: Stripe) -> str:
    customer = User.one(User.id == user_id).stripe_customer_id
    return stripe.client.v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id


def test_ann_looks_at_her_cards_and_removes_one(anns_hour: Booking, browser: Open, stripe: Stripe):
    card = keep(anns_hour.mentee_id, stripe)
    anns = browser("ann@example.com")
    anns.get("/account")
    anns.click("Saved cards")
    assert "Visa ·· 4242" in anns.words
    anns.press("Remove")
    assert "Visa ·· 4242 is removed." in anns.words
    assert "No saved cards" in anns.words
    assert anns.post(f"/account/cards/{card}/removal").status_code == 404


def test_a_card_that_was_kept_is_offered_where_the_next_one_would_be_typed(
    anns_hour: Booking, browser: Open, stripe: Stripe
):
    card = keep(anns_hour.mentee_id, stripe)
    anns = browser("ann@example.com")
    answer = anns.get(f"/mentee/bookings/{anns_hour.id}/payment")
    assert f'data-card="{card}"' in answer.text
    assert "Reserve €80.00 on Visa ·· 4242" in anns.words


def test_to_pay_with_it_is_one_call_of_the_browsers(anns_hour: Booking, browser: Open, stripe: Stripe):
    card = keep(anns_hour.mentee_id, stripe)
    stripe.pay(anns_hour, card)
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{anns_hour.id}/payment/return")
    anns.post(f"/mentee/bookings/{anns_hour.id}/payment/check")
    assert fresh(anns_hour).payment.card_last4 == "4242"
    assert fresh(anns_hour).state == "confirmed"


def test_without_stripe_the_page_says_so_and_loses_nothing(anns_hour: Booking, browser: Open, stripe: Stripe):
    keep(anns_hour.mentee_id, stripe)
    anns = browser("ann@example.com")
    stripe.fail_next("error_500_unsaved", "*/payment_methods", method="GET", count=2)
    anns.get("/account/cards/")
    assert "Your cards are as they were" in anns.words
    anns.get("/account/cards/")
    assert "Visa ·· 4242" in anns.words
