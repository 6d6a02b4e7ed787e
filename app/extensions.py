"""The Flask extensions, made once and bound to an application in ``create_app()``."""

import select
import sqlite3
from typing import Any

import psycopg
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import Connection, Engine, Pool, event
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DisconnectionError, OperationalError

from app.kit.columns import metadata

db = SQLAlchemy(metadata=metadata)
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
limiter = Limiter(get_remote_address, headers_enabled=True)


def upsert(entity: Any) -> Any:
    """An INSERT that knows ON CONFLICT, in the dialect of the present database (the two speak alike)."""
    insert = postgresql_insert if db.engine.dialect.name == "postgresql" else sqlite_insert
    return insert(entity)


WRITING = "writing"  # the execution option of a transaction that is going to write


SQLITE_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # NORMAL loses acknowledged commits when the power goes
    "foreign_keys = ON",
    "busy_timeout = 10000",
    "recursive_triggers = ON",  # else INSERT OR REPLACE slips past the delete triggers of the ledger
)


SQLITE_PATIENCE = 50  # milliseconds before it begins anew to wait for the write lock


@event.listens_for(Engine, "connect")
def _prepare_sqlite(dbapi_connection: Any, _record: Any) -> None:
    if isinstance(dbapi_connection, sqlite3.Connection):
        dbapi_connection.isolation_level = None  # we say BEGIN ourselves, below
        for pragma in SQLITE_PRAGMAS:
            dbapi_connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    """Take SQLite's write lock at once where something will be written.

    A transaction that reads first and writes later would decide on rows that another one changes meanwhile.
    """
    if connection.dialect.name == "sqlite":
        writing = connection.get_execution_options().get(WRITING, False)
        _ask_evenly(connection, "BEGIN IMMEDIATE" if writing else "BEGIN")


def _ask_evenly(connection: Connection, begin: str) -> None:
    """Begin, and wait for others as long as the connection's ``busy_timeout`` says.

    Left to itself, SQLite asks the more seldom the longer it has waited: newcomers are always faster, and of eight
    busy writers some would wait in vain. So its patience is renewed in small pieces.
    """
    driver: Any = connection.connection.driver_connection
    (patience,) = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute(f"PRAGMA busy_timeout = {min(patience, SQLITE_PATIENCE)}")
    try:
        for tries_left in reversed(range(max(1, patience // SQLITE_PATIENCE))):
            try:
                connection.exec_driver_sql(begin)
                return
            except OperationalError as error:
                if not tries_left or getattr(error.orig, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
    finally:
        if not connection.invalidated:  # whoever is broken off in the middle of it has it closed
            driver.execute(f"PRAGMA busy_timeout = {patience}")


@event.listens_for(Pool, "checkout")
def _leave_the_dead(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    """Take another connection if the server has closed this one: then, and only then, is there something to read.

    Asking the server itself each time (``pool_pre_ping``) would be a round trip for every transaction.
    """
    if isinstance(dbapi_connection, psycopg.Connection) and (dbapi_connection.closed or _has_news(dbapi_connection)):
        raise DisconnectionError("The database has closed this connection.")


def _has_news(connection: psycopg.Connection[Any]) -> bool:
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
