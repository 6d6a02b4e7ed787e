"""Every query that a page or a job makes is served by an index, as SQLite's own planner tells."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, event

from app import jobs
from app.extensions import db
from tests.house.conftest import House, inside
from tests.house.pages import routes

GROW = ("booking", "payment", "operation", "stripe_event", "slot_claim", "ledger_entry", "transition", "user_account")
GROW += ("mentor", "weekly_hours", "date_exception", "deadline", "mail", "busy_calendar", "busy_time")
# Once a day the books prove themselves, which is to add up every entry.
EVERY_ENTRY = "(SELECT ledger_entry.credit AS account"
SCAN = re.compile(r"SCAN (\w+)(?! USING (?:COVERING )?INDEX)\b")


class Overheard(list[tuple[str, Any]]):
    """Statements with their parameters."""


@contextmanager
def overhearing(app: Flask) -> Iterator[Overheard]:
    """Everything that the application asks its database meanwhile."""
    heard = Overheard()

    def listen(connection: Connection, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
            heard.append((statement, parameters))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", listen)


def scans(house: House, heard: Overheard) -> dict[str, str]:
    """Statements, from their FROM on, that read a table from end to end that grows; and the planner's plan."""
    connection = sqlite3.connect(house.file)
    try:
        found = {}
        for statement, parameters in heard:
            rows = parameters[0] if parameters and isinstance(parameters[0], tuple) else parameters
            plan = " | ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", rows))
            for name in SCAN.findall(plan):
                if _table(name, statement) in GROW:
                    found[" ".join(statement.partition("FROM ")[2].split())] = plan
        return found
    finally:
        connection.close()


def test_the_planner_is_understood(house: House):
    """What has no index is told as a scan; what has one is not."""
    heard = Overheard(
        [
            ("SELECT * FROM booking WHERE title = ?", ("x",)),
            ("SELECT * FROM booking AS b WHERE b.title = ?", ("x",)),
            ("SELECT * FROM booking WHERE id = ?", ("x",)),
        ]
    )
    assert len(scans(house, heard)) == 2


@pytest.mark.parametrize("name", jobs.JOBS)
def test_a_job_finds_what_is_due_through_an_index(house: House, name: str):
    with inside(house.app), overhearing(house.app) as heard:
        jobs.JOBS[name].due(house.stripe.now())  # nothing is: some jobs claim what they find
    assert heard
    assert scans(house, heard) == {}


@pytest.mark.parametrize("person", [None, "ann", "bob", "olga"])
def test_a_page_finds_what_it_shows_through_an_index(house: House, person: str | None):
    browser = house.browser(person)
    with overhearing(house.app) as heard:
        for route in routes(house.app, "GET"):
            for address in route.addresses(house):
                browser.get(address)
    assert heard
    assert scans(house, heard) == {}


def test_what_a_job_does_with_a_row_goes_through_an_index(house: House):
    """This one changes the house, so it comes last."""
    house.stripe.wait(timedelta(days=4))
    with overhearing(house.app) as heard, inside(house.app):
        done = {name: jobs.run(name) for name in jobs.JOBS}
    assert done["expire_checkouts"] == 1
    assert done["expire_stale_holds"] == 1
    scanned = [source for source in scans(house, heard) if not source.startswith(EVERY_ENTRY)]
    assert scanned == []


def test_a_job_that_is_run_again_does_nothing_more(house: House):
    with inside(house.app):
        for name in [*jobs.JOBS, *jobs.JOBS]:  # in the second round, what one job left for another
            jobs.run(name)
    before, at_stripe = house.contents(), house.changes_at_stripe()
    with inside(house.app):
        assert {name: jobs.run(name) for name in jobs.JOBS} == dict.fromkeys(jobs.JOBS, 0)
    assert (house.contents(), house.changes_at_stripe()) == (before, at_stripe)


def _table(name: str, statement: str) -> str:
    """The table behind an alias of the planner's."""
    alias = re.search(rf'"?(\w+)"? AS {name}\b', statement)
    return alias[1] if alias else name
