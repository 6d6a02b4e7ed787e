"""Facts about the Checkout page itself: what it shows, keeps to itself, and says when it is over."""

from __future__ import annotations

import stripe
from werkzeug.test import Client

from stripe_simulator import Simulator

from .checkout_stories import CANCEL, DECLINED, THREE_D_SECURE, VISA, a_session, again, an_item, open_tab
from .conftest import library


def test_the_page_shows_what_is_bought_and_the_way_back(sim: Simulator, client: stripe.StripeClient) -> None:
    text = open_tab(sim, client, submit_type="book").look()
    for part in ("An hour with Bob", "× 2", f'href="{CANCEL}"', "Test mode", ">Book "):
        assert part in text


def test_words_of_the_merchant_are_only_words(sim: Simulator, client: stripe.StripeClient) -> None:
    evil = '"><script>alert(1)</script>'
    item = an_item(product_data={"name": evil})
    cancel = 'http://localhost:5000/"><script>alert(1)</script>'
    tab = open_tab(sim, client, line_items=[item], cancel_url=cancel)
    assert "<script>alert" not in tab.look()
    page = Client(sim).post(tab.path, data={"email": evil, "name": evil, "number": evil, "expiry": evil, "cvc": evil})
    assert "<script>alert" not in page.text


def test_a_page_without_a_script_says_what_is_wrong_and_never_repeats_the_card(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    tab = open_tab(sim, client)
    form = {"email": "ann@example.com", "name": "Ann", "number": DECLINED, "expiry": "12 / 50", "cvc": "987"}
    page = Client(sim).post(tab.path, data=form)
    assert "Your card was declined." in page.text
    assert 'value="Ann"' in page.text
    assert DECLINED not in page.text
    assert "987" not in page.text
    done = Client(sim).post(tab.path, data={**form, "number": VISA})
    assert (done.status_code, "thanks" in done.headers["Location"]) == (303, True)


def test_a_page_that_is_over_says_so(sim: Simulator, client: stripe.StripeClient) -> None:
    paid = open_tab(sim, client)
    paid.pay()
    assert "all done here" in paid.look()
    expired = open_tab(sim, client)
    client.v1.checkout.sessions.expire(expired.session.id)
    assert "This page has expired" in expired.look()
    assert f'href="{CANCEL}"' in expired.look()
    late = Client(sim).post(expired.path, data={"email": "ann@example.com"})
    assert "This page has expired" in late.text
    assert Client(sim).get("/c/pay/cs_test_none").status_code == 404


def test_the_page_of_a_connected_accounts_session_pays_that_account(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    bob = client.v1.accounts.create(
        {
            "type": "custom",
            "country": "US",
            "email": "bob@example.com",
            "capabilities": {"card_payments": {"requested": True}},
        }
    )
    his = library(sim, stripe_account=bob.id)
    tab = open_tab(sim, his)
    tab.at_the_bank(tab.pay(THREE_D_SECURE))
    assert again(his, tab.session).payment_status == "paid"
    assert sim.events_since(None)[-1]["account"] == bob.id
    assert client.v1.charges.list().data == []


def test_a_session_survives_the_end_of_the_process(tmp_path: object) -> None:
    first = Simulator(f"{tmp_path}/stripe.db")
    tab = open_tab(first, library(first))
    bank = tab.pay(THREE_D_SECURE)
    first.close()
    second = Simulator(f"{tmp_path}/stripe.db")
    tab.sim = second
    tab.at_the_bank(bank)
    assert again(library(second), tab.session).payment_status == "paid"
    second.close()


def test_jpy_has_no_decimals_on_the_page(sim: Simulator, client: stripe.StripeClient) -> None:
    text = open_tab(sim, client, line_items=[an_item(5000, 1, currency="jpy")]).look()
    assert "5,000" in text
    assert "50.00" not in text
    assert a_session(client, line_items=[an_item(50, 1, currency="jpy")]).amount_total == 50
