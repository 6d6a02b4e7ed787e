"""What anyone sees: the mentors, their open times, and whether the house stands."""

from datetime import timedelta

from flask import Blueprint, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.actions import availability, trials
from app.kit import clock, policy
from app.kit.calendar import zone_names
from app.kit.errors import GatewayDown, Invalid
from app.models import schema
from app.models.base import all_of
from app.models.mentor import Mentor
from app.web import zones
from app.web.access import Audience, audience, viewer
from app.web.links import local
from app.web.pages import Page, page_of
from app.web.weeks import Week

bp = Blueprint("public", __name__)

STEPS_OF_TIME = {"1": timedelta(hours=1), "24": timedelta(hours=24), "72": timedelta(hours=72)}


@bp.get("/")
@audience(Audience.ANYONE)
def mentors() -> str:
    """The list of mentors, each with the next free time."""
    found = page_of(
        select(Mentor).where(Mentor.published).options(selectinload(Mentor.weekly_hours)),
        Mentor.created_at,
        Mentor.id,
        read=all_of,
        newest_first=False,
    )
    free = availability.next_free(found.items, availability.USUAL_MINUTES, now=clock.now())
    cards = [{"mentor": mentor, "next_free": free[mentor.id]} for mentor in found.items]
    return render_template("public/mentors.html", page=Page(cards, found.next))


@bp.get("/mentors/<mentor_id>")
@audience(Audience.ANYONE)
def mentor(mentor_id: str) -> str:
    """A mentor, the price, and the times that can be booked now."""
    now, who = clock.now(), viewer()
    shown = Mentor.one(Mentor.id == mentor_id, Mentor.published)
    reason = trials.why_not(who.id, shown) if who else None
    trial_length = shown.trial_length if reason is None else None
    trial = trial_length is not None and request.args.get("trial") == "yes"
    minutes = trial_length if trial else request.args.get("minutes", availability.USUAL_MINUTES, type=int)
    if minutes not in shown.lengths:
        minutes = shown.length_near(availability.USUAL_MINUTES) or availability.USUAL_MINUTES
    openings = availability.openings(shown, minutes, now=now, viewer=who)
    first = openings.first()
    week = Week.asked(openings, first)
    return render_template(
        "public/mentor.html",
        mentor=shown,
        minutes=minutes,
        durations=shown.lengths,
        free_hours=policy.current().free_hours,
        price=shown.price_for(minutes),
        trial=trial,
        trial_length=trial_length,
        week=week,
        next_free=first.starts_at if first else None,
        book_until=openings.end,
        bookable=who is None or who.id != shown.user_id,
    )


@bp.get("/time-zone")
@audience(Audience.ANYONE)
def time_zone() -> str:
    """Choose the zone in which times are shown."""
    return render_template("public/time_zone.html", zones=zone_names(), next=local(request.args.get("next")))


@bp.post("/time-zone")
@audience(Audience.ANYONE)
def set_time_zone() -> ResponseReturnValue:
    """Show times in another zone from now on, in this browser."""
    if not zones.remember(request.form.get("zone", "")):
        raise Invalid("There is no such time zone.")
    return redirect(local(request.form.get("next")))


@bp.post("/demo/clock")
@audience(Audience.DEMO)
def advance_clock() -> ResponseReturnValue:
    """Move the demo's clock forward, and Stripe's with it."""
    step = STEPS_OF_TIME.get(request.form.get("hours", ""))
    if step is None:
        raise Invalid("The clock moves by an hour, a day or three days.")
    source = clock.source()
    if not isinstance(source, clock.SimulatedClock):
        raise Invalid("This clock cannot be moved.")
    try:
        source.advance(step)
    except OSError as error:
        raise GatewayDown("The simulator does not answer, so the time stays as it is.") from error
    hours = int(step.total_seconds() // 3600)
    flash(f"It is {hours} hour{'' if hours == 1 else 's'} later. What fell due is being done.", "info")
    return redirect(local(request.form.get("next")))


@bp.get("/healthz")
@audience(Audience.ANYONE)
def healthz() -> ResponseReturnValue:
    """The process lives."""
    return jsonify(status="ok")


@bp.get("/readyz")
@audience(Audience.ANYONE)
def readyz() -> ResponseReturnValue:
    """The process can serve: its database answers and has the right tables."""
    problem = schema.problem()
    return (jsonify(status="not ready", problem=problem), 503) if problem else jsonify(status="ready")
