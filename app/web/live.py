"""Pages that keep up with what they show: the browser asks for a part of them again, as long as it can change."""

import re
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from app.models.booking import Booking
from app.models.states import BookingState

PART = "standing"
AT_ONCE, SOON, SOMETIME = 3, 15, 60  # seconds
NEAR = timedelta(hours=1)
COUNTED_FROM = re.compile(r'data-now="[^"]*"')


def answer(template: str, *, booking: Booking, now: datetime, **shown: Any) -> ResponseReturnValue:
    """The page about a booking; or, if ``part=standing`` is asked for, what of it changes, unless it has not."""
    is_part = request.args.get("part") == PART
    layout = "_part.html" if is_part else "base.html"
    text = render_template(template, booking=booking, layout=layout, again=again(booking, now=now), **shown)
    return _unless_known(text) if is_part else text


def again(booking: Booking, *, now: datetime) -> int | None:
    """In how many seconds it is worth looking again; None if nothing changes any more by itself."""
    payment = booking.payment
    if payment is not None and payment.is_busy:
        return AT_ONCE
    match booking.state:
        case BookingState.PENDING_PAYMENT:
            return AT_ONCE
        case BookingState.REQUESTED:
            return SOON
        case BookingState.CONFIRMED:
            return SOON if booking.starts_at - NEAR <= now else SOMETIME
    return SOMETIME if booking.objection is not None and booking.objection.is_live else None


def _unless_known(text: str) -> ResponseReturnValue:
    """Nothing, to a browser that has it already. What differs each time and means the same does not count."""
    facts = COUNTED_FROM.sub("", text.replace(generate_csrf(), ""))
    response = make_response(text)
    response.set_etag(sha256(facts.encode()).hexdigest()[:32])
    response.make_conditional(request)
    return response
