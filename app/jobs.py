"""The timetable: which rows are looked for how often, and what is done with each; and the runner.

A job is a query plus one action per row. One bad row never stops the rest, and running a job twice, or on two
hosts at once, does nothing more: every action checks and locks what it works on.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Event
from typing import Any

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor as Timekeepers
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy.exc import OperationalError

from app.actions import (
    approvals,
    authorizations,
    bookings,
    budget,
    busy_calendars,
    earnings,
    events,
    inbox,
    leases,
    objections,
    operations,
    outbox,
    reconcile,
    releases,
    reminders,
    reschedules,
    settlements,
    trials,
)
from app.actions.courses import Course
from app.extensions import db
from app.gateways.stripe_gateway import stripe_gateway
from app.kit import clock
from app.kit.errors import Failure
from app.models.reconciliation import Reconciliation

log = structlog.get_logger()


def reconcile_since(since: datetime, *, tell: Callable[[int], object] = lambda percent: None) -> Reconciliation:
    """Compare everything that Stripe has made since then with ours, each page at its own time.

    ``tell`` hears how many percent are behind. Raises: WrongAccount, and nothing was written; GatewayDown, Busy; and
    whatever else stopped it, which stands in its row then.
    """
    run_id = reconcile.start(since, now=clock.now())
    try:
        with budget.batch():
            for step in Course.of(run_id).steps():
                step.do(now=clock.now())
                tell(step.percent)
    except (Exception, KeyboardInterrupt) as trouble:  # whatever it is, nobody has to wait for this run any more
        db.session.rollback()
        reconcile.break_off(run_id, trouble, now=clock.now())
        raise
    return reconcile.finish(run_id, now=clock.now())


def _reconcile(scope: str, *, now: datetime) -> None:
    reconcile_since(reconcile.since(scope, now))


@dataclass(frozen=True)
class Job:
    """What is due is worked on until nothing is due any more.

    While Stripe is left alone because it does not answer, a job that ``asks_stripe`` leaves its rows for later.
    """

    every: timedelta
    due: Callable[[datetime], Sequence[Any]]  # a batch of rows, or of their ids
    do: Callable[..., object]  # (row, *, now)
    spoil: Callable[..., object] | None = None  # (row, error, *, now): what to do when doing it broke
    give_back: Callable[[Sequence[Any]], object] | None = None  # rows that ``due`` has claimed and nobody has begun
    asks_stripe: bool = True
    at_most: int | None = None  # rows at once, of what may keep a thread waiting long


JOBS = {
    "finish_operations": Job(timedelta(seconds=10), leases.claim, operations.carry_out, give_back=leases.hand_back),
    "handle_events": Job(timedelta(seconds=2), inbox.waiting, inbox.handle, inbox.spoil),
    "poll_events": Job(timedelta(minutes=1), events.unread, events.catch_up),
    "expire_checkouts": Job(timedelta(minutes=1), bookings.unpaid_too_long, bookings.expire, asks_stripe=False),
    "authorize_saved_cards": Job(timedelta(minutes=1), authorizations.due, authorizations.take_up),
    "expire_stale_holds": Job(timedelta(minutes=5), releases.stale, releases.release, asks_stripe=False),
    "close_trials": Job(timedelta(minutes=5), trials.over, trials.close, asks_stripe=False),
    "lapse_requests": Job(timedelta(minutes=1), approvals.due, approvals.lapse, asks_stripe=False),
    "remind": Job(timedelta(minutes=1), reminders.due, reminders.remind, asks_stripe=False),
    "lapse_reschedules": Job(timedelta(minutes=1), reschedules.unanswered, reschedules.lapse, asks_stripe=False),
    "send_mail": Job(
        timedelta(seconds=10), outbox.claim, outbox.send, outbox.spoil, give_back=outbox.hand_back, asks_stripe=False
    ),
    "read_calendars": Job(timedelta(seconds=10), busy_calendars.due, busy_calendars.read, asks_stripe=False, at_most=2),
    "end_silences": Job(
        timedelta(minutes=5), objections.unanswered, objections.take_silence_for_yes, asks_stripe=False
    ),
    "clear_earnings": Job(timedelta(minutes=5), earnings.due, earnings.clear, asks_stripe=False),
    "follow_stripes_books": Job(timedelta(minutes=1), settlements.unread, settlements.follow),
    "reconcile": Job(timedelta(minutes=5), reconcile.due, _reconcile),
    "release_forgotten_holds": Job(timedelta(hours=1), releases.forgotten, releases.release, asks_stripe=False),
}


class Crew:
    """Threads that all jobs of a worker share: each row is worked on in an application context of its own.

    Once it is ``leaving``, what has been begun is finished and nothing else is begun.
    """

    def __init__(self, app: Flask, size: int) -> None:
        self.leaving = Event()
        self._app, self._size = app, size
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="crew")

    def work(self, name: str) -> int:
        """Do one job now, as many rows at once as there are threads; how many rows it did."""
        room = BoundedSemaphore(
            JOBS[name].at_most or 2 * self._size
        )  # rows are looked for a little ahead, so that no thread waits for one
        begun: list[Future[bool]] = []
        with self._app.app_context():
            try:
                for row in _rows(JOBS[name], self.leaving):
                    room.acquire()
                    begun.append(self._threads.submit(self._do_apart, name, row))
                    begun[-1].add_done_callback(lambda _: room.release())
            except OperationalError as error:
                log.error("database", job=name, error=str(error.orig))  # it is away, and the job comes again
        return _told(name, [future.result() for future in begun])

    def close(self) -> None:
        self._threads.shutdown()

    def _do_apart(self, name: str, row: Any) -> bool:
        with self._app.app_context():
            if self.leaving.is_set():
                _leave(JOBS[name], [row])
                return False
            return _do(name, row)


def run(name: str) -> int:
    """Do one job now, row by row, inside an application context; how many rows it did."""
    return _told(name, [_do(name, row) for row in _rows(JOBS[name], Event())])


def _rows(job: Job, leaving: Event) -> Iterator[Any]:
    """What is due, batch after batch, until nothing new is. A row that stays due is not worked on in vain for ever."""
    before: set[Any] = set()
    while not leaving.is_set() and not (job.give_back and job.asks_stripe and stripe_gateway().is_left_alone()):
        db.session.rollback()  # what is due is due now, not when somebody began to read
        with budget.batch():
            due = job.due(clock.now())
        db.session.rollback()
        fresh = list(due) if job.give_back else [row for row in due if row not in before]
        if not fresh:
            return
        before = set() if job.give_back else set(due)
        for n, row in enumerate(fresh):
            if leaving.is_set() or (job.asks_stripe and stripe_gateway().is_left_alone()):
                _leave(job, fresh[n:])
                break
            yield row


def _leave(job: Job, rows: Sequence[Any]) -> None:
    """Begin nothing with rows that are due: they stay so."""
    if job.give_back:
        job.give_back(rows)


def _do(name: str, row: Any) -> bool:
    """Work on one row; whether it was done. Whatever happens to it concerns no other."""
    job = JOBS[name]
    try:
        with budget.batch():
            job.do(row, now=clock.now())
    except Failure as failure:
        log.info("not done", job=name, row=_id(row), failure=type(failure).__name__, error=str(failure))
        return False
    except OperationalError as error:  # the database's trouble, and no fault of the row's
        log.error("database", job=name, row=_id(row), error=str(error.orig))
        return False
    except Exception as error:
        log.exception("failed", job=name, row=_id(row))
        if job.spoil is not None:
            job.spoil(row, error, now=clock.now())
        return False
    finally:
        db.session.rollback()
    return True


def _id(row: Any) -> str:
    return str(getattr(row, "id", row))


def _told(name: str, results: Sequence[bool]) -> int:
    if results:
        log.info("did", job=name, rows=sum(results), of=len(results))
    return sum(results)


def scheduler(crew: Crew, *, at_least_every: timedelta | None = None) -> BackgroundScheduler:
    """The worker's clockwork. A job that was missed is run once, late: never skipped, never piled up."""
    worker = BackgroundScheduler(
        timezone="UTC",
        executors={"default": Timekeepers(len(JOBS))},
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    for name, job in JOBS.items():
        every = min(job.every, at_least_every or job.every)
        worker.add_job(
            crew.work,
            "interval",
            (name,),
            id=name,
            seconds=every.total_seconds(),
            next_run_time=clock.system_time(),
        )
    return worker
