"""Both can say that they are there, from a little before a session until its end: evidence, should they differ."""

from datetime import datetime, timedelta

from sqlalchemy import select

from app.actions.transactions import atomically, unbroken
from app.extensions import db, upsert
from app.kit.errors import IllegalMove
from app.models.booking import Booking
from app.models.check_in import CheckIn
from app.models.states import BookingState, Party

EARLY = timedelta(minutes=15)


def of(booking: Booking) -> dict[Party, datetime]:
    """When each side was there first."""
    words = db.session.scalars(select(CheckIn).where(CheckIn.booking_id == booking.id).order_by(CheckIn.at))
    return {word.party: word.at for word in words}


def is_open(booking: Booking, *, now: datetime) -> bool:
    """Whether one can check in now."""
    return booking.state == BookingState.CONFIRMED and booking.starts_at - EARLY <= now < booking.ends_at


@unbroken
def check_in(booking: Booking, party: Party, *, now: datetime) -> None:
    """Write down that ``party`` is there; the first time counts. Raises: IllegalMove before and after its time."""
    with atomically():
        row = Booking.locked(booking.id)
        if not is_open(row, now=now):
            raise IllegalMove("One checks in from 15 minutes before a confirmed session until its end.")
        word = upsert(CheckIn).values(booking_id=row.id, party=party, at=now)
        db.session.execute(word.on_conflict_do_nothing())
