"""What an attempt left behind: rows of ours, and requests at Stripe."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import func, literal, select, union_all

from app.extensions import db
from app.models.availability import DateException, SlotClaim
from app.models.booking import Booking
from app.models.event import StripeEvent
from app.models.ledger import Balance, LedgerEntry
from app.models.mentor import Mentor
from app.models.objection import Objection, Proposal
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import Transition
from app.models.user import User
from tests.stripe_double import Stripe

COUNTED = (
    Balance,
    Booking,
    DateException,
    LedgerEntry,
    Mentor,
    Objection,
    Operation,
    Payment,
    Proposal,
    SlotClaim,
    StripeEvent,
    Transition,
    User,
)


def rows() -> dict[str, int]:
    """How many rows there are of everything."""
    db.session.rollback()
    counts = [select(literal(row.__tablename__), func.count()).select_from(row) for row in COUNTED]
    found = {row[0]: row[1] for row in db.session.execute(union_all(*counts))}
    db.session.rollback()
    return found


def effects(stripe: Stripe) -> tuple[dict[str, int], int, int]:
    """Rows, intents, and how often anything was asked of Stripe that could change something."""
    return rows(), len(stripe.intents()), stripe.count("")


@contextmanager
def nothing_happens(stripe: Stripe) -> Iterator[None]:
    """Whatever is tried inside leaves no trace, here or at Stripe."""
    before = effects(stripe)
    yield
    assert effects(stripe) == before


def later_by_the_databases_clock() -> None:
    """Pauses and leases are in the database's own time, which no test can turn: so the rows are turned instead."""
    db.session.rollback()
    db.session.execute(db.update(Operation).values(not_before=0, lease_until=0))
    db.session.commit()
