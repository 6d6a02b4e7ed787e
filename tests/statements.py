"""What the application says to its database: every statement, whether SQLAlchemy says it or the driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import Engine, event


class Ears:
    """``hear`` is told each statement of an engine before the database is, until :meth:`stop`.

    ``kept`` is called when one that was said to the driver is done: it was a transaction of its own, which no commit
    follows.
    """

    def __init__(self, engine: Engine, hear: Callable[[str], object], kept: Callable[[], object] | None = None) -> None:
        self.hear, self.kept = hear, kept
        self._listeners: list[tuple[Engine, str, Any]] = [(engine, "before_cursor_execute", self._said)]
        if engine.dialect.name == "postgresql":
            self._listeners.append((engine, "checkout", self._lend))
        for listener in self._listeners:
            event.listen(*listener)

    def stop(self) -> None:
        for listener in self._listeners:
            event.remove(*listener)
        self.hear, self.kept = _nobody, None  # connections that were lent meanwhile still have our cursors

    def _said(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.hear(statement)

    def _lend(self, connection: Any, *_: Any) -> None:
        connection.cursor_factory = partial(Cursor, ears=self)


class Cursor(psycopg.Cursor[Any]):
    """The driver's own, overheard where SQLAlchemy is left aside."""

    def __init__(self, connection: psycopg.Connection[Any], *, ears: Ears, **rest: Any) -> None:
        super().__init__(connection, **rest)
        self._ears = ears

    def execute(self, query: Any, *given: Any, **named: Any) -> Cursor:
        alone = self.connection.autocommit
        if alone:
            self._ears.hear(query)
        super().execute(query, *given, **named)
        if alone and self._ears.kept is not None:
            self._ears.kept()
        return self


def _nobody(_statement: str) -> None:
    """Hears nothing."""


@contextmanager
def overheard(engine: Engine) -> Iterator[list[str]]:
    """The statements that are said meanwhile, but for SQLite's BEGIN, which PostgreSQL's driver says by itself."""
    heard: list[str] = []

    def hear(statement: str) -> None:
        if not statement.startswith("BEGIN"):
            heard.append(statement)

    ears = Ears(engine, hear)
    try:
        yield heard
    finally:
        ears.stop()
