"""Everything that Stripe has made since some day, beside everything of ours: mended, or told.

A run is a row, and a course of steps (:mod:`app.actions.courses`) that a door walks along, telling each what time it
is. It may be broken off anywhere and begun anew. Two at once would do no harm, but the newer one takes over.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, func, select

from app.actions import alarms, installations
from app.actions.comparisons import KINDS, Findings
from app.actions.transactions import atomically
from app.extensions import db
from app.kit.errors import Busy, Failure
from app.models.base import all_of
from app.models.payment import Payment
from app.models.reconciliation import Reconciliation
from app.models.states import Party, ReconciliationState

RECENT = timedelta(days=8)  # whatever is held on a card, and can still move, is younger
EVERYTHING = "everything"
PAUSES = {EVERYTHING: timedelta(days=1), "recent": timedelta(hours=1)}
SILENCE = timedelta(minutes=15)  # after which a run is taken for dead

R = ReconciliationState

log = structlog.get_logger()


def due(now: datetime) -> list[str]:
    """What should be compared by now: everything, or what is recent; nothing while a run is alive."""
    alive = Reconciliation.is_in(R.RUNNING) & (Reconciliation.seen_at > now - SILENCE)
    if _is_there(alive, now - PAUSES[EVERYTHING]):
        return []
    came_to_an_end = Reconciliation.state.in_((R.CLEAN, R.ALARMED))
    for scope, pause in PAUSES.items():
        reached = Reconciliation.since <= since(scope, now)
        if not _is_there(came_to_an_end & (reached if scope == EVERYTHING else True), now - pause):
            return [scope]
    return []


def since(scope: str, now: datetime) -> datetime:
    """How far back a scope reaches."""
    if scope != EVERYTHING:
        return now - RECENT
    tied, first = installations.pinned(), db.session.scalar(select(func.min(Payment.created_at)))
    return min(tied.since if tied else now, first or now)


def start(since: datetime, *, now: datetime) -> str:
    """Write down that a run begins; its id. One that is still under way is taken over.

    Raises: WrongAccount, and nothing was written; GatewayDown.
    """
    installations.ensure(now=now)
    with atomically():
        for older in all_of(select(Reconciliation).where(Reconciliation.is_in(R.RUNNING)).with_for_update()):
            _close(older, R.BROKEN_OFF, "It died, or a newer one took over.", now=now)
        run = Reconciliation(since=since, started_at=now, seen_at=now)
        db.session.add(run)
        db.session.flush()
        return run.id


def note(run_id: str, found: Findings, *, now: datetime) -> None:
    """Add what a step came to. Raises: Busy if a newer run has taken over."""
    with atomically():
        run = _running(run_id)
        run.seen_at = now
        run.compared += found.compared
        run.mended += found.mended
        run.not_ours += found.not_ours
        alarms.settle_about(KINDS, found.right, now=now)


def finish(run_id: str, *, now: datetime) -> Reconciliation:
    """Write down how it went: alarms that stand open are for a person. Raises: Busy."""
    with atomically():
        run = _running(run_id)
        run.alarms = alarms.count_open()
        told = f"{run.compared} compared, {run.mended} mended, {run.not_ours} not ours, {run.alarms} open alarms."
        _close(run, R.ALARMED if run.alarms else R.CLEAN, told, now=now)
    return Reconciliation.one(Reconciliation.id == run_id)


def break_off(run_id: str, trouble: BaseException, *, now: datetime) -> None:
    """Write down why it did not come to its end, unless somebody has taken it over."""
    told = str(trouble) if isinstance(trouble, Failure) else f"{type(trouble).__name__}: {trouble}"
    log.warning("reconciliation broken off", run=run_id, because=told)
    with atomically():
        run = Reconciliation.locked(run_id)
        if run.state == R.RUNNING:
            _close(run, R.BROKEN_OFF, told, now=now)


def _running(run_id: str) -> Reconciliation:
    run = Reconciliation.locked(run_id)
    if run.state != R.RUNNING:
        raise Busy("A newer reconciliation has taken over.")
    return run


def _close(run: Reconciliation, state: ReconciliationState, told: str, *, now: datetime) -> None:
    run.told, run.finished_at = told[:500], now
    run.move_to(state, now=now, by=Party.SYSTEM, because=told[:200])


def _is_there(which: ColumnElement[bool], begun_after: datetime) -> bool:
    found = select(Reconciliation.id).where(Reconciliation.started_at > begun_after, which).limit(1)
    return db.session.scalar(found) is not None
