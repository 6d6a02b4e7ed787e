"""Bookings as lists show them: many at once, and of each only what is shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.kit.money import Money
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import BookingState
from app.models.user import User


@dataclass(frozen=True)
class Side:
    """One of the two people of a booking."""

    name: str
    time_zone: str


@dataclass(frozen=True)
class Listed:
    """A booking, a person's name and zone instead of the person."""

    id: str
    state: BookingState
    title: str
    starts_at: datetime
    minutes: int
    price: Money
    pay_by: datetime
    complete_by: datetime
    answer_by: datetime | None
    mentee: Side
    mentor: Side

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)


@cache
def listed() -> Select[*tuple[Any, ...]]:
    """The query for all bookings, to be narrowed down, put in order and read by :func:`all_listed`."""
    mentee, host = aliased(User), aliased(User)
    return (
        select(
            Booking.id,
            Booking.state,
            Booking.title,
            Booking.starts_at,
            Booking.minutes,
            Booking.price_minor,
            Booking.currency,
            Booking.pay_by,
            Booking.complete_by,
            Booking.answer_by,
            mentee.name.label("mentee_name"),
            mentee.time_zone.label("mentee_zone"),
            host.name.label("mentor_name"),
            Mentor.time_zone.label("mentor_zone"),
        )
        .join(mentee, mentee.id == Booking.mentee_id)
        .join(Mentor, Mentor.id == Booking.mentor_id)
        .join(host, host.id == Mentor.user_id)
    )


def all_listed(query: Select[*tuple[Any, ...]]) -> list[Listed]:
    """The bookings of a query that was made from :func:`listed`."""
    return [
        Listed(
            row.id,
            row.state,
            row.title,
            row.starts_at,
            row.minutes,
            Money(row.price_minor, row.currency),
            row.pay_by,
            row.complete_by,
            row.answer_by,
            mentee=Side(row.mentee_name, row.mentee_zone),
            mentor=Side(row.mentor_name, row.mentor_zone),
        )
        for row in db.session.execute(query)
    ]
