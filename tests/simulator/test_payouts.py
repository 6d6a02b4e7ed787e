"""Facts about payouts: by hand and by the calendar, arriving, failing, coming back."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator

from .connect_stories import (
    a_transfer,
    an_express_account,
    as_account,
    balance,
    bobs_account,
    control,
    iban,
    moves,
    us_bank,
)
from .stories import DAY, a_payment, events_of, refusal


def payout(client: stripe.StripeClient, bob: stripe.Account, amount: int = 1000, **given: Any) -> stripe.Payout:
    wish = {"amount": amount, "currency": bob.default_currency}
    return client.v1.payouts.create({**wish, **given}, as_account(bob))  # type: ignore[typeddict-item]


def look(client: stripe.StripeClient, bob: stripe.Account, made: stripe.Payout, **asked: Any) -> stripe.Payout:
    return client.v1.payouts.retrieve(made.id, asked, as_account(bob))  # type: ignore[arg-type]


def test_a_payout_leaves_at_once_and_arrives_two_days_later(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    a_transfer(client, bob)
    assert events_of(sim, lambda: payout(client, bob, metadata={"week": "47"})) == ["payout.created"]
    made = client.v1.payouts.list({}, as_account(bob)).data[0]
    assert (made.status, made.automatic, made.method, made.metadata["week"]) == ("pending", False, "standard", "47")
    assert made.arrival_date - made.created == 2 * DAY
    assert balance(client, bob) == (3000, 0)
    assert events_of(sim, lambda: sim.clock.advance(2 * DAY - 60)) == []
    assert events_of(sim, lambda: sim.clock.advance(120)) == ["payout.paid"]
    assert look(client, bob, made).status == "paid"
    event = sim.events_since(None)[-1]
    assert (event["account"], event["created"]) == (bob.id, made.arrival_date)


def test_a_payout_needs_the_available_balance(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    a_transfer(client, bob, 1000)
    error = refusal(lambda: payout(client, bob, 1001))
    assert (error.http_status, error.code) == (400, "balance_insufficient")
    assert balance(client, bob) == (1000, 0)


def test_pending_money_cannot_be_paid_out(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    wish: Any = {"amount": 1000, "currency": "usd", "destination": bob.id}
    client.v1.transfers.create({**wish, "source_transaction": a_payment(client).latest_charge})
    assert refusal(lambda: payout(client, bob)).code == "balance_insufficient"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("000111111116", "no_account"),
        ("000111111113", "account_closed"),
        ("000222222227", "insufficient_funds"),
        ("000333333335", "debit_not_authorized"),
        ("000444444440", "invalid_currency"),
    ],
)
def test_a_bank_can_refuse_a_payout(sim: Simulator, client: stripe.StripeClient, number: str, code: str) -> None:
    bob = bobs_account(client, external_account=us_bank(number))
    a_transfer(client, bob)
    made = payout(client, bob)
    told = events_of(sim, lambda: sim.clock.advance(3 * DAY))
    assert told == ["payout.failed", "account.external_account.updated"]
    failed = look(client, bob, made, expand=["failure_balance_transaction"])
    assert (failed.status, failed.failure_code) == ("failed", code)
    assert failed.failure_message
    assert (failed.failure_balance_transaction.type, failed.failure_balance_transaction.net) == ("payout_failure", 1000)
    assert balance(client, bob) == (4000, 0)


def test_an_iban_can_refuse_too(sim: Simulator, client: stripe.StripeClient) -> None:
    dora = bobs_account(client, country="DE", external_account=iban("DE89370400440532013002"))
    a_transfer(client, dora)
    made = payout(client, dora)
    sim.clock.advance(3 * DAY)
    assert look(client, dora, made).failure_code == "account_closed"


def test_a_payout_may_be_paid_and_then_fail(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client, external_account=us_bank("000555555559"))
    a_transfer(client, bob)
    made = payout(client, bob)
    assert events_of(sim, lambda: sim.clock.advance(2 * DAY + 60)) == ["payout.paid"]
    told = events_of(sim, lambda: sim.clock.advance(DAY))
    assert told == ["payout.failed", "account.external_account.updated"]
    assert look(client, bob, made).status == "failed"
    assert balance(client, bob) == (4000, 0)


def test_a_control_fails_a_payout_before_and_after_it_was_paid(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    a_transfer(client, bob)
    early, late = payout(client, bob), payout(client, bob)
    assert control(sim, "payouts/fail", payout=early.id, failure_code="account_closed").status_code == 200
    sim.clock.advance(3 * DAY)
    assert (look(client, bob, early).status, look(client, bob, late).status) == ("failed", "paid")
    control(sim, "payouts/fail", payout=late.id)
    assert look(client, bob, late).failure_code == "could_not_process"
    assert balance(client, bob) == (4000, 0)
    assert control(sim, "payouts/fail", payout=late.id).status_code == 400
    assert control(sim, "payouts/fail", payout="po_none").status_code == 400
    assert control(sim, "payouts/fail", payout=early.id, failure_code="mood").status_code == 400


def test_a_pending_payout_can_be_canceled(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    a_transfer(client, bob)
    made = payout(client, bob)
    told = events_of(sim, lambda: client.v1.payouts.cancel(made.id, {}, as_account(bob)))
    assert told == ["payout.canceled"]
    assert balance(client, bob) == (4000, 0)
    assert moves(client, bob)[-2:] == [("payout", -1000), ("payout_cancel", 1000)]
    assert events_of(sim, lambda: sim.clock.advance(3 * DAY)) == []
    again = refusal(lambda: client.v1.payouts.cancel(made.id, {}, as_account(bob)))
    assert again.http_status == 400


def test_an_account_that_may_not_be_paid_out_is_refused(client: stripe.StripeClient) -> None:
    bob = an_express_account(client)
    error = refusal(lambda: payout(client, bob))
    assert (error.http_status, error.code) == (400, "payouts_not_allowed")


def test_a_bank_takes_its_own_currency_only(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    error = refusal(lambda: payout(client, bob, currency="eur"))
    assert "any external accounts in that currency (eur)" in str(error)


def test_the_platform_pays_itself_out(sim: Simulator, client: stripe.StripeClient) -> None:
    a_payment(client, "pm_card_bypassPending")
    made = client.v1.payouts.create({"amount": 1000, "currency": "usd", "expand": ["destination"]})
    assert made.destination.object == "bank_account"
    sim.clock.advance(3 * DAY)
    assert client.v1.payouts.retrieve(made.id).status == "paid"
    assert balance(client) == (3825, 0)


def test_a_daily_schedule_pays_out_at_midnight(sim: Simulator, client: stripe.StripeClient) -> None:
    sim.clock.set(1_900_000_000)
    bob = bobs_account(client, settings={"payouts": {"schedule": {"interval": "daily"}}})
    a_transfer(client, bob, 4000)
    a_transfer(client, bob, 500)
    told = events_of(sim, lambda: sim.clock.advance(DAY))
    assert told == ["payout.created"]
    made = client.v1.payouts.list({}, as_account(bob)).data[0]
    assert (made.amount, made.automatic, made.created % DAY) == (4500, True, 0)
    assert balance(client, bob) == (0, 0)
    assert moves(client, bob, payout=made.id) == [("payment", 4000), ("payment", 500), ("payout", -4500)]
    assert refusal(lambda: client.v1.payouts.cancel(made.id, {}, as_account(bob))).http_status == 400


def test_what_a_manual_payout_is_made_of_is_not_known(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    a_transfer(client, bob)
    made = payout(client, bob)
    error = refusal(lambda: moves(client, bob, payout=made.id))
    assert (error.http_status, error.error.param) == (400, "payout")


def test_a_bank_that_failed_is_not_tried_again_by_itself(sim: Simulator, client: stripe.StripeClient) -> None:
    daily: Any = {"payouts": {"schedule": {"interval": "daily"}}}
    bob = bobs_account(client, settings=daily, external_account=us_bank("000111111116"))
    a_transfer(client, bob)
    sim.clock.advance(30 * DAY)
    assert [each.status for each in client.v1.payouts.list({}, as_account(bob))] == ["failed"]
    client.v1.accounts.update(bob.id, {"external_account": us_bank(), "settings": daily})
    sim.clock.advance(5 * DAY)
    assert [each.status for each in client.v1.payouts.list({}, as_account(bob))] == ["paid", "failed"]


def test_a_new_schedule_pays_out_what_had_waited(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    a_transfer(client, bob)
    sim.clock.advance(5 * DAY)
    assert client.v1.payouts.list({}, as_account(bob)).data == []
    client.v1.accounts.update(bob.id, {"settings": {"payouts": {"schedule": {"interval": "daily"}}}})
    sim.clock.advance(5 * DAY)
    assert client.v1.payouts.list({}, as_account(bob)).data[0].status == "paid"


def test_payouts_are_found_by_status(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    a_transfer(client, bob)
    old = payout(client, bob)
    sim.clock.advance(3 * DAY)
    new = payout(client, bob)
    for status, found in (("paid", [old.id]), ("pending", [new.id]), ("failed", [])):
        assert [each.id for each in client.v1.payouts.list({"status": status}, as_account(bob))] == found


def test_another_accounts_payout_is_missing(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    a_transfer(client, bob)
    made = payout(client, bob)
    error = refusal(lambda: client.v1.payouts.retrieve(made.id))
    assert (error.http_status, error.code) == (404, "resource_missing")


def test_metadata_of_a_payout_changes_and_tells(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    a_transfer(client, bob)
    made = payout(client, bob)
    change = {"metadata": {"a": "b"}}
    told = events_of(sim, lambda: client.v1.payouts.update(made.id, change, as_account(bob)))  # type: ignore[arg-type]
    assert told == ["payout.updated"]


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": "1.5"}, "parameter_invalid_integer", "amount"),
        ({"currency": "USD"}, None, "currency"),
        ({"method": "instant"}, None, "method"),
        ({"method": "fast"}, None, "method"),
        ({"destination": "ba_none"}, "resource_missing", "destination"),
        ({"statement_descriptor": "x" * 23}, "parameter_invalid_string_too_long", "statement_descriptor"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(
    client: stripe.StripeClient, wrong: dict[str, Any], code: str | None, param: str
) -> None:
    bob = bobs_account(client)
    a_transfer(client, bob)
    error = refusal(lambda: payout(client, bob, **wrong))
    assert (error.http_status, error.code, error.error.param) == (400, code, param)
    assert balance(client, bob) == (4000, 0)
