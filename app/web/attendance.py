"""Who is there: both sides say so around the start of a session."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from app.actions import check_ins
from app.kit import clock
from app.models.booking import Booking
from app.models.states import Party
from app.web.access import Audience, audience, me

bp = Blueprint("attendance", __name__)

THERE = "Noted: you are there. {} can see it."


@bp.post("/mentee/bookings/<booking_id>/check-in")
@audience(Audience.MEMBER)
def of_mentee(booking_id: str) -> ResponseReturnValue:
    """I am there, says who booked."""
    mine = Booking.of_mentee(me(), booking_id)
    check_ins.check_in(mine, Party.MENTEE, now=clock.now())
    flash(THERE.format(Booking.of_mentee(me(), booking_id).mentor.name), "done")
    return redirect(url_for("mentee.booking", booking_id=booking_id))


@bp.post("/mentor/bookings/<booking_id>/check-in")
@audience(Audience.MENTOR)
def of_mentor(booking_id: str) -> ResponseReturnValue:
    """I am there, says the mentor."""
    mine = Booking.of_mentor(me(), booking_id)
    check_ins.check_in(mine, Party.MENTOR, now=clock.now())
    flash(THERE.format(Booking.of_mentor(me(), booking_id).mentee.name), "done")
    return redirect(url_for("mentor.booking", booking_id=booking_id))
