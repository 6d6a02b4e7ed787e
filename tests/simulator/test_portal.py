"""Facts about the billing portal: a link, what a customer can do there, and when it ends."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe
from werkzeug.test import Client, TestResponse

from stripe_simulator import Simulator

from .billing_stories import a_subscription, again, day, latest_invoice, period, somebody, to_the_renewal, types
from .stories import HOUR, events_of, refusal
from .test_authentication import at_the_bank

CARD = {"number": "5555 5555 5555 4444", "expiry": "12 / 50", "cvc": "123"}


def a_portal(client: stripe.StripeClient, customer: str, **given: Any) -> str:
    """The path of a fresh portal link."""
    session = client.v1.billing_portal.sessions.create({"customer": customer, **given})
    return urlsplit(session.url).path


def opened(sim: Simulator, path: str) -> TestResponse:
    return Client(sim).get(path)


def test_the_page_shows_subscriptions_invoices_and_the_way_back(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    invoice = latest_invoice(client, subscription)
    path = a_portal(client, subscription.customer, return_url="http://localhost:5000/account?tab=billing&x=1")
    page = opened(sim, path)
    assert page.status_code == 200
    for text in ("Mentoring", "per month", "Renews on", invoice.number, "Visa ending in 4242", "ann@example.com"):
        assert text in page.text
    assert 'href="http://localhost:5000/account?tab=billing&amp;x=1"' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_cancelling_there_ends_it_with_its_period(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    path = a_portal(client, subscription.customer)
    act = f"{path}/subscriptions/{subscription.id}"
    told = events_of(sim, lambda: Client(sim).post(act, data={"wish": "cancel"}))
    assert told == ["customer.subscription.updated"]
    leaving = again(client, subscription)
    assert (leaving.status, leaving.cancel_at) == ("active", period(subscription)[1])
    assert "Ends on" in opened(sim, path).text
    Client(sim).post(act, data={"wish": "keep"})
    assert again(client, subscription).cancel_at is None


def test_pressing_cancel_twice_changes_nothing_more(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    act = f"{a_portal(client, subscription.customer)}/subscriptions/{subscription.id}"
    Client(sim).post(act, data={"wish": "cancel"})
    assert events_of(sim, lambda: Client(sim).post(act, data={"wish": "cancel"})) == []


def test_a_new_card_pays_from_then_on(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = somebody(client)
    own = client.v1.payment_methods.attach("pm_card_amex", {"customer": ann.id})
    subscription = a_subscription(client, customer=ann.id, default_payment_method=own.id)
    path = a_portal(client, ann.id)
    told = events_of(sim, lambda: Client(sim).post(f"{path}/card", data=CARD))
    assert [type for type in told if type != "payment_method.attached"] == [
        *("setup_intent.created", "setup_intent.succeeded", "customer.updated", "customer.subscription.updated")
    ]
    card = client.v1.customers.retrieve(ann.id).invoice_settings.default_payment_method
    assert again(client, subscription).default_payment_method == card
    assert client.v1.payment_methods.retrieve(card).card.last4 == "4444"
    to_the_renewal(sim, subscription)
    charge = client.v1.charges.list({"customer": ann.id}).data[0]
    assert (charge.payment_method, charge.paid) == (card, True)
    assert "Mastercard ending in 4444" in opened(sim, a_portal(client, ann.id)).text


def test_a_card_that_asks_is_confirmed_at_the_bank(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = somebody(client)
    before = client.v1.customers.retrieve(ann.id).invoice_settings.default_payment_method
    path = a_portal(client, ann.id)
    for outcome, text in (("fail", "Nothing has changed"), ("complete", "Your new card is saved")):
        sent = Client(sim).post(f"{path}/card", data=CARD | {"number": "4000002500003155"})
        assert sent.status_code == 303
        back = urlsplit(at_the_bank(sim, sent.headers["Location"], outcome).headers["Location"])
        assert text in opened(sim, f"{back.path}?{back.query}").text
        chosen = client.v1.customers.retrieve(ann.id).invoice_settings.default_payment_method
        assert (chosen == before) is (outcome == "fail")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"number": "4000000000000002"}, "Your card was declined."),
        ({"number": "4242424242424241"}, "Your card number is incorrect."),
        ({"number": ""}, "number"),
        ({"expiry": "12 / 19"}, "expiration year is invalid"),
        ({"expiry": "soon"}, "The expiration date is incomplete."),
        ({"expiry": "99999999999999 / 99"}, "The expiration date is incomplete."),
        ({"cvc": "1"}, "security code is invalid"),
    ],
)
def test_a_bad_card_says_why_and_changes_nothing(
    sim: Simulator, client: stripe.StripeClient, wrong: dict[str, str], words: str
) -> None:
    ann = somebody(client)
    before = client.v1.customers.retrieve(ann.id).invoice_settings.default_payment_method
    answer = Client(sim).post(f"{a_portal(client, ann.id)}/card", data=CARD | wrong)
    assert answer.status_code == 422
    assert words in answer.text
    assert client.v1.customers.retrieve(ann.id).invoice_settings.default_payment_method == before


def test_a_link_must_be_opened_within_five_minutes(sim: Simulator, client: stripe.StripeClient) -> None:
    path = a_portal(client, somebody(client).id)
    sim.clock.advance(301)
    assert opened(sim, path).status_code == 410
    assert Client(sim).post(f"{path}/card", data=CARD).status_code == 410


def test_an_open_link_lives_for_an_hour_after_the_last_use(sim: Simulator, client: stripe.StripeClient) -> None:
    path = a_portal(client, somebody(client).id)
    for _ in range(3):
        assert opened(sim, path).status_code == 200
        sim.clock.advance(HOUR - 60)
    assert opened(sim, path).status_code == 200
    sim.clock.advance(HOUR + 60)
    assert opened(sim, path).status_code == 410


def test_nobody_touches_a_strangers_subscription(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    path = a_portal(client, somebody(client).id)
    answer = Client(sim).post(f"{path}/subscriptions/{subscription.id}", data={"wish": "cancel"})
    assert answer.status_code == 404
    assert again(client, subscription).cancel_at_period_end is False
    assert "no subscription" in opened(sim, path).text
    assert opened(sim, "/p/session/test_guess").status_code == 410


def test_names_are_shown_as_text(sim: Simulator, client: stripe.StripeClient) -> None:
    product = client.v1.products.create({"name": "<b>Bold</b> & co"})
    plan = client.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 2000, "recurring": {"interval": "month"}}
    )
    subscription = a_subscription(client, items=[{"price": plan.id}])
    page = opened(sim, a_portal(client, subscription.customer)).text
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; co" in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"customer": None}, "parameter_missing", "customer"),
        ({"customer": "cus_none"}, "resource_missing", "customer"),
        ({"return_url": "javascript:alert(1)"}, "url_invalid", "return_url"),
        ({"return_url": "/account"}, "url_invalid", "return_url"),
        ({"locale": "de"}, None, "locale=de"),
        ({"flow_data": {"type": "payment_method_update"}}, None, "flow_data"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
    ],
)
def test_a_bad_session_is_a_400_that_names_the_parameter(
    client: stripe.StripeClient, wrong: dict[str, Any], code: str | None, param: str
) -> None:
    good: dict[str, Any] = {"customer": somebody(client).id, "return_url": "http://localhost/"}
    wish = {name: value for name, value in {**good, **wrong}.items() if value is not None}
    error = refusal(lambda: client.v1.billing_portal.sessions.create(wish))
    assert (error.http_status, error.code, error.error.param) == (400, code, param)


def test_a_subscription_left_in_the_portal_ends_by_the_clock(sim: Simulator, client: stripe.StripeClient) -> None:
    subscription = a_subscription(client)
    end = period(subscription)[1]
    act = f"{a_portal(client, subscription.customer)}/subscriptions/{subscription.id}"
    Client(sim).post(act, data={"wish": "cancel"})
    sim.clock.set(end + 1)
    assert types(sim.events_since(None))[-1] == "customer.subscription.deleted"
    assert day(again(client, subscription).ended_at) == day(end)
