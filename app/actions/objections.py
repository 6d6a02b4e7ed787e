"""A mentee objects to a charge within three days, and proposes what would be right; the mentor accepts or counters.

Silence accepts, and whoever does not want to go on asks an operator to rule. Meanwhile what is contested stays pending.
What is agreed or ruled is a refund like any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from app.actions import bookings, contests, deadlines, earnings, news, operations, refunds
from app.actions.contests import ANSWER, TO_ANSWER, TO_KEEP_A_PROMISE
from app.actions.deadlines import Due
from app.actions.transactions import or_else
from app.kit.errors import IllegalMove, Invalid, NotFound, Overtaken
from app.kit.ids import new_id
from app.kit.money import Money
from app.models.booking import Booking
from app.models.objection import About, Objection, Proposal, Remedy
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, ObjectionState, Party, PaymentState

J = ObjectionState
TURN = {Party.MENTEE: J.WITH_MENTEE, Party.MENTOR: J.WITH_MENTOR}
OTHER = {Party.MENTEE: Party.MENTOR, Party.MENTOR: Party.MENTEE}
MOST_PROPOSALS = 12
Decision = TypeVar("Decision")
SILENCE = "nobody answered in time"
OVERTAKEN = "Something about this objection has changed since you opened the page. Please read it again."


@dataclass(frozen=True)
class Wanted:
    """What one side proposes; ``refund`` counts for a part of what was charged."""

    remedy: Remedy
    refund: Money | None = None
    words: str = ""


def object_by(booking: Booking) -> datetime | None:
    """Until when the mentee can object to what was charged; None if there is nothing of that kind."""
    if booking.state not in (BookingState.COMPLETED, BookingState.NO_SHOW) or booking.ended_at is None:
        return None
    return booking.ended_at + earnings.CLEARING


def cannot_object(booking: Booking, *, now: datetime) -> str | None:
    """Why the mentee cannot object to what was charged now; None if they can."""
    payment, until = booking.payment, object_by(booking)
    if until is None or payment is None or not payment.left:
        return "There is nothing to object to: nothing was charged, or all of it was given back."
    if booking.objection is not None:
        return "You have objected to this before. There is one objection to a session."
    if now >= until or payment.cleared_at is not None:
        return "The three days in which you could object are over. Please write to your mentor."
    return None


def object_to(booking: Booking, problem: str, wanted: Wanted, *, now: datetime) -> None:
    """Object to what was charged: what the mentor has of it stays pending until this has ended.

    Raises: IllegalMove if it is too late or was done before, Invalid.
    """

    def write(payment: Payment, booking: Booking) -> None:
        reason = cannot_object(booking, now=now)
        if reason is not None:
            raise IllegalMove(reason)
        about = About.FEE if booking.state == BookingState.NO_SHOW else About.SESSION
        objection = put(booking, about, problem, now=now)
        write_proposal(objection, payment, Party.MENTEE, wanted, now=now)
        contests.hand_to(objection, J.WITH_MENTOR, by=Party.MENTEE, answer_by=now + TO_ANSWER, now=now)
        earnings.contest(payment)
        news.of_objection(news.OBJECTION, objection, payment, cause=objection.id, by=Party.MENTEE, now=now)

    bookings.decided(booking.id, write)


def put(booking: Booking, about: About, problem: str, *, now: datetime) -> Objection:
    """Write down an objection. Inside a transaction. Raises: IllegalMove if there is one."""
    objection = Objection(id=new_id("ob"), about=about, problem=problem, raised_at=now)
    with or_else(IllegalMove("You have objected to this before. There is one objection to a session.")):
        booking.objection = objection
    return objection


def propose(booking: Booking, by: Party, wanted: Wanted, *, seen: int, now: datetime) -> None:
    """Propose something else. ``seen`` is the number of the latest proposal that the page showed.

    Raises: Overtaken if there is a newer one; IllegalMove, Invalid.
    """

    def write(payment: Payment, objection: Objection) -> None:
        check_open(objection, seen)
        if objection.about == About.ABSENCE and payment.state == PaymentState.AUTHORIZED:
            raise IllegalMove("Please say first whether you were there.")
        if len(objection.proposals) >= MOST_PROPOSALS:
            raise IllegalMove("You have both proposed enough. Please accept, or ask an operator to rule.")
        write_proposal(objection, payment, by, wanted, now=now)
        contests.hand_to(objection, TURN[OTHER[by]], by=by, answer_by=now + TO_ANSWER, now=now)
        cause = f"{objection.id}#{objection.standing.number}"
        news.of_objection(news.PROPOSAL, objection, payment, cause=cause, by=by, now=now)

    _decided(booking.id, write)


def accept(booking: Booking, by: Party, *, seen: int, now: datetime) -> None:
    """Agree to what the other side proposed last. Raises: Overtaken, IllegalMove, Busy; GatewayDown."""

    def agree(payment: Payment, objection: Objection) -> Operation | None:
        check_open(objection, seen)
        check_turn(objection, by)
        if payment.state == PaymentState.AUTHORIZED:
            raise IllegalMove("Please say first whether you were there.")
        return _agree(objection, payment, by, "", now)

    _execute(_decided(booking.id, agree), now=now)


def appeal(booking: Booking, by: Party, *, seen: int, now: datetime) -> None:
    """Ask an operator to rule, instead of an answer. Raises: Overtaken, IllegalMove."""

    def hand_over(payment: Payment, objection: Objection) -> None:
        check_open(objection, seen)
        check_turn(objection, by)
        if payment.state == PaymentState.AUTHORIZED:
            raise IllegalMove("Please say first whether you were there.")
        to_operator(objection, payment, by, "no agreement was found", now=now)

    _decided(booking.id, hand_over)


def withdraw(booking: Booking, *, now: datetime) -> None:
    """Object no more: what was charged stays so. Raises: IllegalMove if it has ended."""

    def drop(payment: Payment, objection: Objection) -> None:
        outcome = f"{objection.booking.mentee.name} took the objection back"
        contests.end(objection, payment, J.WITHDRAWN, by=Party.MENTEE, outcome=outcome, now=now)

    _decided(booking.id, drop)


def say_kept(booking: Booking, *, kept: bool, now: datetime) -> None:
    """The mentee tells whether the new session took place that was promised. Raises: IllegalMove."""

    def write(payment: Payment, objection: Objection) -> None:
        if objection.state != J.PROMISED:
            raise IllegalMove("No new session is promised (any more).")
        if kept:
            outcome = "the new session took place"
            contests.end(objection, payment, J.AGREED, by=Party.MENTEE, outcome=outcome, now=now)
        else:
            to_operator(objection, payment, Party.MENTEE, "the new session did not take place", now=now)

    _decided(booking.id, write)


def rule(booking: Booking, refund: Money, because: str, *, refunded: Money, now: datetime) -> None:
    """An operator decides how much goes back; ``refunded`` is what the page said had been given back before.

    Raises: IllegalMove, Invalid, Busy; GatewayDown.
    """

    def decide(payment: Payment, objection: Objection) -> Operation | None:
        if objection.state != J.WITH_OPERATOR:
            raise IllegalMove("This objection does not wait for a ruling (any more).")
        if payment.refunded != refunded:
            raise Overtaken("Something was refunded since you looked. Please read the new figures and decide again.")
        if not 0 <= refund.minor <= payment.left.minor:
            raise Invalid(f"Between nothing and {payment.left}, please.", field="refund")
        contests.end(objection, payment, J.RULED, by=Party.OPERATOR, outcome=because, now=now)
        return _refund(objection, payment, refund, Party.OPERATOR, because, now)

    _execute(_decided(booking.id, decide), now=now)


def unanswered(now: datetime) -> Sequence[Due]:
    """Objections whose time to answer is over."""
    return deadlines.overdue([ANSWER], now)


def take_silence_for_yes(reached: Due, *, now: datetime) -> None:
    """Agree to what was proposed last, in the name of whoever has not answered, once; not if somebody just has."""

    def agree(payment: Payment, booking: Booking) -> Operation | None:
        objection = Objection.live_of(booking.id)
        if objection is None or objection.answer_by is None or now < objection.answer_by:
            return None
        if not deadlines.take_away(reached):
            return None
        if operations.unsettled(payment.id) is not None or payment.state == PaymentState.AUTHORIZED:
            deadlines.put(ANSWER, objection.id, now + earnings.AGAIN)  # until we know how much is charged
            return None
        if objection.state == J.PROMISED:
            contests.end(objection, payment, J.AGREED, by=Party.SYSTEM, outcome="nobody complained in time", now=now)
            return None
        return _agree(objection, payment, Party.SYSTEM, SILENCE, now)

    booking_id = Objection.one(Objection.id == reached.subject).booking_id
    operation = bookings.decided(booking_id, agree)
    if operation is not None:
        operations.attempt(operation.id, now=now)


def check_open(objection: Objection, seen: int) -> None:
    """Raises: IllegalMove if nobody can answer (any more), Overtaken if there is a newer proposal than was seen."""
    if objection.state not in TURN.values():
        raise IllegalMove("An operator decides about this now, or has decided.")
    if seen != objection.standing.number:
        raise Overtaken(OVERTAKEN)


def check_turn(objection: Objection, by: Party) -> None:
    """Raises: IllegalMove."""
    if objection.turn != by:
        raise IllegalMove("You proposed last, and the other side has to answer.")


def write_proposal(objection: Objection, payment: Payment, by: Party, wanted: Wanted, *, now: datetime) -> None:
    """Raises: Invalid if it is a part of more, or less, than there is; Overtaken."""
    refund = wanted.refund if wanted.remedy == Remedy.PART_REFUND else None
    if wanted.remedy == Remedy.PART_REFUND and not (refund and 0 < refund.minor < payment.left.minor):
        raise Invalid(f"A part is more than nothing and less than {payment.left}.", field="refund")
    if by == Party.MENTEE and wanted.remedy == Remedy.NOTHING:
        raise Invalid("Please say what would be right, or withdraw your objection.", field="remedy")
    with or_else(Overtaken(OVERTAKEN)):
        objection.proposals.append(
            Proposal(
                number=len(objection.proposals) + 1,
                by=by,
                remedy=wanted.remedy,
                refund_minor=refund.minor if refund else 0,
                currency=payment.currency,
                words=wanted.words,
                at=now,
            )
        )


def to_operator(objection: Objection, payment: Payment, by: Party, because: str, *, now: datetime) -> None:
    """Nobody's silence counts any more. Inside a transaction."""
    contests.hand_to(objection, J.WITH_OPERATOR, by=by, because=because, answer_by=None, now=now)
    news.of_objection(news.APPEAL, objection, payment, cause=objection.id, by=by, now=now)


def _decided(booking_id: str, decide: Callable[[Payment, Objection], Decision]) -> Decision:
    """Decide with payment, booking and the live objection locked, in this order."""

    def both(payment: Payment, booking: Booking) -> Decision:
        objection = Objection.live_of(booking.id)
        if objection is None:
            raise IllegalMove("This objection has ended.") if booking.objection else NotFound
        return decide(payment, objection)

    return bookings.decided(booking_id, both)


def _agree(objection: Objection, payment: Payment, by: Party, because: str, now: datetime) -> Operation | None:
    """Do what was proposed last. Inside a transaction."""
    proposal = objection.standing
    if proposal.remedy == Remedy.NEW_SESSION:
        until = now + TO_KEEP_A_PROMISE
        contests.hand_to(objection, J.PROMISED, by=by, because=because, answer_by=until, now=now)
        news.of_objection(news.PROMISE, objection, payment, cause=objection.id, by=by, now=now)
        return None
    refund = {Remedy.FULL_REFUND: payment.left, Remedy.PART_REFUND: min(proposal.refund, payment.left)}.get(
        proposal.remedy, Money(0, payment.currency)
    )
    outcome = f"{refund} goes back" if refund else "nothing goes back"
    contests.end(objection, payment, J.AGREED, by=by, outcome=f"{outcome}: {because}" if because else outcome, now=now)
    return _refund(objection, payment, refund, by, "what was agreed after an objection", now)


def _refund(
    objection: Objection, payment: Payment, refund: Money, by: Party, because: str, now: datetime
) -> Operation | None:
    """Begin to give back what was decided, if anything. Inside a transaction. Raises: Busy."""
    if not refund:
        return None
    operation = refunds.start(payment, refund, by=by, because=because[:200], now=now)
    objection.operation_id = operation.id
    return operation


def _execute(operation: Operation | None, *, now: datetime) -> None:
    if operation is not None:
        operations.execute(operation.id, now=now)
