"""What a calendar reads in a mail, as a parser tells that has no line in common with what wrote it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import vobject
from sqlalchemy import select

from app.actions import cancellations, invitations, letters
from app.actions.invitations import Session
from app.extensions import db
from app.models.booking import Booking
from app.models.mail import Mail
from app.models.states import Party
from tests.stripe_double import Stripe

HOUR = timedelta(hours=1)
AUTUMN = datetime(2026, 10, 25, tzinfo=UTC)  # clocks in Europe go back at 01:00 UTC,
NEW_YORK = datetime(2026, 11, 1, tzinfo=UTC)  # there at 06:00,
LORD_HOWE = datetime(2026, 10, 3, tzinfo=UTC)  # and there forward, by half an hour, at 15:30


def invitations_to(name: str) -> list[tuple[str, Any]]:
    """What was attached to a person's mails in the order of their sequence: the method told in the mail, and read."""
    db.session.rollback()
    db.session.expire_all()
    composed = [letters.compose(mail) for mail in db.session.scalars(select(Mail)) if mail.person.name == name]
    found = [letter.invitation for letter in composed if letter.invitation is not None]
    read = [(each.method, vobject.readOne(each.body.decode())) for each in found]
    return sorted(read, key=lambda each: int(each[1].vevent.sequence.value))


def test_a_confirmed_hour_is_an_invitation_in_ones_own_zone(held_hour: Booking):
    ((method, calendar),) = invitations_to("Ann")
    event = calendar.vevent
    assert (method, calendar.method.value, calendar.version.value) == ("REQUEST", "REQUEST", "2.0")
    assert event.dtstart.params["X-VOBJ-ORIGINAL-TZID"] == ["Asia/Tokyo"]
    assert event.dtstart.value == held_hour.starts_at
    assert event.dtend.value == held_hour.ends_at
    assert event.summary.value == "Review of my parser (Bob)"
    assert event.status.value == "CONFIRMED"
    assert calendar.vtimezone.tzid.value == "Asia/Tokyo"
    assert event.url.value.endswith(f"/mentee/bookings/{held_hour.id}")


def test_each_sees_no_address_but_their_own(held_hour: Booking):
    for name in ("Ann", "Bob"):
        ((_, calendar),) = invitations_to(name)
        (attendee,) = calendar.vevent.attendee_list
        assert attendee.value == f"mailto:{name.lower()}@example.com"
        assert calendar.vevent.organizer.value == "mailto:mail@localhost"
        assert calendar.serialize().count("@example.com") == 1


@pytest.mark.parametrize("name", ["Ann", "Bob"])
def test_a_cancelled_hour_takes_the_same_event_out_again(held_hour: Booking, stripe: Stripe, name: str):
    cancellations.cancel(held_hour, by=Party.MENTOR, quoted="8000-0-0", now=stripe.now())
    (_, invited), (method, cancelled) = invitations_to(name)
    assert (method, cancelled.method.value, cancelled.vevent.status.value) == ("CANCEL", "CANCEL", "CANCELLED")
    assert cancelled.vevent.uid.value == invited.vevent.uid.value
    assert int(cancelled.vevent.sequence.value) > int(invited.vevent.sequence.value)
    assert cancelled.vevent.dtstart.value == invited.vevent.dtstart.value


def session(zone: str, starts_at: datetime, **more: Any) -> Session:
    given = {"summary": "Review", "description": "", "url": "http://localhost/", "stamp": AUTUMN, **more}
    return Session("bk_1", 1, starts_at, starts_at + HOUR, ZoneInfo(zone), **given)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
def test_around_a_change_of_clocks_it_is_the_same_instant(zone: str):
    """Each half hour around the days on which clocks change in one of the places."""
    around = [day + n * HOUR / 2 for day in (LORD_HOWE, AUTUMN, NEW_YORK) for n in range(-24, 36)]
    for begin in around:
        read = vobject.readOne(invitations.calendar_of([session(zone, begin)]).decode())
        ends = [part.value.astimezone(UTC) for part in (read.vevent.dtstart, read.vevent.dtend)]
        assert ends == [begin, begin + HOUR]


def test_no_title_breaks_out_of_its_line():
    nasty = 'a\r\nBEGIN:VALARM\r\nX;Y="Z":,;\\ 👩‍👩‍👧 אנה' + "x" * 5_000
    read = vobject.readOne(invitations.calendar_of([session("UTC", AUTUMN, summary=nasty)]).decode())
    assert [child.name for child in read.vevent.components()] == []
    assert read.vevent.summary.value.replace("\r\n", "\n") == nasty.replace("\r\n", "\n")
