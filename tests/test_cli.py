"""The operator's commands."""

import pytest
import stripe as library
from click.testing import Result
from flask import Flask
from sqlalchemy.exc import OperationalError

from app import create_app
from app.actions import accounts, settlements
from app.extensions import db
from app.gateways import mailer
from app.gateways.stripe_gateway import stripe_gateway
from app.kit import clock
from app.models.booking import Booking
from app.models.reconciliation import Reconciliation
from app.models.states import BookingState, ReconciliationState
from app.models.user import User
from tests.apart import apart
from tests.conftest import settings_for
from tests.faults.meddlers import Meddler, meddled
from tests.people import PASSWORD, fresh, person
from tests.stripe_double import Stripe


def run(app: Flask, *arguments: str, typed: str = "") -> Result:
    result: Result = apart(app.test_cli_runner().invoke, args=list(arguments), input=typed)
    return result


def test_an_operator_is_made_on_the_command_line_and_nowhere_else(app: Flask):
    result = run(app, "create-operator", "Olga@Example.com", typed="olgas long password\nolgas long password\n")
    assert result.exit_code == 0, result.output
    olga = accounts.with_password("olga@example.com", "olgas long password")
    assert olga is not None
    assert olga.is_operator


def test_a_taken_address_and_a_short_password_are_refused_with_a_reason(app: Flask, ann: User):
    taken = run(app, "create-operator", "ann@example.com", typed=f"{PASSWORD}\n{PASSWORD}\n")
    short = run(app, "create-operator", "olga@example.com", typed="short\nshort\n")
    assert (taken.exit_code, short.exit_code) == (1, 1)
    assert "has a log-in already" in taken.output
    assert "10 to 128 characters" in short.output
    assert "Traceback" not in taken.output + short.output


def test_a_forgotten_password_is_set_anew(app: Flask, ann: User):
    result = run(app, "set-password", "ann@example.com", typed="a new long password\na new long password\n")
    assert result.exit_code == 0, result.output
    assert accounts.with_password("ann@example.com", PASSWORD) is None
    assert accounts.with_password("ann@example.com", "a new long password") is not None
    assert "Nobody" in run(app, "set-password", "no@example.com", typed="a long password\na long password\n").output


def test_the_doctor_says_how_mail_goes(app: Flask, database_url: str, stripe: Stripe):
    assert "mail           no mail is sent: MAIL_URL is not set" in run(app, "doctor").output
    server = {"mail_url": "smtps://u:geheim@mail.example.com", "mail_from": "mail@example.com"}
    ways = {
        "ok (by mail.example.com:465, TLS, as mail@example.com)": server,
        "kept in the house (demo)": {"demo": True},
    }
    for words, changes in ways.items():
        other = create_app(settings_for(database_url, **changes), gateway=stripe_gateway())
        clock.use(stripe.now)
        told = run(other, "doctor").output
        assert f"mail           {words}" in told
        assert "geheim" not in told
        with other.app_context():
            db.engine.dispose()
    mailer.use(None)


def test_a_job_runs_once_when_told_to(app: Flask, anns_hour: Booking, stripe: Stripe):
    stripe.wait_until(anns_hour.pay_by)
    assert "expire_checkouts: 1 done" in run(app, "job", "expire_checkouts").output
    assert "expire_checkouts: 0 done" in run(app, "job", "expire_checkouts").output
    assert fresh(anns_hour).state == BookingState.EXPIRED


def test_reconciling_says_how_it_went_and_by_its_exit_code_too(held_hour: Booking, app: Flask, stripe: Stripe):
    clean = run(app, "reconcile")
    assert clean.exit_code == 0, clean.output
    assert "1 compared, 0 mended, 0 not ours, 0 open alarms." in clean.output
    assert held_hour.payment is not None
    kept = stripe.keep()
    stripe.client.v1.payment_intents.capture(held_hour.payment.intent_id or "")
    mended = run(app, "reconcile", "--since", "12h")
    assert (mended.exit_code, "1 mended" in mended.output) == (0, True), mended.output
    stripe.put_back(kept)
    alarmed = run(app, "reconcile", "--since", "2w")
    assert alarmed.exit_code == 1
    assert "alarm: pi_" in alarmed.stderr
    assert "is requires_capture at Stripe" in alarmed.stderr


def test_reconciling_says_why_it_did_not_come_to_its_end(held_hour: Booking, app: Flask, stripe: Stripe):
    run(app, "reconcile")
    stripe.fail_next("error_500_unsaved", method="GET", count=2)
    down = run(app, "reconcile")
    assert (down.exit_code, "Not finished" in down.stderr) == (3, True)
    db.session.rollback()
    runs = db.session.query(Reconciliation).count()
    stripe.simulator.reset()
    foreign = run(app, "reconcile")
    assert foreign.exit_code == 2
    assert "The database belongs to the Stripe account acct_" in foreign.stderr
    assert "Traceback" not in down.output + foreign.output
    db.session.rollback()
    assert db.session.query(Reconciliation).count() == runs


@pytest.mark.parametrize(
    ("trouble", "code", "sentence"),
    [
        (library.InvalidRequestError("No such filter.", None, http_status=400), 4, "Broken off: No such filter."),
        (KeyError("created"), 4, "Broken off: Stripe answered something we cannot read: 'created'"),
        (OperationalError("SELECT 1", {}, Exception("disk I/O error")), 3, "The database does not answer: disk I/O"),
        (KeyboardInterrupt(), 3, "Not finished: it was stopped."),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, BaseException) else "",
)
def test_whatever_stops_a_comparison_is_told_in_a_sentence_and_not_taken_for_alarms(
    trouble: BaseException, code: int, sentence: str, held_hour: Booking, database_url: str, stripe: Stripe
):
    meddler = Meddler(stripe)
    meddler.breaks = {"/v1/refunds": trouble}
    with meddled(database_url, meddler, stripe) as app:
        told = run(app, "reconcile")
    assert (told.exit_code, sentence in told.stderr) == (code, True), told.stderr
    db.session.rollback()
    assert db.session.scalars(db.select(Reconciliation.state)).all() == [ReconciliationState.BROKEN_OFF]


@pytest.mark.parametrize("span", ["", "30", "d", "0d", "-1d", "1.5d", "1e3d", "30 days", "99999d", "１d", "1m"])
def test_a_span_that_is_none_is_refused_in_a_sentence(app: Flask, stripe: Stripe, span: str):
    told = run(app, "reconcile", "--since", span)
    assert told.exit_code == 64
    assert "is no length of time. Say 12h, 30d or 2w." in told.stderr
    assert stripe.simulator.requests() == []


def test_a_span_of_centuries_reaches_back_to_the_beginning_of_time(held_hour: Booking, app: Flask):
    assert "Since 13 Oct 1834" in run(app, "reconcile", "--since", "9999w").output


def test_the_doctor_says_what_is_well_and_what_is_not(app: Flask, stripe: Stripe):
    person("Ann")
    well = run(app, "doctor")
    assert (well.exit_code, well.output.count("ok")) == (0, 3), well.output
    stripe.fail_next("unauthorized_401", method="GET", count=2)
    ill = run(app, "doctor")
    assert ill.exit_code == 1
    assert "GatewayDown" in ill.output
    assert "sk_test" not in ill.output


def test_the_books_are_printed_and_said_to_be_right(app: Flask, completed_hour: Booking, stripe: Stripe):
    settlements.follow(now=stripe.now())
    result = run(app, "books")
    assert result.exit_code == 0, result.output
    assert "The books are right." in result.output
    assert "platform:commission" in result.output
    assert "€8.00" in result.output


def test_books_that_say_something_else_than_stripe_are_wrong(app: Flask, completed_hour: Booking, stripe: Stripe):
    result = run(app, "books")
    assert result.exit_code == 1
    assert "Our books say €0.00 at Stripe" in result.output


def test_books_are_checked_as_far_as_possible_while_stripe_is_away(app: Flask, completed_hour: Booking, stripe: Stripe):
    settlements.follow(now=stripe.now())
    stripe.fail_next("drop_request", method="GET", count=2)
    result = run(app, "books")
    assert result.exit_code == 0, result.output
    assert "not compared with Stripe" in result.output


def test_sample_data_is_never_loaded_outside_of_a_demo(app: Flask):
    result = run(app, "prepare-demo")
    assert result.exit_code == 1
    assert "not a demo" in result.output
