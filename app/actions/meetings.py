"""Where two people meet: the mentor's own place, or a room of its own for every session.

A session gets its place when it is booked. A mentor who moves takes along every session whose link nobody has seen yet;
from the moment on at which both can see it, it stays.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update

from app.actions.transactions import atomically, unbroken
from app.extensions import db
from app.gateways import outside_web
from app.kit.errors import Invalid
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import LIVE_BOOKING, BookingState

EARLY = timedelta(minutes=15)
LONGEST_URL = 500
ROOM_BYTES = 16

_rooms = "https://meet.jit.si"


@dataclass(frozen=True)
class Meeting:
    """``url`` is None until ``appears_at``, whoever asks."""

    url: str | None
    appears_at: datetime


def use(rooms: str) -> None:
    """Open rooms under this address (``https://host``) from now on."""
    global _rooms
    _rooms = rooms


def place_for(mentor: Mentor) -> str:
    """Where a new session of a mentor's takes place: theirs, or a room that nobody can guess."""
    return mentor.meeting_url or f"{_rooms}/mentorhold-{secrets.token_hex(ROOM_BYTES)}"


def of(booking: Booking, now: datetime) -> Meeting | None:
    """Where to meet, from shortly before the session until its end; None if there is nothing to come to."""
    if booking.state != BookingState.CONFIRMED or booking.meeting_url is None or now >= booking.ends_at:
        return None
    appears_at = booking.starts_at - EARLY
    return Meeting(booking.meeting_url if now >= appears_at else None, appears_at)


@unbroken
def move(mentor: Mentor, url: str | None, *, now: datetime) -> None:
    """Meet there from now on, or in rooms of their own; so do those sessions whose link nobody can see yet.

    Raises: Invalid for what is no address.
    """
    if url is not None:
        _check(url)
    with atomically():
        row = Mentor.locked(mentor.id)
        row.meeting_url = url
        unseen = select(Booking.id).where(
            Booking.mentor_id == row.id, Booking.state.in_(LIVE_BOOKING), Booking.starts_at > now + EARLY
        )
        moved = [{"its_id": booking_id, "its_place": place_for(row)} for booking_id in db.session.scalars(unseen)]
        if moved:
            bookings = Booking.metadata.tables[Booking.__tablename__]
            there = update(bookings).where(bookings.c.id == bindparam("its_id"))
            db.session.execute(there.values(meeting_url=bindparam("its_place")), moved)


def _check(url: str) -> None:
    try:
        outside_web.place_of(url)
    except ValueError as problem:
        raise Invalid(str(problem), field="meeting_url") from problem
    if not url.startswith("https://") or len(url) > LONGEST_URL:
        raise Invalid(
            f"An address that begins with https:// and has {LONGEST_URL} letters at most, please.", field="meeting_url"
        )
