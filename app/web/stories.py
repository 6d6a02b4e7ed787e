"""The story of a booking's money: where it stands, what happened so far, and what comes next, with dates.

The same facts for both sides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Select, select

from app.actions import check_ins, earnings, endings, holds, refunds
from app.extensions import db
from app.models.base import all_of
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, OperationState, Party, PaymentState, Transition
from app.web import quarrels, trial_stories
from app.web.move_stories import is_let_go, of_release, of_reschedule
from app.web.steps import Step, who

B, P = BookingState, PaymentState


@dataclass(frozen=True)
class Story:
    headline: str
    next_action: str
    bank_line: str
    steps: list[Step] = field(default_factory=list)
    there: dict[Party, datetime] = field(default_factory=dict)  # since when each side has been there, by their word


def story_of(booking: Booking, *, now: datetime) -> Story:
    """Tell a booking, in four queries beyond what the booking was loaded with."""
    payment, there = booking.payment, check_ins.of(booking)
    trial = booking.is_trial
    steps = [Step("calendar-plus", "Time reserved", booking.created_at, booking.mentee.name)]
    moves = _moves_of(booking)
    steps += _past(booking, moves)
    steps += [Step("check2", "Checked in", at, who(party, booking)) for party, at in there.items()]
    steps.sort(key=lambda step: step.at)  # stable: what happened at one instant stays in its order
    return Story(
        trial_stories.headline(booking) if trial else _headline(booking, payment),
        trial_stories.next_action(booking) if trial else _next_action(booking, payment, now),
        _bank_line(payment, was_let_go=any(is_let_go(move) for move in moves)),
        steps + (trial_stories.future(booking) if trial else _future(booking, payment, now)),
        there,
    )


def _moves_of(booking: Booking) -> Sequence[Transition]:
    subjects = [booking.id, *(payment.id for payment in booking.payments)]
    if booking.objection is not None:
        subjects.append(booking.objection.id)
    return all_of(select(Transition).where(Transition.subject.in_(subjects)).order_by(Transition.id))


def _past(booking: Booking, moves: Sequence[Transition]) -> list[Step]:
    payments = {payment.id: payment for payment in booking.payments}
    objection = booking.objection
    let_go = {move.at: move.id for move in moves if is_let_go(move)}
    before = max(let_go.values(), default=0)  # of what was reserved then, the card is not known any more
    told = [
        _of_payment(move, payments[move.subject], booking, is_known=move.id > before)
        if move.subject in payments
        else _of_booking(move, booking)
        for move in moves
    ]
    if objection is not None:
        told += [quarrels.of_move(move, booking) for move in moves if move.subject == objection.id]
        told += quarrels.past(objection, booking)
    told += [step for proposal in booking.reschedules for step in of_reschedule(proposal, booking, let_go)]
    told += [of_release(move, payments[move.subject], booking) for move in moves if is_let_go(move)]
    told += [_of_refund(refund, booking) for refund in db.session.scalars(_refunds_of(payments))]
    return [step for step in told if step is not None]


def _refunds_of(payment_ids: Iterable[str]) -> Select[Operation]:
    return select(Operation).where(
        Operation.subject.in_(payment_ids),
        Operation.kind.in_((refunds.KIND, refunds.FAILURE)),
        Operation.state == OperationState.DONE,
    )


def _of_refund(refund: Operation, booking: Booking) -> Step:
    at, because = refund.settled_at or refund.created_at, f": {refund.because}" if refund.because else ""
    if refund.kind == refunds.FAILURE:
        return Step("exclamation-circle", "The bank sent the refund back; we are looking for another way", at)
    sentence = f"Refunded to the card{because}"
    return Step("arrow-counterclockwise", sentence, at, who(refund.by, booking), refund.amount)


def _of_payment(move: Transition, payment: Payment, booking: Booking, *, is_known: bool) -> Step | None:
    """``is_known``: the card is the one of which the payment tells now."""
    by = who(move.by, booking)
    brand = payment.card_brand if is_known else None
    card = f"{brand.capitalize()} ·· {payment.card_last4}" if brand else "the card"
    match move.went_to:
        case P.CARD_SAVED if not is_let_go(move):
            return Step("credit-card", f"{card[:1].upper()}{card[1:]} saved, nothing reserved yet", move.at, by)
        case P.AUTHORIZED:
            return Step("lock", f"Reserved on {card}, not charged", move.at, by, payment.amount)
        case P.CAPTURED:
            rest = payment.authorized - payment.captured
            released = f"; the other {rest} released" if rest else ""
            return Step("cash-coin", f"Charged{_elsewhere(move)}{released}", move.at, by, payment.captured)
        case P.VOIDED if payment.authorized_minor:
            sentence = f"Reservation released{_elsewhere(move)}, nothing charged"
            return Step("unlock", sentence, move.at, by, payment.authorized)
        case P.LAPSED:
            return Step(
                "clock-history", "The bank let the reservation go, nothing charged", move.at, by, payment.authorized
            )
        case P.FAILED if payment.method_id:
            return Step(
                "exclamation-circle", f"Nothing could be reserved on {card}, and nothing is charged", move.at, by
            )
        case P.FAILED:
            return Step("exclamation-circle", f"The payment could not be set up: {move.because}", move.at, by)
    return None


def _of_booking(move: Transition, booking: Booking) -> Step | None:
    by = who(move.by, booking)
    because = f": {move.because}" if move.because else ""
    match move.went_to:
        case B.REQUESTED:
            return Step("calendar-event", f"Asked of {booking.mentor.name}", move.at, by)
        case B.CONFIRMED if move.came_from == B.REQUESTED:
            return Step("calendar-check", "Request accepted, session confirmed", move.at, by)
        case B.CONFIRMED:
            return Step("calendar-check", "Session confirmed", move.at, by)
        case B.COMPLETED:
            return Step("check-circle", "Session completed", move.at, by)
        case B.CANCELLED:
            return Step("calendar-x", f"Session cancelled{because}", move.at, by)
        case B.NO_SHOW:
            return Step("person-x", f"No-show{because}", move.at, by)
        case B.EXPIRED:
            return Step("clock-history", f"Session expired{because}", move.at, by)
    return None


def _elsewhere(move: Transition) -> str:
    return " in Stripe's dashboard" if move.by == Party.STRIPE else ""


def _future(booking: Booking, payment: Payment | None, now: datetime) -> list[Step]:
    if payment is None:
        return []
    if booking.state == B.PENDING_PAYMENT:
        done = "The card is saved," if payment.authorize_at else "Reserved on the card,"
        amount = None if payment.authorize_at else booking.price
        sentence = f"{done} or the time becomes free again"
        return [Step("hourglass-split", sentence, booking.pay_by, amount=amount, future=True)]
    if booking.state == B.REQUESTED and booking.answer_by is not None:
        accepts = Step("hourglass-split", f"{booking.mentor.name} accepts", booking.answer_by, future=True)
        release = Step("unlock", "Released, if not", booking.answer_by, amount=booking.price, future=True)
        return [accepts] if payment.waits_for_its_day else [accepts, release]
    if booking.objection is not None and booking.objection.is_live:
        return list(quarrels.future(booking.objection, booking))
    if booking.state != B.CONFIRMED:
        return _clearing(booking, payment, now)
    steps = [*_ahead_of_a_hold(booking, payment, now), *_ahead_of_a_charge(booking, payment, now)]
    return sorted(steps, key=lambda step: step.at)


def _ahead_of_a_hold(booking: Booking, payment: Payment, now: datetime) -> list[Step]:
    """What happens to a saved card, until the price is held on it."""
    if not payment.waits_for_its_day or payment.authorize_at is None:
        return []
    card = f"{payment.card_brand.capitalize()} ·· {payment.card_last4}" if payment.card_brand else "the saved card"
    again = holds.next_retry(booking.starts_at, now=now) if payment.is_declined else None
    steps = []
    if not payment.is_declined:
        steps.append(
            Step("lock", f"Reserved on {card}, not charged", payment.authorize_at, "Mentorhold", booking.price)
        )
    elif again is not None:
        steps.append(Step("arrow-repeat", f"The bank is asked again about {card}", again, "Mentorhold", booking.price))
    give_up = holds.give_up_at(booking.starts_at)
    steps.append(Step("clock-history", "Called off and free again, if nothing could be reserved", give_up))
    return [replace(step, future=True) for step in steps]


def _ahead_of_a_charge(booking: Booking, payment: Payment, now: datetime) -> list[Step]:
    charge = Step(
        "cash-coin",
        f"Charged, if {booking.mentor.name} completes the session",
        booking.complete_by,
        amount=booking.price,
        future=True,
    )
    ends = payment.release_at or booking.complete_by
    renewed = payment.can_be_renewed and ends < booking.complete_by
    release_at = booking.complete_by if renewed else ends
    release = Step("unlock", "Released, if not", release_at, amount=booking.price, future=True)
    session = Step("calendar-event", "The session ends", booking.ends_at, future=True)
    steps = [session, charge, release] if now < booking.ends_at else [charge, release]
    if renewed:
        sentence = "Reserved anew, before the bank lets go of it"
        steps.append(Step("arrow-repeat", sentence, ends, "Mentorhold", booking.price, future=True))
    free_until = booking.cancels_free_until
    if booking.late_fee and free_until is not None and now <= free_until:
        when_late = "later, " if payment.authorized_minor else "later, once it is reserved, "
        sentence = f"Until then {booking.mentee.name} cancels for free; {when_late}{booking.late_fee} is charged"
        steps.insert(0, Step("calendar-x", sentence, free_until, future=True))
    return steps


def _clearing(booking: Booking, payment: Payment, now: datetime) -> list[Step]:
    """When what was charged is the mentor's for good."""
    if not payment.left or payment.cleared_at is not None or booking.ended_at is None:
        return []
    sentence = f"{booking.mentor.name}'s share is theirs for good"
    return [Step("cash-coin", sentence, max(now, booking.ended_at + earnings.CLEARING), future=True)]


def _headline(booking: Booking, payment: Payment | None) -> str:
    price, ended = booking.price, f"{who(booking.ended_by, booking)}" if booking.ended_by else ""
    match booking.state:
        case B.PENDING_PAYMENT:
            return "The time is yours for now; nothing is reserved on a card yet."
        case B.REQUESTED if payment is not None and payment.waits_for_its_day:
            return "Requested. A card is saved; nothing is reserved on it yet."
        case B.REQUESTED:
            return f"Requested. {price} is reserved, nothing is charged."
        case B.CONFIRMED if payment is not None and payment.is_declined:
            return f"Confirmed, but the bank has declined to reserve {price}. Nothing is charged."
        case B.CONFIRMED if payment is not None and payment.waits_for_its_day:
            return f"Confirmed. A card is saved; {price} is reserved on it before the session."
        case B.CONFIRMED:
            return f"Confirmed. {price} is reserved, nothing is charged."
        case B.COMPLETED if payment is not None:
            return f"Completed. {_charged(payment)}"
        case B.CANCELLED if payment is not None and booking.ended_because == endings.CALLED_OFF_LATE:
            return f"Cancelled late by {ended}. {_charged(payment)}"
        case B.CANCELLED if booking.ended_because == endings.DECLINED:
            return f"Declined by {ended}. {_in_the_end(payment)}"
        case B.CANCELLED:
            return f"Cancelled by {ended}. {_in_the_end(payment)}"
        case B.NO_SHOW if booking.ended_because == endings.MENTOR_ABSENT:
            return f"{booking.mentor.name} did not come. {_in_the_end(payment)}"
        case B.NO_SHOW if payment is not None and payment.captured_minor:
            return f"{booking.mentee.name} did not come. {_charged(payment)}"
        case B.NO_SHOW:
            return f"The session did not take place. {_in_the_end(payment)}"
    return f"Expired: {booking.ended_because}. {_in_the_end(payment)}"


def _charged(payment: Payment) -> str:
    given_back = f", {payment.refunded} of it refunded" if payment.refunded_minor else ""
    return f"{payment.captured} was charged{given_back}."


def _in_the_end(payment: Payment | None) -> str:
    """What a session that did not take place has cost: something, if a refund came back or in the dashboard."""
    if payment is None or not payment.captured_minor:
        return "Nothing was charged."
    if not payment.left:
        return f"{payment.refunded} was refunded."
    given_back = f"{payment.refunded} was refunded; " if payment.refunded_minor else ""
    return f"{given_back}{payment.left} stays charged for now."


def _next_action(booking: Booking, payment: Payment | None, now: datetime) -> str:
    if booking.state == B.PENDING_PAYMENT:
        return f"{booking.mentee.name} enters a card within the checkout time."
    if booking.state == B.REQUESTED:
        return f"Next: {booking.mentor.name} accepts or declines."
    if payment is not None and payment.is_declined:
        return f"Next: {booking.mentee.name} sees to the payment, with this card or another one."
    if booking.state != B.CONFIRMED:
        return ""
    if booking.objection is not None and booking.objection.is_live:
        return f"Next: {booking.mentor.name} says whether they were there."
    if now < booking.starts_at:
        return "Next: the session."
    return f"Next: {booking.mentor.name} marks the session complete."


def _bank_line(payment: Payment | None, *, was_let_go: bool) -> str:
    if payment is None:
        return ""
    match payment.state:
        case P.CARD_SAVED if was_let_go:
            return f"What your bank shows now: nothing new. {payment.amount} pending may stay visible for a few days."
        case P.NEEDS_CARD | P.CARD_SAVED | P.FAILED:
            return "What your bank shows now: nothing."
        case P.AUTHORIZED:
            return f"What your bank shows now: {payment.authorized} pending. It is not a charge."
        case P.CAPTURED if payment.refunded_minor:
            return (
                f"What your bank shows now: a charge of {payment.captured} and, within days, {payment.refunded} back."
            )
        case P.CAPTURED:
            return f"What your bank shows now: a charge of {payment.captured}."
        case P.VOIDED | P.LAPSED if payment.authorized_minor:
            return (
                f"What your bank shows now: {payment.authorized} pending may stay visible for a few days, then it goes."
            )
    return "What your bank shows now: nothing."
