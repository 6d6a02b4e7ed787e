"""The page at `/`: it tells what happened, moves things on, and cannot be pressed by other sites."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from playwright.sync_api import Page, sync_playwright
from werkzeug.test import Client

from stripe_simulator import Simulator
from stripe_simulator.server import Server

from .stories import DAY, a_hold, a_payment, an_intent, events_of, refusal
from .test_in_the_browser import AXE, CHROMIUM


@pytest.fixture
def web(sim: Simulator) -> Client:
    return Client(sim)


def token_of(web: Client) -> str:
    found = re.search(r'name="token" value="([^"]+)"', web.get("/").text)
    assert found
    return found[1]


def press(web: Client, action: str, **form: Any) -> Any:
    return web.post(f"/dashboard/do/{action}", data={"token": token_of(web), "back": "/", **form})


def test_it_shows_requests_with_answers_events_and_deliveries_newest_first(
    sim: Simulator, client: stripe.StripeClient, web: Client
) -> None:
    hold = a_hold(client, metadata={"booking": "bk_<1>"})
    sim.deliver(lambda *_: 200)
    client.v1.payment_intents.capture(hold.id, {}, {"idempotency_key": "op_1"})
    page = web.get("/").text
    assert page.index("payment_intent.succeeded") < page.index("payment_intent.created")
    assert page.index("/capture") < page.index("metadata[booking]")
    assert "bk_&lt;1&gt;" in page
    assert "bk_<1>" not in page
    assert "op_1" in page
    assert "delivered" in page
    assert f'href="/dashboard/{hold.id}"' in page


def test_an_object_has_a_page_with_all_that_happened_to_it(client: stripe.StripeClient, web: Client) -> None:
    paid, other = a_payment(client), an_intent(client)
    page = web.get(f"/dashboard/{paid.id}").text
    assert "charge.succeeded" in page
    assert str(paid.latest_charge) in page
    assert other.id not in page
    assert web.get(f"/?id={paid.id}").headers["Location"] == f"/dashboard/{paid.id}"
    assert web.get("/dashboard/payment_intent").text.count('class="card line"') == 2
    assert web.get("/dashboard/pi_none").status_code == 404
    assert "_merchant_initiated" not in page


def test_events_of_the_clock_are_shown_as_its_own(sim: Simulator, client: stripe.StripeClient, web: Client) -> None:
    a_hold(client)
    press(web, "advance", days="8")
    page = web.get("/").text
    assert page.index("CLOCK") < page.index("charge.expired") < page.index("payment_intent.canceled")
    assert sim.clock.offset == pytest.approx(8 * DAY, abs=1)


def test_an_event_can_be_sent_again(sim: Simulator, client: stripe.StripeClient, web: Client) -> None:
    an_intent(client)
    sim.deliver(lambda *_: 200)
    press(web, "resend", event=sim.events_since(None)[0]["id"])
    assert sim.deliver(lambda *_: 200) == 1


def test_a_payment_can_be_disputed_from_its_page(sim: Simulator, client: stripe.StripeClient, web: Client) -> None:
    paid, held = a_payment(client), a_hold(client)
    assert "Open a dispute" in web.get(f"/dashboard/{paid.id}").text
    assert "Open a dispute" not in web.get(f"/dashboard/{held.id}").text
    told = events_of(sim, lambda: press(web, "dispute", id=paid.id))
    assert told[0] == "charge.dispute.created"
    assert "notice=" in press(web, "dispute", id=held.id).headers["Location"]


def test_deliveries_can_be_held_back_and_let_go(sim: Simulator, client: stripe.StripeClient, web: Client) -> None:
    press(web, "deliveries", hold="yes")
    an_intent(client)
    assert sim.deliver(lambda *_: 200) == 0
    press(web, "deliveries", hold="")
    assert sim.deliver(lambda *_: 200) == 1


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({"token": "guessed"}, {}),
        ({}, {}),
        ({"token": None}, {"Origin": "https://evil.example"}),
        ({"token": None}, {"Origin": "http://localhost:5000"}),
        ({"token": None}, {"Sec-Fetch-Site": "cross-site"}),
        ({"token": None}, {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_another_sites_form_moves_nothing(
    sim: Simulator, web: Client, form: dict[str, Any], headers: dict[str, str]
) -> None:
    if "token" in form and form["token"] is None:
        form = {"token": token_of(web)}
    answer = web.post("/dashboard/do/advance", data={"seconds": "60", **form}, headers=headers)
    assert answer.status_code == 403
    assert sim.clock.offset == 0


@pytest.mark.parametrize("days", ["-1", "0", "soon", "nan", "1e9", ""])
def test_a_senseless_move_says_so_and_moves_nothing(sim: Simulator, web: Client, days: str) -> None:
    assert press(web, "advance", days=days).status_code == 303
    assert sim.clock.offset == 0


def test_it_leads_back_to_its_own_pages_only(web: Client) -> None:
    for back in ("https://evil.example/x", "//evil.example", "/v1/charges", "/\\evil.example"):
        assert press(web, "advance", seconds="1", back=back).headers["Location"].startswith("/?notice=")


def test_long_histories_come_in_pages(client: stripe.StripeClient, web: Client) -> None:
    for _ in range(50):
        an_intent(client)
    first = web.get("/").text
    older = re.search(r'href="(/\?before=\d+)"', first)
    assert older
    second = web.get(older[1]).text
    assert (first.count('class="method post"'), second.count('class="method post"')) == (40, 10)


def test_lost_answers_and_refusals_are_shown_too(sim: Simulator, client: stripe.StripeClient, web: Client) -> None:
    sim.faults.add("lose_answer")
    refusal(lambda: an_intent(client))
    refusal(lambda: client.v1.refunds.create({"payment_intent": "pi_none"}))
    page = web.get("/").text
    assert "no answer" in page
    assert "resource_missing" in page


def test_the_journal_is_bounded_and_survives_a_restart(tmp_path: Any) -> None:
    path = str(tmp_path / "stripe.db")
    first = Simulator(path)
    web = Client(first)
    for _ in range(1150):
        web.get("/v1/charges", headers={"Authorization": "Bearer sk_test_x"})
    first.close()
    second = Simulator(path)
    assert 1000 <= len(second.journal.page(5000)) <= 1100
    second.close()


@pytest.fixture
def page(sim: Simulator) -> Iterator[Page]:
    """A browser on the front page of a simulator with a history."""
    server = Server(sim, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=f"http://127.0.0.1:{server.server_address[1]}")
        shown = context.new_page()
        shown.complaints = []  # type: ignore[attr-defined]
        shown.on("console", lambda message: shown.complaints.append(message.text))  # type: ignore[attr-defined]
        yield shown
        browser.close()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_accessible_and_fits_in_both_schemes(
    sim: Simulator, client: stripe.StripeClient, page: Page, scheme: Any, width: int
) -> None:
    paid = a_payment(client)
    a_hold(client)
    refusal(lambda: a_hold(client, "pm_card_chargeDeclined"))
    sim.deliver(lambda *_: 500)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("/", f"/dashboard/{paid.id}", "/dashboard/charge", "/dashboard/nothing"):
        page.goto(path)
        for summary in page.locator("summary").all()[:2]:
            summary.click()
        page.evaluate(AXE)
        assert page.evaluate("axe.run()")["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [line for line in page.complaints if "404" not in line] == []  # type: ignore[attr-defined]


@pytest.mark.browser
def test_a_person_moves_the_clock_and_follows_a_payment(
    sim: Simulator, client: stripe.StripeClient, page: Page
) -> None:
    hold = a_hold(client)
    page.goto("/")
    page.get_by_role("button", name="+ 7 days").click()
    page.get_by_role("status").filter(has_text="7 days").wait_for()
    page.get_by_role("link", name="payment_intent.canceled").wait_for()
    page.get_by_label("Object id").fill(hold.id)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("heading", name=hold.id).wait_for()
    an_intent(client)
    page.get_by_role("link", name="Stripe simulator").click()
    page.get_by_text("payment_intent.created").first.wait_for()
    newest = an_intent(client)  # the page notices by itself
    page.get_by_role("link", name=newest.id).first.wait_for()
    assert page.complaints == []  # type: ignore[attr-defined]
