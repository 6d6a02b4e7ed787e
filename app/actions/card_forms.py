"""The form into which a card is typed: what a browser needs for it, and what came of it."""

from dataclasses import dataclass
from datetime import datetime

from app.actions import payments, saved_cards
from app.actions.transactions import outside
from app.gateways.stripe_gateway import stripe_gateway
from app.gateways.stripe_objects import Intent, Setup
from app.kit.errors import GatewayDown
from app.models.payment import Payment
from app.models.states import PaymentState

WAITS_FOR_CARD = ("requires_payment_method", "requires_confirmation", "requires_action")


@dataclass(frozen=True)
class CardForm:
    """What a browser hands a card to Stripe with (never stored, never logged), and how the last try ended.

    ``only_saves`` the card, and holds nothing. ``is_answered``: the bank has said yes, and we have not heard of it yet.
    """

    client_secret: str
    problem: str | None
    only_saves: bool
    is_answered: bool


def of(payment: Payment) -> CardForm | None:
    """What the pay page needs, asked of Stripe each time; None while Stripe does not answer, or if nothing is due."""
    saves = payment.is_saving_a_card or (payment.state == PaymentState.NEEDS_CARD and payment.authorize_at is not None)
    setup_id = payment.setup_id if saves else None
    intent_id = payment.intent_id if payment.state in payments.NOTHING_HELD and not saves else None
    outside()
    asked: Setup | Intent
    try:
        if setup_id is not None:
            asked = stripe_gateway().setup(setup_id)
        elif intent_id is not None:
            asked = stripe_gateway().intent(intent_id)
        else:
            return None
    except GatewayDown:
        return None
    return CardForm(asked.client_secret, asked.decline_message, saves, is_answered=asked.status not in WAITS_FOR_CARD)


def check(payment: Payment, *, now: datetime) -> bool:
    """Ask Stripe what came of it and make our row agree; whether anything changed. Raises: GatewayDown."""
    if payment.setup_id is not None and (payment.intent_id is None or payment.is_saving_a_card):
        return saved_cards.learn(payment.setup_id, now=now)
    return payments.check(payment, now=now)
