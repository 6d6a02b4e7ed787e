"""Stripe's objects beside ours: what is the same, what can be mended, and what only a person can decide.

A page of theirs is compared with ours in a few queries. What differs is fetched again and learned like any news; only
what differs even then, while nobody is working on it, is worth an alarm.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from app.actions import alarms, payments, rebuilding, refunds, standing_holds, strays
from app.actions.labels import REPLACES, is_ours
from app.actions.orders import is_elsewhere
from app.actions.transactions import atomically, outside
from app.extensions import db
from app.gateways.stripe_gateway import stripe_gateway
from app.gateways.stripe_objects import SUPERSEDED, Intent, Refund
from app.kit.errors import Busy, Failure, GatewayDown, IllegalMove, NotFound, Unexplained
from app.kit.money import Money
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import UNSETTLED_OPERATION, PaymentState

DIFFERS, MISSING = "differs", "missing"
KINDS = (DIFFERS, MISSING, strays.KIND)  # of alarms, each about a PaymentIntent

STATUS = {
    PaymentState.NEEDS_CARD: ("requires_payment_method", "requires_confirmation", "requires_action", "processing"),
    PaymentState.CARD_SAVED: ("requires_payment_method", "requires_confirmation", "requires_action", "processing"),
    PaymentState.AUTHORIZED: ("requires_capture",),
    PaymentState.CAPTURED: ("succeeded",),
    PaymentState.VOIDED: ("canceled",),
    PaymentState.LAPSED: ("canceled",),
    PaymentState.FAILED: ("canceled",),
}
RELEASED = (PaymentState.VOIDED, PaymentState.LAPSED, PaymentState.FAILED)  # nothing may be held for these


@dataclass
class Findings:
    """What came of comparing: how many objects of Stripe's, how many were made to agree, how many are not ours."""

    compared: int = 0
    mended: int = 0
    not_ours: int = 0
    right: list[str] = field(default_factory=list)  # intents about which no alarm need stand
    strays: list[str] = field(default_factory=list)  # intents of ours that no payment here has


@dataclass(frozen=True)
class Standing:
    """A payment of ours as it is compared. ``is_busy``: an operation on it is not settled, which will see to it."""

    id: str
    intent_id: str | None
    state: PaymentState
    amount: Money
    captured: Money
    refunded: Money
    version: int
    is_busy: bool


def compare_intents(page: Sequence[Intent], *, now: datetime) -> Findings:
    """Compare a page of Stripe's PaymentIntents with our payments; mend what differs. Raises: GatewayDown."""
    found, past, ours = Findings(), standing_holds.given_up([intent.id for intent in page]), _standings(page)
    for intent in page:
        standing = ours.get(intent.id)
        if intent.id in past and intent.status != "succeeded":
            strays.let_go(intent, now=now)  # if Stripe would not have it before
            found.compared += 1
            found.right.append(intent.id)
        elif standing is None and is_ours(intent.metadata) and _is_of_a_renewal(intent):
            found.compared += 1
            if intent.status == "canceled":
                found.right.append(intent.id)
            else:
                _mend(intent.id, found, now=now)
        elif standing is None and is_ours(intent.metadata):
            found.strays.append(intent.id)
        elif standing is None or is_elsewhere(intent.metadata):
            found.not_ours += 1
        else:
            found.compared += 1
            if _difference(intent, standing) is None:
                found.right.append(intent.id)
            elif not standing.is_busy:
                _mend(intent.id, found, now=now)
    return found


def _is_of_a_renewal(intent: Intent) -> bool:
    """Whether another one is, or was, held for the same payment: see :mod:`app.actions.renewals`."""
    return REPLACES in intent.metadata or intent.cancellation_reason == SUPERSEDED


def compare_refunds(page: Sequence[Refund], *, now: datetime) -> Findings:
    """Compare a page of Stripe's refunds with our operations; learn what we have missed. Raises: GatewayDown."""
    found, known = Findings(), _known_refunds(page)
    ours = _standings_where(Payment.intent_id.in_({refund.intent_id for refund in page if refund.intent_id}))
    outside()
    by_intent = {standing.intent_id: standing for standing in ours}
    for refund in page:
        standing = by_intent.get(refund.intent_id)
        if standing is not None and refund.intent_id is not None:
            found.compared += 1
            if not _is_known(refund, known) and not standing.is_busy:
                _mend(refund.intent_id, found, now=now)
        elif refund.intent_id is not None and is_ours(refund.metadata):
            found.strays.append(refund.intent_id)
        else:
            found.not_ours += 1
    return found


def look_for(intent_id: str, *, now: datetime) -> Findings:
    """Compare one PaymentIntent, which Stripe may not know at all. Raises: GatewayDown."""
    outside()
    intent = stripe_gateway().find(intent_id)
    return _missing(intent_id, now=now) if intent is None else compare_intents([intent], now=now)


def adopt(intent_id: str, *, now: datetime) -> Findings:
    """Make the rows of a stray again; one that cannot be ours is let go, and an alarm raised. Raises: GatewayDown."""
    outside()
    found, intent = Findings(compared=1), stripe_gateway().intent(intent_id)
    try:
        if not rebuilding.rebuild(intent, now=now):
            return compare_intents([intent], now=now)
        if intent.charge is not None and intent.charge.refunded:
            payments.learn(intent_id, now=now)
    except Busy:
        return found  # somebody else is putting it back
    except (Unexplained, IllegalMove) as failure:
        _strand(intent, str(failure), now=now)
        return found
    found.mended += 1
    found.right.append(intent_id)
    return found


def _standings(page: Sequence[Intent]) -> dict[str, Standing]:
    """Our payments by the PaymentIntent of the page that is theirs: by its id, or by what is written on it."""
    named = {intent.metadata["payment"]: intent.id for intent in page if "payment" in intent.metadata}
    found = _standings_where(Payment.intent_id.in_([intent.id for intent in page]) | Payment.id.in_(named))
    outside()
    return {standing.intent_id or named[standing.id]: standing for standing in found}


def _standings_where(condition: object) -> list[Standing]:
    rows = db.session.execute(
        select(
            Payment.id,
            Payment.intent_id,
            Payment.state,
            Payment.amount_minor,
            Payment.captured_minor,
            Payment.refunded_minor,
            Payment.currency,
            Payment.version,
        ).where(condition)  # type: ignore[arg-type]
    ).all()
    unsettled = select(Operation.subject).where(
        Operation.subject.in_([row.id for row in rows]), Operation.state.in_(UNSETTLED_OPERATION)
    )
    busy = set(db.session.scalars(unsettled))
    return [
        Standing(
            row.id,
            row.intent_id,
            row.state,
            Money(row.amount_minor, row.currency),
            Money(row.captured_minor, row.currency),
            Money(row.refunded_minor, row.currency),
            row.version,
            row.id in busy,
        )
        for row in rows
    ]


def _difference(intent: Intent, ours: Standing) -> str | None:
    """Where a PaymentIntent and our payment are not the same, as a sentence; None if they are."""
    nothing = Money(0, ours.amount.currency)
    refunded = intent.charge.refunded if intent.charge and ours.state == PaymentState.CAPTURED else nothing
    received = intent.received if intent.status == "succeeded" else nothing
    if ours.intent_id is None:
        return f"{ours.id} does not know its {intent.id} yet."
    if intent.status not in STATUS[ours.state]:
        return f"{intent.id} is {intent.status} at Stripe, and {ours.id} is {ours.state} here."
    for what, theirs, here in (
        ("asked for", intent.amount, ours.amount),
        ("charged", received, ours.captured),
        ("refunded", refunded, ours.refunded),
    ):
        if theirs != here:
            return f"Of {intent.id}, {theirs} are {what} at Stripe, and {here} here ({ours.id})."
    return None


def _mend(intent_id: str, found: Findings, *, now: datetime) -> None:
    """Learn what is new, and look whether that was all."""
    riddle = None
    try:
        changed = payments.learn(intent_id, now=now)
    except NotFound:
        found.strays.append(intent_id)
        return
    except GatewayDown:
        raise
    except Failure as failure:
        changed, riddle = False, str(failure)
    found.mended += changed
    before = _alone(intent_id)
    intent = stripe_gateway().intent(intent_id)
    after = _alone(intent_id)
    difference = _difference(intent, after) if after else None
    if difference is None:
        found.right.append(intent_id)
    elif after is not None and not after.is_busy and before == after:  # else somebody is at it
        if after.state in RELEASED:
            strays.let_go(intent, now=now)
        _raise(DIFFERS, intent_id, riddle or difference, now=now)


def _alone(intent_id: str) -> Standing | None:
    found = _standings_where(Payment.intent_id == intent_id)
    outside()
    return found[0] if found else None


def _missing(intent_id: str, *, now: datetime) -> Findings:
    ours = _alone(intent_id)
    if ours is None:
        return Findings(right=[intent_id])
    if not ours.is_busy:
        told = f"{ours.id} ({ours.amount}, {ours.state}) has the PaymentIntent {intent_id}, which Stripe does not know."
        _raise(MISSING, intent_id, told, now=now)
    return Findings()


def _strand(intent: Intent, reason: str, *, now: datetime) -> None:
    """It can belong to no booking: nobody can use what it holds, and a person has to know what it charged."""
    if intent.status == "canceled":
        return
    charged = intent.received - intent.charge.refunded if intent.charge else intent.received
    strays.let_go(intent, now=now)
    what = f"{charged} were charged" if charged else f"{intent.amount} were held or asked for, and are let go,"
    if intent.received and not charged:
        what = f"{intent.received} were charged and refunded"  # Stripe's fee is lost, and somebody has to know
    told = f"At Stripe, {what} for a booking that is not here and cannot be put back ({intent.id}). {reason}"
    _raise(strays.KIND, intent.id, told, now=now)


def _raise(kind: str, intent_id: str, sentence: str, *, now: datetime) -> None:
    with atomically():
        alarms.raise_about(kind, intent_id, sentence, now=now)


def _known_refunds(page: Collection[Refund]) -> set[tuple[str, str | None]]:
    kinds = (refunds.KIND, refunds.FAILURE)
    ids = [refund.id for refund in page]
    known = select(Operation.kind, Operation.stripe_id).where(Operation.kind.in_(kinds), Operation.stripe_id.in_(ids))
    return {(kind, stripe_id) for kind, stripe_id in db.session.execute(known)}


def _is_known(refund: Refund, known: set[tuple[str, str | None]]) -> bool:
    came_back = refund.status in refunds.GAVE_NOTHING_BACK
    return (refunds.KIND, refund.id) in known and (not came_back or (refunds.FAILURE, refund.id) in known)
