"""A person's hours for their own calendar program: one to take along, or all of them to subscribe to."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hmac import compare_digest
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from app.actions import invitations
from app.actions.invitations import Session
from app.actions.transactions import atomically, unbroken
from app.kit.calendar import zone_of
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.models.base import all_of
from app.models.booking import Booking
from app.models.states import BookingState, Party
from app.models.user import User

LOOKS_BACK = timedelta(days=30)
MOST = 500  # hours on each side
STANDS = (BookingState.CONFIRMED, BookingState.COMPLETED)  # what has been called off is simply gone from a feed

Link = Callable[[Party, str], str]  # of a booking's page, by the side from which one looks and its id


@unbroken
def publish(user: User) -> None:
    """Give a person a feed under an address that nobody can guess; the old address, if any, is nobody's."""
    with atomically():
        User.locked(user.id).calendar_key = new_id("cal")


@unbroken
def withdraw(user: User) -> None:
    """There is no feed any more."""
    with atomically():
        User.locked(user.id).calendar_key = None


def owner(user_id: str, key: str) -> User:
    """Whose feed it is. Raises: NotFound, also for a key that is wrong; it takes equally long how wrong it ever is."""
    user = User.one(User.id == user_id)
    if user.calendar_key is None or not compare_digest(user.calendar_key, key):
        raise NotFound
    return user


def feed(user: User, *, link: Link, now: datetime) -> bytes:
    """Everything that stands, from a month ago on."""
    sessions = [_session(hour, user, Party.MENTEE, link) for hour in _hours(Booking.mentee_id == user.id, now)]
    if user.mentor is not None:
        hosted = _hours(Booking.mentor_id == user.mentor.id, now)
        sessions += [_session(hour, user, Party.MENTOR, link) for hour in hosted]
    return invitations.calendar_of(sessions)


def single(booking: Booking, user: User, side: Party, *, link: Link) -> bytes:
    """One hour. Raises: NotFound if it does not stand."""
    if booking.state not in STANDS:
        raise NotFound
    return invitations.calendar_of([_session(booking, user, side, link)])


def _hours(whose: ColumnElement[bool], now: datetime) -> Sequence[Booking]:
    return all_of(
        select(Booking)
        .where(whose, Booking.starts_at >= now - LOOKS_BACK, Booking.state.in_(STANDS))
        .options(joinedload(Booking.mentee), joinedload(Booking.mentor))
        .order_by(Booking.starts_at)
        .limit(MOST)
    )


def _session(booking: Booking, user: User, side: Party, link: Link) -> Session:
    other = booking.mentor.name if side == Party.MENTEE else booking.mentee.name
    url = link(side, booking.id)
    return Session(
        booking_id=booking.id,
        sequence=booking.version,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        zone=zone_of(user.time_zone) or ZoneInfo("UTC"),
        summary=f"{booking.title} ({other})",
        description=url,
        url=url,
        stamp=booking.created_at,
    )
