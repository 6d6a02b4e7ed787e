"""How a mentor arranges sessions: where one meets."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import StringField, SubmitField

from app.actions import meetings
from app.kit import clock
from app.kit.errors import Invalid
from app.web.access import Audience, audience, my_offer
from app.web.forms import show_on, tidy

bp = Blueprint("arrangements", __name__, url_prefix="/mentor/arrangements")


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
    """Where one meets."""
    return _page(PlaceForm(None, obj=my_offer()))


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
    return _page(form), 422


def _page(place: PlaceForm) -> str:
    return render_template("mentor/arrangements.html", place=place)
