"""Objections: what a mentee, a mentor and an operator see of them, and what each can do."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import Field

from app.actions import absences, objections
from app.kit import clock
from app.kit.errors import Failure, IllegalMove, Invalid, NotFound
from app.kit.money import Money
from app.models.booking import Booking
from app.models.objection import Remedy
from app.models.states import Party
from app.web.access import Audience, audience, me
from app.web.forms import show_on
from app.web.proposals import ClaimForm, ObjectionForm, ProblemForm, ProposalForm, RulingForm
from app.web.stories import story_of

bp = Blueprint("objections", __name__)

OF_MENTEE = (Remedy.FULL_REFUND, Remedy.PART_REFUND, Remedy.NEW_SESSION)
REMEDIES = {Party.MENTEE: OF_MENTEE, Party.MENTOR: (*OF_MENTEE, Remedy.NOTHING)}
ROLES = {Party.MENTEE: "mentee", Party.MENTOR: "mentor", Party.OPERATOR: "admin"}


@bp.get("/mentee/bookings/<booking_id>/objection")
@audience(Audience.MEMBER)
def of_mentee(booking_id: str) -> str:
    """My objection as it stands; or the form to object with."""
    mine = Booking.of_mentee(me(), booking_id)
    if mine.objection is not None:
        return _page(mine, Party.MENTEE)
    reason = objections.cannot_object(mine, now=clock.now())
    if reason is not None:
        raise IllegalMove(reason)
    return render_template("mentee/object.html", booking=mine, form=_objection_form(mine))


@bp.post("/mentee/bookings/<booking_id>/objection")
@audience(Audience.MEMBER)
def object_to(booking_id: str) -> ResponseReturnValue:
    """Object to what was charged, and propose what would be right."""
    mine = Booking.of_mentee(me(), booking_id)
    form = _objection_form(mine)
    if form.validate():
        try:
            objections.object_to(mine, form.problem.data, form.wanted, now=clock.now())
        except Invalid as failure:
            show_on(form, failure)
        except IllegalMove as failure:
            return _kept(mine, form, failure)
        else:
            return _done(booking_id, Party.MENTEE, "Your objection is with your mentor. What you paid stays with us.")
    return render_template("mentee/object.html", booking=Booking.of_mentee(me(), booking_id), form=form), 422


@bp.post("/mentee/bookings/<booking_id>/objection/proposals")
@audience(Audience.MEMBER)
def propose_as_mentee(booking_id: str) -> ResponseReturnValue:
    """Propose something else to the mentor."""
    return _propose(Booking.of_mentee(me(), booking_id), Party.MENTEE)


@bp.post("/mentee/bookings/<booking_id>/objection/agreement")
@audience(Audience.MEMBER)
def agree_as_mentee(booking_id: str) -> ResponseReturnValue:
    """Accept what the mentor proposed last."""
    mine = Booking.of_mentee(me(), booking_id)
    objections.accept(mine, Party.MENTEE, seen=_seen(), now=clock.now())
    return _done(booking_id, Party.MENTEE, "You have agreed.")


@bp.post("/mentee/bookings/<booking_id>/objection/appeal")
@audience(Audience.MEMBER)
def appeal_as_mentee(booking_id: str) -> ResponseReturnValue:
    """Ask an operator to rule."""
    mine = Booking.of_mentee(me(), booking_id)
    objections.appeal(mine, Party.MENTEE, seen=_seen(), now=clock.now())
    return _done(booking_id, Party.MENTEE, "A person of ours decides now.")


@bp.post("/mentee/bookings/<booking_id>/objection/withdrawal")
@audience(Audience.MEMBER)
def withdraw(booking_id: str) -> ResponseReturnValue:
    """Object no more."""
    objections.withdraw(Booking.of_mentee(me(), booking_id), now=clock.now())
    return _done(booking_id, Party.MENTEE, "You have taken it back.")


@bp.post("/mentee/bookings/<booking_id>/objection/fulfilment")
@audience(Audience.MEMBER)
def say_kept(booking_id: str) -> ResponseReturnValue:
    """The new session took place."""
    objections.say_kept(Booking.of_mentee(me(), booking_id), kept=True, now=clock.now())
    return _done(booking_id, Party.MENTEE, "Thank you. This is settled.")


@bp.post("/mentee/bookings/<booking_id>/objection/breach")
@audience(Audience.MEMBER)
def say_broken(booking_id: str) -> ResponseReturnValue:
    """The new session did not take place."""
    objections.say_kept(Booking.of_mentee(me(), booking_id), kept=False, now=clock.now())
    return _done(booking_id, Party.MENTEE, "A person of ours decides now.")


@bp.get("/mentee/bookings/<booking_id>/mentor-absence")
@audience(Audience.MEMBER)
def absence(booking_id: str) -> str:
    """The form to say with that the mentor did not come."""
    mine = Booking.of_mentee(me(), booking_id)
    reason = absences.cannot_report(mine, now=clock.now())
    if reason is not None:
        raise IllegalMove(reason)
    return render_template("mentee/absence.html", booking=mine, form=ProblemForm())


@bp.post("/mentee/bookings/<booking_id>/mentor-absence")
@audience(Audience.MEMBER)
def report_absence(booking_id: str) -> ResponseReturnValue:
    """Say that the mentor did not come: the hold stands while they may contest it."""
    mine, form = Booking.of_mentee(me(), booking_id), ProblemForm()
    if not form.validate():
        return render_template("mentee/absence.html", booking=mine, form=form), 422
    try:
        absences.report(mine, form.problem.data, now=clock.now())
    except IllegalMove as failure:
        mine, form.form_errors = Booking.of_mentee(me(), booking_id), [*form.form_errors, failure.message]
        return render_template("mentee/absence.html", booking=mine, form=form), failure.status
    return _done(booking_id, Party.MENTEE, "Thank you for telling us. You are not charged meanwhile.")


@bp.get("/mentor/bookings/<booking_id>/objection")
@audience(Audience.MENTOR)
def of_mentor(booking_id: str) -> str:
    """The objection of my mentee as it stands."""
    return _page(Booking.of_mentor(me(), booking_id), Party.MENTOR)


@bp.post("/mentor/bookings/<booking_id>/objection/proposals")
@audience(Audience.MENTOR)
def propose_as_mentor(booking_id: str) -> ResponseReturnValue:
    """Propose something else to the mentee."""
    return _propose(Booking.of_mentor(me(), booking_id), Party.MENTOR)


@bp.post("/mentor/bookings/<booking_id>/objection/agreement")
@audience(Audience.MENTOR)
def agree_as_mentor(booking_id: str) -> ResponseReturnValue:
    """Accept what the mentee proposed last; or admit that I was not there."""
    mine = Booking.of_mentor(me(), booking_id)
    if mine.objection is not None and absences.is_open(mine.objection, mine):
        absences.admit(mine, now=clock.now())
    else:
        objections.accept(mine, Party.MENTOR, seen=_seen(), now=clock.now())
    return _done(booking_id, Party.MENTOR, "You have agreed.")


@bp.post("/mentor/bookings/<booking_id>/objection/appeal")
@audience(Audience.MENTOR)
def appeal_as_mentor(booking_id: str) -> ResponseReturnValue:
    """Ask an operator to rule."""
    mine = Booking.of_mentor(me(), booking_id)
    objections.appeal(mine, Party.MENTOR, seen=_seen(), now=clock.now())
    return _done(booking_id, Party.MENTOR, "A person of ours decides now.")


@bp.post("/mentor/bookings/<booking_id>/objection/contest")
@audience(Audience.MENTOR)
def contest(booking_id: str) -> ResponseReturnValue:
    """I was there: what is due for that is charged, and an operator rules."""
    mine, form = Booking.of_mentor(me(), booking_id), ClaimForm()
    if not form.validate():
        return _page(mine, Party.MENTOR, claim=form), 422
    try:
        absences.contest(mine, form.words.data, took_place=form.claim.data == "took_place", now=clock.now())
    except IllegalMove as failure:
        return _shown(mine, Party.MENTOR, failure, claim=form)
    return _done(booking_id, Party.MENTOR, "A person of ours reads what both of you wrote, and decides.")


@bp.get("/operator/bookings/<booking_id>/ruling")
@audience(Audience.OPERATOR)
def of_operator(booking_id: str) -> str:
    """An objection, what both wrote and when they were there."""
    return _page(Booking.one(Booking.id == booking_id), Party.OPERATOR)


@bp.post("/operator/bookings/<booking_id>/ruling")
@audience(Audience.OPERATOR)
def rule(booking_id: str) -> ResponseReturnValue:
    """Decide how much goes back."""
    shown, form = Booking.one(Booking.id == booking_id), RulingForm()
    if not form.validate():
        return _page(shown, Party.OPERATOR, ruling=form), 422
    try:
        refund = Money.parse(form.refund.data, shown.currency)
        refunded = Money(form.refunded.data, shown.currency)
        objections.rule(shown, refund, form.because.data, refunded=refunded, now=clock.now())
    except Invalid as failure:
        show_on(form, Invalid(failure.message, field="refund"))
        return _page(Booking.one(Booking.id == booking_id), Party.OPERATOR, ruling=form), failure.status
    except IllegalMove as failure:
        return _shown(shown, Party.OPERATOR, failure, ruling=form)
    return _done(booking_id, Party.OPERATOR, "Decided. Both sides are told.")


def _propose(booking: Booking, by: Party) -> ResponseReturnValue:
    booking_id, form = booking.id, ProposalForm.of(booking.currency, REMEDIES[by])
    if not form.validate():
        return _page(booking, by, proposal=form), 422
    try:
        objections.propose(booking, by, form.wanted, seen=form.seen.data or 0, now=clock.now())
    except Invalid as failure:
        show_on(form, failure)
        return _page(_again(booking_id, by), by, proposal=form), failure.status
    except IllegalMove as failure:
        return _shown(booking, by, failure, proposal=form)
    return _done(booking_id, by, "Your proposal is on its way.")


def _page(booking: Booking, by: Party, **typed: FlaskForm) -> str:
    """The objection for one side, with one of its forms as it was sent."""
    objection, now = booking.objection, clock.now()
    if objection is None:
        raise NotFound
    payment = booking.payment
    forms: dict[str, FlaskForm] = {
        "claim": ClaimForm(None),
        "ruling": RulingForm(None, data={"refunded": payment.refunded_minor if payment else 0}),
    }
    if by in REMEDIES:
        seen = {"seen": objection.standing.number}
        forms["proposal"] = ProposalForm.of(booking.currency, REMEDIES[by], formdata=None, data=seen)
    return render_template(
        f"{ROLES[by]}/objection.html",
        booking=booking,
        objection=objection,
        me_as=by,
        about_a_hold=absences.is_open(objection, booking),
        story=story_of(booking, now=now),
        typed=next(iter(typed.values()), None),
        **{**forms, **typed},
    )


def _shown(booking: Booking, by: Party, failure: Failure, **typed: FlaskForm) -> ResponseReturnValue:
    """The page as it is now, what was typed, and why that was not taken."""
    booking = _again(booking.id, by)
    for form in typed.values():
        form.form_errors.append(failure.message)
        # Whoever sends it again has read what is new.
        if "seen" in form and booking.objection is not None:
            _renew(form.seen, booking.objection.standing.number)
        if "refunded" in form and booking.payment is not None:
            _renew(form.refunded, booking.payment.refunded_minor)
    return _page(booking, by, **typed), failure.status


def _renew(field: Field, value: int) -> None:
    field.raw_data, field.data = None, value


def _kept(booking: Booking, form: FlaskForm, failure: Failure) -> ResponseReturnValue:
    form.form_errors.append(failure.message)
    again = Booking.of_mentee(me(), booking.id)
    return render_template("mentee/object.html", booking=again, form=form), failure.status


def _objection_form(booking: Booking) -> ObjectionForm:
    form = ObjectionForm.of(booking.currency, OF_MENTEE)
    assert isinstance(form, ObjectionForm)
    return form


def _seen() -> int:
    """Which proposal the page had shown whose button was pressed."""
    form = ProposalForm()
    return form.seen.data or 0


def _again(booking_id: str, by: Party) -> Booking:
    match by:
        case Party.MENTEE:
            return Booking.of_mentee(me(), booking_id)
        case Party.MENTOR:
            return Booking.of_mentor(me(), booking_id)
    return Booking.one(Booking.id == booking_id)


def _done(booking_id: str, by: Party, words: str) -> ResponseReturnValue:
    payment = _again(booking_id, by).payment
    if payment is not None and payment.is_busy:
        flash("We are confirming this with our payment provider. It goes on by itself.", "info")
    else:
        flash(words, "done")
    view = {Party.MENTEE: ".of_mentee", Party.MENTOR: ".of_mentor", Party.OPERATOR: ".of_operator"}[by]
    return redirect(url_for(view, booking_id=booking_id))
