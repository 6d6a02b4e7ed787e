"""Giving back what was charged: our own refunds, and those made in Stripe's dashboard; and those that come back.

A refund counts from the moment Stripe has taken it on, also while the mentee's bank has still to confirm it. A bank
can send it back weeks later: then the money is ours again, and a person has to find another way.
"""

from datetime import datetime

from sqlalchemy import select

from app.actions import alarms, contests, endings, labels, ledger, news, operations
from app.actions.orders import KINDS, Kind, Order
from app.actions.transactions import atomically, unbroken
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.gateways.stripe_objects import Refund
from app.kit.errors import Failure, GatewayDown, IllegalMove, Invalid
from app.kit.money import Money
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import UNSETTLED_OPERATION, BookingState, OperationState, Party

KIND, FAILURE = "refund", "refund_failure"
REFUSED = "refund_refused"  # an alarm
GAVE_NOTHING_BACK = ("failed", "canceled")


def give_back(payment: Payment, amount: Money, *, by: Party, because: str, refunded: Money, now: datetime) -> None:
    """Refund some or all of what was charged. ``refunded`` is what the page said had been given back before.

    Raises: Invalid; IllegalMove if that has changed since (a form sent twice refunds once); Busy; GatewayDown.
    """

    @unbroken
    def decided() -> Operation:
        with atomically():
            row = Payment.locked(payment.id)
            if row.refunded != refunded:
                raise IllegalMove(
                    "Something was refunded since you looked. Please read the new figures and decide again."
                )
            return start(row, amount, by=by, because=because, now=now)

    operations.execute(decided().id, now=now)


def start(payment: Payment, amount: Money, *, by: Party, because: str, now: datetime) -> Operation:
    """Write down a refund of ``payment``, which is locked. One of all that is left ends the booking, whatever else
    comes back meanwhile.

    Raises: Invalid if there is not that much left to give back, in that currency; Busy.
    """
    left = payment.left
    if amount.currency != left.currency or not 0 < amount.minor <= left.minor:
        raise Invalid(f"Of this payment, {left} can be refunded.", field="amount")
    return operations.start(
        KIND,
        payment.id,
        by=by,
        now=now,
        amount=amount,
        because=because,
        ends_as=BookingState.CANCELLED if amount == left else None,
        params={
            "payment_intent": payment.intent_id,
            "amount": amount.minor,
            "metadata": {"booking": payment.booking_id, "payment": payment.id},
        },
    )


@unbroken
def learn(refund: Refund, payment_id: str, *, now: datetime) -> bool:
    """Make our rows agree with a refund at Stripe, whoever made it; whether anything changed."""
    with atomically():
        return _agree(Payment.locked(payment_id), refund, now=now)


def _agree(payment: Payment, refund: Refund, *, now: datetime) -> bool:
    """Count a refund once, and take it off once if it came back. The booking stays as it ended then."""
    given = _newly_given(payment, refund, now)
    returned = _newly_returned(payment, refund, now) if refund.status in GAVE_NOTHING_BACK else None
    booking = Booking.locked(payment.booking_id)
    # What was refunded twice because the first came back is, if we learn of it all at once, more than was charged for
    # a moment, which the database would not take.
    with db.session.no_autoflush:
        if given is not None:
            _count(payment, booking, refund.amount, given, now=now)
            has_ended = False
            if given.ends_as or payment.refunded == payment.captured:
                has_ended = endings.end(booking, payment, given.ends_as or BookingState.CANCELLED, given, now=now)
            if not has_ended:
                news.of_refund(booking, payment, refund.amount, given, now=now)
        if returned is not None:
            _count(payment, booking, -refund.amount, returned, now=now)
            news.of_refund_that_came_back(booking, payment, refund.amount, returned, now=now)
            alarms.raise_about(
                FAILURE,
                returned.id,  # another one that comes back is another alarm
                f"{refund.amount} did not reach {booking.mentee.name}: their bank sent the refund back. "
                "Please refund it again or find another way.",
                now=now,
            )
    return given is not None or returned is not None


def _newly_given(payment: Payment, refund: Refund, now: datetime) -> Operation | None:
    """The operation that made the refund, ours or adopted; None if it was counted before."""
    operation = _own(payment, refund)
    if operation is not None and operation.state == OperationState.DONE:
        return None
    if operation is not None and operation.state in UNSETTLED_OPERATION:
        operation.stripe_id = refund.id
        operations.close(operation, OperationState.DONE, now=now)
        return operation
    told, unknown = labels.cause_of(refund.metadata), endings.IN_DASHBOARD
    return operations.adopt(KIND, payment.id, refund.amount, stripe_id=refund.id, because=unknown, cause=told, now=now)


def _newly_returned(payment: Payment, refund: Refund, now: datetime) -> Operation | None:
    return operations.adopt(
        FAILURE, payment.id, refund.amount, stripe_id=refund.id, because=endings.REFUND_CAME_BACK, now=now
    )


def _own(payment: Payment, refund: Refund) -> Operation | None:
    return db.session.scalar(
        select(Operation)
        .where(
            Operation.id == refund.metadata.get("operation", ""),
            Operation.subject == payment.id,
            Operation.kind == KIND,
        )
        .execution_options(populate_existing=True)
    )


def _count(payment: Payment, booking: Booking, amount: Money, operation: Operation, *, now: datetime) -> None:
    """Add ``amount`` to what was refunded, and book it. Payment and booking are locked."""
    before = payment.refunded
    payment.refunded_minor += amount.minor
    ledger.book_refund(
        booking,
        captured=payment.captured,
        before=before,
        after=payment.refunded,
        cleared=payment.cleared_at is not None,
        operation_id=operation.id,
        now=now,
    )
    contests.end_with(booking, payment, by=operation.by, because=operation.because, now=now)


def _send(gateway: StripeGateway, order: Order) -> list[Refund]:
    return [gateway.refund(order.params, order.key)]


def _look_up(gateway: StripeGateway, order: Order) -> list[Refund] | None:
    """All refunds of the payment, oldest first, if this one is among them."""
    refunds = list(reversed(gateway.refunds_of(order.params["payment_intent"])))
    return refunds if any(refund.metadata.get("operation") == order.id for refund in refunds) else None


def _settle(order: Order, refunds: list[Refund], now: datetime) -> bool:
    """Count the refund. If that is more than was charged, an earlier one has come back, of which we have not heard:
    the next try looks at them all.
    """
    payment = Payment.locked(order.subject)
    with db.session.no_autoflush:
        for refund in refunds:
            _agree(payment, refund, now=now)
        if payment.refunded_minor > payment.captured_minor:
            raise GatewayDown("Stripe has refunded more than we know to be left. We look again.")
    return True


def _refuse(order: Order, failure: Failure, now: datetime) -> None:
    """The money stays where it is; the refused operation tells why. If it was decided, a person has to see to it."""
    payment = Payment.locked(order.subject)
    if contests.was_decided(order.id):
        told = (
            f"{order.amount} of {payment.booking_id} were to go back after an objection, and Stripe refused: {failure}"
        )
        alarms.raise_about(REFUSED, order.id, told, now=now)


KINDS[KIND] = Kind(_send, _look_up, _settle, _refuse)
