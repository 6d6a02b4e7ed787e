"""Webhooks: a knock, not the news. Store it once, then fetch the object it is about and make our rows agree."""

from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy import select

from app.actions import payments
from app.actions.transactions import atomically
from app.extensions import db, upsert
from app.gateways.stripe_objects import Knock
from app.kit.errors import Failure, GatewayDown, NotFound
from app.models.event import StripeEvent
from app.models.states import EventState, Party

BATCH = 50
MOST_TRIES = 10

log = structlog.get_logger()


class Receipt(StrEnum):
    """What the sender is told. An event may be new and still tell nothing new about its payment."""

    SUCCESS = "success"
    ALREADY_PROCESSED = "already_processed"
    PAYMENT_ALREADY_PROCESSED = "payment_already_processed"


def receive(knock: Knock, body: str, *, livemode: bool, now: datetime) -> Receipt:
    """Store a verified event, once, and act on it at once; if Stripe does not answer, the worker does later.

    ``livemode`` is this installation's: an event of the other mode, or of a connected account, is kept but not used.
    """
    ours = knock.livemode == livemode and knock.account is None
    with atomically():
        stored = db.session.execute(
            upsert(StripeEvent)
            .values(
                id=knock.id,
                type=knock.type,
                object_id=knock.intent_id,
                account=knock.account,
                livemode=knock.livemode,
                body=body,
                state=EventState.RECEIVED if ours else EventState.QUARANTINED,
                tries=0,
                version=1,
                received_at=now,
            )
            .on_conflict_do_nothing()
            .returning(StripeEvent.id)
        ).scalar()
    if stored is None:
        return Receipt.ALREADY_PROCESSED
    if not ours:
        return Receipt.SUCCESS
    return Receipt.SUCCESS if handle(knock.id, now=now) else Receipt.PAYMENT_ALREADY_PROCESSED


def waiting(_now: datetime) -> list[str]:
    """Ids of events that were stored and not handled yet; the often-tried ones come last."""
    return list(
        db.session.scalars(
            select(StripeEvent.id)
            .where(StripeEvent.is_in(EventState.RECEIVED))
            .order_by(StripeEvent.tries, StripeEvent.received_at)
            .limit(BATCH)
        )
    )


def handle(event_id: str, *, now: datetime) -> bool:
    """Fetch what an event is about and make our rows agree; False if they did already.

    Never raises for what a single event brings along: it waits, or is set aside for an operator.
    """
    event = StripeEvent.one(StripeEvent.id == event_id)
    if event.state != EventState.RECEIVED:
        return False
    if event.object_id is None:
        _put_away(event_id, EventState.HANDLED, now=now)
        return True
    try:
        changed = payments.learn(event.object_id, now=now)
    except GatewayDown:
        return True  # not the event's fault: it is tried again as long as it takes
    except NotFound as failure:
        _put_away(event_id, EventState.QUARANTINED, now=now, error=failure)
        return True
    except Failure as failure:
        log.warning("event not handled", webhook_event=event_id, error=str(failure))
        _put_away(event_id, None, now=now, error=failure)
        return True
    _put_away(event_id, EventState.HANDLED, now=now)
    return changed


def spoil(event_id: str, error: Exception, *, now: datetime) -> None:
    """Count a try that broke on a mistake of ours, so that no event is tried for ever."""
    _put_away(event_id, None, now=now, error=error)


def _put_away(event_id: str, state: EventState | None, *, now: datetime, error: Exception | None = None) -> None:
    """Note how handling an event went; without a ``state`` it is tried again, a few times."""
    with atomically():
        event = StripeEvent.locked(event_id)
        event.tries += 1
        event.error = str(error)[:500] if error else None
        event.handled_at = now
        if state is None and event.tries >= MOST_TRIES:
            state = EventState.STUCK
        if state is not None:
            event.move_to(state, now=now, by=Party.STRIPE, because=event.type)
