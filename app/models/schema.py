"""Whether the database has the tables that this version of the code expects, and is sound."""

from functools import cache
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from app.extensions import db
from app.kit.columns import metadata

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def problem() -> str | None:
    """What is wrong with the database's version or tables, as a sentence; None if nothing is."""
    with db.engine.connect() as connection:
        present = set(MigrationContext.configure(connection).get_current_heads())
        missing = sorted(set(metadata.tables) - set(inspect(connection).get_table_names()))
    if present == _expected():
        return f"The database lacks {', '.join(missing)}. Restore it from a backup." if missing else None
    if not present:
        return "The database is empty. Run: flask db upgrade"
    if not all(_is_known(revision) for revision in present):
        return "The database is newer than this code, or not ours. Start the version that made it."
    return "The database is older than this code. Back it up, then run: flask db upgrade"


def damage() -> str | None:
    """What SQLite finds wrong with its own file, which it has to read whole; None if nothing, or on PostgreSQL."""
    with db.engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            return None
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    return None if found == "ok" else f"The database is damaged ({found}). Restore it from a backup."


@cache
def _script() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


@cache
def _expected() -> frozenset[str]:
    return frozenset(_script().get_heads())


def _is_known(revision: str) -> bool:
    return any(script.revision == revision for script in _script().walk_revisions())
