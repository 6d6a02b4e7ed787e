"""What is told to whom: each event that concerns a person is a mail to them, with the facts as they are then."""

from datetime import datetime, timedelta
from typing import Any

from app.actions import holds, ledger, outbox
from app.actions.earnings import CLEARING
from app.extensions import db
from app.kit.money import Money
from app.models.booking import Booking
from app.models.objection import Objection
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.reschedule import Reschedule
from app.models.states import BookingState, Party

B = BookingState
KEEPS = timedelta(days=30)  # for so long, news is worth being told

MOVED, PROPOSED, DECLINED, UNANSWERED = "moved", "move_proposed", "move_declined", "move_unanswered"
REQUESTED, TURNED_DOWN, NOT_ANSWERED = "requested", "declined", "not_answered"
OBJECTION, PROPOSAL, APPEAL = "objection", "proposal", "appeal"
PROMISE, OBJECTION_ENDED = "promise", "objection_ended"
MOST_WORDS = 400  # letters of what somebody wrote that a mail repeats
CONFIRMED, NOT_PAID, REFUNDED, REFUND_CAME_BACK = "confirmed", "not_paid", "refunded", "refund_came_back"
HELD, CARD_DECLINED = "held", "card_declined"  # of a card that was saved when the hour was booked


def of_request(booking: Booking, payment: Payment | None, *, now: datetime) -> None:
    """The money is secured, and the mentor has yet to say yes. Inside a transaction."""
    outbox.put(REQUESTED, booking, _to_both(booking, payment), cause=booking.id, until=now + KEEPS, now=now)


def of_confirmation(booking: Booking, payment: Payment | None, *, now: datetime) -> None:
    """The money is secured and the hour stands. Inside a transaction."""
    outbox.put(CONFIRMED, booking, _to_both(booking, payment), cause=booking.id, until=now + KEEPS, now=now)


def of_hold(booking: Booking, payment: Payment, *, now: datetime) -> None:
    """The money for an hour that has stood for long is held now. Inside a transaction."""
    told, cause = _to_both(booking, payment), payment.intent_id or payment.id  # which may be held anew another day
    outbox.put(HELD, booking, told, cause=cause, until=now + KEEPS, now=now)


def of_decline(booking: Booking, payment: Payment, *, again: datetime | None, cause: str, now: datetime) -> None:
    """The bank has declined the saved card; ``again`` it is asked. Inside a transaction."""
    until = holds.give_up_at(booking.starts_at)
    facts = _facts(booking, payment, again=_iso(again), give_up_at=until.isoformat(), declined=payment.decline_message)
    outbox.put(CARD_DECLINED, booking, {booking.mentee_id: facts}, cause=cause, until=max(until, now), now=now)


def of_end(booking: Booking, payment: Payment | None, *, came_from: BookingState, now: datetime) -> None:
    """A booking has ended. Of one that was never paid for only its mentee knew. Inside a transaction."""
    told = _to_both(booking, payment)
    if came_from == B.PENDING_PAYMENT:
        told = {booking.mentee_id: told[booking.mentee_id]}
    kind, was_confirmed = kind_of_end(booking, came_from), came_from in (B.CONFIRMED, B.COMPLETED)
    facts = {person: {**facts, "was_confirmed": was_confirmed} for person, facts in told.items()}
    outbox.put(kind, booking, facts, cause=booking.id, until=now + KEEPS, now=now)


def kind_of_end(booking: Booking, came_from: BookingState) -> str:
    """Which mail tells of a booking's end."""
    if came_from == B.PENDING_PAYMENT and booking.state == B.EXPIRED:
        return NOT_PAID
    if came_from == B.REQUESTED and booking.state == B.EXPIRED:
        return NOT_ANSWERED
    if came_from == B.REQUESTED and booking.ended_by == Party.MENTOR:
        return TURNED_DOWN
    return booking.state.value


def of_refund(booking: Booking, payment: Payment, amount: Money, operation: Operation, *, now: datetime) -> None:
    """Some of a charge is given back, and the booking stays as it is. Inside a transaction."""
    told = _to_both(booking, payment, amount=amount.minor, reason=operation.because)
    outbox.put(REFUNDED, booking, told, cause=operation.id, until=now + KEEPS, now=now)


def of_refund_that_came_back(
    booking: Booking, payment: Payment, amount: Money, operation: Operation, *, now: datetime
) -> None:
    """The mentee's bank did not take it. Inside a transaction."""
    facts = _facts(booking, payment, amount=amount.minor)
    told = {booking.mentee_id: facts}
    outbox.put(REFUND_CAME_BACK, booking, told, cause=operation.id, until=now + KEEPS, now=now)


def of_objection(kind: str, objection: Objection, payment: Payment, *, cause: str, by: Party, now: datetime) -> None:
    """Something about an objection has changed; of a proposal only the other side hears. Inside a transaction."""
    booking, standing = objection.booking, objection.standing
    told = _to_both(
        booking,
        payment,
        about=objection.about.value,
        problem=objection.problem[:MOST_WORDS],
        proposed_by=standing.by.value,
        remedy=standing.remedy.value,
        amount=standing.refund_minor,
        words=standing.words[:MOST_WORDS],
        answer_by=objection.answer_by.isoformat() if objection.answer_by else None,
        outcome=objection.outcome,
        state=objection.state.value,
        by=by.value,
    )
    if kind == PROPOSAL:
        del told[booking.mentee_id if by == Party.MENTEE else booking.mentor.user_id]
    outbox.put(kind, booking, told, cause=cause, until=now + KEEPS, now=now)


def of_moment(kind: str, booking: Booking, people: set[str], *, at: datetime, until: datetime, now: datetime) -> None:
    """A moment has come that people asked to be told of. Inside a transaction."""
    facts = _facts(booking, booking.payment)
    cause = f"{booking.id}@{int(at.timestamp())}"
    outbox.put(kind, booking, dict.fromkeys(sorted(people), facts), cause=cause, until=until, now=now)


def of_move(booking: Booking, payment: Payment, proposal: Reschedule, *, released: Money | None, now: datetime) -> None:
    """Both have agreed on another time, at which the session now is; ``released`` is what is not held any more.

    Inside a transaction.
    """
    told = _to_both(booking, payment, **_proposed(proposal), released=released.minor if released else 0)
    outbox.put(MOVED, booking, told, cause=proposal.id, until=now + KEEPS, now=now)


def of_proposal(
    kind: str,
    booking: Booking,
    proposal: Reschedule,
    *,
    to: Party,
    now: datetime,
    held_at: datetime | None = None,
    needs_card: bool = False,
) -> None:
    """Somebody would like another time; or the answer to that, or that there was none.

    If they agreed, the price would be ``held_at`` another day anew, for which it may need a card. Inside a transaction.
    """
    reader = booking.mentee_id if to == Party.MENTEE else booking.mentor.user_id
    facts = _facts(booking, booking.payment, **_proposed(proposal), held_at=_iso(held_at), needs_card=needs_card)
    outbox.put(kind, booking, {reader: facts}, cause=proposal.id, until=proposal.until, now=now)


def _proposed(proposal: Reschedule) -> dict[str, Any]:
    return {
        "proposed_at": proposal.starts_at.isoformat(),
        "was_at": proposal.came_from.isoformat(),
        "answer_by": proposal.until.isoformat(),
        "note": proposal.note,
    }


def _to_both(booking: Booking, payment: Payment | None, **more: Any) -> dict[str, dict[str, Any]]:
    facts = _facts(booking, payment, **more)
    return {booking.mentee_id: facts, booking.mentor.user_id: facts}


def _facts(booking: Booking, payment: Payment | None, **more: Any) -> dict[str, Any]:
    """Everything that can change, as it is now; amounts in minor units of ``currency``."""
    nothing = Money(0, booking.currency)
    captured, refunded = (payment.captured, payment.refunded) if payment else (nothing, nothing)
    basis = captured or booking.price  # before the charge: what it would be
    commission = ledger.commission_of(basis, refunded, booking.commission_bps)
    return {
        "currency": booking.currency,
        "price": booking.price_minor,
        "authorized": payment.authorized_minor if payment else 0,
        "captured": captured.minor,
        "refunded": refunded.minor,
        "commission": commission.minor,
        "earned": (basis - refunded - commission).minor,
        "card": f"{(payment.card_brand or 'card').capitalize()} ·· {payment.card_last4}"
        if payment and payment.card_last4
        else "",
        "starts_at": booking.starts_at.isoformat(),
        "ends_at": booking.ends_at.isoformat(),
        "complete_by": _complete_by(booking, payment).isoformat(),
        "late_fee": booking.late_fee.minor,
        "free_until": _iso(booking.cancels_free_until),
        "authorize_at": _iso(payment.authorize_at) if payment and payment.waits_for_its_day else None,
        "is_trial": booking.is_trial,
        "needs_answer": booking.needs_answer,
        "accept_by": _iso(booking.answer_by),
        "object_by": _object_by(booking),
        "sequence": booking.version + db.session.is_modified(booking),  # as it will be once this is written
        "by": (booking.ended_by or Party.SYSTEM).value,
        "because": booking.ended_because or "",
        **more,
    }


def _object_by(booking: Booking) -> str | None:
    """Until when the mentee can object to what a session cost that has just ended."""
    return (booking.ended_at + CLEARING).isoformat() if booking.ended_at else None


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _complete_by(booking: Booking, payment: Payment | None) -> datetime:
    """The last moment at which the money is still there."""
    if payment is None or payment.release_at is None or payment.can_be_renewed:
        return booking.complete_by
    return min(booking.complete_by, payment.release_at)
