"""What a story tells of an objection: what was said, and what silence will mean."""

from collections.abc import Iterator

from app.actions import absences
from app.kit.money import Money
from app.models.booking import Booking
from app.models.objection import About, Objection, Proposal, Remedy
from app.models.states import ObjectionState, Transition
from app.web.steps import Step, who

J = ObjectionState
PROPOSED = {
    Remedy.FULL_REFUND: "everything goes back",
    Remedy.PART_REFUND: "a part goes back",
    Remedy.NEW_SESSION: "a new session",
    Remedy.NOTHING: "nothing goes back",
}


def past(objection: Objection, booking: Booking) -> Iterator[Step]:
    """What was said, first to last."""
    is_absence = objection.about == About.ABSENCE
    begun = f"Said that {booking.mentor.name} did not come" if is_absence else "Objected to what was charged"
    yield Step("exclamation-circle", begun, objection.raised_at, booking.mentee.name)
    for proposal in objection.proposals[is_absence:]:
        sentence = f"Proposed: {PROPOSED[proposal.remedy]}"
        amount = proposal.refund if proposal.refund_minor else None
        yield Step("arrow-right", sentence, proposal.at, who(proposal.by, booking), amount)
    if objection.ended_at is not None:
        yield Step("check-circle", f"Settled: {objection.outcome}", objection.ended_at)


def of_move(move: Transition, booking: Booking) -> Step | None:
    """One that proposals do not tell of already."""
    match move.went_to:
        case J.WITH_OPERATOR:
            return Step("shield-check", f"An operator decides: {move.because}", move.at, who(move.by, booking))
        case J.PROMISED:
            return Step("calendar-event", "A new session is owed", move.at, who(move.by, booking))
    return None


def future(objection: Objection, booking: Booking) -> Iterator[Step]:
    """What happens if nobody says anything more."""
    if objection.answer_by is None:
        return
    if absences.is_open(objection, booking):
        sentence = f"Released, unless {booking.mentor.name} says that they were there"
        yield Step("unlock", sentence, objection.answer_by, amount=booking.price, future=True)
    elif objection.state == J.PROMISED:
        yield Step(
            "calendar-check", "The new session has taken place, if nobody complains", objection.answer_by, future=True
        )
    else:
        proposal = objection.standing
        sentence = f"Counts as accepted, if nobody answers: {PROPOSED[proposal.remedy]}"
        yield Step("hand-thumbs-up", sentence, objection.answer_by, amount=_goes_back(proposal, booking), future=True)


def _goes_back(proposal: Proposal, booking: Booking) -> Money | None:
    left = booking.payment.left if booking.payment else None
    return {Remedy.FULL_REFUND: left, Remedy.PART_REFUND: proposal.refund}.get(proposal.remedy)
