"""The hold that is planned for a payment whose card is saved: when the card is asked, and when that is given up."""

from datetime import datetime

from app.actions import deadlines, holds
from app.kit.errors import IllegalMove, Unexplained
from app.models.booking import Booking
from app.models.payment import Payment
from app.models.states import Party, PaymentState


def plan(payment: Payment, booking: Booking, authorize_at: datetime) -> None:
    """Have the saved card asked then, or given up in time. Inside a transaction, which locked both."""
    due = {deadlines.AUTHORIZE: authorize_at, deadlines.GIVE_UP: holds.give_up_at(booking.starts_at)}
    deadlines.put_all(payment.id, due)


def move_along(payment: Payment, booking: Booking, *, now: datetime) -> None:
    """Have the saved card asked in time for when the session is held now. Inside a transaction, which locked both.

    Raises: IllegalMove if there is no time left for that.
    """
    if holds.give_up_at(booking.starts_at) <= now:
        raise IllegalMove("There would be no time left to reserve the price on the card. Please pick a later one.")
    payment.authorize_at, payment.decline_message = max(now, holds.authorize_at(booking.starts_at)), None
    deadlines.lift_all(deadlines.OF_SAVED_CARDS, payment.id)
    plan(payment, booking, payment.authorize_at)


def take_the_place(payment: Payment, booking: Booking, *, by: Party, now: datetime) -> str:
    """Let a plan stand where a hold stood that ends too early. Inside a transaction, which locked both.

    Returns the PaymentIntent that is not the payment's any more, for the caller to let go of. Raises: IllegalMove.
    """
    older = payment.intent_id
    if older is None or payment.method_id is None or payment.setup_id is None:
        raise Unexplained(f"{payment.id} has no card to stand in for its hold.")
    move_along(payment, booking, now=now)
    deadlines.lift(deadlines.RELEASE, payment.id)
    payment.intent_id, payment.charge_id = None, None
    payment.authorized_minor, payment.capture_before, payment.release_at = 0, None, None
    payment.card_brand, payment.card_last4 = None, None  # it may be another one that was saved
    payment.move_to(PaymentState.CARD_SAVED, now=now, by=by)
    return older
