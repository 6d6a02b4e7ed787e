"""What people (and programs) see when something does not work: what happened, and what became of their money."""

from typing import Any

import structlog
from flask import Flask, current_app, jsonify, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, InterfaceError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from app.extensions import db
from app.kit.errors import Failure, IllegalMove
from app.web import drafts

log = structlog.get_logger()

WORDS = {
    400: ("That request makes no sense to us", "Please go back and try again."),
    404: ("There is nothing here", "The page does not exist, or it is not yours to see."),
    405: ("That does not work here", "Please go back and use the buttons on the page."),
    413: ("That is too much", "What you sent is larger than we accept."),
    429: ("Too many attempts", "Please wait a minute and try again."),
}
UNTOUCHED = "Nothing was charged or changed."

# A database that is away, locked, full, read-only or broken: not our mistake, and over some time.
DATABASES_TROUBLE = (DatabaseError, InterfaceError, NoConnectionFree)
OUR_MISTAKE = (DataError, IntegrityError, ProgrammingError)  # kinds of DatabaseError that no waiting mends


def init_app(app: Flask) -> None:
    app.register_error_handler(Failure, _failure)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(StaleDataError, _changed_meanwhile)
    for trouble in DATABASES_TROUBLE:
        app.register_error_handler(trouble, _database_down)
    for mistake in OUR_MISTAKE:
        app.register_error_handler(mistake, _bug)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)


def _failure(failure: Failure) -> Any:
    if failure.status >= 500:
        log.warning("failure", path=request.path, failure=type(failure).__name__, error=str(failure))
    message = failure.message if failure.message != failure.title else WORDS.get(failure.status, ("", ""))[1]
    return _answer(failure.title, message, failure.money, failure.status)


def _stale_form(error: CSRFError) -> Any:
    drafts.keep()
    return _answer(
        "This page was open for too long",
        "Your log-in has changed since it was loaded. Please go back, reload it and try again.",
        UNTOUCHED,
        400,
    )


def _changed_meanwhile(error: StaleDataError) -> Any:
    return _failure(IllegalMove("Somebody changed this at the same moment. Please look at it again."))


def _database_down(error: Exception) -> Any:
    log.error("database", path=request.path, error=str(getattr(error, "orig", error)))
    return _plainly("We are out of breath", "Our database does not answer. Please try again in a minute.", 503)


def _http(error: HTTPException) -> Any:
    if error.response is not None:
        return error.response
    status = error.code or 500
    title, message = WORDS.get(status, (error.name, error.description or ""))
    page, status = _answer(title, message, UNTOUCHED if request.method == "POST" else "", status)
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return page, status, kept


def _bug(error: Exception) -> Any:
    log.exception("bug", path=request.path, method=request.method)
    return _plainly("That is our mistake", "Something broke on our side. We have written down what.", 500)


def _plainly(title: str, message: str, status: int) -> Any:
    """A page that asks nothing of the database, which may be what is broken."""
    money = "Nothing is charged twice: an action that has begun is finished once."
    if request.blueprint == "webhook":
        return jsonify(error=title, message=message), status
    page = current_app.jinja_env.get_template("errors/plain.html")
    css = url_for("static", filename="css/app.css")
    simulated = current_app.extensions["settings"].simulated
    return page.render(title=title, message=message, money=money, css=css, simulated=simulated), status


def _answer(title: str, message: str, money: str, status: int) -> Any:
    try:
        return _page(title, message, money, status)
    except OUR_MISTAKE:
        raise
    except DATABASES_TROUBLE as error:
        return _database_down(error)


def _page(title: str, message: str, money: str, status: int) -> Any:
    db.session.rollback()
    if request.blueprint == "webhook":
        return jsonify(error=title, message=message), status
    back = request.referrer if request.method == "POST" and _is_ours(request.referrer) else None
    return render_template(
        "errors/problem.html",
        title=title,
        message=message,
        money=money,
        status=status,
        back=back or url_for("public.mentors"),
        back_label="Go back" if back else "To the start",
    ), status


def _is_ours(url: str | None) -> bool:
    return url is not None and url.startswith(request.host_url)
