"""Cards that people have kept: Stripe has them, and we ask."""

from datetime import timedelta

import pytest

from app.actions import wallets
from app.kit.errors import GatewayDown, IllegalMove, NotFound
from app.models.mentor import Mentor
from app.models.user import User
from tests import people
from tests.stripe_double import Stripe

FAR = timedelta(days=20)


def keep(user: User, stripe: Stripe, card: str = "pm_card_visa") -> str:
    """Have Stripe keep a card for somebody it knows."""
    return stripe.client.v1.payment_methods.attach(card, {"customer": user.stripe_customer_id}).id


@pytest.fixture
def known_ann(ann: User, bob: Mentor, stripe: Stripe) -> User:
    """Ann has booked before, so that Stripe knows her."""
    people.booked(ann, bob, stripe)
    return User.one(User.id == ann.id)


def test_whoever_has_never_booked_has_no_cards(ann: User, stripe: Stripe):
    assert wallets.cards_of(ann) == []


def test_cards_are_told_by_what_stands_on_them_the_newest_first(known_ann: User, stripe: Stripe):
    keep(known_ann, stripe)
    keep(known_ann, stripe, "pm_card_mastercard")
    assert [card.name for card in wallets.cards_of(known_ann)] == ["Mastercard ·· 4444", "Visa ·· 4242"]


def test_a_removed_card_is_gone_at_stripe_too(known_ann: User, stripe: Stripe):
    card = keep(known_ann, stripe)
    assert wallets.remove(known_ann, card).name == "Visa ·· 4242"
    assert wallets.cards_of(User.one(User.id == known_ann.id)) == []
    assert stripe.client.v1.payment_methods.retrieve(card).customer is None
    with pytest.raises(NotFound):
        wallets.remove(User.one(User.id == known_ann.id), card)


def test_someone_elses_card_is_not_there(known_ann: User, bob: Mentor, stripe: Stripe):
    card = keep(known_ann, stripe)
    cho = people.person("Cho")
    people.booked(cho, bob, stripe, starts_at=people.TOMORROW_AT_TEN + 3 * people.HOUR, key="chos-own-booking-with-bob")
    with pytest.raises(NotFound):
        wallets.remove(User.one(User.id == cho.id), card)
    assert len(wallets.cards_of(User.one(User.id == known_ann.id))) == 1


def test_a_card_on_which_a_session_counts_stays_until_it_is_held(ann: User, bob: Mentor, stripe: Stripe):
    hour = people.saved(people.booked(ann, bob, stripe, starts_at=people.TOMORROW_AT_TEN + FAR), stripe)
    (card,) = wallets.cards_of(User.one(User.id == ann.id))
    assert card.id == hour.payment.method_id
    with pytest.raises(IllegalMove, match="Review of my parser"):
        wallets.remove(User.one(User.id == ann.id), card.id)
    assert len(wallets.cards_of(User.one(User.id == ann.id))) == 1


def test_while_stripe_does_not_answer_a_card_can_still_be_typed(known_ann: User, stripe: Stripe):
    keep(known_ann, stripe)
    stripe.fail_next("error_500_unsaved", "*/payment_methods", method="GET", count=4)
    with pytest.raises(GatewayDown):
        wallets.cards_of(known_ann)
    assert wallets.offered_to(User.one(User.id == known_ann.id)) == []
