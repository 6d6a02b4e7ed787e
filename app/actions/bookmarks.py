"""How far Stripe's journals have been read, and when it is time to read on."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func

from app.extensions import db, upsert
from app.models.bookmark import Bookmark


def reached(name: str) -> datetime | None:
    """Everything that Stripe dated before this is stored; None if the journal was never read."""
    bookmark = db.session.get(Bookmark, name, populate_existing=True)
    return bookmark.reached_at if bookmark else None


def unread(name: str, *, every: timedelta) -> Callable[[datetime], list[str]]:
    """A query for jobs: the journal's name, if nobody on any host has read it for so long."""

    def due(now: datetime) -> list[str]:
        bookmark = db.session.get(Bookmark, name, populate_existing=True)
        return [] if bookmark is not None and now < bookmark.read_at + every else [name]

    return due


def move(name: str, to: datetime, *, now: datetime) -> None:
    """Note how far a journal is stored, inside the caller's transaction. Two readers at once never move it back."""
    row = upsert(Bookmark).values(name=name, reached_at=to, read_at=now)
    later = func.greatest if db.engine.dialect.name == "postgresql" else func.max
    further = {"reached_at": later(Bookmark.reached_at, row.excluded.reached_at), "read_at": row.excluded.read_at}
    db.session.execute(row.on_conflict_do_update(index_elements=["name"], set_=further))
