"""A card that is saved for a session which stands already, so that it can move beyond what its hold outlives.

Nothing else changes by that: the money stays held on whatever card it is, and if no card is saved after all, the
session stays where it is.
"""

from datetime import datetime

from app.actions import bookings, holds, operations, reschedules, saved_cards
from app.actions.orders import KINDS, Kind, Order
from app.gateways.stripe_gateway import StripeGateway
from app.gateways.stripe_objects import Setup
from app.kit.errors import Failure, IllegalMove, Invalid
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import Party

SAVE = "save_card_for_move"  # about the booking: whatever is done with its payment meanwhile need not wait for it


def ask(booking: Booking, *, consent: bool, now: datetime) -> None:
    """Begin to ask the mentee for a card: from then on the payment knows its SetupIntent. To do it twice is to do it
    once.

    Raises: Invalid without their consent, IllegalMove if the session needs none (any more), GatewayDown.
    """

    def begin(payment: Payment, booking: Booking) -> Operation | None:
        reschedules.check(booking, now=now)
        if not payment.lacks_a_saved_card:
            raise IllegalMove("A card is saved for this session already.")
        if payment.setup_id is not None:
            return None
        under_way = operations.unsettled(booking.id)
        return under_way or _start(payment, booking, now)

    if not consent:
        raise Invalid("Please agree that we save your card, or keep to the times before.", field="consent")
    operation = bookings.decided(booking.id, begin)
    if operation is not None:
        operations.execute(operation.id, now=now)


def _start(payment: Payment, booking: Booking, now: datetime) -> Operation:
    params = saved_cards.of_setup(booking, payment, customer_id=booking.mentee.stripe_customer_id or "")
    params["metadata"] |= {"authorize_at": holds.authorize_at(booking.starts_at).isoformat()}
    return operations.start(SAVE, booking.id, by=Party.MENTEE, now=now, params=params)


def _send(gateway: StripeGateway, order: Order) -> Setup:
    return gateway.create_setup(order.params, order.key)


def _look_up(gateway: StripeGateway, order: Order) -> Setup | None:
    return gateway.find_setup(order.params["customer"], order.id)


def _settle(order: Order, setup: Setup, now: datetime) -> bool:
    saved_cards.agree(Payment.locked(order.params["metadata"]["payment"]), setup, now=now)
    return True


def _refuse(order: Order, failure: Failure, now: datetime) -> None:
    """Nothing has changed by it."""


KINDS[SAVE] = Kind(_send, _look_up, _settle, _refuse)
