"""Facts about Checkout Sessions as the API shows them: what they hold, find, refuse and when they end."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator

from .checkout_stories import CANCEL, SUCCESS, THREE_D_SECURE, a_session, again, an_item, open_tab
from .stories import DAY, HOUR, events_of, refusal


def create(client: stripe.StripeClient, **given: Any) -> stripe.StripeError:
    """The refusal of a session that was asked for in a wrong way; None leaves a parameter out."""
    wish = {"mode": "payment", "success_url": SUCCESS, "line_items": [an_item()], **given}
    kept = {name: value for name, value in wish.items() if value is not None}
    return refusal(lambda: client.v1.checkout.sessions.create(kept))  # type: ignore[arg-type]


def test_a_new_session_is_open_and_has_an_address(sim: Simulator, client: stripe.StripeClient) -> None:
    session = a_session(client, client_reference_id="bk_1", metadata={"booking": "bk_1"})
    assert (session.status, session.payment_status, session.mode) == ("open", "unpaid", "payment")
    assert (session.amount_subtotal, session.amount_total, session.currency) == (5000, 5000, "usd")
    assert (session.client_reference_id, session.metadata["booking"]) == ("bk_1", "bk_1")
    assert session.id.startswith("cs_test_")
    assert session.url == f"http://127.0.0.1:12111/c/pay/{session.id}"
    assert (session.success_url, session.cancel_url) == (SUCCESS, CANCEL)
    assert (session.ui_mode, session.customer_creation, session.customer_details) == (
        "hosted_page",
        "if_required",
        None,
    )
    assert session.expires_at == session.created + DAY


def test_the_payment_intent_is_made_when_somebody_pays(sim: Simulator, client: stripe.StripeClient) -> None:
    assert a_session(client).payment_intent is None
    assert client.v1.payment_intents.list().data == []


def test_a_setup_session_comes_with_its_setup_intent(client: stripe.StripeClient) -> None:
    session = a_session(client, "setup", setup_intent_data={"metadata": {"a": "b"}}, expand=["setup_intent"])
    assert (session.payment_status, session.amount_total, session.currency) == ("no_payment_required", None, "usd")
    assert session.setup_intent.metadata["a"] == "b"
    assert session.setup_intent.status == "requires_payment_method"


def test_prices_given_as_data_become_inactive_prices(sim: Simulator, client: stripe.StripeClient) -> None:
    told = events_of(sim, lambda: a_session(client))
    assert told == ["product.created", "price.created"]
    price = client.v1.prices.list().data[0]
    assert (price.active, price.unit_amount, price.type) == (False, 2500, "one_time")
    assert client.v1.products.retrieve(price.product).active is False
    assert create(client, line_items=[{"price": price.id, "quantity": 1}]).error.param == "line_items[0][price]"


def test_line_items_are_listed_and_expanded(client: stripe.StripeClient) -> None:
    items = [an_item(quantity=1), an_item(1000, 3), an_item(700, 1)]
    session = a_session(client, line_items=items, expand=["line_items.data.price.product"])
    assert [item.amount_total for item in session.line_items.data] == [2500, 3000, 700]
    first = session.line_items.data[0]
    assert (first.object, first.description, first.price.product.name) == ("item", *["An hour with Bob"] * 2)
    assert session.amount_total == 6200
    lines = client.v1.checkout.sessions.line_items
    page = lines.list(session.id, {"limit": 2})
    assert (len(page.data), page.has_more) == (2, True)
    rest = lines.list(session.id, {"starting_after": page.data[1].id})
    assert [item.amount_total for item in rest.data] == [700]
    back = lines.list(session.id, {"ending_before": rest.data[0].id, "limit": 1})
    assert ([item.amount_total for item in back.data], back.has_more) == ([3000], True)
    error = refusal(lambda: lines.list(session.id, {"starting_after": "li_none"}))
    assert (error.code, error.error.param) == ("resource_missing", "starting_after")
    assert "line_items" not in again(client, session).to_dict()


def test_an_existing_price_is_sold(client: stripe.StripeClient) -> None:
    product = client.v1.products.create({"name": "Review"})
    price = client.v1.prices.create({"product": product.id, "unit_amount": 4000, "currency": "eur"})
    session = a_session(client, line_items=[{"price": price.id, "quantity": 1}])
    assert (session.amount_total, session.currency) == (4000, "eur")


def test_sessions_are_found_by_what_they_belong_to(sim: Simulator, client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"email": "ann@example.com", "name": "Ann"})
    hers = open_tab(sim, client, customer=ann.id)
    a_session(client)
    hers.pay()
    paid = again(client, hers.session)
    asked: list[dict[str, Any]] = [
        {"customer": ann.id},
        {"payment_intent": paid.payment_intent},
        {"status": "complete"},
        {"customer_details": {"email": "ann@example.com"}},
    ]
    for wish in asked:
        found = client.v1.checkout.sessions.list(wish)  # type: ignore[arg-type]
        assert [session.id for session in found] == [paid.id], wish
    assert len(client.v1.checkout.sessions.list({"status": "open"}).data) == 1
    assert len(client.v1.checkout.sessions.list({"created": {"gte": paid.created}, "limit": 1}).data) == 1
    error = refusal(lambda: client.v1.checkout.sessions.list({"status": "lost"}))  # type: ignore[typeddict-item]
    assert error.error.param == "status"


def test_metadata_of_a_session_can_be_changed_and_nothing_else(client: stripe.StripeClient) -> None:
    session = a_session(client, metadata={"a": "1"})
    changed = client.v1.checkout.sessions.update(session.id, {"metadata": {"b": "2"}})
    assert changed.metadata.to_dict() == {"a": "1", "b": "2"}
    items: Any = {"line_items": [an_item()]}
    error = refusal(lambda: client.v1.checkout.sessions.update(session.id, items))
    assert "not simulated" in str(error)


# --- ends ---------------------------------------------------------------------------------------------------


def test_an_expired_session_says_so_once(sim: Simulator, client: stripe.StripeClient) -> None:
    session = a_session(client)
    assert events_of(sim, lambda: client.v1.checkout.sessions.expire(session.id)) == ["checkout.session.expired"]
    expired = again(client, session)
    assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)
    error = refusal(lambda: client.v1.checkout.sessions.expire(session.id))
    assert error.http_status == 400
    assert "status of `expired`" in str(error)


def test_a_session_expires_by_the_clock_after_a_day(sim: Simulator, client: stripe.StripeClient) -> None:
    session = a_session(client)
    sim.clock.advance(DAY - 60)
    assert again(client, session).status == "open"
    assert events_of(sim, lambda: sim.clock.advance(120)) == ["checkout.session.expired"]
    event = client.v1.events.list({"type": "checkout.session.expired"}).data[0]
    assert event.created == session.expires_at
    assert again(client, session).status == "expired"


def test_a_session_expires_when_it_was_told_to(sim: Simulator, client: stripe.StripeClient) -> None:
    at = int(sim.clock.now()) + HOUR
    session = a_session(client, expires_at=at)
    assert session.expires_at == at
    sim.clock.set(at + 1)
    assert again(client, session).status == "expired"


def test_expiry_cancels_a_payment_that_waits_at_the_bank(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client)
    bank = tab.pay(THREE_D_SECURE)
    told = events_of(sim, lambda: client.v1.checkout.sessions.expire(tab.session.id))
    assert told == ["payment_intent.canceled", "checkout.session.expired"]
    intent = client.v1.payment_intents.list().data[0]
    assert (intent.status, intent.cancellation_reason) == ("canceled", "automatic")
    page = tab.come_back(tab.at_the_bank(bank))
    assert "This page has expired" in page.text
    assert client.v1.charges.list().data == []


def test_expiry_cancels_the_setup_intent(sim: Simulator, client: stripe.StripeClient) -> None:
    session = a_session(client, "setup")
    told = events_of(sim, lambda: client.v1.checkout.sessions.expire(session.id))
    assert told == ["setup_intent.canceled", "checkout.session.expired"]


def test_a_completed_session_does_not_expire(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client)
    tab.pay()
    error = refusal(lambda: client.v1.checkout.sessions.expire(tab.session.id))
    assert "status of `complete`" in str(error)
    assert events_of(sim, lambda: sim.clock.advance(2 * DAY)) == []
    assert again(client, tab.session).status == "complete"


def test_only_its_page_moves_the_intent_of_an_open_session(sim: Simulator, client: stripe.StripeClient) -> None:
    tab = open_tab(sim, client, payment_intent_data={"capture_method": "manual"})
    tab.refused()
    intent = client.v1.payment_intents.list().data[0]
    setup = a_session(client, "setup").setup_intent
    for move in (
        lambda: client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}),
        lambda: client.v1.payment_intents.cancel(intent.id),
        lambda: client.v1.setup_intents.confirm(setup, {"payment_method": "pm_card_visa"}),
        lambda: client.v1.setup_intents.cancel(setup),
    ):
        error = refusal(move)
        assert error.http_status == 400
        assert "created by the Checkout Session" in str(error)
    tab.pay()
    assert client.v1.payment_intents.cancel(intent.id).status == "canceled"


# --- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"mode": None}, "parameter_missing", "mode"),
        ({"mode": "gift"}, None, "mode"),
        ({"success_url": None}, "parameter_missing", "success_url"),
        ({"success_url": "javascript:alert(1)"}, "url_invalid", "success_url"),
        ({"cancel_url": "/basket"}, "url_invalid", "cancel_url"),
        ({"line_items": None}, "parameter_missing", "line_items"),
        ({"line_items": "all"}, None, "line_items"),
        ({"line_items": [{"quantity": 1}]}, None, "line_items[0]"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "resource_missing", "line_items[0][price]"),
        ({"line_items": [{**an_item(), "quantity": 0}]}, "parameter_invalid_integer", "line_items[0][quantity]"),
        ({"line_items": [{"price_data": an_item()["price_data"]}]}, "parameter_missing", "line_items[0][quantity]"),
        (
            {"line_items": [an_item(product="prod_none")]},
            None,
            "line_items[0][price_data]",
        ),
        ({"line_items": [an_item(currency="xyz")]}, None, "line_items[0][price_data][currency]"),
        (
            {"line_items": [an_item(unit_amount=-1)]},
            "parameter_invalid_integer",
            "line_items[0][price_data][unit_amount]",
        ),
        ({"line_items": [an_item(), an_item(currency="eur")]}, None, "line_items"),
        ({"line_items": [an_item(recurring={"interval": "month"})]}, None, "line_items"),
        ({"line_items": [an_item(20, 1)]}, "amount_too_small", "amount"),
        ({"line_items": [an_item(colour="red")]}, "parameter_unknown", "line_items[0][price_data][colour]"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"customer": "cus_none"}, "resource_missing", "customer"),
        ({"customer_email": "nobody"}, "email_invalid", "customer_email"),
        ({"customer": "cus_1", "customer_email": "a@example.com"}, None, "customer"),
        ({"customer": "cus_1", "customer_creation": "always"}, None, "customer"),
        ({"expires_at": 1}, None, "expires_at"),
        ({"expires_at": 4_000_000_000}, None, "expires_at"),
        ({"expires_at": "soon"}, "parameter_invalid_integer", "expires_at"),
        ({"subscription_data": {"metadata": {"a": "b"}}}, None, "subscription_data"),
        ({"setup_intent_data": {"description": "x"}}, None, "setup_intent_data"),
        ({"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported", "payment_method_types"),
        ({"mode": "setup", "line_items": None}, "parameter_missing", "currency"),
        ({"mode": "setup", "currency": "usd"}, None, "line_items"),
        ({"mode": "subscription"}, None, "line_items"),
        ({"mode": "subscription", "payment_intent_data": {"description": "x"}}, None, "payment_intent_data"),
        ({"mode": "subscription", "customer_creation": "always"}, None, "customer_creation"),
    ],
)
def test_a_wrong_wish_is_a_400_that_names_it(
    client: stripe.StripeClient, given: dict[str, Any], code: str | None, param: str
) -> None:
    error = create(client, **given)
    assert (error.http_status, error.code, error.error.param) == (400, code, param)
    assert client.v1.checkout.sessions.list().data == []


@pytest.mark.parametrize(
    "given",
    [
        {"ui_mode": "embedded_page"},
        {"ui_mode": "elements"},
        {"allow_promotion_codes": True},
        {"automatic_tax": {"enabled": True}},
        {"invoice_creation": {"enabled": True}},
        {"phone_number_collection": {"enabled": True}},
        {"billing_address_collection": "required"},
        {"locale": "de"},
        {"allowed_payment_method_types": ["card", "sepa_debit"]},
        {"payment_intent_data": {"application_fee_amount": 100}},
        {"payment_intent_data": {"on_behalf_of": "acct_1"}},
        {"discounts": [{"coupon": "c"}]},
        {"custom_fields": [{"key": "k", "type": "text"}]},
        {"shipping_address_collection": {"allowed_countries": ["US"]}},
        {"line_items": [{**an_item(), "adjustable_quantity": {"enabled": True}}]},
        {"return_url": "http://localhost/x"},
    ],
)
def test_what_stripe_has_and_the_simulator_has_not_is_said(client: stripe.StripeClient, given: dict[str, Any]) -> None:
    error = create(client, **given)
    assert (error.http_status, error.code) == (400, None)
    assert "not simulated" in str(error)


def test_features_that_are_switched_off_may_be_named(client: stripe.StripeClient) -> None:
    off = {"enabled": False}
    session = a_session(client, allow_promotion_codes=False, automatic_tax=off, invoice_creation=off, locale="auto")
    assert (session.allow_promotion_codes, session.automatic_tax.enabled, session.locale) == (False, False, "auto")


def test_a_session_of_another_id_or_account_is_not_found(client: stripe.StripeClient) -> None:
    bob = client.v1.accounts.create({"type": "express", "country": "US", "email": "bob@example.com"})
    session = a_session(client)
    sessions = client.v1.checkout.sessions
    for call in (
        lambda: sessions.retrieve("cs_test_none"),
        lambda: sessions.expire("cs_test_none"),
        lambda: sessions.line_items.list("cs_test_none"),
        lambda: sessions.retrieve(session.id, None, {"stripe_account": bob.id}),
    ):
        error = refusal(call)
        assert (error.http_status, error.code) == (404, "resource_missing")
