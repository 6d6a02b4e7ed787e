"""Onboarding as a person does it: on a telephone, in light and dark, with a mistake on the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
import stripe
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from stripe_simulator import Simulator
from stripe_simulator.server import Server

from .conftest import library
from .connect_stories import a_link, a_transfer, an_express_account

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def url(sim: Simulator) -> Iterator[str]:
    server = Server(sim, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def platform() -> Iterator[str]:
    """The platform's own site, which a person comes back to."""

    @Request.application
    def site(_: Request) -> Response:
        return Response("<!doctype html><title>Back</title><h1>Welcome back</h1>", mimetype="text/html")

    server = make_server("127.0.0.1", 0, site, threaded=True)
    server.log_startup = lambda: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def phone(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A narrow screen; whatever the console complains of fails the test."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme=request.param)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: _note(complaints, message.type, message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    context.close()
    assert complaints == []


def _note(complaints: list[str], kind: str, text: str) -> None:
    # The little site has no icon, and Chromium asks for one.
    if kind in ("error", "warning") and "favicon" not in text:
        complaints.append(text)


def _checked(tab: Page) -> None:
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.evaluate(AXE)
    assert [each["id"] for each in tab.evaluate("async () => (await axe.run()).violations")] == []


def _here(client: stripe.StripeClient, account: stripe.Account, url: str, platform: str) -> str:
    back = {"refresh_url": f"{platform}/again", "return_url": f"{platform}/done"}
    return a_link(client, account, **back).url.replace("http://127.0.0.1:12111", url)


def test_a_person_gets_onboarded_on_a_telephone(sim: Simulator, url: str, platform: str, phone: Page) -> None:
    client = library(sim)
    bob = an_express_account(client)
    phone.goto(_here(client, bob, url, platform))
    _checked(phone)
    for label, text in (
        ("First name", "Bob"),
        ("Last name", "Ray"),
        ("Date of birth", "1980-02-01"),
        ("ID number", "000000000"),
        ("Routing number or sort code", "110000000"),
        ("Account number", "1234"),
    ):
        phone.get_by_label(label, exact=True).fill(text)
    phone.get_by_role("button", name="Agree and submit").click()
    expect(phone.get_by_role("alert")).to_contain_text("The terms have not been accepted.")
    expect(phone.get_by_label("First name")).to_have_value("Bob")
    _checked(phone)
    phone.get_by_label("Account number", exact=True).fill("000123456789")
    phone.get_by_label("I accept the terms").check()
    phone.get_by_role("button", name="Agree and submit").click()
    expect(phone.get_by_role("heading")).to_have_text("Welcome back")
    assert phone.url.endswith("/done")
    assert client.v1.accounts.retrieve(bob.id).payouts_enabled is True
    a_transfer(client, bob)
    phone.goto(client.v1.accounts.login_links.create(bob.id).url.replace("http://127.0.0.1:12111", url))
    expect(phone.get_by_role("table", name="Balance")).to_contain_text("$40.00")
    _checked(phone)


def test_a_person_leaves_early_and_a_used_link_asks_for_a_new_one(
    sim: Simulator, url: str, platform: str, phone: Page
) -> None:
    client = library(sim)
    dora = an_express_account(client, country="DE")
    link = _here(client, dora, url, platform)
    phone.goto(link)
    expect(phone.get_by_label("IBAN")).to_be_visible()
    expect(phone.get_by_label("Routing number or sort code")).to_be_hidden()
    phone.get_by_role("link", name="Return to the platform").click()
    expect(phone.get_by_role("heading")).to_have_text("Welcome back")
    assert phone.url.endswith("/done")
    phone.goto(link)
    assert phone.url.endswith("/again")
    assert client.v1.accounts.retrieve(dora.id).details_submitted is False
