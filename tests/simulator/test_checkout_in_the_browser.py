"""The Checkout page as a person meets it: typed, declined, at the bank, back; light, dark, small, without a script."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
import stripe
from playwright.sync_api import Page, Route, expect, sync_playwright
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from stripe_simulator import Simulator
from stripe_simulator.server import Server

from .checkout_stories import DECLINED, NO_FUNDS, THREE_D_SECURE, VISA, a_session, again, an_item
from .conftest import library

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@dataclass
class Stage:
    """A simulator on a socket, a shop to come from and go to, and a tab with everything it complained about."""

    client: stripe.StripeClient
    url: str
    shop: str
    browser: Any
    tab: Page
    complaints: list[str]

    def open(self, mode: str = "payment", **given: Any) -> stripe.checkout.Session:
        """Open a new session's page."""
        session = a_session(
            self.client, mode, success_url=f"{self.shop}/thanks?{{CHECKOUT_SESSION_ID}}", cancel_url=self.shop, **given
        )
        self.visit(session)
        return session

    def visit(self, session: stripe.checkout.Session) -> None:
        self.tab.goto(f"{self.url}/c/pay/{session.id}")

    def watch(self, **options: Any) -> None:
        """Take a new tab with these options."""
        self.tab = self.browser.new_context(**options).new_page()
        self.tab.on("console", lambda each: each.type in ("error", "warning") and self.complaints.append(each.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))

    def type(self, number: str, email: str = "ann@example.com") -> None:
        """Fill in the form as a person does."""
        for label, text in (
            ("Email", email),
            ("Card number", number),
            ("Expiration date", "1250"),
            ("Security code", "123"),
            ("Name on card", "Ann"),
        ):
            self.tab.get_by_label(label, exact=True).fill("")
            self.tab.get_by_label(label, exact=True).press_sequentially(text)

    def press(self, button: str = "Pay") -> None:
        self.tab.get_by_role("button", name=button).click()

    def arrives(self, session: stripe.checkout.Session) -> None:
        """The browser ends on the shop's page of thanks for this session."""
        self.tab.wait_for_url(f"{self.shop}/thanks?{session.id}")

    def violations(self) -> list[str]:
        """What axe finds wrong, and whether anything sticks out to the side."""
        self.tab.evaluate(AXE)
        found = self.tab.evaluate("async () => (await axe.run()).violations")
        wide = self.tab.evaluate("document.documentElement.scrollWidth > innerWidth")
        return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found] + ["wide"] * wide


@Request.application
def the_shop(request: Request) -> Response:
    return Response(f"<!doctype html><title>Shop</title><h1>Shop {request.path}</h1>", mimetype="text/html")


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
    simulator, shop = Server(sim, "127.0.0.1", 0), make_server("127.0.0.1", 0, the_shop, threaded=True)
    shop.log_startup = lambda: None
    stage = Stage(library(sim), _serve(simulator), _serve(shop), chromium, None, [])  # type: ignore[arg-type]
    stage.watch()
    yield stage
    for context in list(chromium.contexts):
        context.close()
    for server in (simulator, shop):
        server.shutdown()
        server.server_close()
    assert stage.complaints == []


def test_a_person_pays_and_is_thanked(stage: Stage) -> None:
    session = stage.open()
    stage.type(VISA)
    expect(stage.tab.get_by_label("Card number")).to_have_value("4242 4242 4242 4242")
    expect(stage.tab.get_by_label("Expiration date")).to_have_value("12 / 50")
    stage.press()
    stage.arrives(session)
    done = again(stage.client, session)
    assert (done.payment_status, done.customer_details.email) == ("paid", "ann@example.com")


def test_a_decline_is_said_in_place_and_another_card_pays(stage: Stage) -> None:
    session = stage.open()
    stage.type(NO_FUNDS)
    stage.press()
    expect(stage.tab.get_by_role("alert").filter(has_text="insufficient funds")).to_be_visible()
    expect(stage.tab.get_by_label("Name on card")).to_have_value("Ann")
    assert stage.tab.url.endswith(session.id)
    stage.type(VISA)
    stage.press()
    stage.arrives(session)


def test_mistakes_are_said_at_their_fields(stage: Stage) -> None:
    session = stage.open()
    stage.type("4242424242424241", email="ann")
    stage.press()
    email = stage.tab.get_by_label("Email")
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_be_focused()
    expect(email).to_have_accessible_description("Your email is incomplete.")
    email.fill("ann@example.com")
    expect(email).not_to_have_attribute("aria-invalid", "true")
    stage.press()
    expect(stage.tab.get_by_label("Card number")).to_have_accessible_description("Your card number is incorrect.")
    assert again(stage.client, session).payment_intent is None


def test_the_bank_lets_the_payment_through(stage: Stage) -> None:
    session = stage.open(payment_intent_data={"capture_method": "manual"})
    stage.type(THREE_D_SECURE)
    stage.press()
    stage.press("Complete")
    stage.arrives(session)
    held = again(stage.client, session, expand=["payment_intent"])
    assert (held.status, held.payment_intent.status) == ("complete", "requires_capture")


def test_a_no_at_the_bank_comes_back_to_the_form(stage: Stage) -> None:
    session = stage.open()
    stage.type(THREE_D_SECURE)
    stage.press()
    stage.press("Fail")
    expect(stage.tab.get_by_role("alert").filter(has_text="unable to authenticate")).to_be_visible()
    stage.type(VISA)
    stage.press()
    stage.arrives(session)


def test_the_way_back_leads_to_the_shop(stage: Stage) -> None:
    session = stage.open()
    stage.tab.get_by_role("link", name="Back to Simulated platform").click()
    stage.tab.wait_for_url(f"{stage.shop}/")
    assert again(stage.client, session).status == "open"


def test_an_impatient_person_pays_once(stage: Stage) -> None:
    session = stage.open()
    stage.type(VISA)
    stage.tab.get_by_role("button", name="Pay").dblclick()
    stage.arrives(session)
    assert len(stage.client.v1.charges.list().data) == 1


def test_an_answer_lost_on_the_way_is_asked_for_again_and_paid_once(stage: Stage) -> None:
    session = stage.open()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    stage.tab.route("**/c/pay/*", lose, times=1)
    stage.type(VISA)
    stage.press()
    expect(stage.tab.get_by_role("alert").filter(has_text="We could not reach the payment service")).to_be_visible()
    stage.press()
    stage.arrives(session)
    assert len(stage.client.v1.charges.list().data) == 1
    stage.complaints[:] = [text for text in stage.complaints if "net::ERR_FAILED" not in text]


def test_a_second_tab_finds_it_paid(stage: Stage) -> None:
    session = stage.open()
    first = stage.tab
    stage.watch()
    stage.visit(session)
    stage.type(VISA)
    stage.press()
    stage.arrives(session)
    stage.tab = first
    stage.type(DECLINED)
    stage.press()
    stage.arrives(session)
    assert [charge.status for charge in stage.client.v1.charges.list()] == ["succeeded"]


def test_a_kept_card_hides_the_form_for_a_new_one(stage: Stage) -> None:
    ann = stage.client.v1.customers.create({"email": "ann@example.com", "payment_method": "pm_card_visa"})
    card = stage.client.v1.customers.payment_methods.list(ann.id).data[0]
    stage.client.v1.payment_methods.update(card.id, {"allow_redisplay": "always"})
    session = stage.open(customer=ann.id)
    number = stage.tab.get_by_label("Card number")
    expect(number).to_be_hidden()
    stage.tab.get_by_label("Use another card").check()
    expect(number).to_be_visible()
    stage.tab.get_by_label("Visa •••• 4242").check()
    assert stage.violations() == []
    stage.press()
    stage.arrives(session)


@pytest.mark.parametrize(("mode", "button"), [("setup", "Save card"), ("subscription", "Subscribe")])
def test_a_person_keeps_a_card_or_subscribes(stage: Stage, mode: str, button: str) -> None:
    session = stage.open(mode)
    stage.type(THREE_D_SECURE)
    stage.press(button)
    stage.press("Complete")
    stage.arrives(session)
    assert again(stage.client, session).status == "complete"


def test_it_works_without_a_script(stage: Stage) -> None:
    stage.watch(java_script_enabled=False)
    session = stage.open()
    stage.type(DECLINED)
    stage.press()
    expect(stage.tab.get_by_role("alert").filter(has_text="Your card was declined.")).to_be_visible()
    expect(stage.tab.get_by_label("Card number")).to_have_value("")
    stage.type(VISA)
    stage.press()
    stage.arrives(session)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_state_is_accessible(stage: Stage, scheme: str, width: int) -> None:
    stage.watch(color_scheme=scheme, viewport={"width": width, "height": 844})
    items = [an_item(), an_item(999_900, 1, product_data={"name": "W" * 80})]
    session = stage.open(line_items=items)
    assert stage.violations() == []
    stage.press()
    expect(stage.tab.get_by_label("Email")).to_have_attribute("aria-invalid", "true")
    assert stage.violations() == []
    stage.type(DECLINED)
    stage.press()
    expect(stage.tab.get_by_role("alert").filter(has_text="declined")).to_be_visible()
    assert stage.violations() == []
    stage.open("setup")
    assert stage.violations() == []
    stage.open("subscription", subscription_data={"trial_period_days": 7})
    assert stage.violations() == []
    stage.client.v1.checkout.sessions.expire(session.id)
    stage.visit(session)
    expect(stage.tab.get_by_text("This page has expired")).to_be_visible()
    assert stage.violations() == []
