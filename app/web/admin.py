"""What an operator sees: what needs a person, every booking, and the books."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.actions import bookings
from app.extensions import db
from app.kit import clock
from app.models.base import all_of
from app.models.booking import Booking
from app.models.ledger import Balance
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import UNSETTLED_OPERATION, Party
from app.web import outcomes
from app.web.access import Audience, audience
from app.web.pages import page_of
from app.web.stories import story_of

bp = Blueprint("admin", __name__, url_prefix="/operator")

MOST_SHOWN = 50


@bp.get("/")
@audience(Audience.OPERATOR)
def dashboard() -> str:
    """What is not settled, every booking, and what every account adds up to."""
    unsettled = db.session.execute(
        select(Operation.id, Operation.kind, Operation.state, Operation.error, Operation.created_at, Payment.booking_id)
        .outerjoin(Payment, Payment.id == Operation.subject)
        .where(Operation.state.in_(UNSETTLED_OPERATION))
        .order_by(Operation.created_at)
        .limit(MOST_SHOWN)
    ).all()
    balances = all_of(select(Balance).order_by(Balance.currency, Balance.account))
    return render_template(
        "admin/dashboard.html",
        attention=unsettled,
        page=page_of(Booking.shown(), Booking.starts_at, Booking.id),
        trial_balance=[(row.account, row.currency, row.money) for row in balances],
    )


@bp.get("/bookings/<booking_id>")
@audience(Audience.OPERATOR)
def booking(booking_id: str) -> str:
    """One booking and the story of its money."""
    now, shown = clock.now(), Booking.one(Booking.id == booking_id)
    return render_template(
        "admin/booking.html",
        booking=shown,
        story=story_of(shown, now=now),
        can_cancel=bookings.can_cancel(shown, by=Party.OPERATOR, now=now),
    )


@bp.get("/bookings/<booking_id>/cancellation")
@audience(Audience.OPERATOR)
def cancellation(booking_id: str) -> str:
    """What cancelling would do to the money, before it is done."""
    shown = Booking.one(Booking.id == booking_id)
    return render_template(
        "admin/cancellation.html", booking=shown, quote=bookings.quote(shown, by=Party.OPERATOR, now=clock.now())
    )


@bp.post("/bookings/<booking_id>/cancellation")
@audience(Audience.OPERATOR)
def cancel(booking_id: str) -> ResponseReturnValue:
    """Cancel, if the facts are still those of the quote."""
    bookings.cancel(
        Booking.one(Booking.id == booking_id), by=Party.OPERATOR, quoted=request.form.get("quoted", ""), now=clock.now()
    )
    outcomes.tell(Booking.one(Booking.id == booking_id), now=clock.now())
    return redirect(url_for(".booking", booking_id=booking_id))
