"""A database speaks of one Stripe account, one mode and one environment, and is never led into another."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select

from app.actions import installations
from app.cli import refuse_wrong_database
from app.extensions import db
from app.kit.errors import GatewayDown, WrongAccount
from app.kit.policy import Misconfigured
from app.models.installation import Installation
from tests.apart import apart
from tests.house.conftest import inside
from tests.stripe_double import MONDAY, Stripe
from tests.test_cli import run

Elsewhere = Callable[..., Flask]


def rows() -> list[tuple[str, bool, str]]:
    db.session.rollback()
    return [(row.account_id, row.livemode, row.environment) for row in db.session.scalars(select(Installation))]


def account_of(stripe: Stripe) -> str:
    return str(stripe.client.v1.accounts.retrieve_current().id)


def test_the_first_contact_ties_the_database_to_the_account_of_the_key(app: Flask, stripe: Stripe):
    assert rows() == []
    assert installations.ensure(now=stripe.now()).since == MONDAY
    assert rows() == [(account_of(stripe), False, "test")]
    stripe.wait_until(MONDAY.replace(day=9))
    assert installations.ensure(now=stripe.now()).since == MONDAY


def test_of_many_first_contacts_at_once_one_is_the_first(app: Flask, stripe: Stripe):
    gate = threading.Barrier(8)

    def come_by() -> str:
        with app.app_context():
            gate.wait()
            return installations.ensure(now=stripe.now()).account_id

    with ThreadPoolExecutor(8) as crowd:
        found = {coming.result() for coming in [crowd.submit(come_by) for _ in range(8)]}
    assert found == {account_of(stripe)}
    assert rows() == [(account_of(stripe), False, "test")]


def test_the_key_of_another_account_is_refused_and_nothing_is_written(
    app: Flask, stripe: Stripe, another_account: Stripe, elsewhere: Elsewhere
):
    installations.ensure(now=stripe.now())
    before = rows()
    other = elsewhere(another_account)
    with inside(other), pytest.raises(WrongAccount, match=account_of(another_account)):
        installations.ensure(now=stripe.now())
    assert rows() == before


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"stripe_secret_key": "sk_live_platform"}, "to test mode, and STRIPE_SECRET_KEY is a key of live mode"),
        ({"stripe_secret_key": "rk_live_platform"}, "to test mode, and STRIPE_SECRET_KEY is a key of live mode"),
        ({"environment": "staging"}, "belongs to the environment 'test', and ENVIRONMENT is 'staging'"),
    ],
    ids=["live key", "restricted live key", "environment"],
)
def test_another_mode_or_environment_is_refused_without_asking_stripe(
    app: Flask, stripe: Stripe, elsewhere: Elsewhere, settings: dict[str, object], said: str
):
    installations.ensure(now=stripe.now())
    other = elsewhere(**settings)
    asked = len(stripe.simulator.requests())
    with inside(other), pytest.raises(WrongAccount, match=said):
        installations.ensure(now=stripe.now())
    with pytest.raises(Misconfigured, match=said):
        apart(refuse_wrong_database, other)
    assert len(stripe.simulator.requests()) == asked


def test_while_stripe_is_silent_nothing_is_tied_and_nothing_is_believed(app: Flask, stripe: Stripe):
    stripe.fail_next("drop_request", method="GET")
    with pytest.raises(GatewayDown):
        installations.ensure(now=stripe.now())
    assert rows() == []


def test_the_house_opens_on_its_own_account_and_ties_itself_to_it(app: Flask, stripe: Stripe):
    apart(refuse_wrong_database, app)
    apart(refuse_wrong_database, app)
    assert rows() == [(account_of(stripe), False, "test")]


def test_the_house_does_not_open_on_another_account_as_far_as_stripe_can_tell(
    app: Flask, another_account: Stripe, elsewhere: Elsewhere, capsys: pytest.CaptureFixture[str]
):
    apart(refuse_wrong_database, app)
    other = elsewhere(another_account)
    with pytest.raises(Misconfigured, match="belongs to the Stripe account acct_"):
        apart(refuse_wrong_database, other)
    another_account.fail_next("drop_request", method="GET")
    apart(refuse_wrong_database, other)
    assert "started without having reached Stripe" in capsys.readouterr().out


def test_the_doctor_tells_what_the_database_is_tied_to(
    app: Flask, stripe: Stripe, another_account: Stripe, elsewhere: Elsewhere
):
    assert "not tied to a Stripe account yet" in run(app, "doctor").output
    installations.ensure(now=stripe.now())
    told = run(app, "doctor")
    assert told.exit_code == 0
    assert f"ok ({account_of(stripe)}, test mode, environment 'test', since 01 Jun 2026)" in told.output
    of_another = run(elsewhere(another_account), "doctor")
    assert of_another.exit_code == 1
    assert f"belongs to the Stripe account {account_of(stripe)}" in of_another.output
    renamed = run(elsewhere(environment="staging"), "doctor")
    assert renamed.exit_code == 1
    assert "ENVIRONMENT is 'staging'" in renamed.output
