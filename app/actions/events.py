"""What webhooks did not bring: Stripe's own list of events is read behind them, into the same inbox.

An endpoint that was off, a secret that was wrong, a night without the application: nothing of it loses an event, as
long as it is over within the 30 days that Stripe remembers.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from app.actions import bookmarks, inbox, installations
from app.actions.transactions import atomically, outside
from app.extensions import db
from app.gateways.stripe_gateway import stripe_gateway
from app.gateways.stripe_objects import Told
from app.models.event import StripeEvent

JOURNAL = "events"
OVERLAP = timedelta(hours=1)  # events are not promised to appear in the order of their dates
DAY = timedelta(days=1)  # what was missed is read a day at a time: what is stored then need not be read again
TYPES = (
    *inbox.TELLS,
    *("charge.refunded", "refund.created", "refund.updated", "refund.failed"),
    *("setup_intent.succeeded", "setup_intent.setup_failed", "setup_intent.canceled"),
)

log = structlog.get_logger()
unread = bookmarks.unread(JOURNAL, every=timedelta(minutes=1))


def catch_up(journal: str = JOURNAL, *, now: datetime) -> int:
    """Store every event since the last time that did not come by webhook; how many there were.

    The first time it begins with the installation. The bookmark moves only over what is stored, and by Stripe's own
    dates: our clock may be wrong, though not by more than a day. Raises: GatewayDown; WrongAccount.
    """
    beginning = installations.ensure(now=now).since
    reached = bookmarks.reached(journal) or beginning
    outside()
    missed, since = 0, reached - OVERLAP
    while True:
        until = since + DAY if since + DAY < now else None
        found, newest = _store(since, until, now=now)
        past = until if until is not None and until + DAY <= now else reached
        missed, reached = missed + found, max(reached, past, newest or past)
        with atomically():
            bookmarks.move(journal, reached, now=now)
        if until is None:
            return missed
        since = until


def _store(since: datetime, until: datetime | None, *, now: datetime) -> tuple[int, datetime | None]:
    """Store what happened between the two; how many were new, and when the newest of all happened."""
    gateway = stripe_gateway()
    missed, newest = 0, None
    for page in gateway.event_pages(since, until, types=TYPES):
        readable = [told for told in page if told is not None]
        if len(readable) < len(page):
            log.warning("events that cannot be read", count=len(page) - len(readable))
        known = _known(readable)
        for told in readable:
            newest = max(newest or told.created, told.created)
            if told.knock.id not in known:
                receipt = inbox.receive(told.knock, told.body, livemode=gateway.livemode, now=now)
                missed += receipt != inbox.Receipt.ALREADY_PROCESSED
    return missed, newest


def _known(page: list[Told]) -> set[str]:
    found = set(db.session.scalars(select(StripeEvent.id).where(StripeEvent.id.in_([told.knock.id for told in page]))))
    outside()
    return found
