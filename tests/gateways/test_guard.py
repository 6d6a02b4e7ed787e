"""Every request to Stripe is counted, as Stripe counts; also those that the library makes by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.gateways.guard import Guard, endpoint
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from app.kit.breaker import Breaker
from app.kit.errors import GatewayDown, GatewayRefused
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import API, Stripe

V1 = f"{API}/v1"


@pytest.fixture
def counted() -> list[str]:
    return []


@pytest.fixture
def gateway(stripe: Stripe, counted: list[str]) -> StripeGateway:
    @contextmanager
    def turn(endpoint: str) -> Iterator[None]:
        counted.append(endpoint)
        yield

    guard = Guard(Breaker(clock.steady), turn)
    return StripeGateway("sk_test_platform", api=API, http_client=InProcessClient(stripe.simulator), guard=guard)


@pytest.mark.parametrize(
    ("method", "url", "counts_as"),
    [
        ("get", f"{V1}/payment_intents?customer=cus_Nffr1&limit=100", "GET /v1/payment_intents"),
        ("post", f"{V1}/payment_intents/pi_3MtwBw/capture", "POST /v1/payment_intents/:id/capture"),
        ("get", f"{V1}/accounts/acct_1Nv0FG/external_accounts/ba_1NAinl", "GET /v1/accounts/:id/external_accounts/:id"),
        ("post", f"{V1}/checkout/sessions/cs_test_a11YY/expire", "POST /v1/checkout/sessions/:id/expire"),
        ("delete", f"{V1}/subscriptions/sub_1MlPf9", "DELETE /v1/subscriptions/:id"),
        ("get", f"{V1}/balance_transactions", "GET /v1/balance_transactions"),
        ("get", f"{V1}/account", "GET /v1/account"),
    ],
)
def test_an_endpoint_is_a_path_without_its_ids(method: str, url: str, counts_as: str):
    assert endpoint(method, url) == counts_as


def test_what_the_library_tries_twice_counts_twice(gateway: StripeGateway, stripe: Stripe, counted: list[str]):
    stripe.fail_next("drop_request", method="GET")
    with pytest.raises(GatewayRefused):
        gateway.intent("pi_3MtwBw")
    assert counted == ["GET /v1/payment_intents/:id"] * 2


def test_every_page_of_a_list_counts(gateway: StripeGateway, stripe: Stripe, counted: list[str]):
    whole = {"amount": 5_000, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}
    whole["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
    intent = stripe.client.v1.payment_intents.create(whole)  # type: ignore[arg-type]
    for _ in range(101):
        stripe.client.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    assert len(gateway.refunds_of(intent.id)) == 101
    assert counted == ["GET /v1/refunds"] * 2


def test_what_is_not_sent_does_not_count(gateway: StripeGateway, stripe: Stripe, counted: list[str]):
    stripe.simulator.faults.add("unauthorized_401", method="*", count=None)
    for _ in range(5):
        with pytest.raises(GatewayDown):
            gateway.account_id()
    sent = len(counted)
    with pytest.raises(GatewayDown):
        gateway.account_id()
    assert len(counted) == sent
    assert gateway.is_left_alone()
