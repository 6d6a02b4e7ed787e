"""Mail reaches whom it is for, once, whatever becomes of the mail server; and nobody's money waits for it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest
from flask import Flask
from sqlalchemy import select, update

from app import jobs
from app.actions import news, outbox
from app.actions.transactions import atomically
from app.extensions import db
from app.gateways import mailer
from app.models.booking import Booking
from app.models.mail import Mail
from app.models.mentor import Mentor
from app.models.states import BookingState, MailState
from app.models.user import User
from tests import people
from tests.faults.recovery import let_pass
from tests.people import HOUR, fresh
from tests.post_office import PostOffice, reachable
from tests.stripe_double import Stripe

ANN, BOB = "ann@example.com", "bob@example.com"


@pytest.fixture
def office(app: Flask, stripe: Stripe) -> Iterator[PostOffice]:
    with reachable(stripe, PostOffice()) as office:
        yield office


def states() -> dict[str, MailState]:
    """What became of whose mails, the last of each kind."""
    db.session.rollback()
    db.session.expire_all()
    return {mail.person.email: mail.state for mail in db.session.scalars(select(Mail))}


def keep_trying(stripe: Stripe, hours: int) -> int:
    """What the worker does in so many hours; how many mails it was rid of."""
    done = 0
    for _ in range(hours):
        stripe.wait(HOUR)
        let_pass(HOUR)
        done += jobs.run("send_mail")
    return done


def test_what_is_written_with_a_change_is_sent_by_the_worker_once(held_hour: Booking, office: PostOffice):
    assert jobs.run("send_mail") == 2
    assert jobs.run("send_mail") == 0
    assert [mail["To"] for mail in office.delivered] in (
        [f"Ann <{ANN}>", f"Bob <{BOB}>"],
        [f"Bob <{BOB}>", f"Ann <{ANN}>"],
    )
    assert states() == {ANN: MailState.SENT, BOB: MailState.SENT}


def test_a_mail_has_text_html_and_an_invitation(held_hour: Booking, office: PostOffice):
    jobs.run("send_mail")
    (mail,) = office.of(ANN)
    assert mail["From"] == "Mentorhold <mail@mentorhold.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "Confirmed: Review of my parser with Bob, Tue 2 Jun 2026, 19:00" in mail["Subject"], "in Ann's zone"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    for part in (text.get_content(), html.get_content()):
        assert "€80.00" in part
        assert f"http://localhost:5000/mentee/bookings/{held_hour.id}" in part
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "text/calendar"
    assert attached.get_filename() == "session.ics"
    assert attached["Content-Type"].params["method"] == "REQUEST"


def test_a_server_that_is_down_for_three_days_delays_mail_and_nothing_else(
    held_hour: Booking, office: PostOffice, stripe: Stripe
):
    office.close()
    assert jobs.run("send_mail") == 0
    people.completed(held_hour, stripe)
    assert fresh(held_hour).state == BookingState.COMPLETED
    assert keep_trying(stripe, 72) == 0
    assert set(states().values()) == {MailState.WAITING}

    office.open()
    assert keep_trying(stripe, 1) == 4
    subjects = sorted(mail["Subject"].split(":")[0] for mail in office.delivered)
    assert subjects == ["Ann has booked you", "Confirmed", "Receipt", "You earned €72.00"]
    assert keep_trying(stripe, 3) == 0
    assert len(office.delivered) == 4


def test_an_address_that_does_not_exist_is_given_up_and_the_others_have_their_mail(
    held_hour: Booking, office: PostOffice, stripe: Stripe
):
    office.refuses[ANN] = "550 No such mailbox"
    assert jobs.run("send_mail") == 1
    assert states() == {ANN: MailState.GIVEN_UP, BOB: MailState.SENT}
    assert "550 No such mailbox" in (db.session.scalar(select(Mail.error).where(Mail.state == "given_up")) or "")
    assert keep_trying(stripe, 3) == 0


def test_an_address_that_is_refused_for_now_is_tried_again(held_hour: Booking, office: PostOffice, stripe: Stripe):
    office.refuses[ANN] = "450 Greylisted, come again"
    assert jobs.run("send_mail") == 1
    assert keep_trying(stripe, 5) == 0
    office.refuses.clear()
    assert keep_trying(stripe, 1) == 1
    assert states() == {ANN: MailState.SENT, BOB: MailState.SENT}


def test_a_poor_address_keeps_nobody_waiting(app: Flask, office: PostOffice, bob: Mentor, stripe: Stripe):
    """No mail server is even asked about an address that cannot be written down."""
    for n, address in enumerate(("jörg@example.com", "a b@example.com", "cho@exa mple.com", "eve@example.com")):
        somebody = people.person(f"P{n}")
        starts_at = people.TOMORROW_AT_TEN + n * HOUR
        people.paid(people.booked(somebody, bob, stripe, starts_at=starts_at, key=f"form {n}"), stripe)
        db.session.execute(update(User).where(User.name == f"P{n}").values(email=address))
        db.session.commit()
    jobs.run("send_mail")
    ended = states()
    assert ended.pop("eve@example.com") == MailState.SENT
    assert ended.pop(BOB) == MailState.SENT
    assert list(ended.values()) == 3 * [MailState.GIVEN_UP]


def test_a_mail_whose_answer_was_lost_comes_twice_with_the_same_number(
    held_hour: Booking, office: PostOffice, stripe: Stripe
):
    office.refuses[BOB] = "450 Later"
    office.loses_answers = 1
    assert jobs.run("send_mail") + keep_trying(stripe, 1) == 1, "Ann's, of which we know only now"
    first, second = office.of(ANN)
    assert first["Message-ID"] == second["Message-ID"]


def test_a_worker_that_is_killed_with_mails_in_hand_leaves_them_to_the_next(
    held_hour: Booking, office: PostOffice, stripe: Stripe
):
    assert len(outbox.claim(stripe.now())) == 2  # and nothing more
    assert jobs.run("send_mail") == 0, "nobody knows that it is dead"
    let_pass(HOUR)
    assert jobs.run("send_mail") == 2


def test_who_was_too_slow_sends_nothing_any_more(held_hour: Booking, office: PostOffice, stripe: Stripe):
    old = outbox.claim(stripe.now())
    let_pass(HOUR)
    assert jobs.run("send_mail") == 2
    for turn in old:
        outbox.send(turn, now=stripe.now())
    assert len(office.delivered) == 2


def test_mails_that_were_claimed_and_not_begun_are_anybodys_at_once(
    held_hour: Booking, office: PostOffice, stripe: Stripe
):
    outbox.hand_back(outbox.claim(stripe.now()))
    assert jobs.run("send_mail") == 2
    assert {mail.tries for mail in db.session.scalars(select(Mail))} == {1}


def test_a_server_that_does_not_answer_is_left_alone_for_a_while(
    held_hour: Booking, office: PostOffice, stripe: Stripe
):
    office.close()
    for _ in range(4):
        let_pass(HOUR)
        jobs.run("send_mail")
    tries = [mail.tries for mail in db.session.scalars(select(Mail))]
    assert sum(tries) in (5, 6)
    office.open()
    let_pass(HOUR)
    assert jobs.run("send_mail") == 0, "while the breaker is open, nothing is even claimed"
    assert keep_trying(stripe, 1) == 2


def test_without_a_mail_server_everything_waits(held_hour: Booking, stripe: Stripe):
    assert mailer.mailer() is None
    assert jobs.run("send_mail") == 0
    assert states() == {ANN: MailState.WAITING, BOB: MailState.WAITING}


def test_news_of_last_month_is_not_told_any_more(held_hour: Booking, office: PostOffice, stripe: Stripe):
    stripe.wait(31 * 24 * HOUR)
    assert jobs.run("send_mail") == 0
    assert states() == {ANN: MailState.GIVEN_UP, BOB: MailState.GIVEN_UP}
    assert office.delivered == []


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SSLContext:
    """A server's certificate, which this machine trusts for the length of a test."""
    key, chain = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*make.split(), "-keyout", str(key), "-out", str(chain)], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_mail_goes_encrypted_where_it_shall(held_hour: Booking, stripe: Stripe, certificate: SSLContext):
    strict = PostOffice(tls_context=certificate, require_starttls=True)
    with reachable(stripe, strict):
        assert jobs.run("send_mail") == 0, "a server that wants it encrypted takes nothing else"
    let_pass(HOUR)
    with reachable(stripe, strict, starttls=True):
        assert jobs.run("send_mail") == 2
    assert len(strict.delivered) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_that_cannot_encrypt_gets_no_mail_that_shall_be(held_hour: Booking, stripe: Stripe):
    with reachable(stripe, PostOffice(), starttls=True) as plain:
        assert jobs.run("send_mail") == 0
    assert plain.delivered == []


def test_what_was_told_before_is_not_told_again(held_hour: Booking, stripe: Stripe):
    with atomically():
        booking = Booking.locked(held_hour.id)
        assert booking.payment is not None
        news.of_confirmation(booking, booking.payment, now=stripe.now())
    assert db.session.query(Mail).count() == 2
