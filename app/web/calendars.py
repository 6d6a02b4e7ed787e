"""A person's hours, for their calendar program."""

from flask import Blueprint, Response, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from app.actions import calendars
from app.extensions import limiter
from app.kit import clock
from app.models.booking import Booking
from app.models.states import Party
from app.web.access import Audience, audience, me

bp = Blueprint("calendars", __name__)


@bp.get("/calendar/<user_id>/<key>.ics")
@limiter.limit("60 per minute")
@audience(Audience.ANYONE)
def feed(user_id: str, key: str) -> Response:
    """All hours of whoever gave this address to their calendar program, which cannot log in."""
    owner = calendars.owner(user_id, key)
    return _calendar(calendars.feed(owner, link=_page, now=clock.now()))


@bp.post("/account/calendar-feed")
@audience(Audience.MEMBER)
def publish() -> ResponseReturnValue:
    """Make an address for the feed; one that there was is of no use any more."""
    calendars.publish(me())
    flash("Here is the address. Whoever has it sees your sessions, so keep it to yourself.", "done")
    return redirect(url_for("account.settings"))


@bp.post("/account/calendar-feed/withdrawal")
@audience(Audience.MEMBER)
def withdraw() -> ResponseReturnValue:
    """The feed's address leads nowhere from now on."""
    calendars.withdraw(me())
    flash("The address leads nowhere any more.", "done")
    return redirect(url_for("account.settings"))


@bp.get("/mentee/bookings/<booking_id>/session.ics")
@audience(Audience.MEMBER)
def of_mentee(booking_id: str) -> Response:
    """One hour to take along."""
    hour = Booking.of_mentee(me(), booking_id)
    return _calendar(calendars.single(hour, me(), Party.MENTEE, link=_page), "session.ics")


@bp.get("/mentor/bookings/<booking_id>/session.ics")
@audience(Audience.MENTOR)
def of_mentor(booking_id: str) -> Response:
    """One hour to take along."""
    hour = Booking.of_mentor(me(), booking_id)
    return _calendar(calendars.single(hour, me(), Party.MENTOR, link=_page), "session.ics")


def _page(side: Party, booking_id: str) -> str:
    return url_for(f"{side}.booking", booking_id=booking_id, _external=True)


def _calendar(body: bytes, name: str | None = None) -> Response:
    named = {"Content-Disposition": f"attachment; filename={name}"} if name else {}
    return Response(body, content_type="text/calendar; charset=utf-8", headers=named)
