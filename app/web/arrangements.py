"""How a mentor arranges sessions: who says yes to them, what is free, and where one meets."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, StringField, SubmitField

from app.actions import accounts, meetings, trials
from app.kit import clock
from app.kit.errors import Invalid
from app.models.mentor import Mentor
from app.web.access import Audience, audience, my_offer
from app.web.forms import show_on, tidy

bp = Blueprint("arrangements", __name__, url_prefix="/mentor/arrangements")


class ApprovalForm(FlaskForm):  # type: ignore[misc]
    approves = BooleanField("I accept every session myself")
    submit = SubmitField("Save who says yes")


class TrialForm(FlaskForm):  # type: ignore[misc]
    trial_minutes = SelectField("A free trial takes")
    submit = SubmitField("Save my trial")

    @classmethod
    def of(cls, mentor: Mentor, *, posted: bool = False) -> "TrialForm":
        form = cls() if posted else cls(None, data={"trial_minutes": str(mentor.trial_length or "")})
        form.trial_minutes.choices = [("", "No free trial"), *((str(n), f"{n} minutes") for n in mentor.lengths)]
        return form


class PlaceForm(FlaskForm):  # type: ignore[misc]
    meeting_url = StringField(
        "Your meeting link",
        filters=[tidy],
        render_kw={"inputmode": "url", "autocomplete": "off", "spellcheck": "false", "placeholder": "https://"},
    )
    submit = SubmitField("Save where we meet")


@bp.get("")
@audience(Audience.MENTOR)
def page() -> str:
    """Who says yes, and where one meets."""
    return _page()


@bp.post("/approval")
@audience(Audience.MENTOR)
def set_approval() -> ResponseReturnValue:
    """Have bookings confirmed at once, or asked for."""
    form = ApprovalForm()
    if form.validate_on_submit():
        accounts.set_approval(my_offer(), approves=form.approves.data)
        flash("Saved, for what is booked from now on.", "done")
        return redirect(url_for(".page"))
    return _page(approval=form), 422


@bp.post("/trial")
@audience(Audience.MENTOR)
def set_trial() -> ResponseReturnValue:
    """Offer a free trial to everybody, once, or none."""
    form = TrialForm.of(my_offer(), posted=True)
    if form.validate_on_submit():
        trials.offer(my_offer(), int(form.trial_minutes.data) if form.trial_minutes.data else None)
        flash("Saved, for what is booked from now on.", "done")
        return redirect(url_for(".page"))
    return _page(trial=form), 422


@bp.post("/place")
@audience(Audience.MENTOR)
def set_place() -> ResponseReturnValue:
    """Meet there from now on."""
    form = PlaceForm()
    if form.validate_on_submit():
        try:
            meetings.move(my_offer(), form.meeting_url.data or None, now=clock.now())
        except Invalid as failure:
            show_on(form, failure)
        else:
            flash("Saved. Sessions whose link nobody has seen yet take place there, too.", "done")
            return redirect(url_for(".page"))
    return _page(place=form), 422


def _page(
    *, place: PlaceForm | None = None, approval: ApprovalForm | None = None, trial: TrialForm | None = None
) -> str:
    """What was not typed just now is as it is kept."""
    kept = my_offer()
    return render_template(
        "mentor/arrangements.html",
        place=place or PlaceForm(None, obj=kept),
        approval=approval or ApprovalForm(None, obj=kept),
        trial=trial or TrialForm.of(kept),
    )
