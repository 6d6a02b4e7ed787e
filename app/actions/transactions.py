"""Where a change begins and ends: everything inside is kept, or nothing is."""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar, cast

import psycopg
import structlog
from psycopg.rows import namedtuple_row
from sqlalchemy import ClauseElement, Dialect, Executable, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from app.extensions import WRITING, db
from app.kit.errors import Failure

SQLITE_TAKEN = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
POSTGRESQL_TAKEN = ("23505", "23P01")  # unique_violation, exclusion_violation
BROKEN_OFF = ("40001", "40P01")  # serialization_failure, deadlock_detected
MOST_TIMES, MOST_OUTRUN = 5, 100

Given = ParamSpec("Given")
Result = TypeVar("Result")

log = structlog.get_logger()


class Outrun(Exception):
    """Somebody else took what was free when this transaction looked: done again, it will find the next."""


@contextmanager
def atomically() -> Iterator[None]:
    """One transaction. It starts afresh, so that nothing read before is decided upon."""
    if db.session.new or db.session.dirty:
        raise RuntimeError("there are changes outside of a transaction")
    db.session.rollback()
    try:
        db.session.connection(execution_options={WRITING: True})
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def unbroken(change: Callable[Given, Result]) -> Callable[Given, Result]:
    """A function that is one transaction and nothing else, in particular no call to Stripe: it is done again, whole,
    if PostgreSQL has broken it off so that another one could go on, or if it was outrun.

    Of two transactions that wait for each other one has to give way; under REPEATABLE READ, so has the second to write.
    Whenever one is outrun another has got something there are only so many of, so that this comes to an end.
    """

    @wraps(change)
    def done(*given: Given.args, **named: Given.kwargs) -> Result:
        broken_off = outrun = 0
        while True:
            try:
                return change(*given, **named)
            except Outrun:
                outrun += 1
                if outrun == MOST_OUTRUN:
                    raise
                log.info("outrun, and done again", transaction=change.__qualname__)
            except OperationalError as error:
                broken_off += 1
                if broken_off == MOST_TIMES or _sqlstate(error) not in BROKEN_OFF:
                    raise
                log.info("broken off, and done again", transaction=change.__qualname__, error=str(error.orig))

    return done


@unbroken
def at_once(statement: Executable, values: Mapping[str, Any]) -> Sequence[Any]:
    """Run one statement that is a transaction of its own, past the session; the rows that it returns, named.

    To PostgreSQL it is said by the driver: at the webhook door SQLAlchemy would take as much of the processor as the
    rest of the request, and BEGIN and COMMIT a round trip each. So ``values`` and rows are what psycopg knows.
    """
    if db.session.registry.has():
        outside()
    if db.engine.dialect.name != "postgresql":
        with db.engine.execution_options(**{WRITING: True}).begin() as connection:
            return connection.execute(statement, values).all()
    words, fixed = _spelt_out(statement, db.engine.dialect)
    try:
        with closing(db.engine.raw_connection()) as connection:
            return _said(connection, words, {**fixed, **values})
    except psycopg.Error as trouble:
        # Whoever looks out for the database's trouble need not know that SQLAlchemy was left aside.
        error = DBAPIError.instance(
            words, None, trouble, psycopg.Error, hide_parameters=True, dialect=db.engine.dialect
        )
        raise error from trouble


@cache
def _spelt_out(statement: Executable, dialect: Dialect) -> tuple[str, dict[str, Any]]:
    """A statement as the driver is told it, and the values that are the same each time."""
    compiled = cast(ClauseElement, statement).compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return str(compiled), {name: value for name, value in compiled.params.items() if value is not None}


def _said(connection: PoolProxiedConnection, words: str, values: Mapping[str, Any]) -> Sequence[Any]:
    driver: Any = connection.driver_connection
    try:
        driver.autocommit = True
        rows: Sequence[Any] = driver.cursor(row_factory=namedtuple_row).execute(words, values).fetchall()
        driver.autocommit = False
    except BaseException:
        connection.invalidate()  # nobody's transaction begins on what may still be without them
        raise
    return rows


@contextmanager
def or_else(failure: Failure, *, again: Collection[str] = ()) -> Iterator[None]:
    """Write what is inside now; raise ``failure`` if somebody else has what there can be only one of.

    If it is one of the unique indexes ``again`` that says so, Outrun is raised instead. Only PostgreSQL names it, but
    on SQLite nobody can be faster within a transaction.
    """
    try:
        yield
        db.session.flush()
    except IntegrityError as error:
        if _broken(error) in again:
            raise Outrun from error
        if _is_taken(error):
            raise failure from error
        raise


def outside() -> None:
    """Leave the present transaction, if any: Stripe is never called inside one."""
    if db.session.new or db.session.dirty:
        raise RuntimeError("there are changes outside of a transaction")
    db.session.rollback()


def _is_taken(error: IntegrityError) -> bool:
    """Whether a unique index or an exclusion constraint was broken, rather than a rule that is our own mistake."""
    return getattr(error.orig, "sqlite_errorcode", None) in SQLITE_TAKEN or _sqlstate(error) in POSTGRESQL_TAKEN


def _broken(error: DBAPIError) -> str | None:
    """The name of the constraint or unique index that was broken, on PostgreSQL."""
    told = getattr(error.orig, "diag", None)
    return told.constraint_name if told is not None else None


def _sqlstate(error: DBAPIError) -> str | None:
    """PostgreSQL's name for what went wrong. Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""
    return getattr(error.orig, "sqlstate", None)
