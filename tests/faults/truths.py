"""What must be true of bookings, books and Stripe's objects once everything has settled, whatever happened before."""

from collections import Counter
from collections.abc import Iterator
from math import inf
from typing import Any

from sqlalchemy import select

from app.actions import authorizations, books, contests, deadlines, earnings, news, refunds, reminders, settlements
from app.extensions import db
from app.kit import clock
from app.models.availability import Lane, SlotClaim
from app.models.booking import Booking
from app.models.deadline import Deadline
from app.models.ledger import Balance, LedgerEntry
from app.models.mail import Mail
from app.models.objection import About, Objection
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import (
    ENDED_BOOKING,
    LIVE_BOOKING,
    BookingState,
    ObjectionState,
    OperationState,
    Party,
    PaymentState,
    RescheduleState,
    Transition,
)
from tests.stripe_double import Stripe

P, J, S = PaymentState, ObjectionState, RescheduleState
CELL_MINUTES = 5
ASKING = (authorizations.PREPARE, authorizations.AUTHORIZE)
ONCE = (
    *("payment_intent.created", "charge.captured", "payment_intent.canceled", "refund.created", "customer.created"),
    *("payment_intent.amount_capturable_updated", "setup_intent.created", "setup_intent.canceled"),
)
HELD_ANEW = ((P.AUTHORIZED, P.CARD_SAVED), (P.CARD_SAVED, P.AUTHORIZED))
STATUS = {
    P.NEEDS_CARD: {"requires_payment_method", "requires_action", "requires_confirmation"},
    P.CARD_SAVED: {"requires_payment_method", "requires_action", "requires_confirmation"},
    P.AUTHORIZED: {"requires_capture"},
    P.CAPTURED: {"succeeded"},
    P.VOIDED: {"canceled"},
    P.LAPSED: {"canceled"},
    P.FAILED: {"canceled"},
}
SETUP_STATUS = {
    P.NEEDS_CARD: {"requires_payment_method", "requires_action", "requires_confirmation"},
    P.VOIDED: {"canceled", "succeeded"},
}


def untruths(stripe: Stripe) -> list[str]:
    """Every sentence that should be false and is true, after Stripe's books were read; empty if all is well."""
    settlements.follow(now=stripe.now())
    return untruths_now(stripe)


def untruths_now(stripe: Stripe) -> list[str]:
    """The same, and nobody lends a hand."""
    db.session.rollback()
    db.session.expire_all()
    listed = stripe.client.v1.payment_intents.list({"limit": 100, "expand": ["data.latest_charge"]})
    intents = list(listed.auto_paging_iter())
    held_anew = {
        intent.metadata["replaces"]
        for intent in intents
        if "replaces" in intent.metadata and intent.status != "canceled"
    }
    intents = [it for it in intents if it.id not in held_anew and it.cancellation_reason != "duplicate"]
    setups = list(stripe.client.v1.setup_intents.list({"limit": 100}).auto_paging_iter())
    return [
        *_of_bookings(intents, setups),
        *_of_effects(stripe, intents),
        *_of_operations(),
        *_of_books(),
        *_of_histories(),
        *_of_contests(),
    ]


def untold() -> list[str]:
    """News that was not told to whom it concerns, or told too often; of bookings that nobody has rebuilt."""
    db.session.rollback()
    written = Counter((mail.booking_id, mail.kind, mail.person_id) for mail in db.session.scalars(select(Mail)))
    due = Counter(told for booking in db.session.scalars(select(Booking)) for told in _news_of(booking))
    return [
        f"{each} was told {written[each]} times instead of {due[each]}"
        for each in {*written, *due}
        if written[each] != due[each]
    ]


def _news_of(booking: Booking) -> Iterator[tuple[str, str, str]]:
    """Which kind of mail is to be there for whom."""
    mentee, both = [booking.mentee_id], [booking.mentee_id, booking.mentor.user_id]
    moves = list(db.session.scalars(select(Transition).where(Transition.subject == booking.id)))
    for move in moves:
        unpaid = move.came_from == BookingState.PENDING_PAYMENT and move.went_to in ENDED_BOOKING
        at_last = move.went_to == booking.state and move.went_to in ENDED_BOOKING  # one that was completed may end anew
        kind = news.kind_of_end(booking, move.came_from) if at_last else move.went_to
        yield from ((booking.id, kind, person) for person in (mentee if unpaid else both))
    payments = [payment.id for payment in booking.payments]
    done = select(Operation).where(Operation.subject.in_(payments), Operation.state == OperationState.DONE)
    for operation in db.session.scalars(done):
        if operation.kind == refunds.KIND and operation.id not in {move.operation_id for move in moves}:
            yield from ((booking.id, news.REFUNDED, person) for person in both)
        if operation.kind == refunds.FAILURE:
            yield booking.id, news.REFUND_CAME_BACK, booking.mentee_id
    yield from _news_of_a_saved_card(booking, payments, moves)
    yield from _news_of_moves(booking)
    if booking.state == BookingState.CONFIRMED:
        yield from _reminders_of(booking, moves)
    if booking.objection is not None:
        yield from ((booking.id, kind, person) for kind in _said_of(booking.objection) for person in both)
        if booking.objection.about != About.ABSENCE:
            for proposal in booking.objection.proposals[1:]:
                yield booking.id, news.PROPOSAL, both[proposal.by == Party.MENTEE]


def _said_of(objection: Objection) -> Iterator[str]:
    """The kinds of mail that both get about an objection."""
    yield news.OBJECTION
    for move in db.session.scalars(select(Transition).where(Transition.subject == objection.id)):
        if move.went_to in (J.WITH_OPERATOR, J.PROMISED):
            yield news.APPEAL if move.went_to == J.WITH_OPERATOR else news.PROMISE
    if not objection.is_live:
        yield news.OBJECTION_ENDED


def _news_of_a_saved_card(
    booking: Booking, payments: list[str], moves: list[Transition]
) -> Iterator[tuple[str, str, str]]:
    """That it is held, each time, and each time that it was declined, as long as there was something to see to."""
    asked = select(Operation.id).where(Operation.subject.in_(payments), Operation.kind.in_(ASKING))
    told = Transition.subject.in_(payments) | Transition.subject.in_(asked)
    over = min((move.id for move in moves if move.went_to in ENDED_BOOKING), default=inf)
    ended = over
    for move in db.session.scalars(select(Transition).where(told).order_by(Transition.id)):
        if (move.came_from, move.went_to) == (P.CARD_SAVED, P.AUTHORIZED):
            if move.id < ended:
                yield from ((booking.id, news.HELD, person) for person in (booking.mentee_id, booking.mentor.user_id))
            ended = min(ended, move.id)
        elif (move.came_from, move.went_to) == (P.AUTHORIZED, P.CARD_SAVED):
            ended = over
        elif move.went_to == OperationState.REFUSED and move.id < ended:
            yield booking.id, news.CARD_DECLINED, booking.mentee_id


def _news_of_moves(booking: Booking) -> Iterator[tuple[str, str, str]]:
    """That another time was proposed, and what came of it."""
    sides = {Party.MENTEE: booking.mentee_id, Party.MENTOR: booking.mentor.user_id}
    told = {S.AGREED: news.MOVED, S.DECLINED: news.DECLINED, S.UNANSWERED: news.UNANSWERED}
    for proposal in booking.reschedules:
        other = next(person for side, person in sides.items() if side != proposal.by)
        yield booking.id, news.PROPOSED, other
        if proposal.state == S.UNANSWERED and booking.state != BookingState.CONFIRMED:
            continue  # it was called off before
        if proposal.state in told:
            yield booking.id, told[proposal.state], sides[proposal.by]
        if proposal.state == S.AGREED:
            yield booking.id, news.MOVED, other


def _reminders_of(booking: Booking, moves: list[Transition]) -> Iterator[tuple[str, str, str]]:
    """A moment that was planned is still due, has been told, or is long past."""
    confirmed_at = next(move.at for move in moves if move.went_to == BookingState.CONFIRMED)
    still_due = set(db.session.scalars(select(Deadline.kind).where(Deadline.subject == booking.id)))
    was_told = set(db.session.scalars(select(Mail.kind).where(Mail.booking_id == booking.id)))
    for kind, moment in reminders.MOMENTS.items():
        if moment.to_complete and booking.is_trial:
            continue  # which has taken place if nobody says anything
        planned = confirmed_at < moment.at(booking) < moment.until(booking)
        if planned and kind not in still_due and (kind in was_told or clock.now() < moment.until(booking)):
            yield booking.id, kind, booking.mentor.user_id
            if not moment.to_complete:
                yield booking.id, kind, booking.mentee_id


def _of_bookings(intents: list[Any], setups: list[Any]) -> Iterator[str]:
    for booking in db.session.scalars(select(Booking)):
        payment = booking.payment
        theirs, cards = ([it for it in these if it.metadata["booking"] == booking.id] for these in (intents, setups))
        if booking.is_trial:
            yield from ([f"{booking.id} is free and has money"] if theirs or cards or payment else [])
            continue
        known = [] if payment is None else [payment.intent_id] * bool(payment.intent_id or not payment.authorize_at)
        saved = [] if payment is None else [payment.setup_id] * bool(payment.setup_id or payment.authorize_at)
        if payment is None or [intent.id for intent in theirs] != known or [card.id for card in cards] != saved:
            yield f"{booking.id} has the intents {[intent.id for intent in (*theirs, *cards)]}"
            continue
        yield from _of_saved_card(payment, cards)
        if theirs:
            yield from _of_payment(booking, payment, theirs[0])
        lanes = Counter(db.session.scalars(select(SlotClaim.lane).where(SlotClaim.booking_id == booking.id)))
        due = {Lane.SESSION: 2 * booking.minutes // CELL_MINUTES} if booking.state in LIVE_BOOKING else {}
        if (lanes if not due else {Lane.SESSION: lanes[Lane.SESSION]}) != due:
            yield f"{booking.id} is {booking.state} and claims {dict(lanes)} cells instead of {due}"


def _of_saved_card(payment: Payment, cards: list[Any]) -> Iterator[str]:
    """A card of which more is known is saved; what is due of it is due as long as it waits for its day."""
    is_still_to_come = payment.method_id is None and payment.authorize_at is None  # so that the session can move
    for card in cards:
        known = SETUP_STATUS.get(payment.state, {"succeeded"})
        if is_still_to_come:  # and for a session that is over, nobody looks any more
            known = SETUP_STATUS[P.NEEDS_CARD] | (set() if payment.state == P.AUTHORIZED else known)
        if card.status not in known:
            yield f"{payment.id} is {payment.state}, its setup {card.status}"
    due = set(db.session.scalars(select(Deadline.kind).where(Deadline.subject == payment.id)))
    if (deadlines.GIVE_UP in due) != payment.waits_for_its_day:
        yield f"{payment.id} is {payment.state}, and due for it are {due}"


def _of_payment(booking: Booking, payment: Payment, intent: Any) -> Iterator[str]:
    charge = intent.latest_charge
    if intent.status not in STATUS[payment.state]:
        yield f"{payment.id} is {payment.state}, its intent {intent.status}"
    if booking.state not in LIVE_BOOKING and intent.amount_capturable:
        yield f"{booking.id} is {booking.state} and {intent.amount_capturable} are still held for it"
    if payment.captured_minor != intent.amount_received:
        yield f"{payment.captured_minor} are captured here, {intent.amount_received} at Stripe"
    if payment.refunded_minor != (charge.amount_refunded if charge else 0):
        yield f"{payment.refunded_minor} are refunded here, {charge and charge.amount_refunded} at Stripe"


def _of_effects(stripe: Stripe, intents: list[Any]) -> Iterator[str]:
    """No effect twice: counted in Stripe's own history, which nothing can hide from."""
    effects: Counter[tuple[str, str]] = Counter()
    for event in stripe.simulator.events_since(None):
        if event["type"] in ONCE:
            effects[event["type"], _what_happens_once(event["type"], event["data"]["object"])] += 1
    twice = ((kind, subject, count) for (kind, subject), count in effects.items() if count > 1)
    yield from (f"{kind} happened {count} times to {subject}" for kind, subject, count in twice)
    known = set(db.session.scalars(select(Booking.id)))
    yield from (f"{i.id} is for no booking of ours" for i in intents if i.metadata["booking"] not in known)


def _what_happens_once(kind: str, subject: dict[str, Any]) -> str:
    """A customer is made once, a payment captured once; but several refunds, each by one operation of ours at most."""
    if kind == "refund.created":
        return subject["metadata"].get("operation") or subject["id"]
    return subject.get("payment_intent") or subject.get("email") or subject["id"]


def _of_operations() -> Iterator[str]:
    unsettled = select(Operation).where(Operation.state.in_((OperationState.PENDING, OperationState.PARKED)))
    for operation in db.session.scalars(unsettled):
        yield f"{operation.kind} is {operation.state} after {operation.tries} tries: {operation.error}"


def _of_books() -> Iterator[str]:
    sums: Counter[tuple[str, str]] = Counter()
    for entry in db.session.scalars(select(LedgerEntry)):
        sums[entry.debit, entry.currency] -= entry.amount
        sums[entry.credit, entry.currency] += entry.amount
    kept = {(row.account, row.currency): row.minor for row in db.session.scalars(select(Balance))}
    if {account: minor for account, minor in sums.items() if minor} != {a: m for a, m in kept.items() if m}:
        yield f"the balances {kept} are not the sums {dict(sums)}"
    yield from books.problems(clock.now())
    yield from settlements.differences()


def _of_contests() -> Iterator[str]:
    """What a mentor has of a charge is cleared, will be, or is contested; whoever has to answer has until some day."""
    due = {(found.kind, found.subject) for found in db.session.scalars(select(Deadline))}
    live = {found.booking_id: found for found in db.session.scalars(select(Objection)) if found.is_live}
    for payment in db.session.scalars(select(Payment).where(Payment.captured_minor > 0)):
        found = [payment.cleared_at is not None, (earnings.CLEAR, payment.id) in due, payment.booking_id in live]
        if sum(found) != 1:
            yield f"{payment.id} is {'' if found[0] else 'not '}cleared, will be: {found[1]}, is contested: {found[2]}"
    waits = {objection.id for objection in live.values() if objection.answer_by is not None}
    if waits != {subject for kind, subject in due if kind == contests.ANSWER}:
        yield f"{waits} wait for an answer, and what is due is {due}"


def _of_histories() -> Iterator[str]:
    moves = Counter((move.subject, move.came_from, move.went_to) for move in db.session.scalars(select(Transition)))
    for (subject, *move), count in moves.items():
        let_go = moves[subject, P.AUTHORIZED, P.CARD_SAVED]  # each time for a session that moved so far
        if count > 1 and (tuple(move) not in HELD_ANEW or count > let_go + 1):
            yield f"{(subject, *move)} was made {count} times"
