"""Facts about the balance: what clears when, what each movement costs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import stripe

from stripe_simulator import Simulator

from .conftest import library
from .connect_stories import a_transfer, as_account, balance, bobs_account, moves
from .stories import DAY, a_hold, a_payment, refusal


def test_a_new_platform_has_nothing(client: stripe.StripeClient) -> None:
    found = client.v1.balance.retrieve()
    assert (found.object, found.livemode) == ("balance", False)
    assert [(part.amount, part.currency) for part in (*found.available, *found.pending)] == [(0, "usd"), (0, "usd")]


def test_a_charge_is_pending_for_two_days_less_its_fee(sim: Simulator, client: stripe.StripeClient) -> None:
    paid = a_payment(client, expand=["latest_charge.balance_transaction"])
    moved = paid.latest_charge.balance_transaction
    assert (moved.amount, moved.fee, moved.net, moved.status) == (5000, 175, 4825, "pending")
    assert [(each.amount, each.type) for each in moved.fee_details] == [(175, "stripe_fee")]
    assert moved.available_on - moved.created == 2 * DAY
    assert balance(client) == (0, 4825)
    sim.clock.advance(2 * DAY + 1)
    assert balance(client) == (4825, 0)
    assert client.v1.balance_transactions.retrieve(moved.id).status == "available"


def test_card_0077_is_available_at_once(client: stripe.StripeClient) -> None:
    a_payment(client, "pm_card_bypassPending")
    assert balance(client) == (4825, 0)


def test_a_hold_is_not_on_the_balance(client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    assert balance(client) == (0, 0)
    client.v1.payment_intents.capture(hold.id, {"amount_to_capture": 2000})
    assert balance(client) == (0, 2000 - 88)


def test_each_currency_has_a_balance_of_its_own(client: stripe.StripeClient) -> None:
    a_payment(client, "pm_card_bypassPending")
    a_payment(client, "pm_card_bypassPending", currency="jpy")
    assert [part.currency for part in client.v1.balance.retrieve().available] == ["jpy", "usd"]
    assert balance(client, currency="jpy") == (5000 - 145 - 40, 0)


def test_a_refund_is_taken_from_the_available_balance(client: stripe.StripeClient) -> None:
    paid = a_payment(client, "pm_card_bypassPending")
    client.v1.refunds.create({"payment_intent": paid.id, "amount": 2000})
    assert balance(client) == (2825, 0)


def test_a_refund_that_fails_later_moves_the_balance_back(sim: Simulator, client: stripe.StripeClient) -> None:
    paid = a_payment(client, "pm_card_refundFail")
    sim.clock.advance(2 * DAY + 1)
    client.v1.refunds.create({"payment_intent": paid.id})
    assert balance(client) == (-175, 0)
    sim.clock.advance(3600)
    assert balance(client) == (4825, 0)
    assert moves(client) == [("charge", 4825), ("refund", -5000), ("refund_failure", 5000)]


def test_the_balance_is_the_sum_of_its_transactions(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    sent = a_transfer(client, bob)
    client.v1.transfers.reversals.create(sent.id, {"amount": 700})
    client.v1.payouts.create({"amount": 1300, "currency": "usd"}, as_account(bob))
    a_payment(client, "pm_card_createDispute")
    sim.clock.advance(20 * DAY)
    for account in (None, bob):
        assert sum(balance(client, account)) == sum(net for _, net in moves(client, account))
    assert balance(client, bob) == (4000 - 700 - 1300, 0)


def test_balance_transactions_are_found_by_type_source_and_currency(client: stripe.StripeClient) -> None:
    paid = a_payment(client)
    refund = client.v1.refunds.create({"payment_intent": paid.id})
    a_payment(client, currency="eur")
    assert moves(client, type="refund") == [("refund", -5000)]
    assert moves(client, source=paid.latest_charge) == [("charge", 4825)]
    assert moves(client, currency="eur") == [("charge", 5000 - 170)]
    found = client.v1.balance_transactions.list({"source": refund.id, "expand": ["data.source"]}).data[0]
    assert (found.source.object, found.source.id) == ("refund", refund.id)


def test_reporting_categories_tell_what_a_movement_was(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    client.v1.transfers.reversals.create(a_transfer(client, bob).id, {"amount": 500})
    client.v1.payouts.create({"amount": 500, "currency": "usd"}, as_account(bob))
    listed = [each.reporting_category for each in client.v1.balance_transactions.list()]
    assert listed == ["transfer_reversal", "transfer", "charge"]
    theirs = [each.reporting_category for each in client.v1.balance_transactions.list({}, as_account(bob))]
    assert theirs == ["payout", "refund", "charge"]


def test_an_account_sees_its_own_movements_only(client: stripe.StripeClient) -> None:
    bob, ann = bobs_account(client), bobs_account(client)
    a_transfer(client, bob)
    assert (len(moves(client, bob)), moves(client, ann)) == (1, [])
    mine = client.v1.balance_transactions.list().data[0]
    error = refusal(lambda: client.v1.balance_transactions.retrieve(mine.id, {}, as_account(bob)))
    assert (error.http_status, error.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"payout": "po_none"}, "resource_missing", "payout"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"limit": 0}, "parameter_invalid_integer", "limit"),
    ],
)
def test_a_bad_filter_is_a_400_that_names_it(
    client: stripe.StripeClient, wrong: dict[str, object], code: str, param: str
) -> None:
    error = refusal(lambda: client.v1.balance_transactions.list(wrong))  # type: ignore[arg-type]
    assert (error.http_status, error.code, error.error.param) == (400, code, param)


def test_the_balance_survives_a_restart_and_a_database_that_never_kept_it(tmp_path: Path) -> None:
    path = str(tmp_path / "stripe.db")
    first = Simulator(path)
    a_payment(library(first))
    a_payment(library(first), "pm_card_bypassPending")
    first.close()
    for forgotten in (False, True):
        if forgotten:
            with sqlite3.connect(path) as db:
                db.execute("DROP TABLE balances")
            db.close()
        again = Simulator(path)
        assert balance(library(again)) == (4825, 4825)
        again.close()


def test_a_reset_empties_the_balance(sim: Simulator, client: stripe.StripeClient) -> None:
    a_payment(client)
    sim.reset()
    assert balance(client) == (0, 0)
