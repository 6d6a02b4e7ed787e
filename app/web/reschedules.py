"""What both sides do about another time for their session: propose, agree, decline, withdraw."""

from collections.abc import Callable
from functools import wraps

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, SubmitField
from wtforms.validators import DataRequired, Length, Optional

from app.actions import reaches, reschedules, timetables
from app.extensions import limiter
from app.kit import clock, policy
from app.kit.errors import IllegalMove, Invalid, NotFound, SlotTaken
from app.kit.ids import is_id
from app.models.booking import Booking
from app.models.states import Party
from app.models.user import User
from app.web.access import Audience, audience, me
from app.web.forms import Written, parse_instant, show_on, tidy
from app.web.weeks import Week


class RescheduleForm(FlaskForm):  # type: ignore[misc]
    starts_at = HiddenField("A time", validators=[DataRequired("Please pick one.")])
    note = StringField(
        "A word with it",
        filters=[tidy],
        validators=[Optional(), Length(max=300, message="At most 300 characters, please."), Written()],
        description="Optional. The other side reads it with your proposal.",
    )
    submit = SubmitField("Propose this time")


def choose(side: Party, booking: Booking) -> ResponseReturnValue:
    """The free times at which the session could be held instead."""
    return _choice(side, booking, RescheduleForm(None))


def propose(side: Party, booking: Booking) -> ResponseReturnValue:
    """Ask the other side for another time."""
    form = RescheduleForm()
    if not form.validate():
        return _choice(side, booking, form), 422
    try:
        starts_at = parse_instant(form.starts_at.data)
        reschedules.propose(booking, starts_at, by=side, note=form.note.data or "", now=clock.now())
    except (SlotTaken, IllegalMove) as failure:
        form.form_errors.append(failure.message)
        return _choice(side, booking, form), failure.status
    except Invalid as failure:
        show_on(form, failure)
        return _choice(side, booking, form), failure.status
    other = booking.mentor.name if side == Party.MENTEE else booking.mentee.name
    flash(f"Proposed. Nothing changes until {other} agrees.", "done")
    return _back(side, booking)


def agree(side: Party, booking: Booking) -> ResponseReturnValue:
    """Hold the session at the time that the other side has proposed."""
    reschedules.accept(booking, _answered(), by=side, now=clock.now())
    flash("Agreed. The session has moved; the new invitation is on its way to both of you.", "done")
    return _back(side, booking)


def decline(side: Party, booking: Booking) -> ResponseReturnValue:
    """Leave the session where it is."""
    reschedules.decline(booking, _answered(), by=side, now=clock.now())
    flash("Declined. The session stays where it is.", "done")
    return _back(side, booking)


def withdraw(side: Party, booking: Booking) -> ResponseReturnValue:
    """Take one's own proposal back."""
    reschedules.withdraw(booking, _answered(), by=side, now=clock.now())
    flash("Withdrawn. The session stays where it is.", "done")
    return _back(side, booking)


def _answered() -> str:
    """The proposal that the page has shown. Raises: NotFound."""
    answered = request.form.get("reschedule", "")
    if not is_id(answered):
        raise NotFound
    return answered


def _choice(side: Party, booking: Booking, form: RescheduleForm) -> str:
    """Raises: IllegalMove if the session cannot be moved any more."""
    now = clock.now()
    reschedules.check(booking, now=now)
    openings = reschedules.openings(booking, by=side, now=now)
    latest = timetables.latest(booking.mentor, now)
    first = openings.first()
    return render_template(
        f"{side}/reschedule.html",
        booking=booking,
        form=form,
        week=Week.asked(openings, first),
        next_free=first.starts_at if first else None,
        reach=reaches.of(booking, now=now),
        latest=latest,
        lead=policy.current().authorization_lead,
    )


def _back(side: Party, booking: Booking) -> ResponseReturnValue:
    return redirect(url_for(f"{side}.booking", booking_id=booking.id))


VIEWS: tuple[tuple[str, str, Callable[[Party, Booking], ResponseReturnValue]], ...] = (
    ("GET", "/reschedule", choose),
    ("POST", "/reschedules", propose),
    ("POST", "/reschedule/agreement", agree),
    ("POST", "/reschedule/refusal", decline),
    ("POST", "/reschedule/withdrawal", withdraw),
)


def _doors(side: Party, who: Audience, whose: Callable[[User, str], Booking]) -> Blueprint:
    """The same views for each side; a booking is looked up as theirs."""
    bp = Blueprint(f"reschedules_of_{side}", __name__, url_prefix=f"/{side}/bookings/<booking_id>")
    for method, rule, view in VIEWS:

        @limiter.limit("30 per minute", methods=["POST"])
        @audience(who)
        @wraps(view)
        def door(booking_id: str, view: Callable[[Party, Booking], ResponseReturnValue] = view) -> ResponseReturnValue:
            return view(side, whose(me(), booking_id))

        bp.add_url_rule(rule, view.__name__, door, methods=[method])
    return bp


of_mentee = _doors(Party.MENTEE, Audience.MEMBER, Booking.of_mentee)
of_mentor = _doors(Party.MENTOR, Audience.MENTOR, Booking.of_mentor)
