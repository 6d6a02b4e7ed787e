"""In a demo the mail stays in the house, where anyone may read it; elsewhere there is no such page."""

from collections.abc import Iterator
from typing import Any

import pytest
import vobject
from flask import Flask
from sqlalchemy import select, update

from app import create_app, jobs
from app.actions import cancellations
from app.extensions import db
from app.gateways import mailer
from app.gateways.stripe_gateway import stripe_gateway
from app.kit import clock
from app.models.booking import Booking
from app.models.mail import Mail
from app.models.states import MailState, Party
from tests import people
from tests.conftest import settings_for
from tests.statements import overheard
from tests.stripe_double import Stripe
from tests.web.conftest import Browser


@pytest.fixture
def someone(held_hour: Booking, database_url: str, stripe: Stripe) -> Iterator[Browser]:
    """Anyone who looks at a demo, in which Ann has booked Bob."""
    rehearsal = create_app(settings_for(database_url, demo=True), gateway=stripe_gateway())
    clock.use(stripe.now)
    yield Browser(rehearsal.test_client())
    with rehearsal.app_context():
        db.session.remove()
        db.engine.dispose()
    mailer.use(None)


def mail_to(name: str) -> Mail:
    db.session.rollback()
    db.session.expire_all()
    return next(mail for mail in db.session.scalars(select(Mail)) if mail.person.name == name)


def test_what_was_written_is_read_from_the_banner_on(someone: Browser):
    someone.get("/log-in")
    someone.click("See the mail")
    assert "Confirmed: Review of my parser with Bob" in someone.words
    assert "bob@example.com" in someone.words
    someone.click("Confirmed: Review of my parser with Bob")
    assert "We have reserved €80.00 on your Visa ·· 4242." in someone.words
    assert "Waiting to be sent" in someone.words


def test_the_worker_of_a_demo_puts_it_into_the_drawer(someone: Browser):
    assert jobs.run("send_mail") == 2
    assert mail_to("Ann").state == MailState.SENT
    someone.get("/demo/mail/")
    assert "Waiting to be sent" not in someone.words


def test_both_parts_and_what_is_attached_can_be_seen(someone: Browser):
    someone.get(f"/demo/mail/{mail_to('Ann').id}")
    page = someone.click("See it as HTML")
    assert "sandbox" in page.headers["Content-Security-Policy"]
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert "Open the booking" in page.text
    attached = someone.get(f"/demo/mail/{mail_to('Ann').id}/session.ics")
    assert attached.headers["Content-Type"] == "text/calendar; method=REQUEST; charset=utf-8"
    assert "attachment" in attached.headers["Content-Disposition"]
    assert vobject.readOne(attached.text).vevent.summary.value == "Review of my parser (Bob)"


def test_a_mail_without_an_invitation_has_none_to_download(someone: Browser, held_hour: Booking, stripe: Stripe):
    people.completed(held_hour, stripe)
    receipt = db.session.scalars(select(Mail.id).where(Mail.kind == "completed")).first()
    assert someone.get(f"/demo/mail/{receipt}/session.ics").status_code == 404
    someone.get(f"/demo/mail/{receipt}")
    assert "session.ics" not in someone.words


@pytest.mark.parametrize("path", ["ml_nothing", "ml_nothing/html", "ml_nothing/session.ics", "x", "%00"])
def test_a_mail_that_there_is_not_is_not_found(someone: Browser, path: str):
    assert someone.get(f"/demo/mail/{path}").status_code == 404


def test_names_stay_text(someone: Browser):
    db.session.execute(update(Booking).values(title="<script>alert(1)</script>"))
    db.session.commit()
    mail_id = mail_to("Ann").id
    for path in ("", mail_id, f"{mail_id}/html"):
        page = someone.get(f"/demo/mail/{path}")
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert" in page.text


def test_a_long_list_comes_in_pages_and_takes_one_question(someone: Browser, held_hour: Booking, stripe: Stripe):
    original = mail_to("Ann")
    names = ("kind", "person_id", "booking_id", "facts", "until", "created_at")
    columns = {name: getattr(original, name) for name in names}
    db.session.rollback()
    db.session.add_all([Mail(cause=f"copy {n}", **columns) for n in range(30)])
    db.session.commit()
    someone.get("/demo/mail/")
    with someone.client.application.app_context(), overheard(db.engine) as questions:
        first = someone.get("/demo/mail/")
    assert len(questions) == 1
    assert first.text.count("Confirmed: Review") == 25 - first.text.count("Ann has booked you")
    someone.click("Show earlier ones")
    assert "ann@example.com" in someone.words


@pytest.mark.parametrize("path", ["", "{mail}", "{mail}/html", "{mail}/session.ics"])
def test_where_it_is_not_a_demo_nobody_reads_anybodys_mail(held_hour: Booking, browser: Any, app: Flask, path: str):
    assert browser("ann@example.com").get(f"/demo/mail/{path.format(mail=mail_to('Ann').id)}").status_code == 404


def test_cancelling_shows_there_with_what_became_of_the_money(someone: Browser, held_hour: Booking, stripe: Stripe):
    cancellations.cancel(held_hour, by=Party.MENTEE, quoted="8000-0-0", now=stripe.now())
    someone.get("/demo/mail/")
    someone.click("Cancelled: Review of my parser with Ann")
    assert "is cancelled by Ann: it was called off" in someone.words
