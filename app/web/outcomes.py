"""Saying how a money action has ended, rather than what was hoped for."""

from datetime import datetime

from flask import flash

from app.kit.errors import IllegalMove, LookedInto
from app.models.booking import Booking
from app.models.states import BookingState
from app.web.stories import story_of

STANDING = (BookingState.REQUESTED, BookingState.CONFIRMED)


def tell(booking: Booking, *, now: datetime) -> None:
    """Flash how a booking stands after it was to be ended.

    Raises: IllegalMove if it stands as before and nothing is under way any more; LookedInto if that was parked.
    """
    if booking.payment is not None and booking.payment.is_busy:
        flash("We are confirming this with our payment provider. It goes on by itself.", "info")
    elif booking.state in STANDING and booking.payment is not None and booking.payment.is_parked:
        raise LookedInto
    elif booking.state in STANDING:
        raise IllegalMove("Our payment provider had another view of this payment. Please look at the booking again.")
    else:
        flash(story_of(booking, now=now).headline, "done")
