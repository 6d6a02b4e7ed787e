"""A mentor's calendar elsewhere: which, how it stands, and reading it now."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import StringField, SubmitField
from wtforms.validators import InputRequired

from app.actions import busy_calendars
from app.extensions import limiter
from app.kit import clock
from app.kit.errors import Invalid
from app.web.access import Audience, audience, my_offer
from app.web.forms import show_on, tidy

bp = Blueprint("busy_calendars", __name__, url_prefix="/mentor/busy-calendar")


class AddressForm(FlaskForm):  # type: ignore[misc]
    address = StringField(
        "Address of your calendar",
        filters=[tidy],
        validators=[InputRequired("Please paste the address.")],
        render_kw={
            "inputmode": "url",
            "autocomplete": "off",
            "spellcheck": "false",
            "placeholder": "https://…/basic.ics",
        },
    )
    submit = SubmitField("Read this calendar")


@bp.get("")
@audience(Audience.MENTOR)
def calendar() -> str:
    """Which calendar is read, when it was read last, and what failed."""
    return _page(AddressForm(None))


@bp.post("")
@limiter.limit("20 per hour")
@audience(Audience.MENTOR)
def connect() -> ResponseReturnValue:
    """Read the busy times of this calendar from now on."""
    form = AddressForm()
    if form.validate_on_submit():
        try:
            busy_calendars.connect(my_offer(), form.address.data, now=clock.now())
        except Invalid as failure:
            show_on(form, failure)
        else:
            flash("Thank you. Your calendar is being read; look again in a minute.", "done")
            return redirect(url_for(".calendar"))
    return _page(form), 422


@bp.post("/reading")
@limiter.limit("6 per minute")
@audience(Audience.MENTOR)
def read_now() -> ResponseReturnValue:
    """Have it read now, and not only when its turn comes."""
    busy_calendars.hurry(my_offer(), now=clock.now())
    flash("Your calendar is being read; look again in a minute.", "info")
    return redirect(url_for(".calendar"))


@bp.post("/withdrawal")
@audience(Audience.MENTOR)
def disconnect() -> ResponseReturnValue:
    """Forget the calendar and its busy times."""
    busy_calendars.disconnect(my_offer())
    flash("The calendar and its busy times are forgotten.", "done")
    return redirect(url_for(".calendar"))


def _page(form: AddressForm) -> str:
    if form.errors:
        form.address.data = ""  # it is a secret: nobody reads it over a shoulder
    return render_template("mentor/busy_calendar.html", form=form, standing=busy_calendars.of(my_offer()))
