"""A mentor's answer to a request."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from app.actions import approvals
from app.kit import clock
from app.models.booking import Booking
from app.models.states import BookingState
from app.web import outcomes
from app.web.access import Audience, audience, me

bp = Blueprint("approvals", __name__, url_prefix="/mentor/bookings")


@bp.post("/<booking_id>/acceptance")
@audience(Audience.MENTOR)
def accept(booking_id: str) -> ResponseReturnValue:
    """Say yes: the session stands."""
    asked = Booking.of_mentor(me(), booking_id)
    approvals.accept(asked, now=clock.now())
    flash(f"Accepted. {asked.mentee.name} has been told.", "done")
    return redirect(url_for("mentor.booking", booking_id=booking_id))


@bp.post("/<booking_id>/refusal")
@audience(Audience.MENTOR)
def decline(booking_id: str) -> ResponseReturnValue:
    """Say no: the time is free again, and nothing is charged."""
    approvals.decline(Booking.of_mentor(me(), booking_id), now=clock.now())
    answered = Booking.of_mentor(me(), booking_id)
    if answered.state == BookingState.REQUESTED:
        outcomes.tell(answered, now=clock.now())
    else:
        flash(f"Declined. {answered.mentee.name} has been told, and nothing is charged.", "done")
    return redirect(url_for("mentor.booking", booking_id=booking_id))
