"""Facts about lists and expansion."""

from __future__ import annotations

import pytest
import stripe

from stripe_simulator import Simulator

from .stories import DAY, a_hold, a_payment, an_intent, refusal


def test_lists_are_newest_first_and_walk_by_cursor(client: stripe.StripeClient) -> None:
    made = [an_intent(client).id for _ in range(7)]
    first = client.v1.payment_intents.list({"limit": 3})
    assert ([each.id for each in first.data], first.has_more) == (made[:3:-1], True)
    assert first.url == "/v1/payment_intents"
    second = client.v1.payment_intents.list({"limit": 3, "starting_after": first.data[-1].id})
    assert [each.id for each in second.data] == made[3:0:-1]
    back = client.v1.payment_intents.list({"limit": 3, "ending_before": second.data[-1].id})
    assert ([each.id for each in back.data], back.has_more) == (made[4:1:-1], True)
    assert [each.id for each in first.auto_paging_iter()] == made[::-1]


def test_a_list_shows_ten_unless_asked(client: stripe.StripeClient) -> None:
    for _ in range(12):
        client.v1.customers.create({})
    assert len(client.v1.customers.list().data) == 10
    assert len(client.v1.customers.list({"limit": 100}).data) == 12


def test_a_list_reads_its_own_writes(client: stripe.StripeClient) -> None:
    hold = a_hold(client)
    assert client.v1.charges.list({"payment_intent": hold.id}).data[0].id == hold.latest_charge


def test_a_list_can_be_bounded_by_time_and_customer(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({})
    an_intent(client, customer=ann.id)
    sim.clock.advance(DAY)
    late = an_intent(client, customer=ann.id)
    other = an_intent(client)
    since = {"created": {"gte": int(sim.clock.now()) - 60}}
    assert [each.id for each in client.v1.payment_intents.list(since)] == [other.id, late.id]
    assert len(client.v1.payment_intents.list({"customer": ann.id}).data) == 2


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": 101}, {"starting_after": "pi_none"}, {"created": {"after": 5}}]
)
def test_a_wrong_cursor_or_bound_is_a_400(client: stripe.StripeClient, wrong: dict[str, object]) -> None:
    assert refusal(lambda: client.v1.payment_intents.list(wrong)).http_status == 400  # type: ignore[arg-type]


def test_expansion_reaches_through_lists_and_levels(client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"name": "Ann"})
    a_payment(client, customer=ann.id)
    found = client.v1.payment_intents.list(
        {"expand": ["data.latest_charge.balance_transaction", "data.customer"]}
    ).data[0]
    assert found.latest_charge.balance_transaction.type == "charge"
    assert found.customer.name == "Ann"


def test_expanding_what_is_not_set_is_fine_and_what_is_not_there_is_not(client: stripe.StripeClient) -> None:
    assert an_intent(client, expand=["latest_charge.balance_transaction"]).latest_charge is None
    error = refusal(lambda: an_intent(client, expand=["amount"]))
    assert (error.http_status, "cannot be expanded" in str(error)) == (400, True)
