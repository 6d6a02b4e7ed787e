"""Facts about disputes: by card and by control, answered, won, lost, given up, forgotten."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator

from .connect_stories import as_account, balance, bobs_account, control, moves
from .stories import DAY, a_hold, a_payment, events_of, refusal

MINUTES = 120


def a_dispute(client: stripe.StripeClient, **given: Any) -> stripe.Dispute:
    """$50 that the cardholder takes back."""
    paid = a_payment(client, "pm_card_createDispute", **given)
    return client.v1.disputes.list({"payment_intent": paid.id}).data[0]


def answer(client: stripe.StripeClient, dispute: stripe.Dispute, text: str, **given: Any) -> stripe.Dispute:
    return client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}, **given})


def test_card_0259_disputes_a_charge(sim: Simulator, client: stripe.StripeClient) -> None:
    told = events_of(sim, lambda: a_payment(client, "pm_card_createDispute"))
    assert told[-3:] == ["payment_intent.succeeded", "charge.dispute.created", "charge.dispute.funds_withdrawn"]
    dispute = client.v1.disputes.list({"expand": ["data.charge", "data.payment_intent"]}).data[0]
    assert dispute.id.startswith("du_")
    assert (dispute.amount, dispute.currency, dispute.reason, dispute.status) == (
        *(5000, "usd"),
        *("fraudulent", "needs_response"),
    )
    assert (dispute.charge.disputed, dispute.payment_intent.status) == (True, "succeeded")
    assert (dispute.is_charge_refundable, dispute.evidence_details.submission_count) == (False, 0)
    assert dispute.payment_method_details.card.network_reason_code == "10.4"


def test_card_0259_disputes_on_capture_and_not_before(sim: Simulator, client: stripe.StripeClient) -> None:
    hold = a_hold(client, "pm_card_createDispute")
    sim.clock.advance(DAY)
    assert client.v1.disputes.list().data == []
    wish: Any = {"amount_to_capture": 2000}
    told = events_of(sim, lambda: client.v1.payment_intents.capture(hold.id, wish))
    assert told == [
        *("charge.captured", "payment_intent.succeeded"),
        *("charge.dispute.created", "charge.dispute.funds_withdrawn"),
    ]
    assert client.v1.disputes.list().data[0].amount == 2000


def test_card_2685_disputes_goods_that_never_came(client: stripe.StripeClient) -> None:
    a_payment(client, "pm_card_createDisputeProductNotReceived")
    assert client.v1.disputes.list().data[0].reason == "product_not_received"


def test_a_dispute_takes_the_money_and_a_fee(client: stripe.StripeClient) -> None:
    dispute = a_dispute(client)
    (moved,) = dispute.balance_transactions
    assert (moved.type, moved.reporting_category) == ("adjustment", "dispute")
    assert (moved.amount, moved.fee, moved.net, moved.source) == (-5000, 1500, -6500, dispute.id)
    assert balance(client) == (-6500, 4825)


def test_winning_evidence_gives_the_money_back_but_not_the_fee(sim: Simulator, client: stripe.StripeClient) -> None:
    dispute = a_dispute(client)
    assert events_of(sim, lambda: answer(client, dispute, "winning_evidence")) == ["charge.dispute.updated"]
    under_review = client.v1.disputes.retrieve(dispute.id)
    assert (under_review.status, under_review.evidence_details.submission_count) == ("under_review", 1)
    told = events_of(sim, lambda: sim.clock.advance(MINUTES))
    assert told == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    won = client.v1.disputes.retrieve(dispute.id)
    assert (won.status, [each.net for each in won.balance_transactions]) == ("won", [-6500, 5000])
    assert moves(client, type="adjustment") == [("adjustment", -6500), ("adjustment", 5000)]
    assert client.v1.charges.retrieve(dispute.charge).disputed is True


def test_losing_evidence_loses(sim: Simulator, client: stripe.StripeClient) -> None:
    dispute = a_dispute(client)
    answer(client, dispute, "losing_evidence")
    assert events_of(sim, lambda: sim.clock.advance(MINUTES)) == ["charge.dispute.closed"]
    lost = client.v1.disputes.retrieve(dispute.id)
    assert (lost.status, len(lost.balance_transactions)) == ("lost", 1)


def test_evidence_can_be_staged_before_it_is_submitted(sim: Simulator, client: stripe.StripeClient) -> None:
    dispute = a_dispute(client)
    staged = answer(client, dispute, "winning_evidence", submit=False)
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    client.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Ann"}, "submit": False})
    sim.clock.advance(MINUTES)
    assert client.v1.disputes.retrieve(dispute.id).evidence.customer_name == "Ann"
    sent = client.v1.disputes.update(dispute.id, {"submit": True})
    assert (sent.status, sent.evidence_details.submission_method) == ("under_review", "manual")
    sim.clock.advance(MINUTES)
    assert client.v1.disputes.retrieve(dispute.id).status == "won"


def test_other_evidence_stays_under_review_until_somebody_decides(sim: Simulator, client: stripe.StripeClient) -> None:
    dispute = a_dispute(client)
    answer(client, dispute, "She was there: see the recording.")
    sim.clock.advance(60 * DAY)
    assert client.v1.disputes.retrieve(dispute.id).status == "under_review"
    told = events_of(sim, lambda: control(sim, "disputes/close", dispute=dispute.id, status="won"))
    assert told == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    assert control(sim, "disputes/close", dispute=dispute.id, status="lost").status_code == 400
    assert control(sim, "disputes/close", dispute=dispute.id, status="drawn").status_code == 400


def test_metadata_alone_submits_nothing(client: stripe.StripeClient) -> None:
    dispute = a_dispute(client)
    after = client.v1.disputes.update(dispute.id, {"metadata": {"booking": "7"}})
    assert (after.status, after.metadata["booking"]) == ("needs_response", "7")


def test_a_dispute_that_nobody_answers_is_lost_when_evidence_is_due(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    dispute = a_dispute(client)
    due = dispute.evidence_details.due_by
    assert 8 * DAY < due - dispute.created < 11 * DAY
    told = events_of(sim, lambda: sim.clock.advance(30 * DAY))
    assert told[-1:] == ["charge.dispute.closed"]
    assert sim.events_since(None)[-1]["created"] == due
    lost = client.v1.disputes.retrieve(dispute.id)
    assert (lost.status, lost.evidence_details.past_due) == ("lost", True)


def test_closing_gives_in(sim: Simulator, client: stripe.StripeClient) -> None:
    dispute = a_dispute(client)
    assert events_of(sim, lambda: client.v1.disputes.close(dispute.id)) == ["charge.dispute.closed"]
    assert client.v1.disputes.retrieve(dispute.id).status == "lost"
    for action in (
        lambda: client.v1.disputes.close(dispute.id),
        lambda: answer(client, dispute, "winning_evidence"),
    ):
        error = refusal(action)
        assert (error.http_status, "already closed" in str(error)) == (400, True)


def test_submitted_evidence_cannot_be_changed(client: stripe.StripeClient) -> None:
    dispute = a_dispute(client)
    answer(client, dispute, "winning_evidence")
    assert refusal(lambda: answer(client, dispute, "losing_evidence")).http_status == 400
    assert refusal(lambda: client.v1.disputes.close(dispute.id)).http_status == 400


def test_a_disputed_charge_is_not_refunded(sim: Simulator, client: stripe.StripeClient) -> None:
    dispute = a_dispute(client)
    error = refusal(lambda: client.v1.refunds.create({"charge": dispute.charge}))
    assert (error.http_status, error.code) == (400, "charge_disputed")
    answer(client, dispute, "winning_evidence")
    sim.clock.advance(MINUTES)
    assert client.v1.refunds.create({"charge": dispute.charge}).status == "succeeded"


def test_a_control_disputes_any_captured_charge(sim: Simulator, client: stripe.StripeClient) -> None:
    paid = a_payment(client)
    told = events_of(sim, lambda: control(sim, "disputes", payment_intent=paid.id, reason="duplicate"))
    assert told == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert client.v1.disputes.list({"charge": paid.latest_charge}).data[0].reason == "duplicate"
    again = control(sim, "disputes", charge=paid.latest_charge)
    assert (again.status_code, "cannot be disputed" in again.get_json()["error"]) == (400, True)


def test_a_control_disputes_nothing_that_was_not_taken(sim: Simulator, client: stripe.StripeClient) -> None:
    hold, given_back = a_hold(client), a_payment(client)
    client.v1.refunds.create({"payment_intent": given_back.id})
    for wish in (
        {"payment_intent": hold.id},
        {"payment_intent": given_back.id},
        {"charge": "ch_none"},
        {},
        {"charge": a_payment(client).latest_charge, "reason": "mood"},
    ):
        assert control(sim, "disputes", **wish).status_code == 400
    assert client.v1.disputes.list().data == []


def test_a_partly_refunded_charge_is_disputed_for_the_rest(sim: Simulator, client: stripe.StripeClient) -> None:
    paid = a_payment(client)
    client.v1.refunds.create({"payment_intent": paid.id, "amount": 1800})
    control(sim, "disputes", payment_intent=paid.id)
    assert client.v1.disputes.list().data[0].amount == 3200


def test_a_dispute_debits_the_platform_and_not_the_account_that_was_paid(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    bob = bobs_account(client)
    paid = a_payment(client, "pm_card_bypassPending")
    wish: Any = {"amount": 4000, "currency": "usd", "destination": bob.id, "source_transaction": paid.latest_charge}
    sent = client.v1.transfers.create(wish)
    control(sim, "disputes", payment_intent=paid.id)
    assert (balance(client), balance(client, bob)) == ((4825 - 4000 - 6500, 0), (4000, 0))
    client.v1.transfers.reversals.create(sent.id)
    assert (balance(client), balance(client, bob)) == ((4825 - 6500, 0), (0, 0))


def test_another_accounts_dispute_is_missing(client: stripe.StripeClient) -> None:
    dispute, bob = a_dispute(client), bobs_account(client)
    error = refusal(lambda: client.v1.disputes.retrieve(dispute.id, {}, as_account(bob)))
    assert (error.http_status, error.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"evidence": {"colour": "red"}}, "parameter_unknown", "evidence[colour]"),
        ({"evidence": "text"}, None, "evidence"),
        ({"evidence": {"receipt": "file_1"}}, None, "evidence[receipt]"),
        ({"evidence": {"uncategorized_text": "x" * 20_001}}, "parameter_invalid_string_too_long", None),
        ({"submit": "perhaps"}, None, "submit"),
        ({"status": "won"}, "parameter_unknown", "status"),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(
    client: stripe.StripeClient, wrong: dict[str, Any], code: str | None, param: str | None
) -> None:
    dispute = a_dispute(client)
    error = refusal(lambda: client.v1.disputes.update(dispute.id, wrong))  # type: ignore[arg-type]
    assert (error.http_status, error.code) == (400, code)
    assert error.error.param == (param or "evidence[uncategorized_text]")
    assert client.v1.disputes.retrieve(dispute.id).status == "needs_response"


def test_a_direct_charge_is_disputed_on_the_account_it_was_made_for(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    bob = bobs_account(client, capabilities={name: {"requested": True} for name in ("card_payments", "transfers")})
    wish: Any = {"amount": 5000, "currency": "usd", "payment_method": "pm_card_createDispute", "confirm": True}
    never: Any = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    client.v1.payment_intents.create({**wish, **never}, as_account(bob))
    assert (balance(client), balance(client, bob)) == ((0, 0), (-6500, 4825))
    dispute = client.v1.disputes.list({}, as_account(bob)).data[0]
    assert sim.events_since(None)[-1]["account"] == bob.id
    assert control(sim, "disputes/close", dispute=dispute.id, status="won").status_code == 200
    assert balance(client, bob) == (-1500, 4825)
