"""Webhooks: a knock, not the news. The door stores it once; the worker fetches what it is about and makes us agree."""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

import structlog
from sqlalchemy import Executable, String, bindparam, case, exists, func, literal_column, select

from app.actions import payments, saved_cards
from app.actions.orders import is_elsewhere
from app.actions.transactions import at_once, atomically, unbroken
from app.extensions import db, upsert
from app.gateways.stripe_objects import Knock
from app.kit import backoff
from app.kit.columns import database_epoch
from app.kit.errors import Failure, GatewayDown, GatewayRefused, NotFound
from app.models.event import StripeEvent
from app.models.payment import Payment
from app.models.states import EventState, Party, PaymentState

BATCH = 50
MOST_TRIES = 10
LEASE = 30  # seconds in which an event is left to the one who handles it
PAUSE = 10  # seconds before an event that met a Stripe out of order is tried again
LONGEST_PAUSE = 3600  # seconds between two tries of an event that breaks us
LATELY = timedelta(days=7)
# With it, a browser may see and confirm a payment: nobody finds it in our tables or backups. Inside of a string its
# quotation marks would be escaped, so that only a key of the object can be meant.
CLIENT_SECRET = re.compile(r'("client_secret"\s*:\s*)"(?:[^"\\]|\\.)*"')

P = PaymentState
HAS_ENDED = frozenset({P.VOIDED, P.LAPSED})
IS_CAPTURED = frozenset({P.CAPTURED})
IS_ANSWERED = frozenset({P.AUTHORIZED}) | IS_CAPTURED | HAS_ENDED
IS_KNOWN = frozenset(P)
# What kinds of event tell of a payment, as the states in which it shows that already. Of other kinds, such as refunds,
# the state says too little: they are always looked into.
TELLS: dict[str, frozenset[PaymentState]] = {
    "payment_intent.created": IS_KNOWN,
    "payment_intent.requires_action": IS_KNOWN,
    "payment_intent.processing": IS_KNOWN,
    "payment_intent.payment_failed": IS_ANSWERED,
    "payment_intent.amount_capturable_updated": IS_ANSWERED,
    "payment_intent.succeeded": IS_CAPTURED,
    "payment_intent.canceled": HAS_ENDED,
    "charge.failed": IS_ANSWERED,
    "charge.succeeded": IS_ANSWERED,
    "charge.captured": IS_CAPTURED,
    "charge.expired": HAS_ENDED,
}

log = structlog.get_logger()


class Receipt(StrEnum):
    """What the sender is told. An event may be new and still tell nothing new about its payment."""

    SUCCESS = "success"
    ALREADY_PROCESSED = "already_processed"
    PAYMENT_ALREADY_PROCESSED = "payment_already_processed"


def receive(knock: Knock, body: str, *, livemode: bool, now: datetime) -> Receipt:
    """Store a verified event, once, for the worker to handle: one statement, and Stripe is not asked.

    ``livemode`` is this installation's: an event of the other mode, of a connected account or of another installation
    on our account is kept but not used. One that tells of a payment what it shows already is taken as handled. Of its
    ``body``, the secret with which a browser may confirm the payment is not kept.
    """
    meant = _state_of(knock, livemode=livemode)
    tells = TELLS.get(knock.type) if meant == EventState.RECEIVED else None
    row = {
        "id": knock.id,
        "type": knock.type,
        "object_id": knock.intent_id,
        "account": knock.account,
        "livemode": knock.livemode,
        "body": CLIENT_SECRET.sub(r'\1"redacted"', body),
        "meant": meant,
        "received_at": now,
    }
    stored = at_once(_insertion(db.engine.dialect.name, tells), row)
    if not stored:
        return Receipt.ALREADY_PROCESSED
    return Receipt.SUCCESS if stored[0].state == meant else Receipt.PAYMENT_ALREADY_PROCESSED


def _state_of(knock: Knock, *, livemode: bool) -> EventState:
    if knock.livemode != livemode or knock.account is not None or is_elsewhere(knock.metadata):
        return EventState.QUARANTINED
    return EventState.RECEIVED if knock.intent_id is not None else EventState.HANDLED


@cache
def _insertion(_dialect: str, tells: frozenset[PaymentState] | None) -> Executable:
    """The one statement of the door. The states in ``tells`` make an event nothing new from the beginning."""
    state: Any = bindparam("meant", type_=StripeEvent.state.type)
    if tells is not None:
        # Written out: a list of bound values would be unfolded each time.
        words = [literal_column(f"'{word}'", String()) for word in sorted(tells)]
        shown = exists().where(Payment.intent_id == bindparam("object_id"), Payment.state.in_(words))
        state = case((shown, literal_column(f"'{EventState.HANDLED}'")), else_=state)
    insertion: Executable = (
        upsert(StripeEvent.__table__)
        .values(
            **{name: bindparam(name) for name in ("id", "type", "object_id", "account", "livemode", "body")},
            state=state,
            tries=0,
            version=1,
            received_at=bindparam("received_at"),
            not_before=database_epoch(),
        )
        .on_conflict_do_nothing()
        .returning(StripeEvent.state)
    )
    return insertion


def waiting(_now: datetime) -> list[str]:
    """Ids of events to be handled, longest waiting first: what fails goes to the end, so nothing is kept waiting by it.

    When that is, is told by the database's clock, which all hosts share.
    """
    return list(
        db.session.scalars(
            select(StripeEvent.id)
            .where(StripeEvent.is_in(EventState.RECEIVED), StripeEvent.not_before <= database_epoch())
            .order_by(StripeEvent.not_before)
            .limit(BATCH)
        )
    )


def handle(event_id: str, *, now: datetime) -> None:
    """Fetch what an event is about and make our rows agree; does nothing if it is handled or in someone else's hands.

    Never raises for what a single event brings along: it waits, or is set aside for an operator.
    """
    told = _take(event_id, now=now)
    if told is None:
        return
    kind, intent_id = told
    try:
        if intent_id is not None and not _shows_already(kind, intent_id):
            (saved_cards if kind.startswith("setup_intent.") else payments).learn(intent_id, now=now)
    except GatewayDown as failure:
        _put_back(event_id, failure)
    except (NotFound, GatewayRefused) as failure:  # not ours, or Stripe does not know it under our key
        _put_away(event_id, EventState.QUARANTINED, now=now, error=failure)
    except Failure as failure:
        log.warning("event not handled", webhook_event=event_id, error=str(failure))
        spoil(event_id, failure, now=now)
    else:
        _put_away(event_id, EventState.HANDLED, now=now)


@unbroken
def spoil(event_id: str, error: Exception, *, now: datetime) -> None:
    """Note that an event broke us: it is tried again, later and later, and in the end set aside."""
    with atomically():
        event = StripeEvent.locked(event_id)
        if event.state != EventState.RECEIVED:
            return
        event.error = str(error)[:500]
        event.not_before = database_epoch() + backoff.pause(event.tries, longest=LONGEST_PAUSE)
        if event.tries >= MOST_TRIES:
            _move(event, EventState.STUCK, now=now)


def quarantined_lately(now: datetime) -> int:
    """How many events of the last week were about something else than this installation."""
    lately = StripeEvent.is_in(EventState.QUARANTINED) & (StripeEvent.received_at > now - LATELY)
    return db.session.scalar(select(func.count(StripeEvent.id)).where(StripeEvent.is_set_aside(), lately)) or 0


@unbroken
def _take(event_id: str, *, now: datetime) -> tuple[str, str | None] | None:
    """Count a try before it is made, so that an event that kills the process is no exception; its type and intent."""
    with atomically():
        event = db.session.scalar(
            select(StripeEvent)
            .where(
                StripeEvent.id == event_id,
                StripeEvent.state == EventState.RECEIVED,
                StripeEvent.not_before <= database_epoch(),
            )
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        if event is None:
            return None
        event.tries += 1
        event.not_before = database_epoch() + LEASE
        if event.tries > MOST_TRIES:
            event.error = "Whoever handled it has never come back."
            _move(event, EventState.STUCK, now=now)
            return None
        return event.type, event.object_id


def _shows_already(kind: str, intent_id: str) -> bool:
    shown_by = select(Payment.id).where(Payment.intent_id == intent_id, Payment.state.in_(TELLS.get(kind, ())))
    known = db.session.scalar(shown_by) is not None
    db.session.rollback()
    return known


@unbroken
def _put_back(event_id: str, failure: GatewayDown) -> None:
    """It was not the event's fault: it is tried again for as long as it takes."""
    with atomically():
        event = StripeEvent.locked(event_id)
        event.tries -= 1
        event.error = str(failure)[:500]
        event.not_before = database_epoch() + PAUSE


@unbroken
def _put_away(event_id: str, state: EventState, *, now: datetime, error: Failure | None = None) -> None:
    with atomically():
        event = StripeEvent.locked(event_id)
        event.error = str(error)[:500] if error else None
        if event.state != state:
            _move(event, state, now=now)


def _move(event: StripeEvent, state: EventState, *, now: datetime) -> None:
    event.handled_at = now
    event.move_to(state, now=now, by=Party.STRIPE, because=event.type)
