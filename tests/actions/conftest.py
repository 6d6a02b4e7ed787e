"""Another Stripe account, and the same database under other settings."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from app.gateways import stripe_gateway
from app.kit import clock
from tests.house.conftest import application, inside
from tests.stripe_double import Stripe


@pytest.fixture
def elsewhere(app: Flask, database_url: str, stripe: Stripe) -> Iterator[Callable[..., Flask]]:
    """The same database under other settings, or with another Stripe account's key."""
    ours, opened = stripe_gateway.stripe_gateway(), []

    def build(account: Stripe = stripe, **settings: object) -> Flask:
        opened.append(application(database_url, account, **settings))
        return opened[-1]

    yield build
    for other in opened:
        with inside(other):
            pass
    stripe_gateway.use(ours)
    clock.use(stripe.now)


@pytest.fixture
def another_account() -> Iterator[Stripe]:
    other = Stripe()
    yield other
    other.close()
