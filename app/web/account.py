"""Signing up, logging in and out, and a person's own settings."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user

from app.actions import accounts
from app.extensions import db, limiter, login_manager
from app.kit import clock
from app.kit.errors import Invalid
from app.models.user import User
from app.web import zones
from app.web.access import Audience, audience, me, viewer
from app.web.forms import LogInForm, SettingsForm, SignUpForm, show_on
from app.web.links import local

bp = Blueprint("account", __name__)

DEMO_LOGINS = (
    ("ann@example.com", "mentee"),
    ("cho@example.com", "mentee"),
    ("bob@example.com", "mentor"),
    ("dia@example.com", "mentor"),
    ("olga@example.com", "operator"),
)


@login_manager.user_loader  # type: ignore[untyped-decorator]
def _load(user_id: str) -> User | None:
    return db.session.get(User, user_id)


def _typed_address() -> str:
    return request.form.get("email", "").strip().lower()[:254]


@bp.route("/sign-up", methods=["GET", "POST"])
@limiter.limit("20 per hour", methods=["POST"])
@audience(Audience.ANYONE)
def sign_up() -> ResponseReturnValue:
    """Make a log-in and use it at once."""
    if viewer() is not None:
        return redirect(local(request.args.get("next")))
    form = SignUpForm(next=request.args.get("next"), time_zone=zones.viewer_zone().key)
    if form.validate_on_submit():
        try:
            user = accounts.sign_up(
                name=form.name.data,
                email=form.email.data,
                password=form.password.data,
                time_zone=form.time_zone.data,
                now=clock.now(),
            )
        except Invalid as failure:
            show_on(form, failure)
        else:
            _enter(user)
            flash(f"Welcome, {user.name}.", "done")
            return redirect(local(form.next.data))
    return render_template("account/sign_up.html", form=form), 422 if form.errors else 200


@bp.route("/log-in", methods=["GET", "POST"])
@limiter.limit("10 per minute; 100 per hour", methods=["POST"])
@limiter.limit("5 per minute; 30 per hour", methods=["POST"], key_func=_typed_address)
@audience(Audience.ANYONE)
def log_in() -> ResponseReturnValue:
    """Log in. Throttled by the caller's address and by the account that is tried."""
    if viewer() is not None:
        return redirect(local(request.args.get("next")))
    form = LogInForm(next=request.args.get("next"))
    if form.validate_on_submit():
        user = accounts.with_password(form.email.data, form.password.data)
        if user is not None:
            _enter(user)
            return redirect(local(form.next.data))
        form.form_errors.append("The address and the password do not belong together.")
    demo = current_app.extensions["settings"].demo
    return render_template(
        "account/log_in.html", form=form, demo_logins=DEMO_LOGINS if demo else ()
    ), 422 if form.errors else 200


@bp.post("/log-out")
@audience(Audience.ANYONE)
def log_out() -> ResponseReturnValue:
    """Log out and forget everything in the session."""
    logout_user()
    session.clear()
    return redirect(url_for("public.mentors"))


@bp.route("/account", methods=["GET", "POST"])
@audience(Audience.MEMBER)
def settings() -> ResponseReturnValue:
    """A person's name and time zone."""
    form = SettingsForm(obj=me())
    if form.validate_on_submit():
        accounts.change(me(), name=form.name.data, time_zone=form.time_zone.data)
        zones.remember(form.time_zone.data)
        flash("Saved.", "done")
        return redirect(url_for(".settings"))
    return render_template("account/settings.html", form=form), 422 if form.errors else 200


def _enter(user: User) -> None:
    """Begin a session of one's own: nothing that stood in it before the log-in stays, except a draft and the zone."""
    kept = {key: session[key] for key in ("draft", "zone") if key in session}
    session.clear()
    session.update(kept)
    session.permanent = True
    login_user(user)
