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

    ``kept`` is called when one that was a transaction of its own is done: no commit will follow it.
    """

    def __init__(self, engine: Engine, hear: Callable[[str], object], kept: Callable[[], object] | None = None) -> None:
        self.hear, self.kept = hear, kept
        if engine.dialect.name == "postgresql":
            self._listener: tuple[Any, str, Any] = (engine, "checkout", self._lend)
        else:
            self._listener = (engine, "before_cursor_execute", self._said)
        event.listen(*self._listener)

    def stop(self) -> None:
        event.remove(*self._listener)
        self.hear, self.kept = _nobody, None  # connections that were lent meanwhile still have our cursors

    def _lend(self, connection: psycopg.Connection[Any], *_: Any) -> None:
        connection.cursor_factory = partial(Cursor, ears=self)  # type: ignore[assignment]

    def _said(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.hear(statement)


def _nobody(_statement: str) -> None:
    """Hears nothing."""


class Cursor(psycopg.Cursor[Any]):
    """The driver's own, overheard."""

    def __init__(self, connection: psycopg.Connection[Any], *, ears: Ears, **rest: Any) -> None:
        super().__init__(connection, **rest)
        self._ears = ears

    def execute(self, query: Any, *given: Any, **named: Any) -> Cursor:
        self._ears.hear(str(query))
        super().execute(query, *given, **named)
        if self.connection.autocommit and self._ears.kept is not None:
            self._ears.kept()
        return self

    def executemany(self, query: Any, *given: Any, **named: Any) -> None:
        self._ears.hear(str(query))
        super().executemany(query, *given, **named)


@contextmanager
def overheard(engine: Engine) -> Iterator[list[str]]:
    """The statements that are said meanwhile."""
    heard: list[str] = []
    ears = Ears(engine, heard.append)
    try:
        yield heard
    finally:
        ears.stop()
