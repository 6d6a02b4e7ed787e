"""In a demo no mail leaves the house: here anyone reads what would have been sent."""

from flask import Blueprint, Response, render_template
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.actions import letters
from app.kit.errors import NotFound
from app.models.base import all_of
from app.models.booking import Booking
from app.models.mail import Mail
from app.web.access import Audience, audience
from app.web.pages import page_of

bp = Blueprint("outbox", __name__, url_prefix="/demo/mail")

# A mail has its looks in itself, and is shown as carefully as a mail program would.
AS_MAIL = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; sandbox"


@bp.get("/")
@audience(Audience.DEMO)
def mails() -> str:
    """What people were told, newest first."""
    written = select(Mail).options(
        joinedload(Mail.person),
        joinedload(Mail.booking).options(joinedload(Booking.mentor), joinedload(Booking.mentee)),
    )
    page = page_of(written, Mail.created_at, Mail.id, read=all_of)
    told = [{"mail": mail, "letter": letters.compose(mail)} for mail in page.items]
    return render_template("outbox/mails.html", told=told, page=page)


@bp.get("/<mail_id>")
@audience(Audience.DEMO)
def mail(mail_id: str) -> str:
    """One mail: to whom, what it says, and what is attached."""
    shown = Mail.one(Mail.id == mail_id)
    return render_template("outbox/mail.html", mail=shown, letter=letters.compose(shown))


@bp.get("/<mail_id>/html")
@audience(Audience.DEMO)
def html(mail_id: str) -> Response:
    """The part that most mail programs show."""
    shown = letters.compose(Mail.one(Mail.id == mail_id))
    return Response(shown.html, mimetype="text/html", headers={"Content-Security-Policy": AS_MAIL})


@bp.get("/<mail_id>/session.ics")
@audience(Audience.DEMO)
def invitation(mail_id: str) -> Response:
    """What is attached, for a calendar."""
    attached = letters.compose(Mail.one(Mail.id == mail_id)).invitation
    if attached is None:
        raise NotFound
    named = {"Content-Disposition": "attachment; filename=session.ics"}
    return Response(
        attached.body, content_type=f"text/calendar; method={attached.method}; charset=utf-8", headers=named
    )
