"""How a story tells of a session that was to be held at another time, and of what that did to the money."""

from collections.abc import Collection
from datetime import datetime

from app.models.booking import Booking
from app.models.payment import Payment
from app.models.reschedule import Reschedule
from app.models.states import Party, PaymentState, RescheduleState, Transition
from app.web.filters import when_short
from app.web.steps import Step, who

S = RescheduleState


def is_let_go(move: Transition) -> bool:
    """Whether what was reserved is to be reserved anew another day, because the session has moved so far."""
    return (move.came_from, move.went_to) == (PaymentState.AUTHORIZED, PaymentState.CARD_SAVED)


def of_release(move: Transition, payment: Payment, booking: Booking) -> Step:
    """Told after the move that it comes of."""
    return Step("unlock", "Reservation released, to be made anew", move.at, who(move.by, booking), payment.amount)


def of_reschedule(proposal: Reschedule, booking: Booking, let_go: Collection[datetime]) -> list[Step]:
    """``let_go`` is when a reservation did not go along."""
    asked = Step(
        "calendar-event",
        f"Another time proposed: {when_short(proposal.starts_at)}",
        proposal.created_at,
        who(proposal.by, booking),
    )
    other = who(Party.MENTOR if proposal.by == Party.MENTEE else Party.MENTEE, booking)
    along = "" if proposal.ended_at in let_go else ", the money with it"
    ends = {
        S.AGREED: ("calendar-check", f"Moved to {when_short(proposal.starts_at)}{along}", other),
        S.DECLINED: ("calendar-x", "The other time was declined", other),
        S.WITHDRAWN: ("calendar-x", "The proposal was withdrawn", who(proposal.by, booking)),
        S.UNANSWERED: ("clock-history", "Nobody answered the proposal, so the session stays", ""),
    }
    if proposal.ended_at is None:
        return [asked]
    icon, sentence, by = ends[proposal.state]
    return [asked, Step(icon, sentence, proposal.ended_at, by)]
