"""stripe.js from a page with a strict policy: pay, decline, 3-D Secure; nothing blocked, nothing logged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
import stripe
from playwright.sync_api import ConsoleMessage, Frame, Page, expect, sync_playwright
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from stripe_simulator import Simulator
from stripe_simulator.server import Server

from .conftest import library
from .stories import an_intent

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")

SHOP = """
const { secret, key, theme, redirect, setup } = document.body.dataset;
const stripe = Stripe(key);
const night = { colorBackground: "#22242a", colorText: "#eceef2" };
const appearance = { theme, variables: theme === "night" ? night : { colorPrimary: "#0a5c36", borderRadius: "12px" } };
const elements = stripe.elements({ clientSecret: secret, appearance });
const element = elements.create("payment");
const say = (id, text) => { document.getElementById(id).textContent = text; };
element.on("ready", () => say("state", "ready"));
element.on("loaderror", ({ error }) => say("state", "loaderror: " + error.message));
element.on("change", ({ complete }) => say("complete", String(complete)));
element.mount("#element");
document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  say("outcome", "");
  const submitted = await elements.submit();
  if (submitted.error) { say("outcome", submitted.error.code + ": " + submitted.error.message); return; }
  const confirm = setup ? stripe.confirmSetup : stripe.confirmPayment;
  const { error, paymentIntent, setupIntent } = await confirm({
    elements, redirect, confirmParams: { return_url: location.origin + "/back?booking=bk_1" },
  });
  say("outcome", error ? [error.type, error.code, error.message].join(": ") : (paymentIntent || setupIntent).status);
});
"""


@dataclass
class Shop:
    """A merchant's site: a pay page under a strict policy, its script, and the page to come back to."""

    simulator_url: str
    page: dict[str, str] = field(default_factory=dict)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        path = Request(environ).path
        if path == "/shop.js":
            response = Response(SHOP, mimetype="text/javascript")
        elif path == "/back":
            response = Response("<!doctype html><title>Back</title><h1>Welcome back</h1>", mimetype="text/html")
        else:
            response = Response(self._pay(), mimetype="text/html")
        allowed = self.simulator_url
        response.headers["Content-Security-Policy"] = (
            f"default-src 'self'; script-src 'self' {allowed}; frame-src {allowed}; "
            f"connect-src 'self' {allowed}; style-src 'self'"
        )
        return response(environ, start_response)

    def _pay(self) -> str:
        data = " ".join(f'data-{name}="{escape(value)}"' for name, value in self.page.items())
        return (
            f'<!doctype html><html lang="en"><title>Pay</title><body {data}>'
            '<main><h1>Pay</h1><form id="form"><div id="element"></div><button>Pay</button></form>'
            '<p id="state"></p><p id="complete"></p><p id="outcome" role="status"></p></main>'
            f'<script src="{self.simulator_url}/stripe.js"></script><script src="/shop.js"></script></body></html>'
        )


@dataclass
class Stage:
    """A simulator, a shop and a browser tab, with everything the tab complained about."""

    sim: Simulator
    client: stripe.StripeClient
    shop: Shop
    shop_url: str
    tab: Page
    complaints: list[str]

    def open(self, secret: str, theme: str = "stripe", redirect: str = "if_required", **page: str) -> None:
        """Load the pay page of an intent and wait for the card form."""
        self.shop.page = {
            "secret": secret,
            "key": "pk_test_shop",
            "theme": theme,
            "redirect": redirect,
            **page,
        }
        self.tab.goto(f"{self.shop_url}/")
        expect(self.tab.locator("#state")).to_have_text("ready")

    def pay(self, number: str, expiry: str = "12 / 50", cvc: str = "123") -> None:
        """Type a card as a person does and press Pay."""
        form = self.tab.frame_locator("iframe[title='Secure payment input frame']")
        for label, text in (
            ("Card number", number),
            ("Expiration date", expiry),
            ("Security code", cvc),
        ):
            form.get_by_label(label).fill("")
            form.get_by_label(label).press_sequentially(text)
        self.tab.get_by_role("button", name="Pay").click()

    def outcome(self, text: str) -> None:
        expect(self.tab.locator("#outcome")).to_have_text(text)

    @property
    def form_frame(self) -> Frame:
        return next(frame for frame in self.tab.frames if "/elements/payment" in frame.url)

    def at_the_bank(self, button: str) -> None:
        bank = self.tab.get_by_role("dialog").frame_locator("iframe")
        bank.get_by_role("button", name=button).click()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def _serve(server: Server | BaseWSGIServer) -> str:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture
def stage(sim: Simulator, chromium: Any) -> Iterator[Stage]:
    simulator = Server(sim, "127.0.0.1", 0)
    shop = Shop(_serve(simulator))
    site = make_server("127.0.0.1", 0, shop, threaded=True)
    site.log_startup = lambda: None
    shop_url = _serve(site)
    context = chromium.new_context()
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: _note(complaints, message))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield Stage(sim, library(sim), shop, shop_url, tab, complaints)
    context.close()
    for server in (simulator, site):
        server.shutdown()
        server.server_close()
    assert complaints == []


def _note(complaints: list[str], message: ConsoleMessage) -> None:
    # Chromium itself logs every 4xx answer; a declined card is one, and no fault of the page.
    if message.type in ("error", "warning") and "the server responded with a status of 402" not in message.text:
        complaints.append(message.text)


def test_a_card_is_typed_and_the_price_is_held(stage: Stage) -> None:
    intent = an_intent(stage.client)
    stage.open(intent.client_secret)
    stage.pay("4242424242424242")
    stage.outcome("requires_capture")
    held = stage.client.v1.payment_intents.retrieve(intent.id, {"expand": ["payment_method"]})
    assert (held.status, held.payment_method.card.last4) == ("requires_capture", "4242")


def test_the_browser_goes_back_to_the_merchant_with_the_outcome(stage: Stage) -> None:
    intent = an_intent(stage.client)
    stage.open(intent.client_secret, redirect="always")
    stage.pay("4242424242424242")
    stage.tab.wait_for_url("**/back?**")
    for part in ("booking=bk_1", f"payment_intent={intent.id}", "redirect_status=succeeded"):
        assert part in stage.tab.url


def test_a_declined_card_says_so_and_another_one_pays(stage: Stage) -> None:
    intent = an_intent(stage.client)
    stage.open(intent.client_secret)
    stage.pay("4000000000009995")
    stage.outcome("card_error: card_declined: Your card has insufficient funds.")
    stage.pay("4242424242424242")
    stage.outcome("requires_capture")


def test_3_d_secure_completed_holds_the_price(stage: Stage) -> None:
    intent = an_intent(stage.client)
    stage.open(intent.client_secret)
    stage.pay("4000000000003220")
    stage.at_the_bank("Complete")
    stage.outcome("requires_capture")
    expect(stage.tab.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("refusal", ["Fail", "Cancel", "Escape"])
def test_3_d_secure_refused_asks_for_another_card(stage: Stage, refusal: str) -> None:
    intent = an_intent(stage.client)
    stage.open(intent.client_secret)
    stage.pay("4000000000003220")
    expect(stage.tab.get_by_role("dialog")).to_be_visible()
    if refusal == "Fail":
        stage.at_the_bank("Fail")
    elif refusal == "Cancel":
        stage.tab.get_by_role("button", name="Cancel").click()
    else:
        stage.tab.keyboard.press("Escape")
    stage.outcome(
        "invalid_request_error: payment_intent_authentication_failure: We are unable to authenticate your payment "
        "method. Please choose a different payment method and try again."
    )
    assert stage.client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


def test_an_incomplete_card_is_caught_in_the_form(stage: Stage) -> None:
    stage.open(an_intent(stage.client).client_secret)
    stage.pay("42424242")
    stage.outcome("incomplete_number: Your card number is incomplete.")
    number = stage.tab.frame_locator("iframe").get_by_label("Card number")
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(number).to_have_value("4242 4242")
    expect(number).to_be_focused()


def test_a_card_is_kept_by_a_setup_intent(stage: Stage) -> None:
    setup = stage.client.v1.setup_intents.create({"allowed_payment_method_types": ["card"]})
    stage.open(setup.client_secret, setup="yes")
    stage.pay("4000002500003155")
    stage.at_the_bank("Complete")
    stage.outcome("succeeded")


@pytest.mark.parametrize("theme", ["stripe", "night"])
def test_the_form_and_the_bank_are_accessible(stage: Stage, theme: str) -> None:
    stage.open(an_intent(stage.client).client_secret, theme=theme)
    stage.pay("4242 4242", expiry="13 / 50", cvc="1")
    stage.outcome("incomplete_number: Your card number is incomplete.")
    assert _violations(stage.form_frame) == []
    stage.pay("4000000000003220")
    expect(stage.tab.get_by_role("dialog").frame_locator("iframe").get_by_role("button")).to_have_count(2)
    bank = next(frame for frame in stage.tab.frames if "/three_d_secure/" in frame.url)
    assert _violations(bank) == []
    assert _violations(stage.tab.main_frame) == []
    stage.at_the_bank("Complete")
    stage.outcome("requires_capture")


def test_the_form_grows_with_its_errors_and_wears_the_merchants_colours(stage: Stage) -> None:
    stage.open(an_intent(stage.client).client_secret)
    frame = stage.tab.locator("iframe[title='Secure payment input frame']")
    calm = frame.bounding_box()
    stage.pay("4242", expiry="1", cvc="1")
    stage.outcome("incomplete_number: Your card number is incomplete.")
    stage.tab.wait_for_function(
        "height => document.querySelector('iframe').offsetHeight > height", arg=(calm or {})["height"]
    )
    number = stage.tab.frame_locator("iframe").get_by_label("Card number")
    expect(number).to_have_css("border-radius", "12px")


def test_a_page_that_lost_its_intent_hears_of_it(stage: Stage) -> None:
    intent = an_intent(stage.client)
    stage.shop.page = {
        "secret": f"{intent.id}_secret_wrong",
        "key": "pk_test_shop",
        "theme": "stripe",
        "redirect": "if_required",
    }
    stage.tab.goto(f"{stage.shop_url}/")
    expect(stage.tab.locator("#state")).to_contain_text("loaderror: No such payment_intent")
    stage.complaints[:] = [text for text in stage.complaints if "status of 404" not in text]


def _violations(frame: Frame) -> list[str]:
    frame.evaluate(AXE)
    # The form is a part of a page that has its own first heading.
    rules = "{'page-has-heading-one': {enabled: false}}"
    found = frame.evaluate(f"async () => (await axe.run({{iframes: false, rules: {rules}}})).violations")
    return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]
