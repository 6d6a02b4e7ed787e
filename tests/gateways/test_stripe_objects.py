"""What Stripe says is read as it is, also where it is not what we asked for."""

from typing import Any

import pytest
import stripe

from app.gateways.stripe_objects import Charge

CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "status": "succeeded",
    "created": 1_780_000_000,
    "amount_refunded": 0,
    "currency": "eur",
}


def charge_paid_by(details: dict[str, Any] | None) -> Charge:
    return Charge.of(stripe.Charge.construct_from(CHARGE | {"payment_method_details": details}, "sk_test_1"))


def test_a_card_tells_its_brand_and_when_the_hold_ends():
    charge = charge_paid_by(
        {"type": "card", "card": {"brand": "visa", "last4": "4242", "capture_before": 1_780_500_000}}
    )
    assert (charge.card_brand, charge.card_last4) == ("visa", "4242")
    assert charge.capture_before is not None


@pytest.mark.parametrize(
    "details", [{"type": "klarna", "klarna": {"payment_method_category": "pay_later"}}, {"type": "link"}, None], ids=str
)
def test_what_was_paid_in_another_way_has_no_card(details: dict[str, Any] | None):
    charge = charge_paid_by(details)
    assert (charge.card_brand, charge.card_last4, charge.capture_before) == (None, None, None)
