"""Calling a booking off: what it would do to the money, and doing just that."""

from dataclasses import dataclass
from datetime import datetime

from app.actions import bookings, endings, ledger, operations, payments, refunds, trials
from app.kit import policy
from app.kit.errors import IllegalMove
from app.kit.money import Money
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, Party, PaymentState


@dataclass(frozen=True)
class Quote:
    """What cancelling would do to the money: ``released`` was only held, ``refunded`` had been charged.

    ``charged`` is what the mentee pays in the end, ``earned`` what of that the mentor gets.
    """

    released: Money
    refunded: Money
    charged: Money
    earned: Money
    is_trial: bool = False

    @property
    def sentence(self) -> str:
        if self.is_trial:
            return "It is a free trial: nothing is charged."
        if self.charged and self.released:
            return f"It is late: {self.charged} of the reservation is charged, and the other {self.released} released."
        if self.charged:
            return f"It is late: the whole {self.charged} that is reserved is charged."
        if self.refunded:
            return f"The whole {self.refunded} is refunded to the card; banks take 5 to 10 days to show it."
        if self.released:
            return f"The reservation of {self.released} is released and nothing is charged."
        return "Nothing is reserved on a card yet, and nothing is charged."

    @property
    def token(self) -> str:
        """What the page shows, in short: posted back, it tells whether the facts have changed since."""
        return f"{self.released.minor}-{self.refunded.minor}-{self.charged.minor}"


def quote(booking: Booking, *, by: Party, now: datetime) -> Quote:
    """What cancelling now would do to the money. Raises: IllegalMove if it cannot be cancelled (any more)."""
    check(booking, by=by, now=now)
    payment = booking.payment
    nothing = Money(0, booking.currency)
    if payment is None or payment.state in payments.NOTHING_HELD:
        return Quote(nothing, nothing, nothing, nothing, is_trial=booking.is_trial)
    if payment.state == PaymentState.CAPTURED:
        return Quote(nothing, payment.captured - payment.refunded, nothing, nothing)
    stands = booking.state == BookingState.CONFIRMED
    is_late = stands and by == Party.MENTEE and booking.free_until is not None and now > booking.free_until
    fee = booking.late_fee if is_late else nothing
    commission = ledger.commission_of(fee, nothing, booking.commission_bps)
    return Quote(payment.authorized - fee, nothing, charged=fee, earned=fee - commission)


def check(booking: Booking, *, by: Party, now: datetime) -> None:
    """Raises: IllegalMove with the reason if ``by`` cannot cancel the booking now."""
    booking.check_move(BookingState.CANCELLED)
    if booking.state == BookingState.CONFIRMED and by == Party.MENTEE and now >= booking.starts_at:
        raise IllegalMove("The session has started. If it does not take place, nothing will be charged.")
    if booking.state == BookingState.COMPLETED and booking.is_trial:
        raise IllegalMove("The trial has taken place, and there is nothing to give back.")
    if booking.state == BookingState.COMPLETED:
        if by == Party.MENTEE:
            raise IllegalMove("The session is completed and paid. Please ask your mentor for a refund.")
        if booking.ended_at is None or now > booking.ended_at + policy.current().refund_window:
            raise IllegalMove(f"A completed session can be refunded for {policy.current().refund_window.days} days.")


def can(booking: Booking, *, by: Party, now: datetime) -> bool:
    """Whether ``by`` could cancel the booking now."""
    try:
        check(booking, by=by, now=now)
    except IllegalMove:
        return False
    return True


def cancel(booking: Booking, *, by: Party, quoted: str, now: datetime) -> None:
    """Call a booking off: void a hold or keep the late fee of it, refund a charge, free the time.

    ``quoted`` is the token of the quote that was shown; if the facts have changed since, nothing is done.
    Raises: IllegalMove, Busy, GatewayDown.
    """

    def agreed(booking: Booking) -> Quote:
        current = quote(booking, by=by, now=now)
        if current.token != quoted:
            raise IllegalMove(
                "This booking has changed since you looked. Please read the new figures and decide again."
            )
        return current

    def give_back(payment: Payment, booking: Booking) -> tuple[Operation | None, bool]:
        current = agreed(booking)
        unpaid = payment.state in payments.NOTHING_HELD
        return _give_back(payment, booking, current, by, now), unpaid

    if booking.is_trial:
        ended, because = BookingState.CANCELLED, _because(booking, by)
        trials.end(booking.id, ended, by=by, because=because, check=agreed, now=now)
        return
    operation, unpaid = bookings.decided(booking.id, give_back)
    if operation is not None:
        (operations.attempt if unpaid else operations.execute)(operation.id, now=now)


def _give_back(payment: Payment, booking: Booking, agreed: Quote, by: Party, now: datetime) -> Operation | None:
    because = _because(booking, by)
    if payment.state in payments.NOTHING_HELD:
        return bookings.end_unpaid(payment, booking, BookingState.CANCELLED, by, because, now)
    if agreed.refunded:
        return refunds.start(payment, agreed.refunded, by=by, because=endings.CALLED_OFF, now=now)
    if agreed.charged:
        return payments.start(
            payments.CAPTURE,
            payment,
            by=by,
            now=now,
            amount=agreed.charged,
            ends_as=BookingState.CANCELLED,
            because=endings.CALLED_OFF_LATE,
        )
    return payments.start(payments.VOID, payment, by=by, now=now, ends_as=BookingState.CANCELLED, because=because)


def _because(booking: Booking, by: Party) -> str:
    declines = booking.state == BookingState.REQUESTED and by == Party.MENTOR
    return endings.DECLINED if declines else endings.CALLED_OFF
