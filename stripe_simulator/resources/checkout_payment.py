"""What happens when somebody fills in a Checkout page: a payment, a card kept, or a subscription begun.

The PaymentIntent is made when somebody first pays, not with the session; a retry uses the same one. The session
completes on the intent's own success, so also while its payer is still on the way back from the bank.
Source: https://docs.stripe.com/payments/checkout/how-checkout-works
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import no_such
from ..routing import Call
from ..shapes import Object
from ..work import Work, follows
from . import confirmation, customers, invoice_collection, payment_intents, setup_intents, subscriptions
from .checkout_sessions import customer_details
from .payment_methods import create_method


@dataclass(frozen=True)
class Payer:
    """Who pays, and how: with a card just typed (`payment_method_data`'s `card`), or with one kept before."""

    email: str
    name: str
    card: dict[str, Any] | None = None
    kept_card: str | None = None
    wants_card_kept: bool = False


def kept_cards(work: Work, session: Object) -> list[Object]:
    """The customer's cards that the page may offer, newest first."""
    options = session["saved_payment_method_options"]
    if not options:
        return []
    cards = reversed(work.all_where("payment_method", customer=session["customer"]))
    return [card for card in cards if card["allow_redisplay"] in options["allow_redisplay_filters"]]


def pay(work: Work, session: Object, payer: Payer, base_url: str) -> str | None:
    """Do what the open session is for. Returns the bank's page to go to, or None when the session is complete.

    Raises: ApiError 402 when the bank declines, 400 or 402 for a card that cannot be used.
    """
    method = _method(work, session, payer)
    session |= {"_payer": {"email": payer.email, "name": payer.name}, "_base_url": base_url}
    _meet_customer(work, session, payer)
    work.save(session)
    act = {"payment": _pay, "setup": _keep, "subscription": _subscribe}[session["mode"]]
    intent = act(work, session, method, payer, base_url)
    if intent is None or intent["status"] != "requires_action":
        return None
    work.save(intent | {"_return_url": _page(session, base_url)})
    action = intent["next_action"]
    redirect = action.get("redirect_to_url")
    return str(redirect["url"] if redirect else action["use_stripe_sdk"]["stripe_js"])


@follows("payment_intent.succeeded")
@follows("payment_intent.amount_capturable_updated")
def intent_moved(work: Work, intent: Object) -> None:
    """A held or paid price completes the session; a hold counts as paid once it is captured."""
    session = work.find("checkout.session", intent.get("_checkout_session", ""))
    if session is None:
        return
    status = "paid" if intent["status"] == "succeeded" else "unpaid"
    if session["status"] == "open":
        _complete(work, session, payment_status=status)
    elif session["status"] == "complete":
        work.save(session | {"payment_status": status})


@follows("setup_intent.succeeded")
def card_kept(work: Work, intent: Object) -> None:
    """The card is there: that was all, or the trial begins that it will pay for afterwards."""
    session = work.find("checkout.session", intent.get("_checkout_session", ""))
    if session is None or session["status"] != "open":
        return
    if session["mode"] == "subscription":
        method = work.get("payment_method", intent["payment_method"])
        session["_subscription"] = _begin(work, session, method)["id"]
    _complete(work, session, payment_status="no_payment_required")


@follows("customer.subscription.updated")
def subscription_moved(work: Work, subscription: Object) -> None:
    """The first invoice was paid after a visit to the bank."""
    session = work.find("checkout.session", subscription.get("_checkout_session", ""))
    if session and session["status"] == "open" and subscription["status"] == "active":
        _complete(work, session, payment_status="paid")


def _pay(work: Work, session: Object, method: Object, payer: Payer, base_url: str) -> Object:
    if session["payment_intent"]:
        intent = work.get("payment_intent", session["payment_intent"])
    else:
        intent = _new_intent(work, session)
        work.save(session | {"payment_intent": intent["id"]})
    intent["customer"] = session["customer"]
    if payer.wants_card_kept and not intent["setup_future_usage"]:
        intent["setup_future_usage"] = "on_session"
    work.save(intent)
    return confirmation.confirm(work, intent, method, {"return_url": _page(session, base_url)}, base_url)


def _new_intent(work: Work, session: Object) -> Object:
    wishes = session["_wishes"]
    given = {"amount": session["amount_total"], "currency": session["currency"]}
    given |= wishes.get("payment_intent_data", {})
    given["payment_method_options"] = wishes.get("payment_method_options", {})
    if session["customer"]:
        given["customer"] = session["customer"]
    intent = payment_intents.create(Call(work, given, "/v1/payment_intents"))
    return work.save(intent | {"_checkout_session": session["id"]})


def _keep(work: Work, session: Object, method: Object, _: Payer, base_url: str) -> Object:
    intent = work.get("setup_intent", session["setup_intent"] or _card_for_trial(work, session))
    intent |= {"customer": session["customer"], "payment_method": method["id"], "status": "requires_confirmation"}
    work.save(intent)
    return setup_intents.confirm(work, intent, {"return_url": _page(session, base_url)}, base_url)


def _card_for_trial(work: Work, session: Object) -> str:
    """The SetupIntent that keeps the card of a trial, where nothing is paid that could ask the bank."""
    if "_setup_intent" not in session:
        intent = setup_intents.create(Call(work, {"customer": session["customer"]}, "/v1/setup_intents"))
        work.save(intent | {"_checkout_session": session["id"]})
        work.save(session | {"_setup_intent": intent["id"]})
        return str(intent["id"])
    return str(session["_setup_intent"])


def _subscribe(work: Work, session: Object, method: Object, payer: Payer, base_url: str) -> Object | None:
    """Begin the subscription, or pay the first invoice of one that waits for a better card."""
    if _trial_days(session):
        return _keep(work, session, method, payer, base_url)
    begun = work.find("subscription", session.get("_subscription", ""))
    if begun and begun["status"] == "incomplete":
        invoice = work.get("invoice", begun["latest_invoice"])
        invoice_collection.collect(work, invoice, method, base_url)
        return work.get("payment_intent", invoice["_intent"])
    subscription = _begin(work, session, method)
    session |= {"_subscription": subscription["id"]}
    work.save(session)
    work.save(subscription | {"_checkout_session": session["id"]})
    if subscription["status"] != "incomplete":
        _complete(work, session, payment_status="paid" if session["amount_total"] else "no_payment_required")
        return None
    return work.get("payment_intent", work.get("invoice", subscription["latest_invoice"])["_intent"])


def _trial_days(session: Object) -> int | None:
    days: int | None = session["_wishes"].get("subscription_data", {}).get("trial_period_days")
    return days


def _begin(work: Work, session: Object, method: Object) -> Object:
    with _prices_in_use(work, session):
        return subscriptions.open_from_checkout(
            work,
            customer=session["customer"],
            line_items=[{"price": item["price"]["id"], "quantity": item["quantity"]} for item in _items(session)],
            payment_method=method["id"],
            metadata=session["_wishes"].get("subscription_data", {}).get("metadata"),
            trial_days=_trial_days(session),
            base_url=session["_base_url"],
        )


@contextmanager
def _prices_in_use(work: Work, session: Object) -> Iterator[None]:
    """Prices made for this session are inactive for everybody else; while it subscribes they may be used."""
    archived = [item["price"] for item in _items(session) if not item["price"]["active"]]
    for price in archived:
        work.save(price | {"active": True})
    yield
    for price in archived:
        work.save(price)


def _items(session: Object) -> list[Object]:
    items: list[Object] = session["_line_items"]
    return items


def _complete(work: Work, session: Object, **changes: Any) -> None:
    payer = session["_payer"]
    session |= {
        **changes,
        "collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
        "customer_details": customer_details(payer["email"], payer["name"]),
        "status": "complete",
        "url": None,
    }
    if session.get("_subscription"):
        subscription = work.get("subscription", session["_subscription"])
        session |= {"subscription": subscription["id"], "invoice": subscription["latest_invoice"]}
    work.save(session)
    work.emit("checkout.session.completed", session)


def _method(work: Work, session: Object, payer: Payer) -> Object:
    if payer.kept_card:
        for card in kept_cards(work, session):
            if card["id"] == payer.kept_card:
                return card
        raise no_such("payment_method", payer.kept_card, param="kept_card", status=400)
    future = session["_wishes"].get("payment_intent_data", {}).get("setup_future_usage")
    shown_again = "limited" if future or session["mode"] != "payment" else "unspecified"
    asked = session["_wishes"].get("payment_method_data", {}).get("allow_redisplay")
    return create_method(
        work,
        {
            "card": payer.card,
            "billing_details": {"email": payer.email, "name": payer.name},
            "allow_redisplay": "always" if payer.wants_card_kept else asked or shown_again,
        },
    )


def _meet_customer(work: Work, session: Object, payer: Payer) -> None:
    """Make the customer if the session is to, and give one without an address the one that was typed."""
    if session["customer"]:
        customer = customers.chargeable(work, session["customer"])
        if not customer["email"]:
            work.save(customer | {"email": payer.email})
            work.emit("customer.updated", customer | {"email": payer.email}, previous={"email": None})
    elif session["customer_creation"] == "always":
        given = {"email": payer.email, "name": payer.name}
        session["customer"] = customers.create(Call(work, given, "/v1/customers"))["id"]


def _page(session: Object, base_url: str) -> str:
    return f"{base_url}/c/pay/{session['id']}"
