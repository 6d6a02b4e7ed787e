"""What all faults have in common."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import stripe as library
from flask import Flask

from tests.conftest import settings_for
from tests.faults.crowds import SEED, Crowd
from tests.processes import reachable
from tests.stripe_double import Stripe

CROWD = 4  # processes
TALLY = "tally"


@pytest.fixture(autouse=True)
def hasty_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library waits half a second before it tries again; here that would only cost time."""
    monkeypatch.setattr(library.HTTPClient, "INITIAL_DELAY", 0.01)


@pytest.fixture
def crowd(database_url: str, stripe: Stripe, request: pytest.FixtureRequest) -> Iterator[Crowd]:
    """Some processes on the database, who talk to Stripe over a socket."""
    with reachable(stripe) as address:
        settings = settings_for(database_url, stripe_api=address)
        made = Crowd(settings, size=CROWD, chance=Random(f"{SEED} {request.node.name}"))
        yield made
        made.close()


@pytest.fixture
def shared_stripe(crowd: Crowd, app: Flask, stripe: Stripe) -> Stripe:
    """The Stripe to which all of the crowd talk, from inside an application on the same database."""
    return stripe


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Counts what came of each round; told when a proof is run by itself. A race that always ends alike is none."""
    counted: Counter[str] = Counter()
    yield counted
    request.node.user_properties.append((TALLY, dict(sorted(counted.items()))))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for report in terminalreporter.getreports("") + terminalreporter.getreports("passed"):
        for name, counted in getattr(report, "user_properties", ()):
            if name == TALLY and report.when == "teardown":
                told = ", ".join(f"{count:,} {what}" for what, count in counted.items())
                terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {told}")
