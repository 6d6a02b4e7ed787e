"""Facts about customers."""

from __future__ import annotations

import stripe

from stripe_simulator import Simulator

from .stories import a_hold, an_intent, events_of, refusal


def test_a_customer_is_made_changed_and_found_by_email(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"email": "ann@example.com", "metadata": {"user": "u_1"}})
    client.v1.customers.create({"email": "cho@example.com"})
    changed = client.v1.customers.update(ann.id, {"name": "Ann", "metadata": {"since": "2026"}})
    assert changed.metadata.to_dict() == {"user": "u_1", "since": "2026"}
    assert [each.id for each in client.v1.customers.list({"email": "ann@example.com"})] == [ann.id]
    told = [event["type"] for event in sim.events_since(None)]
    assert told == ["customer.created", "customer.created", "customer.updated"]


def test_a_deleted_customer_says_so_and_cannot_be_charged(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"payment_method": "pm_card_visa"})
    waiting = an_intent(client, customer=ann.id)
    told = events_of(sim, lambda: client.v1.customers.delete(ann.id))
    assert told == ["payment_method.detached", "customer.deleted"]
    assert client.v1.customers.retrieve(ann.id).deleted is True
    assert client.v1.customers.list().data == []
    for charge in (
        lambda: a_hold(client, customer=ann.id),
        lambda: client.v1.payment_intents.confirm(waiting.id, {"payment_method": "pm_card_visa"}),
    ):
        error = refusal(charge)
        assert (error.http_status, error.code, error.error.param) == (400, "resource_missing", "customer")


def test_a_wrong_email_is_refused(client: stripe.StripeClient) -> None:
    error = refusal(lambda: client.v1.customers.create({"email": "nobody"}))
    assert (error.code, error.error.param) == ("email_invalid", "email")


def test_metadata_has_limits(client: stripe.StripeClient) -> None:
    for metadata in ({"k" * 41: "v"}, {"k": "v" * 501}, {f"k{n}": "v" for n in range(51)}):
        assert refusal(lambda given=metadata: client.v1.customers.create({"metadata": given})).http_status == 400
    ann = client.v1.customers.create({"metadata": {f"k{n}": "v" for n in range(50)}})
    assert len(ann.metadata.to_dict()) == 50
    assert client.v1.customers.update(ann.id, {"metadata": ""}).metadata.to_dict() == {}
