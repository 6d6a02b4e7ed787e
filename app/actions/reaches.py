"""How far a session can move with the money that is held for it, and what becomes of the money beyond that.

Within the reach of its hold, or of the one that is made in its place with a saved card, the money just goes along.
Beyond it the hold is given up, and a new one planned on the saved card: see :mod:`app.actions.planned_holds`.
"""

from dataclasses import dataclass
from datetime import datetime

from app.actions import deadlines, holds, planned_holds, superseded_holds
from app.actions.claims import Slot
from app.kit.errors import IllegalMove
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import Party, PaymentState

SAVE_FIRST = "The bank lets the reservation on the card go before that time. Please save a card for it first."
NOT_SAVED = "For that time your mentee has to save a card first, and has not done so yet."
FEE_STANDS = (
    "Cancelling the session costs a fee by now, and the reservation on the card stands for that. "
    "The bank lets it go before that time. Please pick an earlier one."
)


@dataclass(frozen=True)
class Reach:
    """How far a session can move, by the latest end of it; None: as far as any.

    Until ``kept_until`` what is held stays held; ``lacks_a_card``: it would longer, if the mentee saved one. Beyond,
    another hold is planned; unless the present one ``secures_a_fee``, around which moving a session is no way.
    """

    kept_until: datetime | None
    lacks_a_card: bool = False
    secures_a_fee: bool = False

    def until(self, by: Party) -> datetime | None:
        """What that side can propose. The mentor can ask for more than the mentee has saved a card for."""
        is_bound = self.secures_a_fee or (self.lacks_a_card and by == Party.MENTEE)
        return self.kept_until if is_bound else None


@dataclass(frozen=True)
class Consequence:
    """What moving there does to the money: it needs a card to be saved, or to be ``held_at`` another day anew; or it
    ``is_barred`` by now, because the hold stands for a fee."""

    needs_card: bool = False
    held_at: datetime | None = None
    is_barred: bool = False


def of(booking: Booking, *, now: datetime) -> Reach:
    """How far the session can be moved now."""
    payment = booking.payment
    if payment is None or payment.state != PaymentState.AUTHORIZED or payment.capture_before is None:
        return Reach(None)
    lacks_a_card = payment.lacks_a_saved_card
    has_a_fee = bool(booking.late_fee) and booking.free_until is not None and now > booking.free_until
    kept_until = holds.latest_end(payment.capture_before, can_be_renewed=not lacks_a_card)
    return Reach(kept_until, lacks_a_card, has_a_fee)


def check(booking: Booking, slot: Slot, *, by: Party, now: datetime) -> None:
    """Raises: IllegalMove if that side cannot have the session moved there."""
    reach = of(booking, now=now)
    until = reach.until(by)
    if until is not None and slot.ends_at > until:
        raise IllegalMove(FEE_STANDS if reach.secures_a_fee else SAVE_FIRST)


def consequence(booking: Booking, slot: Slot, *, now: datetime) -> Consequence:
    """What becomes of the money if both agree to hold the session then."""
    reach, payment = of(booking, now=now), booking.payment
    if payment is None or payment.capture_before is None or reach.kept_until is None:
        return Consequence()
    if slot.ends_at <= reach.kept_until:
        return Consequence()
    if reach.secures_a_fee:
        return Consequence(is_barred=True)
    is_renewed = slot.ends_at <= holds.latest_end(payment.capture_before, can_be_renewed=True)
    held_at = None if is_renewed else max(now, holds.authorize_at(slot.starts_at))
    return Consequence(reach.lacks_a_card, held_at)


def take_along(payment: Payment, booking: Booking, *, by: Party, now: datetime) -> Operation | None:
    """Let the money (both are locked) go with the session, which has been moved: ``by`` has agreed.

    Returns the operation that lets go of the present hold, if it is not kept. Raises: IllegalMove.
    """
    if payment.waits_for_its_day:
        planned_holds.move_along(payment, booking, now=now)
    if payment.state != PaymentState.AUTHORIZED:
        return None
    reach = of(booking, now=now)
    if reach.kept_until is None or booking.ends_at <= reach.kept_until:
        payment.release_at = holds.release_at(booking.complete_by, payment.capture_before)
        deadlines.lift(deadlines.RELEASE, payment.id)
        deadlines.put(deadlines.RELEASE, payment.id, payment.release_at)
        return None
    if reach.secures_a_fee:
        raise IllegalMove(FEE_STANDS)
    if reach.lacks_a_card:
        raise IllegalMove(SAVE_FIRST if by == Party.MENTEE else NOT_SAVED)
    older = planned_holds.take_the_place(payment, booking, by=by, now=now)
    return superseded_holds.let_go(older, payment, now=now)
