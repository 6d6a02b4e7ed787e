"""Facts about refunds: whole, in parts, too much, later, failed."""

from __future__ import annotations

import stripe

from stripe_simulator import Simulator

from .stories import a_hold, a_payment, events_of, refusal


def test_a_refund_tells_itself_first_and_then_the_charge(sim: Simulator, client: stripe.StripeClient) -> None:
    paid = a_payment(client)
    told = events_of(sim, lambda: client.v1.refunds.create({"payment_intent": paid.id}))
    assert told == ["refund.created", "charge.refunded"]
    charge = client.v1.charges.retrieve(paid.latest_charge, {"expand": ["refunds"]})
    assert (charge.refunded, charge.amount_refunded) == (True, 5000)
    assert charge.refunds.data[0].status == "succeeded"


def test_refunds_of_a_partial_capture_stop_at_what_was_captured(client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    client.v1.payment_intents.capture(hold.id, {"amount_to_capture": 2000})
    client.v1.refunds.create({"payment_intent": hold.id, "amount": 1500})
    error = refusal(lambda: client.v1.refunds.create({"payment_intent": hold.id, "amount": 501}))
    assert (error.http_status, error.code, error.error.param) == (400, None, "amount")
    rest = client.v1.refunds.create({"payment_intent": hold.id})
    assert rest.amount == 500
    assert client.v1.charges.retrieve(hold.latest_charge).refunded is True


def test_refunding_what_is_all_refunded_says_so(client: stripe.StripeClient) -> None:
    paid = a_payment(client)
    client.v1.refunds.create({"charge": paid.latest_charge})
    error = refusal(lambda: client.v1.refunds.create({"charge": paid.latest_charge, "amount": 1}))
    assert (error.http_status, error.code) == (400, "charge_already_refunded")


def test_an_uncaptured_hold_is_canceled_not_refunded(client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    error = refusal(lambda: client.v1.refunds.create({"payment_intent": hold.id}))
    assert error.http_status == 400
    assert "Cancel" in str(error)


def test_a_pending_refund_succeeds_later(sim: Simulator, client: stripe.StripeClient) -> None:
    paid = a_payment(client, "pm_card_pendingRefund")
    refund = client.v1.refunds.create({"payment_intent": paid.id})
    assert refund.status == "pending"
    assert events_of(sim, lambda: sim.clock.advance(3600)) == ["refund.updated", "charge.refund.updated"]
    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_a_refund_can_fail_later_and_gives_the_money_back_to_us(sim: Simulator, client: stripe.StripeClient) -> None:
    paid = a_payment(client, "pm_card_refundFail")
    refund = client.v1.refunds.create({"payment_intent": paid.id})
    assert refund.status == "succeeded"
    told = events_of(sim, lambda: sim.clock.advance(3600))
    assert told == ["refund.updated", "charge.refund.updated", "refund.failed"]
    failed = client.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert failed.status == "failed"
    assert failed.failure_balance_transaction.amount == 5000
    assert client.v1.charges.retrieve(paid.latest_charge).amount_refunded == 0


def test_a_refund_is_found_by_its_intent_its_charge_and_its_metadata(client: stripe.StripeClient) -> None:
    paid, other = a_payment(client), a_payment(client)
    refund = client.v1.refunds.create(
        {"payment_intent": paid.id, "metadata": {"operation": "op_1"}, "reason": "requested_by_customer"}
    )
    client.v1.refunds.create({"payment_intent": other.id})
    for where in ({"payment_intent": paid.id}, {"charge": paid.latest_charge}):
        found = client.v1.refunds.list(where).data  # type: ignore[arg-type]
        assert [(each.id, each.metadata["operation"]) for each in found] == [(refund.id, "op_1")]


def test_a_refunds_metadata_can_change(sim: Simulator, client: stripe.StripeClient) -> None:
    refund = client.v1.refunds.create({"payment_intent": a_payment(client).id})
    told = events_of(sim, lambda: client.v1.refunds.update(refund.id, {"metadata": {"a": "b"}}))
    assert told == ["refund.updated", "charge.refund.updated"]
    assert client.v1.refunds.retrieve(refund.id).metadata["a"] == "b"


def test_a_refund_takes_the_money_but_not_the_fee_back(client: stripe.StripeClient) -> None:
    paid = a_payment(client)
    refund = client.v1.refunds.create({"payment_intent": paid.id, "expand": ["balance_transaction"]})
    moved = refund.balance_transaction
    assert (moved.amount, moved.fee, moved.net, moved.type) == (-5000, 0, -5000, "refund")


def test_refunding_nothing_in_particular_is_a_missing_parameter(client: stripe.StripeClient) -> None:
    error = refusal(lambda: client.v1.refunds.create({"amount": 5}))
    assert (error.http_status, error.code) == (400, "parameter_missing")


def test_refunding_an_unpaid_intent_is_refused(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    error = refusal(lambda: client.v1.refunds.create({"payment_intent": intent.id}))
    assert "does not have a successful charge" in str(error)
