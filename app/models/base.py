"""What every row has in common."""

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, Self, TypeVar

from sqlalchemy import ClauseElement, Insert, MetaData, Select, bindparam, delete, insert, select, text
from sqlalchemy.orm import DeclarativeBase

from app.extensions import db
from app.kit.columns import metadata as house_metadata
from app.kit.errors import NotFound

Row = TypeVar("Row")


class Base(DeclarativeBase):
    """A typed base of our own: ``db.Model`` is untyped."""

    metadata: ClassVar[MetaData] = house_metadata

    @classmethod
    def one(cls, *conditions: Any) -> Self:
        """The one row that fits; for a person's request the owner is among ``conditions``. Raises: NotFound."""
        row = db.session.scalar(select(cls).where(*conditions))
        if row is None:
            raise NotFound
        return row

    @classmethod
    def locked(cls, row_id: str) -> Self:
        """The row as it is now, locked until the transaction ends. Raises: NotFound."""
        row: Self | None = db.session.scalar(_locking(cls), {"row_id": row_id})
        if row is None:
            raise NotFound
        return row

    def insert(self) -> None:
        """Write this new row now. The session does not get to know it, which saves most of what a row costs it.

        Defaults of columns are in the database then, not in this object. Raises: IntegrityError.
        """
        given = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        computed = {name: given.pop(name) for name, value in list(given.items()) if isinstance(value, ClauseElement)}
        into = _insert_into(type(self))
        db.session.flush()
        db.session.connection().execute(into.values(computed) if computed else into, given)

    @classmethod
    def erase(cls, *conditions: Any) -> int:
        """Delete the rows that fit, past the session: rows that it does not know, and that what it has yet to write
        does not concern. How many they were."""
        fitting = delete(cls.metadata.tables[cls.__tablename__]).where(*conditions)
        return db.session.connection().execute(fitting).rowcount


@cache
def _locking(cls: type[Base]) -> Select[Any]:
    # FOR NO KEY UPDATE: rows that only refer to this one need not wait. And a query, not get(): that one would
    # complain of a newer version instead of reading it. Made once, for that takes a third of what it costs to run it.
    return (
        select(cls)
        .where(cls.__mapper__.primary_key[0] == bindparam("row_id"))
        .with_for_update(of=cls, key_share=True)
        .execution_options(populate_existing=True)
    )


@cache
def _insert_into(cls: type[Base]) -> Insert:
    return insert(cls.metadata.tables[cls.__tablename__])


def all_of(query: Select[Row]) -> Sequence[Row]:
    """All rows of a query over one entity."""
    found: Sequence[Row] = db.session.scalars(query).unique().all()
    return found


def only(condition: str) -> dict[str, Any]:
    """Arguments that make an index partial, on both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
