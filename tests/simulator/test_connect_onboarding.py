"""Facts about account links, the onboarding form behind them, and login links."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe
from werkzeug.test import Client

from stripe_simulator import Simulator

from .connect_stories import a_link, a_transfer, an_express_account, as_account, bobs_account, control, iban
from .stories import DAY, events_of, refusal

AGAIN, DONE = "http://localhost:5000/again", "http://localhost:5000/done"
FILLED = {
    "first_name": "Bob",
    "last_name": "O'Ray <b>$1",
    "birth": "1980-02-01",
    "id_number": "000000000",
    "routing_number": "110000000",
    "account_number": "000123456789",
    "terms": "yes",
}


def opened(sim: Simulator, link: Any) -> Any:
    """What a browser gets that follows a link."""
    return Client(sim).get(urlsplit(link.url).path)


def session_of(page: Any) -> str:
    found = re.search(r'name="session" value="(\w+)"', page.text)
    assert found, page.text
    return found[1]


def filled_in(sim: Simulator, link: stripe.AccountLink, **changes: str) -> Any:
    """The answer to a form filled in and sent; a change to "" leaves that field out."""
    form = {name: value for name, value in {**FILLED, **changes}.items() if value}
    session = session_of(opened(sim, link))
    return Client(sim).post(urlsplit(link.url).path, data={**form, "session": session})


def test_a_link_leads_to_the_onboarding_page_for_five_minutes(sim: Simulator, client: stripe.StripeClient) -> None:
    link = a_link(client, an_express_account(client))
    assert (link.object, link.expires_at - link.created) == ("account_link", 300)
    page = opened(sim, link)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_completing_the_form_enables_the_account(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = an_express_account(client)
    link = a_link(client, bob)
    answer: list[Any] = []
    told = events_of(sim, lambda: answer.append(filled_in(sim, link)))
    assert (answer[0].status_code, answer[0].headers["Location"]) == (303, DONE)
    assert told == ["account.external_account.created", "capability.updated", "account.updated"]
    assert sim.events_since(None)[-1]["account"] == bob.id
    done = client.v1.accounts.retrieve(bob.id)
    assert (done.details_submitted, done.payouts_enabled, done.capabilities.transfers) == (True, True, "active")
    assert (done.requirements.currently_due, done.requirements.disabled_reason) == ([], None)
    assert done.external_accounts.data[0].last4 == "6789"
    assert a_transfer(client, bob).amount == 4000


def test_a_european_account_gives_an_iban(sim: Simulator, client: stripe.StripeClient) -> None:
    dora = an_express_account(client, country="DE")
    assert filled_in(sim, a_link(client, dora), routing_number="", account_number="DE89 3704 0044 0532 0130 00")
    bank = client.v1.accounts.retrieve(dora.id).external_accounts.data[0]
    assert (bank.last4, bank.country, bank.currency) == ("3000", "DE", "eur")


@pytest.mark.parametrize("country", ["US", "DE", "GB", "JP"])
def test_one_button_fills_in_test_values(sim: Simulator, client: stripe.StripeClient, country: str) -> None:
    bob = an_express_account(client, country=country)
    link = a_link(client, bob)
    session = session_of(opened(sim, link))
    answer = Client(sim).post(urlsplit(link.url).path, data={"fill": "test", "session": session})
    assert answer.status_code == 303
    assert client.v1.accounts.retrieve(bob.id).payouts_enabled is True


def test_leaving_early_changes_nothing_and_leads_back(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = an_express_account(client)
    page: list[Any] = []
    assert events_of(sim, lambda: page.append(opened(sim, a_link(client, bob)))) == []
    assert f'href="{DONE}"' in page[0].text
    assert client.v1.accounts.retrieve(bob.id).details_submitted is False


def test_a_link_opens_once_then_leads_to_its_refresh_url(sim: Simulator, client: stripe.StripeClient) -> None:
    link = a_link(client, an_express_account(client))
    assert opened(sim, link).status_code == 200
    again = opened(sim, link)
    assert (again.status_code, again.headers["Location"]) == (303, AGAIN)


def test_an_expired_link_leads_to_its_refresh_url(sim: Simulator, client: stripe.StripeClient) -> None:
    link = a_link(client, an_express_account(client))
    sim.clock.advance(301)
    assert opened(sim, link).headers["Location"] == AGAIN


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"first_name": ""}, "First name is missing."),
        ({"last_name": ""}, "Last name is missing."),
        ({"birth": ""}, "Date of birth is missing."),
        ({"birth": "tomorrow"}, "Date of birth is not a date in the past."),
        ({"birth": "2999-01-01"}, "Date of birth is not a date in the past."),
        ({"id_number": ""}, "ID number is missing."),
        ({"terms": ""}, "The terms have not been accepted."),
        ({"account_number": ""}, "Invalid account number"),
        ({"account_number": "4111111"}, "You must use a test bank account number"),
        ({"routing_number": ""}, "Routing number is missing."),
        ({"routing_number": "12"}, "Invalid routing number"),
    ],
)
def test_a_form_with_something_wrong_says_so_and_keeps_the_rest(
    sim: Simulator, client: stripe.StripeClient, changes: dict[str, str], said: str
) -> None:
    bob = an_express_account(client)
    link = a_link(client, bob)
    answer = filled_in(sim, link, **changes)
    assert answer.status_code == 200
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text
    if "last_name" not in changes:
        assert 'value="O&#x27;Ray &lt;b&gt;$1"' in answer.text
    assert client.v1.accounts.retrieve(bob.id).details_submitted is False
    mended = Client(sim).post(urlsplit(link.url).path, data={**FILLED, "session": session_of(answer)})
    assert mended.status_code == 303


def test_a_form_without_its_session_is_refused(sim: Simulator, client: stripe.StripeClient) -> None:
    link = a_link(client, an_express_account(client))
    path = urlsplit(link.url).path
    assert Client(sim).post(path, data={**FILLED, "session": ""}).status_code == 403
    session = session_of(opened(sim, link))
    assert Client(sim).post(path, data={**FILLED, "session": "wrong"}).status_code == 403
    assert Client(sim).post(path, data={**FILLED, "session": "wröng"}).status_code == 403
    assert Client(sim).post(path, data={**FILLED, "session": session}).status_code == 303
    assert Client(sim).post(path, data={**FILLED, "session": session}).status_code == 403


def test_a_link_of_nobody_is_not_found(sim: Simulator, client: stripe.StripeClient) -> None:
    bob, ann = an_express_account(client), an_express_account(client)
    link = a_link(client, bob)
    assert Client(sim).get("/connect/onboarding/acct_none/none").status_code == 404
    assert Client(sim).get(urlsplit(link.url).path.replace(bob.id, ann.id)).status_code == 404


def test_an_identity_that_fails_leaves_the_account_restricted_until_it_is_mended(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    bob = an_express_account(client)
    filled_in(sim, a_link(client, bob), id_number="111111111")
    restricted = client.v1.accounts.retrieve(bob.id)
    assert (restricted.details_submitted, restricted.payouts_enabled) == (True, False)
    assert restricted.requirements.currently_due == ["individual.verification.document"]
    filled_in(sim, a_link(client, bob))
    assert client.v1.accounts.retrieve(bob.id).payouts_enabled is True


def test_going_through_onboarding_again_lifts_a_restriction_but_no_rejection(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    bob = an_express_account(client)
    filled_in(sim, a_link(client, bob))
    control(sim, "accounts/restrict", account=bob.id, requirement="individual.verification.document")
    filled_in(sim, a_link(client, bob))
    assert client.v1.accounts.retrieve(bob.id).payouts_enabled is True
    client.v1.accounts.reject(bob.id, {"reason": "fraud_other"})
    filled_in(sim, a_link(client, bob))
    assert client.v1.accounts.retrieve(bob.id).payouts_enabled is False


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"account": "acct_none"}, "resource_missing", "account"),
        ({"type": "account_selling"}, None, "type"),
        ({"type": "account_update"}, None, "type"),
        ({"return_url": "nowhere"}, "url_invalid", "return_url"),
        ({"refresh_url": "javascript:alert(1)"}, "url_invalid", "refresh_url"),
        ({"return_url": "http://[bad"}, "url_invalid", "return_url"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(
    client: stripe.StripeClient, wrong: dict[str, Any], code: str | None, param: str
) -> None:
    bob = an_express_account(client)
    error = refusal(lambda: a_link(client, bob, **wrong))
    assert (error.http_status, error.code, error.error.param) == (400, code, param)


def test_a_custom_account_may_be_updated_through_a_link(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client, country="DE", external_account=iban())
    link = a_link(client, bob, type="account_update")
    filled_in(sim, link, account_number="DE62370400440532013001", routing_number="")
    assert client.v1.accounts.retrieve(bob.id).external_accounts.data[0].last4 == "3001"


def test_a_login_link_shows_the_money(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = an_express_account(client)
    filled_in(sim, a_link(client, bob))
    a_transfer(client, bob)
    client.v1.payouts.create({"amount": 1500, "currency": "usd"}, as_account(bob))
    link = client.v1.accounts.login_links.create(bob.id)
    assert link.object == "login_link"
    page = opened(sim, link)
    for part in ("$25.00", "$15.00", "pending", "STRIPE TEST BANK", "Payouts are enabled."):
        assert part in page.text
    sim.clock.advance(301)
    assert opened(sim, link).status_code == 404


def test_a_login_link_needs_a_finished_express_account(client: stripe.StripeClient) -> None:
    for account in (an_express_account(client), bobs_account(client)):
        assert refusal(lambda account=account: client.v1.accounts.login_links.create(account.id)).http_status == 400


def test_a_new_bank_keeps_the_old_payouts_readable(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = an_express_account(client, settings={"payouts": {"schedule": {"interval": "manual"}}})
    filled_in(sim, a_link(client, bob))
    a_transfer(client, bob)
    made = client.v1.payouts.create({"amount": 1500, "currency": "usd"}, as_account(bob))
    filled_in(sim, a_link(client, bob), account_number="000111111116")
    old: Any = {"expand": ["destination"]}
    assert client.v1.payouts.retrieve(made.id, old, as_account(bob)).destination.last4 == "6789"
    sim.clock.advance(3 * DAY)
    assert client.v1.payouts.retrieve(made.id, {}, as_account(bob)).status == "paid"
