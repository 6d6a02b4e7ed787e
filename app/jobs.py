"""The timetable: which rows are looked for how often, and what is done with each; and the runner.

A job is a query plus one action per row. One bad row never stops the rest, and running a job twice, or on two
hosts at once, does nothing more: every action checks and locks what it works on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from app.actions import bookings, holds, inbox, operations, releases, settlements
from app.extensions import db
from app.kit import clock
from app.kit.errors import Failure

log = structlog.get_logger()


@dataclass(frozen=True)
class Job:
    every: timedelta
    due: Callable[[datetime], Sequence[str]]
    do: Callable[..., object]  # (row id, *, now)
    spoil: Callable[..., object] | None = None  # (row id, error, *, now): what to do when doing it broke


JOBS = {
    "finish_operations": Job(timedelta(seconds=10), operations.unfinished, operations.execute),
    "handle_events": Job(timedelta(seconds=2), inbox.waiting, inbox.handle, inbox.spoil),
    "expire_checkouts": Job(timedelta(minutes=1), bookings.unpaid_too_long, bookings.expire),
    "expire_stale_holds": Job(timedelta(minutes=5), holds.stale, bookings.expire),
    "follow_stripes_books": Job(timedelta(minutes=1), settlements.unread, settlements.follow),
    "release_forgotten_holds": Job(timedelta(minutes=5), releases.forgotten, releases.release),
}


def run(name: str) -> int:
    """Do one job now, inside an application context; how many rows it did."""
    job, done = JOBS[name], 0
    db.session.rollback()  # what is due is due now, not when somebody began to read
    due = list(job.due(clock.now()))
    db.session.rollback()
    for row_id in due:
        try:
            job.do(row_id, now=clock.now())
            done += 1
        except Failure as failure:
            log.info("not done", job=name, row=row_id, failure=type(failure).__name__, error=str(failure))
        except Exception as error:
            log.exception("failed", job=name, row=row_id)
            if job.spoil is not None:
                job.spoil(row_id, error, now=clock.now())
        finally:
            db.session.rollback()
    if due:
        log.info("did", job=name, rows=done, of=len(due))
    return done


def scheduler(app: Flask, *, at_least_every: timedelta | None = None) -> BackgroundScheduler:
    """The worker's clockwork. A job that was missed is run once, late: never skipped, never piled up."""
    worker = BackgroundScheduler(
        timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )
    for name, job in JOBS.items():
        every = min(job.every, at_least_every or job.every)
        worker.add_job(
            _in_context,
            "interval",
            (app, name),
            id=name,
            seconds=every.total_seconds(),
            next_run_time=clock.system_time(),
        )
    return worker


def _in_context(app: Flask, name: str) -> None:
    with app.app_context():
        run(name)
