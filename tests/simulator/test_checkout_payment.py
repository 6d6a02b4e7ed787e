"""Facts about the Checkout page: paying and holding; declines, the bank, two tabs at once, known customers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from stripe_simulator import Simulator

from .checkout_stories import NO_FUNDS, THREE_D_SECURE, VISA, again, open_tab
from .stories import DAY, a_hold, events_of

PAID = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]


def test_paying_completes_the_session_last(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, payment_intent_data={"metadata": {"booking": "bk_1"}, "description": "Two hours"})
    assert events_of(sim, tab.pay) == PAID
    done = again(client, tab.session, expand=["payment_intent.latest_charge"])
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert (done.customer, done.customer_details.email, done.customer_details.name) == (None, "ann@example.com", "Ann")
    intent = done.payment_intent
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 5000, "usd")
    assert (intent.metadata["booking"], intent.description) == ("bk_1", "Two hours")
    assert intent.latest_charge.billing_details.email == "ann@example.com"


def test_the_completed_event_carries_the_whole_session(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, client_reference_id="bk_1")
    tab.pay()
    told = sim.events_since(None)[-1]["data"]["object"]
    assert (told["id"], told["status"], told["payment_status"]) == (tab.session.id, "complete", "paid")
    assert told["client_reference_id"] == "bk_1"
    assert not any(name.startswith("_") for name in told)


def test_the_browser_goes_on_to_the_success_url_with_the_sessions_id(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    tab = open_tab(sim, client)
    assert tab.pay() == f"http://localhost:5000/thanks?session={tab.session.id}"


def test_a_held_price_completes_the_session_unpaid_until_it_is_captured(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    tab = open_tab(sim, client, payment_intent_data={"capture_method": "manual"})
    told = events_of(sim, tab.pay)
    held = ["payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated"]
    assert told == [*held, "checkout.session.completed"]
    done = again(client, tab.session, expand=["payment_intent"])
    assert (done.status, done.payment_status, done.payment_intent.status) == ("complete", "unpaid", "requires_capture")
    client.v1.payment_intents.capture(done.payment_intent.id, {"amount_to_capture": 2000})
    assert again(client, tab.session).payment_status == "paid"


def test_a_lapsed_hold_stays_unpaid(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, payment_intent_data={"capture_method": "manual"})
    tab.pay()
    assert events_of(sim, lambda: sim.clock.advance(8 * DAY)) == ["charge.expired", "payment_intent.canceled"]
    assert (again(client, tab.session).status, again(client, tab.session).payment_status) == ("complete", "unpaid")


def test_a_declined_card_leaves_the_session_open_and_another_one_pays(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    tab = open_tab(sim, client)
    assert tab.refused(NO_FUNDS) == {"": "Your card has insufficient funds."}
    declined = again(client, tab.session)
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    assert events_of(sim, tab.pay) == PAID[1:]
    paid = again(client, tab.session)
    assert paid.payment_intent == declined.payment_intent
    assert [charge.status for charge in client.v1.charges.list()] == ["succeeded", "failed"]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"number": "4242424242424241"}, "number"),
        ({"number": "4242"}, "number"),
        ({"number": ""}, "number"),
        ({"expiry": "13 / 50"}, "expiry"),
        ({"expiry": "12 / 20"}, "expiry"),
        ({"expiry": "soon"}, "expiry"),
        ({"cvc": "12"}, "cvc"),
        ({"cvc": ""}, "cvc"),
        ({"name": " "}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": ""}, "email"),
    ],
)
def test_a_mistake_is_said_at_its_field_and_leaves_no_trace(
    sim: Simulator, client: stripe.StripeClient, fields: dict[str, str], where: str
) -> None:
    tab, said = open_tab(sim, client), dict[str, str]()
    told = events_of(sim, lambda: said.update(tab.refused(**{"number": VISA, **fields})))
    assert (list(said), told) == ([where], [])
    assert client.v1.payment_intents.list().data == []


def test_every_mistake_is_said_at_once(sim: Simulator, client: stripe.StripeClient) -> None:
    empty = {"email": "", "name": "", "number": "", "expiry": "", "cvc": ""}
    assert set(open_tab(sim, client).refused(**empty)) == set(empty)


# --- the bank -----------------------------------------------------------------------------------------------


def test_the_bank_is_asked_and_the_payer_comes_back(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client)
    bank = tab.pay(THREE_D_SECURE)
    assert again(client, tab.session).status == "open"
    back = tab.at_the_bank(bank)
    assert again(client, tab.session).payment_status == "paid"
    answer = tab.come_back(back)
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        f"http://localhost:5000/thanks?session={tab.session.id}",
    )


def test_a_payer_who_never_comes_back_from_the_bank_has_paid(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client)
    bank = tab.pay(THREE_D_SECURE)
    assert events_of(sim, lambda: tab.at_the_bank(bank)) == PAID[1:]


def test_failing_at_the_bank_asks_for_another_card(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client)
    page = tab.come_back(tab.at_the_bank(tab.pay(THREE_D_SECURE), "fail"))
    assert page.status_code == 200
    assert "We are unable to authenticate your payment method." in page.text
    assert "We are unable" not in tab.look()
    tab.pay()
    assert again(client, tab.session).payment_status == "paid"


def test_the_merchant_can_ask_for_the_bank(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, payment_method_options={"card": {"request_three_d_secure": "any"}})
    assert "/three_d_secure/" in tab.pay(VISA)


# --- once only ----------------------------------------------------------------------------------------------


def test_a_double_click_pays_once(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client)
    with ThreadPoolExecutor(8) as pool:
        ends = set(pool.map(lambda _: tab.pay(), range(8)))
    assert ends == {f"http://localhost:5000/thanks?session={tab.session.id}"}
    assert [charge.amount for charge in client.v1.charges.list()] == [5000]
    assert [event["type"] for event in sim.events_since(None)].count("checkout.session.completed") == 1


def test_two_tabs_pay_once_even_with_one_at_the_bank(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client)
    bank = tab.pay(THREE_D_SECURE)
    tab.pay(VISA)
    back = tab.come_back(tab.at_the_bank(bank))
    assert back.headers["Location"] == f"http://localhost:5000/thanks?session={tab.session.id}"
    assert [charge.payment_method_details.card.last4 for charge in client.v1.charges.list()] == ["4242"]


# --- customers ----------------------------------------------------------------------------------------------


def test_a_customer_is_made_when_that_was_asked_for(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, customer_creation="always")
    assert events_of(sim, tab.pay) == ["customer.created", *PAID]
    done = again(client, tab.session, expand=["customer", "payment_intent"])
    assert (done.customer.email, done.customer.name) == ("ann@example.com", "Ann")
    assert done.payment_intent.customer == done.customer.id


def test_a_known_email_is_shown_and_one_of_a_customer_without_it_is_kept(
    sim: Simulator, client: stripe.StripeClient
) -> None:
    assert 'value="cho@example.com"' in open_tab(sim, client, customer_email="cho@example.com").look()
    ann = client.v1.customers.create({"name": "Ann"})
    told = events_of(sim, open_tab(sim, client, customer=ann.id).pay)
    assert told == ["customer.updated", *PAID]
    assert client.v1.customers.retrieve(ann.id).email == "ann@example.com"


def test_setup_future_usage_keeps_the_card_with_the_customer(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"email": "ann@example.com"})
    open_tab(sim, client, customer=ann.id, payment_intent_data={"setup_future_usage": "off_session"}).pay()
    kept = client.v1.customers.payment_methods.list(ann.id).data[0]
    assert kept.allow_redisplay == "limited"
    assert a_hold(client, kept.id, customer=ann.id, off_session=True).status == "requires_capture"


def test_a_card_is_kept_when_its_owner_ticks_the_box(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"email": "ann@example.com"})
    options = {"payment_method_save": "enabled"}
    tab = open_tab(sim, client, customer=ann.id, saved_payment_method_options=options)
    assert "Save this card for next time" in tab.look()
    tab.pay(keep="yes")
    kept = client.v1.customers.payment_methods.list(ann.id, {"allow_redisplay": "always"}).data
    assert len(kept) == 1
    unticked = open_tab(sim, client, customer=ann.id, saved_payment_method_options=options)
    assert "Visa •••• 4242" in unticked.look()
    unticked.pay()
    assert len(client.v1.customers.payment_methods.list(ann.id).data) == 1


def test_a_kept_card_pays_without_being_typed(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"email": "ann@example.com", "payment_method": "pm_card_mastercard"})
    card = client.v1.customers.payment_methods.list(ann.id).data[0]
    tab = open_tab(sim, client, customer=ann.id)
    assert "Mastercard" not in tab.look()
    client.v1.payment_methods.update(card.id, {"allow_redisplay": "always"})
    assert "Mastercard •••• 4444" in tab.look()
    assert tab.refused("", kept_card="pm_none") == {"": "No such PaymentMethod: 'pm_none'"}
    tab.pay("", name="", expiry="", cvc="", kept_card=card.id)
    intent = client.v1.payment_intents.list().data[0]
    assert (intent.payment_method, intent.status) == (card.id, "succeeded")
