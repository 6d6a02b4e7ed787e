"""The cards that Stripe keeps for a person, with their consent: to be used again, or removed. We have no copy."""

from collections.abc import Sequence

from sqlalchemy import select

from app.actions.transactions import outside
from app.extensions import db
from app.gateways.stripe_gateway import stripe_gateway
from app.gateways.stripe_objects import Card
from app.kit.errors import GatewayDown, IllegalMove, NotFound
from app.models.booking import Booking
from app.models.payment import Payment
from app.models.states import PaymentState
from app.models.user import User


def cards_of(user: User) -> Sequence[Card]:
    """The newest first. Raises: GatewayDown."""
    customer_id = user.stripe_customer_id
    outside()
    return stripe_gateway().cards_of(customer_id) if customer_id is not None else []


def offered_to(user: User) -> Sequence[Card]:
    """The same for a page on which a card can be typed, too: none while Stripe does not answer."""
    try:
        return cards_of(user)
    except GatewayDown:
        return []


def remove(user: User, method_id: str) -> Card:
    """Have Stripe forget a card, at once; to do it twice does no more.

    Raises: NotFound, also for someone else's; IllegalMove while a session counts on it; GatewayDown.
    """
    user_id = user.id
    card = next((card for card in cards_of(user) if card.id == method_id), None)
    if card is None:
        raise NotFound
    session = _session_that_counts_on(user_id, method_id)
    if session is not None:
        raise IllegalMove(
            f"“{session}” is to be reserved on this card. Cancel that session first, or use the card there."
        )
    stripe_gateway().forget_card(method_id)
    return card


def _session_that_counts_on(user_id: str, method_id: str) -> str | None:
    counting = (
        select(Booking.title)
        .join(Payment, Payment.booking_id == Booking.id)
        .where(Booking.mentee_id == user_id, Payment.is_in(PaymentState.CARD_SAVED), Payment.method_id == method_id)
        .order_by(Booking.starts_at)
        .limit(1)
    )
    title = db.session.scalar(counting)
    outside()
    return title
