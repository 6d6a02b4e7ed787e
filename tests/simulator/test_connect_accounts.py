"""Facts about connected accounts: what they lack, what they may do, who may act for them."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator

from .connect_stories import an_express_account, as_account, bobs_account, control, iban, told, us_bank
from .stories import events_of, refusal


def test_a_new_account_lacks_everything_and_may_do_nothing(client: stripe.StripeClient) -> None:
    bob = an_express_account(client, metadata={"mentor": "7"})
    assert (bob.object, bob.type, bob.country, bob.default_currency) == ("account", "express", "US", "usd")
    assert (bob.details_submitted, bob.charges_enabled, bob.payouts_enabled) == (False, False, False)
    assert bob.capabilities.transfers == "inactive"
    assert {"external_account", "tos_acceptance.date"} <= set(bob.requirements.currently_due)
    assert bob.requirements.disabled_reason == "requirements.past_due"
    assert bob.settings.payouts.schedule.interval == "daily"
    assert bob.metadata["mentor"] == "7"
    assert client.v1.accounts.retrieve(bob.id).to_dict() == bob.to_dict()


def test_an_account_that_tells_everything_may_be_paid(sim: Simulator, client: stripe.StripeClient) -> None:
    lacking = client.v1.accounts.create(_without_bank())
    assert lacking.requirements.currently_due == ["external_account"]
    told_events = events_of(sim, lambda: client.v1.accounts.update(lacking.id, {"external_account": us_bank()}))
    assert told_events == ["account.external_account.created", "capability.updated", "account.updated"]
    bob = client.v1.accounts.retrieve(lacking.id)
    assert (bob.details_submitted, bob.payouts_enabled, bob.requirements.currently_due) == (True, True, [])
    assert (bob.capabilities.transfers, bob.requirements.disabled_reason) == ("active", None)


def _without_bank() -> Any:
    return {name: value for name, value in told().items() if name != "external_account"}


def test_events_of_a_connected_account_name_it(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    client.v1.accounts.update(bob.id, {"metadata": {"a": "b"}})
    event = sim.events_since(None)[-1]
    assert (event["type"], event["account"]) == ("account.updated", bob.id)
    assert event["data"]["previous_attributes"] == {"metadata": {}}
    assert "account" not in a_platform_event(sim, client)
    assert client.v1.events.list({}, as_account(bob)).data[0].id == event["id"]
    assert all(each.type != "account.updated" for each in client.v1.events.list())


def a_platform_event(sim: Simulator, client: stripe.StripeClient) -> dict[str, Any]:
    client.v1.customers.create({})
    return sim.events_since(None)[-1]


def test_connect_events_go_to_the_same_address(sim: Simulator, client: stripe.StripeClient) -> None:
    bodies: list[bytes] = []
    bob = bobs_account(client)
    sim.deliver(lambda _url, body, _headers: bodies.append(body) or 200)
    assert any(bob.id.encode() in body and b'"account":"acct_' in body for body in bodies)


def test_what_an_account_makes_belongs_to_it_alone(client: stripe.StripeClient) -> None:
    bob, ann = bobs_account(client), bobs_account(client)
    customer = client.v1.customers.create({"name": "Carl"}, as_account(bob))
    assert client.v1.customers.retrieve(customer.id, {}, as_account(bob)).name == "Carl"
    for options in ({}, as_account(ann)):
        error = refusal(lambda options=options: client.v1.customers.retrieve(customer.id, {}, options))
        assert (error.http_status, error.code) == (404, "resource_missing")
        assert client.v1.customers.list({}, options).data == []


def test_a_charge_in_an_accounts_name_is_on_its_balance(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    card: Any = {"amount": 5000, "currency": "usd", "payment_method": "pm_card_bypassPending", "confirm": True}
    redirects: Any = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    client.v1.payment_intents.create({**card, **redirects}, as_account(bob))
    assert client.v1.balance.retrieve({}, as_account(bob)).available[0].amount == 5000 - 175
    assert client.v1.balance.retrieve().available[0].amount == 0


def test_another_account_is_account_invalid(client: stripe.StripeClient) -> None:
    for action in (
        lambda: client.v1.accounts.retrieve("acct_none"),
        lambda: client.v1.accounts.update("acct_none", {"email": "a@example.com"}),
        lambda: client.v1.balance.retrieve({}, {"stripe_account": "acct_none"}),
        lambda: client.v1.accounts.delete("acct_none"),
        lambda: client.v1.accounts.login_links.create("acct_none"),
    ):
        error = refusal(action)
        assert isinstance(error, stripe.PermissionError)
        assert (error.http_status, error.error.code) == (403, "account_invalid")


def test_an_account_cannot_see_another(client: stripe.StripeClient) -> None:
    bob, ann = bobs_account(client), bobs_account(client)
    assert client.v1.accounts.retrieve(bob.id, {}, as_account(bob)).id == bob.id
    assert client.v1.accounts.retrieve_current({}, as_account(bob)).id == bob.id
    assert refusal(lambda: client.v1.accounts.retrieve(ann.id, {}, as_account(bob))).error.code == "account_invalid"


def test_the_platform_may_name_itself(client: stripe.StripeClient) -> None:
    own = client.v1.accounts.retrieve_current()
    assert client.v1.accounts.retrieve(own.id).id == own.id


def test_accounts_are_listed_newest_first(client: stripe.StripeClient) -> None:
    made = [an_express_account(client).id for _ in range(3)]
    assert [each.id for each in client.v1.accounts.list({"limit": 2})] == [made[2], made[1]]


def test_an_update_changes_what_it_names(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = an_express_account(client, metadata={"a": "1", "b": "2"})
    wish: Any = {
        "metadata": {"a": "", "c": "3"},
        "email": "new@example.com",
        "business_profile": {"url": "https://example.com"},
        "settings": {"payouts": {"schedule": {"interval": "manual"}, "statement_descriptor": "MENTOR"}},
    }
    changed = client.v1.accounts.update(bob.id, wish)
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    assert (changed.email, changed.business_profile.url) == ("new@example.com", "https://example.com")
    payouts = changed.settings.payouts
    assert (payouts.schedule.interval, payouts.statement_descriptor) == ("manual", "MENTOR")
    assert events_of(sim, lambda: client.v1.accounts.update(bob.id, {"email": "new@example.com"})) == []


def test_a_controller_says_who_is_responsible(client: stripe.StripeClient) -> None:
    controller: Any = {
        "fees": {"payer": "application"},
        "losses": {"payments": "application"},
        "stripe_dashboard": {"type": "express"},
    }
    bob = client.v1.accounts.create({"controller": controller})
    assert (bob.type, bob.controller.fees.payer, bob.controller.stripe_dashboard.type) == (
        "none",
        "application",
        "express",
    )
    error = refusal(lambda: client.v1.accounts.create({"controller": controller, "type": "express"}))
    assert (error.http_status, error.error.param) == (400, "type")


def test_a_capability_is_requested_and_given_up(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    both = client.v1.accounts.update(bob.id, {"capabilities": {"card_payments": {"requested": True}}})
    assert (both.capabilities.card_payments, both.charges_enabled) == ("active", True)
    assert {each.id for each in client.v1.accounts.capabilities.list(bob.id)} == {"card_payments", "transfers"}
    less = client.v1.accounts.update(bob.id, {"capabilities": {"card_payments": {"requested": False}}})
    assert less.charges_enabled is False


def test_an_identity_that_cannot_be_verified_restricts_the_account(client: stripe.StripeClient) -> None:
    bob = bobs_account(client, individual={**told()["individual"], "id_number": "111111111"})
    assert (bob.details_submitted, bob.payouts_enabled, bob.capabilities.transfers) == (True, False, "inactive")
    assert bob.requirements.currently_due == ["individual.verification.document"]
    assert bob.requirements.errors[0].code == "verification_failed_keyed_identity"


def test_a_listed_person_disables_the_account(client: stripe.StripeClient) -> None:
    born = {"day": 1, "month": 1, "year": 1900}
    bob = bobs_account(client, individual={**told()["individual"], "dob": born})
    assert (bob.requirements.disabled_reason, bob.payouts_enabled) == ("listed", False)


def test_a_control_restricts_an_account_and_lifts_it_again(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    restrict = {"account": bob.id, "requirement": "individual.verification.document"}
    told_events = events_of(sim, lambda: control(sim, "accounts/restrict", **restrict))
    assert told_events == ["capability.updated", "account.updated"]
    restricted = client.v1.accounts.retrieve(bob.id)
    assert restricted.requirements.currently_due == ["individual.verification.document"]
    assert (restricted.payouts_enabled, restricted.requirements.disabled_reason) == (False, "requirements.past_due")
    assert control(sim, "accounts/clear", account=bob.id).status_code == 200
    assert client.v1.accounts.retrieve(bob.id).payouts_enabled is True
    assert control(sim, "accounts/restrict", account=bob.id, disabled_reason="mood").status_code == 400
    assert control(sim, "accounts/restrict", account="acct_none").status_code == 400


def test_a_rejected_account_stays_disabled(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    rejected = client.v1.accounts.reject(bob.id, {"reason": "fraud_other"})
    assert (rejected.requirements.disabled_reason, rejected.payouts_enabled) == ("rejected.fraud", False)


def test_a_deleted_account_is_gone(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    assert client.v1.accounts.delete(bob.id).deleted is True
    assert refusal(lambda: client.v1.accounts.retrieve(bob.id)).error.code == "account_invalid"
    assert client.v1.accounts.list().data == []
    assert refusal(lambda: client.v1.balance.retrieve({}, as_account(bob))).error.code == "account_invalid"


def test_only_the_platform_makes_accounts(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    error = refusal(lambda: client.v1.accounts.create({"type": "express"}, as_account(bob)))
    assert (error.http_status, error.code) == (400, "platform_account_required")


def test_nobody_accepts_the_terms_for_an_express_account(client: stripe.StripeClient) -> None:
    accepted: Any = {"tos_acceptance": {"date": 1, "ip": "127.0.0.1"}}
    error = refusal(lambda: an_express_account(client, **accepted))
    assert "Terms of Service" in str(error)


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"country": "XX"}, None, "country"),
        ({"type": "royal"}, None, "type"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"capabilities": {"transfers": {"requested": "perhaps"}}}, None, "capabilities[transfers][requested]"),
        (
            {"settings": {"payouts": {"schedule": {"interval": "hourly"}}}},
            None,
            "settings[payouts][schedule][interval]",
        ),
        ({"business_type": "club"}, None, "business_type"),
        ({"default_currency": "eur"}, None, "default_currency"),
        ({"metadata": "text"}, None, "metadata"),
        ({"external_account": "btok_us"}, None, "external_account"),
        ({"external_account": us_bank("0000")}, "account_number_invalid", "external_account[account_number]"),
        ({"external_account": us_bank("4532012345")}, "account_number_invalid", "external_account[account_number]"),
        ({"external_account": us_bank("12-x")}, "account_number_invalid", "external_account[account_number]"),
        (
            {"external_account": {**us_bank(), "routing_number": "12"}},
            "routing_number_invalid",
            "external_account[routing_number]",
        ),
        ({"external_account": iban("DE00")}, "account_number_invalid", "external_account[account_number]"),
        ({"groups": {"payments_pricing": "x"}}, None, "groups"),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(
    sim: Simulator, client: stripe.StripeClient, wrong: dict[str, Any], code: str | None, param: str
) -> None:
    error = refusal(lambda: an_express_account(client, **wrong))
    assert (error.http_status, error.code, error.error.param) == (400, code, param)
    assert client.v1.accounts.list().data == []


def test_a_bank_account_shows_no_more_than_its_end(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    (bank,) = client.v1.accounts.external_accounts.list(bob.id).data
    assert (bank.last4, bank.routing_number, bank.account) == ("6789", "110000000", bob.id)
    assert "000123456789" not in str(bank) + str(client.v1.accounts.retrieve(bob.id))
