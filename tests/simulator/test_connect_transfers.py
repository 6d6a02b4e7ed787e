"""Facts about transfers: out of a charge or out of the balance, whole and in parts, and taken back."""

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
)
from .stories import DAY, a_hold, a_payment, events_of, refusal


def transfer(client: stripe.StripeClient, bob: stripe.Account, amount: int, /, **given: Any) -> stripe.Transfer:
    wish = {"amount": amount, "currency": "usd", "destination": bob.id}
    return client.v1.transfers.create({**wish, **given})  # type: ignore[typeddict-item]


def test_a_transfer_moves_money_from_the_platform_to_the_account(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    a_payment(client, "pm_card_bypassPending")
    assert events_of(sim, lambda: transfer(client, bob, 4000)) == ["transfer.created"]
    assert balance(client) == (4825 - 4000, 0)
    assert balance(client, bob) == (4000, 0)
    assert moves(client) == [("charge", 4825), ("transfer", -4000)]
    assert moves(client, bob) == [("payment", 4000)]


def test_a_transfer_without_a_source_needs_the_available_balance(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    a_payment(client)
    error = refusal(lambda: transfer(client, bob, 100))
    assert (error.http_status, error.code) == (400, "balance_insufficient")
    assert balance(client, bob) == (0, 0)
    assert client.v1.transfers.list().data == []


def test_a_charge_becomes_available_after_two_days_and_can_then_be_sent_on(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    bob = bobs_account(client)
    a_payment(client)
    assert balance(client) == (0, 4825)
    sim.clock.advance(2 * DAY + 1)
    assert balance(client) == (4825, 0)
    assert transfer(client, bob, 4825).amount == 4825


def test_a_transfer_with_a_source_waits_for_that_charges_funds(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    paid = a_payment(client, expand=["latest_charge.balance_transaction"])
    sent = transfer(client, bob, 4000, source_transaction=paid.latest_charge.id, expand=["balance_transaction"])
    assert sent.balance_transaction.available_on == paid.latest_charge.balance_transaction.available_on
    assert (balance(client), balance(client, bob)) == ((0, 825), (0, 4000))
    sim.clock.advance(2 * DAY + 1)
    assert (balance(client), balance(client, bob)) == ((825, 0), (4000, 0))


def test_transfers_of_one_source_never_exceed_it(client: stripe.StripeClient) -> None:
    bob, ann = bobs_account(client), bobs_account(client)
    charge = a_payment(client).latest_charge
    transfer(client, bob, 3000, source_transaction=charge)
    error = refusal(lambda: transfer(client, ann, 2001, source_transaction=charge))
    assert (error.http_status, error.error.param) == (400, "amount")
    assert "must not exceed the source amount of $50.00" in str(error)
    assert transfer(client, ann, 2000, source_transaction=charge).amount == 2000


def test_a_source_counts_only_what_was_captured(client: stripe.StripeClient) -> None:
    bob, hold = bobs_account(client), a_hold(client)
    error = refusal(lambda: transfer(client, bob, 100, source_transaction=hold.latest_charge))
    assert (error.http_status, error.error.param) == (400, "source_transaction")
    client.v1.payment_intents.capture(hold.id, {"amount_to_capture": 2000})
    assert refusal(lambda: transfer(client, bob, 2001, source_transaction=hold.latest_charge)).http_status == 400
    assert transfer(client, bob, 2000, source_transaction=hold.latest_charge).amount == 2000


def test_a_transfer_of_a_source_shares_its_group(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    named = a_payment(client, transfer_group="booking_7").latest_charge
    assert transfer(client, bob, 100, source_transaction=named).transfer_group == "booking_7"
    nameless = a_payment(client)
    sent = transfer(client, bob, 100, source_transaction=nameless.latest_charge)
    assert sent.transfer_group == f"group_{nameless.id}"
    assert client.v1.charges.retrieve(nameless.latest_charge).transfer_group == sent.transfer_group
    found = client.v1.transfers.list({"transfer_group": "booking_7"})
    assert [each.amount for each in found] == [100]


def test_the_account_sees_a_payment_that_names_the_transfer(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    sent = a_transfer(client, bob)
    payment = client.v1.charges.retrieve(sent.destination_payment, {}, as_account(bob))
    assert (payment.amount, payment.paid, payment.source_transfer) == (4000, True, sent.id)
    expanded = client.v1.transfers.retrieve(sent.id, {"expand": ["destination_payment", "destination"]})
    assert (expanded.destination_payment.id, expanded.destination.id) == (payment.id, bob.id)


def test_an_account_without_the_capability_gets_nothing(client: stripe.StripeClient) -> None:
    bob, charge = an_express_account(client), a_payment(client).latest_charge
    error = refusal(lambda: transfer(client, bob, 100, source_transaction=charge))
    assert (error.http_status, error.code) == (400, "insufficient_capabilities_for_transfer")


def test_a_restricted_account_gets_nothing(sim: Simulator, client: stripe.StripeClient) -> None:
    bob, charge = bobs_account(client), a_payment(client).latest_charge
    control(sim, "accounts/restrict", account=bob.id, disabled_reason="under_review")
    error = refusal(lambda: transfer(client, bob, 100, source_transaction=charge))
    assert error.code == "insufficient_capabilities_for_transfer"


def test_money_arrives_in_the_currency_of_the_account(client: stripe.StripeClient) -> None:
    dora = bobs_account(client, country="DE", external_account=iban())
    sent = a_transfer(client, dora, 4000)
    assert (balance(client, dora, "eur"), balance(client, dora, "usd")) == ((3600, 0), (0, 0))
    moved = client.v1.balance_transactions.list({}, as_account(dora)).data[0]
    assert (moved.amount, moved.currency, moved.exchange_rate) == (3600, "eur", pytest.approx(0.9))
    for amount in (1333, 1333, 1334):
        client.v1.transfers.reversals.create(sent.id, {"amount": amount})
    assert balance(client, dora, "eur") == (0, 0)


def test_a_reversal_takes_all_back_that_is_left(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    sent = a_transfer(client, bob)
    part = client.v1.transfers.reversals.create(sent.id, {"amount": 1500, "metadata": {"why": "no show"}})
    assert (part.amount, part.transfer, part.metadata["why"]) == (1500, sent.id, "no show")
    assert (balance(client), balance(client, bob)) == ((825 + 1500, 0), (2500, 0))
    told = events_of(sim, lambda: client.v1.transfers.reversals.create(sent.id))
    assert told == ["transfer.reversed"]
    after = client.v1.transfers.retrieve(sent.id)
    assert (after.amount_reversed, after.reversed) == (4000, True)
    assert [each.amount for each in after.reversals] == [2500, 1500]
    assert balance(client, bob) == (0, 0)
    assert moves(client)[-2:] == [("transfer_refund", 1500), ("transfer_refund", 2500)]
    assert moves(client, bob)[-2:] == [("payment_refund", -1500), ("payment_refund", -2500)]
    listed = client.v1.transfers.reversals.list(sent.id, {"limit": 1})
    assert ([each.amount for each in listed], listed.has_more) == ([2500], True)
    assert client.v1.transfers.reversals.retrieve(sent.id, part.id).id == part.id


def test_a_reversal_beyond_what_is_left_is_refused(client: stripe.StripeClient) -> None:
    sent = a_transfer(client, bobs_account(client))
    client.v1.transfers.reversals.create(sent.id, {"amount": 3000})
    error = refusal(lambda: client.v1.transfers.reversals.create(sent.id, {"amount": 1001}))
    assert (error.http_status, error.error.param) == (400, "amount")
    client.v1.transfers.reversals.create(sent.id)
    assert "already been fully reversed" in str(refusal(lambda: client.v1.transfers.reversals.create(sent.id)))


def test_money_that_was_paid_out_cannot_be_taken_back(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    sent = a_transfer(client, bob)
    client.v1.payouts.create({"amount": 3000, "currency": "usd"}, as_account(bob))
    error = refusal(lambda: client.v1.transfers.reversals.create(sent.id))
    assert (error.http_status, error.code) == (400, "balance_insufficient")
    assert client.v1.transfers.reversals.create(sent.id, {"amount": 1000}).amount == 1000


def test_a_transfer_that_still_clears_can_be_reversed(sim: Simulator, client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    sent = transfer(client, bob, 4000, source_transaction=a_payment(client).latest_charge)
    client.v1.transfers.reversals.create(sent.id)
    assert balance(client, bob) == (0, 0)
    sim.clock.advance(3 * DAY)
    assert (balance(client), balance(client, bob)) == ((4825, 0), (0, 0))


def test_a_refunded_charge_does_not_call_the_transfer_back(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    paid = a_payment(client, "pm_card_bypassPending")
    transfer(client, bob, 4000, source_transaction=paid.latest_charge)
    client.v1.refunds.create({"payment_intent": paid.id})
    assert balance(client, bob) == (4000, 0)
    assert balance(client) == (4825 - 4000 - 5000, 0)


def test_a_transfers_words_change_and_tell(sim: Simulator, client: stripe.StripeClient) -> None:
    sent = a_transfer(client, bobs_account(client))
    change: Any = {"description": "Session with Ann", "metadata": {"booking": "7"}}
    assert events_of(sim, lambda: client.v1.transfers.update(sent.id, change)) == ["transfer.updated"]
    after = client.v1.transfers.retrieve(sent.id)
    assert (after.description, after.metadata["booking"]) == ("Session with Ann", "7")


def test_transfers_are_found_by_destination(client: stripe.StripeClient) -> None:
    bob, ann = bobs_account(client), bobs_account(client)
    a_transfer(client, bob, 1000)
    a_transfer(client, ann, 2000)
    assert [each.amount for each in client.v1.transfers.list({"destination": ann.id})] == [2000]


def test_a_repeated_key_transfers_once(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    a_payment(client, "pm_card_bypassPending")
    wish: Any = {"amount": 1000, "currency": "usd", "destination": bob.id}
    first, again = (client.v1.transfers.create(wish, {"idempotency_key": "once"}) for _ in range(2))
    assert first.id == again.id
    assert balance(client, bob) == (1000, 0)


def test_a_transfer_belongs_to_the_platform(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    sent = a_transfer(client, bob)
    error = refusal(lambda: client.v1.transfers.retrieve(sent.id, {}, as_account(bob)))
    assert (error.http_status, error.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": "ten"}, "parameter_invalid_integer", "amount"),
        ({"currency": "xyz"}, None, "currency"),
        ({"destination": "acct_none"}, "resource_missing", "destination"),
        ({"source_transaction": "ch_none"}, "resource_missing", "source_transaction"),
        ({"source_type": "fpx"}, None, "source_type"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(
    client: stripe.StripeClient, wrong: dict[str, Any], code: str | None, param: str
) -> None:
    bob = bobs_account(client)
    error = refusal(lambda: transfer(client, bob, 100, **wrong))
    assert (error.http_status, error.code, error.error.param) == (400, code, param)
    assert client.v1.transfers.list().data == []


def test_a_missing_amount_or_destination_is_named(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    for wish, param in (({"amount": 1, "currency": "usd"}, "destination"), ({"currency": "usd"}, "amount")):
        given: Any = {**wish, **({} if param == "destination" else {"destination": bob.id})}
        error = refusal(lambda given=given: client.v1.transfers.create(given))
        assert (error.code, error.error.param) == ("parameter_missing", param)


def test_a_source_in_another_currency_is_refused(client: stripe.StripeClient) -> None:
    bob, charge = bobs_account(client), a_payment(client, currency="eur").latest_charge
    error = refusal(lambda: transfer(client, bob, 100, source_transaction=charge))
    assert (error.http_status, error.error.param) == (400, "currency")


def test_charges_and_transfers_of_one_group_are_found_together(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    paid, _ = a_payment(client, transfer_group="booking_7"), a_payment(client)
    transfer(client, bob, 4000, source_transaction=paid.latest_charge)
    assert [each.id for each in client.v1.charges.list({"transfer_group": "booking_7"})] == [paid.latest_charge]
    assert [each.amount for each in client.v1.transfers.list({"transfer_group": "booking_7"})] == [4000]


def test_the_account_does_not_refund_what_it_was_sent(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    sent = a_transfer(client, bob)
    wish: Any = {"charge": sent.destination_payment}
    error = refusal(lambda: client.v1.refunds.create(wish, as_account(bob)))
    assert (error.http_status, "reverse tr_" in str(error)) == (400, True)
    assert balance(client, bob) == (4000, 0)


def test_a_reversals_metadata_changes_and_shows_inside_its_transfer(client: stripe.StripeClient) -> None:
    bob = bobs_account(client)
    sent, other = a_transfer(client, bob), a_transfer(client, bob)
    reversal = client.v1.transfers.reversals.create(sent.id, {"amount": 500})
    client.v1.transfers.reversals.update(sent.id, reversal.id, {"metadata": {"why": "no show"}})
    assert client.v1.transfers.retrieve(sent.id).reversals.data[0].metadata["why"] == "no show"
    error = refusal(lambda: client.v1.transfers.reversals.retrieve(other.id, reversal.id))
    assert (error.http_status, error.code) == (404, "resource_missing")
