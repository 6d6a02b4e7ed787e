"""Where a change begins and ends: everything inside is kept, or nothing is."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from app.extensions import WRITING, db
from app.kit.errors import Failure


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


@contextmanager
def or_else(failure: Failure) -> Iterator[None]:
    """Write what is inside now; raise ``failure`` if a constraint of the database forbids it."""
    try:
        yield
        db.session.flush()
    except IntegrityError as error:
        raise failure from error


def outside() -> None:
    """Leave the present transaction, if any: Stripe is never called inside one."""
    if db.session.new or db.session.dirty:
        raise RuntimeError("there are changes outside of a transaction")
    db.session.rollback()
