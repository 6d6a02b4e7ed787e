"""Yesterday's database, to be put in the place of today's."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text

from app.extensions import db
from app.kit.columns import metadata

Rows = dict[str, list[dict[str, Any]]]


class Backup:
    """Taken of the present application's database, as an operator would take it."""

    def __init__(self) -> None:
        db.session.rollback()
        self._file = Path(db.engine.url.database or "") if db.engine.dialect.name == "sqlite" else None
        self._content: sqlite3.Connection | Rows = self._copy() if self._file else rows()

    def restore(self) -> None:
        """Forget everything that has happened since."""
        db.session.remove()
        db.engine.dispose()
        if isinstance(self._content, sqlite3.Connection):
            for name in (f"{self._file}", f"{self._file}-wal", f"{self._file}-shm"):
                Path(name).unlink(missing_ok=True)
            with sqlite3.connect(str(self._file)) as anew:
                self._content.backup(anew)
            anew.close()
            return
        with db.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {', '.join(metadata.tables)}"))
            for table in metadata.sorted_tables:
                if self._content[table.name]:
                    connection.execute(insert(table), self._content[table.name])

    def _copy(self) -> sqlite3.Connection:
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        with sqlite3.connect(str(self._file)) as present:
            present.backup(copy)
        present.close()
        return copy

    def close(self) -> None:
        if isinstance(self._content, sqlite3.Connection):
            self._content.close()


def rows() -> Rows:
    """Everything there is, table by table."""
    db.session.rollback()
    found = {
        table.name: [dict(row) for row in db.session.execute(select(table)).mappings()]
        for table in metadata.sorted_tables
    }
    db.session.rollback()
    return found
