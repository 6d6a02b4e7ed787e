"""Where a change begins and ends: everything inside is kept, or nothing is."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Executable, Row
from sqlalchemy.exc import IntegrityError

from app.extensions import WRITING, db, single
from app.kit.errors import Failure

SQLITE_TAKEN = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
POSTGRESQL_TAKEN = ("23505", "23P01")  # unique_violation, exclusion_violation


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


def at_once(statement: Executable, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """Run one statement that is a transaction of its own, past the session; the rows that it returns."""
    if db.session.registry.has():
        outside()
    with single().begin() as connection:
        return connection.execute(statement, values).all()


@contextmanager
def or_else(failure: Failure) -> Iterator[None]:
    """Write what is inside now; raise ``failure`` if somebody else has what there can be only one of."""
    try:
        yield
        db.session.flush()
    except IntegrityError as error:
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
    sqlite_code, sqlstate = getattr(error.orig, "sqlite_errorcode", None), getattr(error.orig, "sqlstate", None)
    return sqlite_code in SQLITE_TAKEN or sqlstate in POSTGRESQL_TAKEN
