"""What a mentor does: offer time, complete sessions, cancel."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.actions import accounts, bookings, cancellations, check_ins, ledger, opening_hours, reschedules
from app.actions.availability import USUAL_MINUTES, next_free
from app.kit import clock, policy
from app.kit.calendar import zone_of
from app.kit.errors import Invalid
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.base import all_of
from app.models.booking import Booking
from app.models.ledger import Balance
from app.models.listings import all_listed, listed
from app.models.mentor import Mentor
from app.models.states import ENDED_BOOKING, BookingState, ObjectionState, Party
from app.web import attention, live, outcomes
from app.web.access import Audience, audience, me, my_offer
from app.web.forms import ProfileForm, show_on
from app.web.pages import page_of
from app.web.stories import story_of
from app.web.timetables import DayHoursForm, DaysOffForm, RulesForm, WeekForm

bp = Blueprint("mentor", __name__, url_prefix="/mentor")

MOST_CONFIRMED = 100  # the soonest of them


@bp.get("/")
@audience(Audience.MENTOR)
def dashboard() -> str:
    """What needs me now, what comes, what was, and what I have earned."""
    now, offer = clock.now(), my_offer()
    mine = listed().where(Booking.mentor_id == offer.id)
    confirmed = all_listed(
        mine.where(Booking.state == BookingState.CONFIRMED).order_by(Booking.starts_at).limit(MOST_CONFIRMED)
    )
    asked = mine.where(Booking.state == BookingState.REQUESTED).order_by(Booking.starts_at).limit(MOST_CONFIRMED)
    return render_template(
        "mentor/dashboard.html",
        profile=offer,
        asked=all_listed(asked),
        to_complete=[booking for booking in confirmed if booking.starts_at <= now],
        upcoming=[booking for booking in confirmed if booking.starts_at > now],
        proposals=reschedules.proposed_for([booking.id for booking in confirmed], to=Party.MENTOR, now=now),
        page=page_of(mine.where(Booking.state.in_(ENDED_BOOKING)), Booking.starts_at, Booking.id, read=all_listed),
        objections=attention.objections_waiting(ObjectionState.WITH_MENTOR, Booking.mentor_id == offer.id),
        balances=_balances(offer),
    )


@bp.get("/bookings/<booking_id>")
@audience(Audience.MENTOR)
def booking(booking_id: str) -> ResponseReturnValue:
    """One booking and the story of its money."""
    now, mine = clock.now(), Booking.of_mentor(me(), booking_id)
    proposal = reschedules.open_one(mine, now=now)
    contested = mine.objection is not None and mine.objection.is_live
    free = mine.is_trial or (mine.payment is not None and mine.payment.is_free and not contested)
    open_now = mine.state == BookingState.CONFIRMED and free
    reason = bookings.cannot_complete(mine, now=now) if open_now else None
    return live.answer(
        "mentor/booking.html",
        booking=mine,
        now=now,
        story=story_of(mine, now=now),
        complete_by=mine.complete_by,
        proposal=proposal,
        does=reschedules.consequence(mine, proposal, now=now),
        can_move=reschedules.can(mine, now=now),
        can_cancel=cancellations.can(mine, by=Party.MENTOR, now=now),
        can_complete=open_now and reason is None,
        cannot_because=reason,
        can_no_show=open_now and bookings.cannot_report_no_show(mine, now=now) is None,
        can_check_in=check_ins.is_open(mine, now=now),
    )


@bp.post("/bookings/<booking_id>/completion")
@audience(Audience.MENTOR)
def complete(booking_id: str) -> ResponseReturnValue:
    """Mark a session complete and charge the held price."""
    bookings.complete(Booking.of_mentor(me(), booking_id), now=clock.now())
    return _told(booking_id)


@bp.post("/bookings/<booking_id>/no-show")
@audience(Audience.MENTOR)
def no_show(booking_id: str) -> ResponseReturnValue:
    """Say that the mentee did not come; what the terms say is charged, the rest of the hold released."""
    bookings.report_no_show(Booking.of_mentor(me(), booking_id), now=clock.now())
    return _told(booking_id)


@bp.get("/bookings/<booking_id>/cancellation")
@audience(Audience.MENTOR)
def cancellation(booking_id: str) -> str:
    """What cancelling would do to the money, before it is done."""
    mine = Booking.of_mentor(me(), booking_id)
    return render_template(
        "mentor/cancellation.html", booking=mine, quote=cancellations.quote(mine, by=Party.MENTOR, now=clock.now())
    )


@bp.post("/bookings/<booking_id>/cancellation")
@audience(Audience.MENTOR)
def cancel(booking_id: str) -> ResponseReturnValue:
    """Cancel, if the facts are still those of the quote."""
    cancellations.cancel(
        Booking.of_mentor(me(), booking_id), by=Party.MENTOR, quoted=request.form.get("quoted", ""), now=clock.now()
    )
    return _told(booking_id)


@bp.route("/profile", methods=["GET", "POST"])
@audience(Audience.MEMBER)
def profile() -> ResponseReturnValue:
    """Become a mentor, or change what one offers."""
    offer = me().mentor
    form = ProfileForm(data=_offered(offer) if offer else {"time_zone": me().time_zone, "published": True})
    if form.validate_on_submit():
        offered = accounts.Offer(
            form.headline.data,
            form.bio.data or "",
            form.rate,
            form.time_zone.data,
            form.published.data,
            Terms(form.terms.data),
        )
        try:
            accounts.offer(me(), offered, now=clock.now())
        except Invalid as failure:
            show_on(form, failure)
        else:
            flash("Saved.", "done")
            return redirect(url_for(".dashboard") if offer else url_for(".availability"))
    return render_template(
        "mentor/profile.html",
        form=form,
        fee_percent=policy.current().commission_bps / 100,
        free_hours=policy.current().free_hours,
    ), 422 if form.errors else 200


@bp.get("/availability")
@audience(Audience.MENTOR)
def availability() -> str:
    """The weekly hours in which one can be booked, exceptions to them, and rules."""
    return _availability()


@bp.post("/availability")
@audience(Audience.MENTOR)
def set_week() -> ResponseReturnValue:
    """Change the weekly hours; or add a row for one more range, which changes nothing yet."""
    form = WeekForm.of(my_offer(), posted=True)
    if "add" in request.form:
        return _availability(week=form, typing=form.add_range(request.form["add"]))
    if not form.validate():
        return _availability(week=form), 422
    opening_hours.set_weekly(my_offer(), list(form.hours))
    flash("Your weekly hours are saved.", "done")
    return redirect(url_for(".availability"))


@bp.post("/availability/rules")
@audience(Audience.MENTOR)
def set_rules() -> ResponseReturnValue:
    """Change buffers, notice, daily cap, horizon and lengths."""
    form = RulesForm.of(my_offer(), posted=True)
    if form.validate():
        try:
            opening_hours.set_rules(my_offer(), form.rules)
        except Invalid as failure:
            show_on(form, failure)
        else:
            flash("Your rules are saved. Sessions that are booked stay as they are.", "done")
            return redirect(url_for(".availability"))
    return _availability(rules=form), 422


@bp.post("/availability/days-off")
@audience(Audience.MENTOR)
def take_days_off() -> ResponseReturnValue:
    """Keep some days free of new bookings."""
    form = DaysOffForm(prefix="off")
    return _excepted(form, "These days are kept free. Sessions that are booked stay.") or (_availability(off=form), 422)


@bp.post("/availability/day-hours")
@audience(Audience.MENTOR)
def open_day_hours() -> ResponseReturnValue:
    """Open other or extra hours on a day."""
    form = DayHoursForm(prefix="special")
    return _excepted(form, "These hours are open.") or (_availability(special=form), 422)


@bp.post("/availability/exceptions/<exception_id>/removal")
@audience(Audience.MENTOR)
def drop_exception(exception_id: str) -> ResponseReturnValue:
    """Let the week be as usual again."""
    opening_hours.drop_exception(my_offer(), exception_id)
    flash("Deleted. Your weekly hours hold again.", "done")
    return redirect(url_for(".availability"))


def _excepted(form: DaysOffForm | DayHoursForm, said: str) -> ResponseReturnValue | None:
    """Make the exception; None if the form says what is wrong."""
    if form.validate():
        try:
            opening_hours.make_exception(my_offer(), form.span, now=clock.now())
        except Invalid as failure:
            show_on(form, failure)
        else:
            flash(said, "done")
            return redirect(url_for(".availability"))
    return None


def _availability(**shown: Any) -> str:
    """The page, with one of its forms as it was sent."""
    offer, now = my_offer(), clock.now()
    forms: dict[str, Any] = {
        "week": WeekForm.of(offer),
        "rules": RulesForm.of(offer),
        "off": DaysOffForm(None, prefix="off"),
        "special": DayHoursForm(None, prefix="special"),
        "typing": None,
    }
    return render_template(
        "mentor/availability.html",
        offer=offer,
        zone_is_known=zone_of(offer.time_zone) is not None,
        exceptions=opening_hours.coming_exceptions(offer, now=now),
        next_free=next_free([offer], USUAL_MINUTES, now=now)[offer.id],
        notice=policy.current().notice,
        horizon=policy.current().horizon,
        **{**forms, **shown},
    )


def _balances(offer: Mentor) -> dict[str, dict[str, Money]]:
    """What the mentor has in each currency: what can still be objected to, and what is theirs for good."""
    pending, available = ledger.pending_of(offer.id), ledger.available_of(offer.id)
    rows = all_of(select(Balance).where(Balance.account.in_((pending, available))).order_by(Balance.currency))
    nothing = {row.currency: Money(0, row.currency) for row in rows}
    found = {currency: {pending: zero, available: zero} for currency, zero in nothing.items()}
    for row in rows:
        found[row.currency][row.account] = row.money
    return {currency: {"pending": of[pending], "available": of[available]} for currency, of in found.items()}


def _offered(offer: Mentor) -> dict[str, object]:
    """A mentor's row as the form speaks of it."""
    return {
        "headline": offer.headline,
        "bio": offer.bio,
        "hourly_rate": str(offer.hourly_rate.decimal),
        "currency": offer.currency,
        "time_zone": offer.time_zone,
        "published": offer.published,
        "terms": offer.terms.value,
    }


def _told(booking_id: str) -> ResponseReturnValue:
    outcomes.tell(Booking.of_mentor(me(), booking_id), now=clock.now())
    return redirect(url_for(".booking", booking_id=booking_id))
