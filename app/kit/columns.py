"""Column types and database expressions that are the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, MetaData, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import NullType, TypeDecorator

# Every constraint has a name, so that migrations can speak of it and code can tell which one was broken.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in, the same instant in UTC out. A naive one is a bug and raises."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time cannot be stored: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Minutes(TypeDecorator[tuple[int, ...]]):
    """Some lengths in minutes, kept as ``30,60``."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: tuple[int, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else ",".join(str(minutes) for minutes in value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[int, ...] | None:
        return None if value is None else tuple(int(minutes) for minutes in value.split(","))


class database_epoch(GenericFunction[int]):  # noqa: N801 - it reads as the SQL function it is
    """The database's own clock in whole seconds: the one clock that all hosts of one installation share.

    It stands still for the length of a statement, so that an index can be searched for what is due.
    """

    type = BigInteger()
    inherit_cache = True


@compiles(database_epoch, "sqlite")
def _sqlite_epoch(element: database_epoch, compiler: SQLCompiler, **kw: Any) -> str:
    return "CAST(strftime('%s', 'now') AS INTEGER)"


@compiles(database_epoch, "postgresql")
def _postgresql_epoch(element: database_epoch, compiler: SQLCompiler, **kw: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM statement_timestamp()) AS BIGINT)"


class database_microseconds(GenericFunction[int]):  # noqa: N801 - as above
    """The database's own clock in whole microseconds, for what is counted many times a second.

    SQLite's is a multiple of a thousand.
    """

    type = BigInteger()
    inherit_cache = True


@compiles(database_microseconds, "sqlite")
def _sqlite_microseconds(element: database_microseconds, compiler: SQLCompiler, **kw: Any) -> str:
    return "1000 * CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"


@compiles(database_microseconds, "postgresql")
def _postgresql_microseconds(element: database_microseconds, compiler: SQLCompiler, **kw: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"


class is_one_of(GenericFunction[Any]):  # noqa: N801 - as above
    """Whether a column is among what a scalar subquery with a limit finds.

    To PostgreSQL it is said with an array: looking them up one by one is what it does then, in a table of any size.
    After ``IN`` it may read the whole table instead.
    """

    type = NullType()  # of a Boolean, SQLite would be asked whether it "= 1", and find no index for that
    inherit_cache = True


@compiles(is_one_of, "sqlite")
def _sqlite_one_of(element: is_one_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, found = element.clauses
    return f"{compiler.process(column, **kw)} IN {compiler.process(found, **kw)}"


@compiles(is_one_of, "postgresql")
def _postgresql_one_of(element: is_one_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, found = element.clauses
    return f"{compiler.process(column, **kw)} = ANY (ARRAY {compiler.process(found, **kw)})"
