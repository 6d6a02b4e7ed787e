"""How values read on a page: money, and times in somebody's zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import Flask

from app.actions import meetings
from app.actions.meetings import Meeting
from app.kit.calendar import clock_face, said, zone_of
from app.kit.money import Money
from app.models.booking import Booking
from app.web.zones import viewer_zone


def money(amount: Money) -> str:
    return str(amount)


def when(at: datetime) -> str:
    return said(at, viewer_zone(), "%a {day} %b %Y, %H:%M")


def when_short(at: datetime) -> str:
    return in_zone(at, viewer_zone().key)


def in_zone(at: datetime, zone: str) -> str:
    """In UTC, and saying so, if there is no such zone (any more)."""
    known = zone_of(zone)
    return said(at, known, "%a {day} %b, %H:%M") if known else said(at, ZoneInfo("UTC"), "%a {day} %b, %H:%M UTC")


def day(at: datetime | date) -> str:
    on = at.astimezone(viewer_zone()) if isinstance(at, datetime) else at
    return on.strftime(f"%A {on.day} %B")


def day_short(on: date) -> str:
    return on.strftime(f"%a {on.day} %b")


def full_day(on: date) -> str:
    return on.strftime(f"%a {on.day} %B %Y")


def span(minutes: tuple[int, int]) -> str:
    """A range of minutes since midnight."""
    return "–".join(map(clock_face, minutes))


def clock_time(at: datetime) -> str:
    return said(at, viewer_zone(), "%H:%M")


def iso(at: datetime) -> str:
    """For machines: an instant as UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def zone_city(zone: str) -> str:
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def meeting(booking: Booking, now: datetime) -> Meeting | None:
    """Where the two people of a booking meet, if there is anything to say of it."""
    return meetings.of(booking, now)


def init_app(app: Flask) -> None:
    for function in (
        money,
        when,
        when_short,
        in_zone,
        day,
        day_short,
        full_day,
        span,
        clock_time,
        iso,
        zone_city,
        meeting,
    ):
        app.add_template_filter(function)
