"""A mentor did not come, says the mentee: an objection to the hold, before anything is charged.

The hold stands while the mentor may answer: for 72 hours, but never longer than the bank keeps it, and never shorter
than they would have had to complete the session. Silence lets go of all of it, and nobody was charged for an hour that
did not take place. If the mentor contests, what they say is due is charged at once, for a hold that lapses during a
quarrel is lost for good, while a charge can be given back whole; it stays pending until an operator has ruled.
"""

from datetime import datetime, timedelta

from app.actions import bookings, contests, deadlines, endings, holds, news, objections, operations, payments
from app.actions.contests import TO_ANSWER
from app.actions.objections import Wanted
from app.kit.errors import IllegalMove, NotFound
from app.models.booking import Booking
from app.models.objection import About, Objection, Remedy
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import BookingState, ObjectionState, Party, PaymentState

PATIENCE = timedelta(minutes=10)  # before somebody who is late is taken for absent
ALL_BACK = Wanted(Remedy.FULL_REFUND)


def cannot_report(booking: Booking, *, now: datetime) -> str | None:
    """Why the mentee cannot say now that the mentor did not come; None if they can."""
    payment = booking.payment
    if booking.state != BookingState.CONFIRMED or payment is None or payment.state != PaymentState.AUTHORIZED:
        return "This is possible for a session that is confirmed, and for which money is reserved."
    if now < booking.starts_at + PATIENCE:
        return f"Please give your mentor {PATIENCE.seconds // 60} minutes."
    if booking.objection is not None:
        return "You have told us about this session already."
    if booking.agreed_done_at is not None:
        return "You said that the session is done."
    if not payment.is_free or now >= holds.release_at(booking.complete_by, payment.capture_before):
        return "What happens to the money is being decided already. Please look again in a moment."
    return None


def report(booking: Booking, problem: str, *, now: datetime) -> None:
    """Say that the mentor did not come. Until when they can contest it stands in ``payment.release_at``.

    Raises: IllegalMove.
    """

    def write(payment: Payment, booking: Booking) -> None:
        reason = cannot_report(booking, now=now)
        if reason is not None:
            raise IllegalMove(reason)
        objection = objections.put(booking, About.ABSENCE, problem, now=now)
        objections.write_proposal(objection, payment, Party.MENTEE, ALL_BACK, now=now)
        booking.complete_by = max(booking.complete_by, now + TO_ANSWER)
        payment.release_at = until = holds.release_at(booking.complete_by, payment.capture_before)
        contests.hand_to(objection, ObjectionState.WITH_MENTOR, by=Party.MENTEE, answer_by=until, now=now)
        deadlines.lift(deadlines.RELEASE, payment.id)
        deadlines.put(deadlines.RELEASE, payment.id, until)
        news.of_objection(news.OBJECTION, objection, payment, cause=objection.id, by=Party.MENTEE, now=now)

    bookings.decided(booking.id, write)


def is_open(objection: Objection, booking: Booking) -> bool:
    """Whether the mentor has yet to say if they were there."""
    unanswered = objection.about == About.ABSENCE and objection.state == ObjectionState.WITH_MENTOR
    return unanswered and booking.state == BookingState.CONFIRMED


def admit(booking: Booking, *, now: datetime) -> None:
    """The mentor was not there: all of the hold is let go. Raises: IllegalMove, Busy; GatewayDown."""

    def let_go(payment: Payment, booking: Booking) -> Operation:
        _open_report(booking)
        state, because = BookingState.NO_SHOW, endings.MENTOR_ABSENT
        return payments.start(payments.VOID, payment, by=Party.MENTOR, now=now, ends_as=state, because=because)

    operations.execute(bookings.decided(booking.id, let_go).id, now=now)


def contest(booking: Booking, words: str, *, took_place: bool, now: datetime) -> None:
    """The mentor was there: the session took place, or it was the mentee who did not come.

    What that costs is charged now, and an operator rules. If it costs nothing, there is nothing to rule on.
    Raises: IllegalMove, Busy; GatewayDown.
    """

    def charge(payment: Payment, booking: Booking) -> Operation:
        objection = _open_report(booking)
        begin = bookings.begin_completion if took_place else bookings.begin_no_show
        operation = begin(payment, booking, now=now)
        answer = Wanted(Remedy.NOTHING, words=words)
        objections.write_proposal(objection, payment, Party.MENTOR, answer, now=now)
        if operation.kind == payments.CAPTURE:
            objections.to_operator(objection, payment, Party.MENTOR, "the mentor says to have been there", now=now)
        return operation

    operations.execute(bookings.decided(booking.id, charge).id, now=now)


def _open_report(booking: Booking) -> Objection:
    objection = Objection.live_of(booking.id)
    if objection is None and booking.objection is None:
        raise NotFound
    if objection is None or not is_open(objection, booking):
        raise IllegalMove("This was answered before, or the session has ended another way.")
    return objection
