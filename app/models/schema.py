"""Whether the database has exactly the tables that this version of the code expects."""

from functools import cache
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.extensions import db

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def problem() -> str | None:
    """What is wrong with the database's version, as a sentence; None if nothing is."""
    with db.engine.connect() as connection:
        present = set(MigrationContext.configure(connection).get_current_heads())
    if present == _expected():
        return None
    if not present:
        return "The database is empty. Run: flask db upgrade"
    if not all(_is_known(revision) for revision in present):
        return "The database is newer than this code, or not ours. Start the version that made it."
    return "The database is older than this code. Back it up, then run: flask db upgrade"


@cache
def _script() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


@cache
def _expected() -> frozenset[str]:
    return frozenset(_script().get_heads())


def _is_known(revision: str) -> bool:
    return any(script.revision == revision for script in _script().walk_revisions())
