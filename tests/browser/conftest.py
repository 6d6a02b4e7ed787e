"""One house for all stories of this folder, one Chromium, and people who are logged in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect, sync_playwright

from tests.browser.house import House
from tests.browser.person import Person, launch

ZONES = {"Ann": "America/New_York", "Cho": "Asia/Tokyo", "Dia": "Asia/Tokyo"}
DESKTOP = {"width": 1280, "height": 800}
STILL = "reduce"  # a page that glides under the pointer makes a click miss, and a test wait

Meet = Callable[..., Person]


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    started = House(tmp_path_factory.mktemp("demo"))
    yield started
    started.stop()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Chromium]:
    expect.set_options(timeout=10_000)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def log_ins() -> dict[str, Any]:
    """Who has logged in before: log-ins are throttled."""
    return {}


@pytest.fixture
def meet(house: House, chromium: Chromium, log_ins: dict[str, Any]) -> Iterator[Meet]:
    """``meet("Ann")`` is Ann, logged in; ``meet("Gil", known=False)`` has just come by. None may have complaints."""
    met: list[Person] = []

    def someone(name: str, *, known: bool = True, **context: Any) -> Person:
        zone = ZONES.get(name, "Europe/Berlin")
        settings = {"timezone_id": zone, "locale": "en-GB", "viewport": DESKTOP, "reduced_motion": STILL, **context}
        if known and name not in log_ins:
            newcomer = Person(name, chromium.new_context(timezone_id=zone), house.url)
            newcomer.log_in()
            log_ins[name] = newcomer.context.storage_state()
            newcomer.context.close()
        met.append(
            Person(
                name, chromium.new_context(storage_state=log_ins.get(name) if known else None, **settings), house.url
            )
        )
        return met[-1]

    yield someone
    for person in met:
        person.context.close()
    assert {person.name: person.complaints for person in met if person.complaints} == {}
