"""Facts about invoices and what pays them."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator

from .billing_stories import (
    a_plan,
    a_subscription,
    again,
    intent_of,
    latest_invoice,
    somebody,
    to_the_renewal,
    use_card,
)
from .stories import DAY, events_of, refusal


def an_open_invoice(client: stripe.StripeClient, **given: Any) -> stripe.Invoice:
    """The first invoice of a subscription that nobody has paid yet."""
    given.setdefault("payment_behavior", "default_incomplete")
    return latest_invoice(client, a_subscription(client, **given))


def test_lines_say_what_is_billed(client: stripe.StripeClient) -> None:
    plan = a_plan(client, every="month", count=3)
    subscription = a_subscription(client, items=[{"price": plan.id, "quantity": 2}])
    line = latest_invoice(client, subscription).lines.data[0]
    assert (line.amount, line.quantity, line.pricing.price_details.price) == (4000, 2, plan.id)
    assert line.description.startswith("2 × Mentoring (at $20.00")
    assert line.description.endswith("/ every 3 months)")
    assert line.parent.subscription_item_details.subscription_item == subscription["items"].data[0].id


def test_lines_can_be_paged(client: stripe.StripeClient) -> None:
    plans = [{"price": a_plan(client, amount).id} for amount in (1000, 2000, 3000)]
    invoice = an_open_invoice(client, items=plans)
    first = client.v1.invoices.line_items.list(invoice.id, {"limit": 2})
    assert ([line.amount for line in first.data], first.has_more) == ([1000, 2000], True)
    rest = client.v1.invoices.line_items.list(invoice.id, {"starting_after": first.data[-1].id})
    assert ([line.amount for line in rest.data], rest.has_more) == ([3000], False)
    error = refusal(lambda: client.v1.invoices.line_items.list(invoice.id, {"ending_before": "il_none"}))
    assert error.error.param == "ending_before"


def test_an_invoice_is_paid_with_a_card_of_choice(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = somebody(client, card=None)
    invoice = an_open_invoice(client, customer=ann.id)
    assert refusal(lambda: client.v1.invoices.pay(invoice.id)).code == "resource_missing"
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": ann.id})
    paid = client.v1.invoices.pay(invoice.id, {"payment_method": card.id})
    assert (paid.status, paid.amount_remaining, paid.status_transitions.paid_at) == (
        "paid",
        0,
        pytest.approx(sim.clock.now(), abs=3),
    )


def test_a_paid_invoice_is_not_paid_twice(client: stripe.StripeClient) -> None:
    invoice = latest_invoice(client, a_subscription(client))
    error = refusal(lambda: client.v1.invoices.pay(invoice.id))
    assert (error.http_status, error.user_message) == (400, "Invoice is already paid")
    assert len(client.v1.charges.list().data) == 1


def test_a_decline_is_a_402_and_leaves_the_invoice_open(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = somebody(client, "pm_card_chargeCustomerFail")
    invoice = an_open_invoice(client, customer=ann.id)
    told = events_of(sim, lambda: refusal(lambda: client.v1.invoices.pay(invoice.id)))
    assert told == [
        *("charge.failed", "payment_intent.payment_failed", "customer.updated"),
        *("invoice.updated", "invoice.payment_failed"),
    ]
    error = refusal(lambda: client.v1.invoices.pay(invoice.id))
    assert (error.http_status, error.code) == (402, "card_declined")
    assert client.v1.invoices.retrieve(invoice.id).status == "open"


def test_three_d_secure_on_pay_is_a_402_that_waits(client: stripe.StripeClient) -> None:
    ann = somebody(client, "pm_card_authenticationRequired")
    invoice = an_open_invoice(client, customer=ann.id)
    error = refusal(lambda: client.v1.invoices.pay(invoice.id))
    assert (error.http_status, error.code) == (402, "invoice_payment_intent_requires_action")
    assert intent_of(client, invoice).status == "requires_action"


def test_paying_a_draft_finalizes_it_and_the_clock_does_not_pay_again(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    subscription = a_subscription(client)
    to_the_renewal(sim, subscription, later=60)
    draft = latest_invoice(client, subscription)
    told = events_of(sim, lambda: client.v1.invoices.pay(draft.id))
    assert told[:2] == ["invoice.finalized", "payment_intent.created"]
    assert events_of(sim, lambda: sim.clock.advance(DAY)) == []
    assert len(client.v1.charges.list().data) == 2


def test_a_draft_is_finalized_once(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    to_the_renewal(sim, subscription, later=60)
    draft = latest_invoice(client, subscription)
    final = client.v1.invoices.finalize_invoice(draft.id)
    assert (final.status, final.number is None) == ("open", False)
    assert refusal(lambda: client.v1.invoices.finalize_invoice(draft.id)).http_status == 400


def test_paid_out_of_band_charges_no_card(sim: Simulator, client: stripe.StripeClient) -> None:
    invoice = an_open_invoice(client)
    told = events_of(sim, lambda: client.v1.invoices.pay(invoice.id, {"paid_out_of_band": True}))
    assert told[:2] == ["payment_intent.canceled", "invoice.updated"]
    paid = client.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]})
    assert (paid.status, paid.payments.data[0].status) == ("paid", "canceled")
    assert client.v1.charges.list().data == []


def test_a_voided_invoice_is_owed_no_more(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    use_card(client, subscription.customer, "pm_card_chargeCustomerFail")
    to_the_renewal(sim, subscription)
    invoice = latest_invoice(client, subscription)
    told = events_of(sim, lambda: client.v1.invoices.void_invoice(invoice.id))
    assert told == ["payment_intent.canceled", "invoice.voided"]
    assert intent_of(client, invoice).cancellation_reason == "void_invoice"
    assert events_of(sim, lambda: sim.clock.advance(10 * DAY)) == []
    for again_ in (client.v1.invoices.void_invoice, client.v1.invoices.pay):
        assert refusal(lambda act=again_: act(invoice.id)).http_status == 400


def test_the_intent_of_an_invoice_is_not_cancelled_by_itself(client: stripe.StripeClient) -> None:
    invoice = an_open_invoice(client)
    error = refusal(lambda: client.v1.payment_intents.cancel(intent_of(client, invoice).id))
    assert (error.http_status, "Void the invoice" in error.user_message) == (400, True)
    assert client.v1.invoices.pay(invoice.id).status == "paid"


def test_an_uncollectible_invoice_can_still_be_paid(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    use_card(client, subscription.customer, "pm_card_chargeCustomerFail")
    to_the_renewal(sim, subscription)
    invoice = latest_invoice(client, subscription)
    given_up = client.v1.invoices.mark_uncollectible(invoice.id)
    assert (given_up.status, given_up.next_payment_attempt) == ("uncollectible", None)
    assert refusal(lambda: client.v1.invoices.mark_uncollectible(invoice.id)).http_status == 400
    use_card(client, subscription.customer, "pm_card_visa")
    assert client.v1.invoices.pay(invoice.id).status == "paid"
    assert again(client, subscription).status == "active"


def test_invoices_are_found_by_customer_subscription_and_status(client: stripe.StripeClient) -> None:
    paid = latest_invoice(client, a_subscription(client))
    waiting = an_open_invoice(client)

    def found(**asked: Any) -> list[str]:
        return [each.id for each in client.v1.invoices.list(asked)]

    assert found() == [waiting.id, paid.id]
    assert found(status="paid") == found(customer=paid.customer) == [paid.id]
    assert found(subscription=waiting.parent.subscription_details.subscription) == [waiting.id]
    assert found(status="draft") == []


def test_invoice_payments_name_the_intent_and_expand(client: stripe.StripeClient) -> None:
    invoice = latest_invoice(client, a_subscription(client))
    paying = client.v1.invoice_payments.list(
        {"invoice": invoice.id, "expand": ["data.payment.payment_intent.latest_charge"]}
    ).data[0]
    assert (paying.status, paying.amount_paid, paying.is_default) == ("paid", 2000, True)
    assert paying.payment.payment_intent.latest_charge.paid is True
    by_intent = client.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": paying.payment.payment_intent.id}}
    )
    assert [each.id for each in by_intent] == [paying.id]
    assert client.v1.invoice_payments.retrieve(paying.id, {"expand": ["invoice"]}).invoice.id == invoice.id
    assert client.v1.invoice_payments.list({"status": "open"}).data == []


def test_a_subscription_expands_from_its_invoice(client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    shown = client.v1.invoices.retrieve(
        subscription.latest_invoice,
        {"expand": ["parent.subscription_details.subscription", "payments.data.payment.payment_intent"]},
    )
    assert shown.parent.subscription_details.subscription.id == subscription.id
    assert shown.payments.data[0].payment.payment_intent.status == "succeeded"


def test_a_free_invoice_has_no_secret(client: stripe.StripeClient) -> None:
    subscription = a_subscription(
        client, items=[{"price": a_plan(client, 0).id}], expand=["latest_invoice.confirmation_secret"]
    )
    assert subscription.latest_invoice.confirmation_secret is None


def test_metadata_of_an_invoice_merges(sim: Simulator, client: stripe.StripeClient) -> None:
    invoice = latest_invoice(client, a_subscription(client, metadata={"user": "u_1"}))
    assert invoice.parent.subscription_details.metadata.to_dict() == {"user": "u_1"}
    told = events_of(sim, lambda: client.v1.invoices.update(invoice.id, {"metadata": {"a": "b"}}))
    assert told == ["invoice.updated"]
    assert client.v1.invoices.retrieve(invoice.id).metadata.to_dict() == {"a": "b"}


@pytest.mark.parametrize("action", ["retrieve", "pay", "void_invoice", "finalize_invoice", "mark_uncollectible"])
def test_an_unknown_invoice_is_a_404(client: stripe.StripeClient, action: str) -> None:
    error = refusal(lambda: getattr(client.v1.invoices, action)("in_none"))
    assert (error.http_status, error.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"forgive": True}, None, "forgive"),
        ({"payment_method": "pm_none"}, "resource_missing", "payment_method"),
        ({"paid_out_of_band": "perhaps"}, None, "paid_out_of_band"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
    ],
)
def test_a_bad_payment_is_a_400_that_names_the_parameter(
    client: stripe.StripeClient, wrong: dict[str, Any], code: str | None, param: str
) -> None:
    invoice = an_open_invoice(client)
    error = refusal(lambda: client.v1.invoices.pay(invoice.id, wrong))  # type: ignore[arg-type]
    assert (error.http_status, error.code, error.error.param) == (400, code, param)


def test_somebody_elses_card_does_not_pay(client: stripe.StripeClient) -> None:
    invoice = an_open_invoice(client)
    bob = client.v1.customers.create()
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": bob.id})
    error = refusal(lambda: client.v1.invoices.pay(invoice.id, {"payment_method": card.id}))
    assert (error.http_status, error.error.param) == (400, "payment_method")
    assert client.v1.invoices.retrieve(invoice.id).status == "open"
