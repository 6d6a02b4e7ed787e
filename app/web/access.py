"""Who may. Every view declares its audience; a view that does not is nobody's."""

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar, cast

from flask import current_app, flash, redirect, request, url_for
from flask_login import current_user

from app.kit.errors import NotAllowed, NotFound
from app.models.mentor import Mentor
from app.models.user import User
from app.web import drafts
from app.web.links import after_log_in

View = TypeVar("View", bound=Callable[..., Any])


class Audience(Enum):
    """``ANYONE``: no log-in. ``STRIPE``: proves itself by signature. ``DEMO``: anyone, but only in demo mode."""

    ANYONE = "anyone"
    MEMBER = "member"
    MENTOR = "mentor"
    OPERATOR = "operator"
    STRIPE = "stripe"
    DEMO = "demo"


def audience(who: Audience) -> Callable[[View], View]:
    """Declare who may see a view."""

    def declare(view: View) -> View:
        view.audience = who  # type: ignore[attr-defined]
        return view

    return declare


def audience_of(endpoint: str) -> Audience | None:
    if endpoint == "static":
        return Audience.ANYONE
    return getattr(current_app.view_functions.get(endpoint), "audience", None)


def me() -> User:
    """The person who is logged in. Raises: NotAllowed if nobody is."""
    if not current_user.is_authenticated:
        raise NotAllowed("Please log in.")
    return cast(User, current_user._get_current_object())


def viewer() -> User | None:
    """The person who is logged in, if anyone."""
    return me() if current_user.is_authenticated else None


def my_offer() -> Mentor:
    """The mentor that the person is. Raises: NotFound."""
    mentor = me().mentor
    if mentor is None:
        raise NotFound
    return mentor


def guard() -> Any:
    """Runs before every request: stops whoever is not in the view's audience."""
    if request.endpoint is None:
        return None  # no such page: the router says so
    who = audience_of(request.endpoint)
    if who in (Audience.ANYONE, Audience.STRIPE):
        return None
    if who == Audience.DEMO:
        if not current_app.extensions["settings"].demo:
            raise NotFound
        return None
    if who is None:
        raise NotAllowed
    if not current_user.is_authenticated:
        drafts.keep()
        flash("Please log in to go on.", "info")
        return redirect(url_for("account.log_in", next=after_log_in()))
    if (who == Audience.MENTOR and not me().is_mentor) or (who == Audience.OPERATOR and not me().is_operator):
        raise NotFound
    return None
