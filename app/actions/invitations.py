"""An hour as a calendar understands it (RFC 5545, 5546)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.headerregistry import Address
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vText

from app.actions.orders import environment

REQUEST, CANCEL, PUBLISH = "REQUEST", "CANCEL", "PUBLISH"


@dataclass(frozen=True)
class Session:
    """An hour as one of its two people has it in their calendar. ``sequence`` rises with every change of it."""

    booking_id: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    summary: str
    description: str
    url: str
    stamp: datetime
    is_cancelled: bool = False


def to_one(session: Session, *, organizer: Address, name: str, address: str) -> tuple[str, bytes]:
    """An invitation, or its cancellation, to one person (who learns nobody else's address); its method and itself."""
    event = _event(session)
    event.add("organizer", _person(organizer.display_name or organizer.domain, organizer.addr_spec))
    guest = _person(name, address)
    guest.params["partstat"], guest.params["rsvp"] = vText("ACCEPTED"), vText("FALSE")
    event.add("attendee", guest)
    method = CANCEL if session.is_cancelled else REQUEST
    return method, _calendar(method, [event], session.starts_at, session.ends_at)


def calendar_of(sessions: Iterable[Session]) -> bytes:
    """A calendar to be subscribed to, or to take a session from."""
    listed = list(sessions)
    begin = min((session.starts_at for session in listed), default=None)
    end = max((session.ends_at for session in listed), default=None)
    return _calendar(PUBLISH, [_event(session) for session in listed], begin, end)


def _event(session: Session) -> Event:
    event = Event()
    event.add("uid", f"{session.booking_id}@{environment()}.mentorhold")
    event.add("sequence", session.sequence)
    event.add("dtstamp", session.stamp)
    event.add("dtstart", _wall(session.starts_at, session.zone))
    event.add("dtend", _wall(session.ends_at, session.zone))
    event.add("summary", session.summary)
    event.add("description", session.description)
    event.add("url", session.url)
    event.add("status", "CANCELLED" if session.is_cancelled else "CONFIRMED")
    return event


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    """The instant in its zone; the second of two equal hours has no name there, and is told in UTC."""
    there = at.astimezone(zone)
    return at.astimezone(UTC) if there.fold else there


def _person(name: str, address: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    person.params["cn"] = vText(name)
    return person


def _calendar(method: str, events: list[Event], begin: datetime | None, end: datetime | None) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", "-//Mentorhold//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    for event in events:
        calendar.add_component(event)
    if begin is not None and end is not None:
        # Whole years: a zone that shows no change of its clocks is told with nothing in it, which no parser takes.
        calendar.add_missing_timezones(date(begin.year - 1, 1, 1), date(end.year + 2, 1, 1))
    body: bytes = calendar.to_ical()
    return body
