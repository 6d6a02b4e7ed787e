"""Where a mentee begins to save a card with which a session can move further; the pay page has the form for it."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.actions import cards_for_moves
from app.extensions import limiter
from app.kit import clock
from app.models.booking import Booking
from app.web.access import Audience, audience, me

bp = Blueprint("cards_for_moves", __name__, url_prefix="/mentee/bookings/<booking_id>/card")


@bp.post("")
@limiter.limit("30 per minute")
@audience(Audience.MEMBER)
def ask(booking_id: str) -> ResponseReturnValue:
    """Have Stripe wait for a card, with the mentee's word that we may use it."""
    agreed = request.form.get("consent") == "y"
    cards_for_moves.ask(Booking.of_mentee(me(), booking_id), consent=agreed, now=clock.now())
    payment = Booking.of_mentee(me(), booking_id).payment
    if payment is not None and payment.is_saving_a_card:
        return redirect(url_for("mentee.payment", booking_id=booking_id))
    flash("Stripe is not answering yet. Nothing has changed; please try again in a moment.", "problem")
    return redirect(url_for("reschedules_of_mentee.choose", booking_id=booking_id))
