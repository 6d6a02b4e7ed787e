"""The billing portal as a person uses it: keyboard, phone and desktop, light and dark, axe, no CSP complaint."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
import stripe
from playwright.sync_api import Page, expect, sync_playwright

from stripe_simulator import Simulator
from stripe_simulator.server import Server

from .billing_stories import a_subscription, again
from .conftest import library

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@dataclass
class Desk:
    """Somebody at the portal of a subscription, in a tab that notes its complaints."""

    client: stripe.StripeClient
    subscription: stripe.Subscription
    url: str
    tab: Page

    def type_card(self, number: str) -> None:
        for label, text in (
            ("New card number", number),
            ("Expiration date (MM / YY)", "12 / 50"),
            ("Security code", "123"),
        ):
            self.tab.get_by_label(label).fill(text)
        self.tab.get_by_role("button", name="Save card").click()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=["light-390", "dark-1280"])
def desk(sim: Simulator, chromium: Any, request: pytest.FixtureRequest) -> Iterator[Desk]:
    server = Server(sim, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_address[1]}"
    client = library(sim)
    subscription = a_subscription(client)
    session = client.v1.billing_portal.sessions.create(
        {"customer": subscription.customer, "return_url": f"{origin}/three_d_secure.css"}
    )
    scheme, _, width = request.param.partition("-")
    context = chromium.new_context(color_scheme=scheme, viewport={"width": int(width), "height": 844})
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    url = session.url.replace("http://127.0.0.1:12111", origin)
    tab.goto(url)
    yield Desk(client, subscription, url, tab)
    context.close()
    server.shutdown()
    server.server_close()
    # Chromium itself notes the 422 of a declined card; that is no fault of the page.
    assert [each for each in complaints if "status of 422" not in each] == []


def no_violations(tab: Page) -> None:
    tab.evaluate(AXE)
    found = tab.evaluate("axe.run()")
    assert [violation["id"] for violation in found["violations"]] == []


def test_the_page_is_accessible_and_fits(desk: Desk) -> None:
    expect(desk.tab.get_by_role("heading", name="Billing", exact=True)).to_be_visible()
    no_violations(desk.tab)
    assert desk.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_person_cancels_and_comes_back(desk: Desk) -> None:
    desk.tab.get_by_role("button", name="Cancel subscription").click()
    expect(desk.tab.get_by_role("status")).to_have_text("Your subscription ends with its current period.")
    assert again(desk.client, desk.subscription).cancel_at_period_end is True
    desk.tab.get_by_role("button", name="Keep subscription").focus()
    desk.tab.keyboard.press("Enter")
    expect(desk.tab.get_by_role("status")).to_have_text("Your subscription goes on.")
    assert again(desk.client, desk.subscription).cancel_at_period_end is False
    desk.tab.get_by_role("link", name="Return to the shop").click()
    desk.tab.wait_for_url("**/three_d_secure.css")


def test_a_declined_card_says_so_and_another_one_is_kept(desk: Desk) -> None:
    desk.type_card("4000000000000002")
    expect(desk.tab.get_by_role("alert")).to_have_text("Your card was declined.")
    no_violations(desk.tab)
    desk.type_card("5555555555554444")
    expect(desk.tab.get_by_text("Mastercard ending in 4444")).to_be_visible()


def test_a_card_that_asks_goes_by_the_bank(desk: Desk) -> None:
    desk.type_card("4000002500003155")
    desk.tab.get_by_role("button", name="Complete").click()
    expect(desk.tab.get_by_role("status")).to_have_text("Your new card is saved and pays from now on.")
    expect(desk.tab.get_by_text("Visa ending in 3155")).to_be_visible()


def test_an_expired_link_says_what_to_do(sim: Simulator, desk: Desk) -> None:
    sim.clock.advance(4000)
    answer = desk.tab.request.get(desk.url)
    assert answer.status == 410
    desk.tab.set_content(answer.text())
    expect(desk.tab.get_by_role("status")).to_contain_text("This link has expired.")
