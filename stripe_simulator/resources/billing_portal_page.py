"""The billing portal's page: subscriptions to cancel or keep, the card that pays, invoices, the way back.

Source: https://docs.stripe.com/customer-management
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from ..errors import ApiError
from ..extras import Visit, page
from ..money import display
from ..routing import Call
from ..shapes import Object
from ..work import Work, follows
from . import setup_intents
from .billing_portal import find_open
from .subscription_states import ENDED, cancel_at_period_end, tell_update

_WEB = Path(__file__).parent.parent / "web"
_GONE = "This link has expired. Go back to the shop and open the billing page again."
_DONE = {
    "card": "Your new card is saved and pays from now on.",
    "failed": "Your bank did not confirm the card. Nothing has changed.",
    "canceled": "Your subscription ends with its current period.",
    "kept": "Your subscription goes on.",
}
_WORDS = {"past_due": "payment overdue", "incomplete": "waiting for payment", "trialing": "trial"}


@page("/billing_portal.css")
def style(_: Visit) -> Response:
    return Response((_WEB / "billing_portal.css").read_bytes(), mimetype="text/css")


@page("/p/session/<secret>")
def show(visit: Visit) -> Response:
    found = find_open(visit.work, visit.names["secret"])
    if found is None:
        return _gone()
    done = str(visit.request.args.get("done", ""))
    if visit.request.args.get("redirect_status") == "failed":
        done = "failed"
    return _page(*found, told=_DONE.get(done, ""))


@page("/p/session/<secret>/card", "POST")
def keep_card(visit: Visit) -> Response:
    """Check a new card with its bank; it then pays everything the customer is subscribed to."""
    found = find_open(visit.work, visit.names["secret"])
    if found is None:
        return _gone()
    work, session = found
    form = visit.request.form
    month, _, year = form.get("expiry", "").replace(" ", "").partition("/")
    if not (month.isascii() and month.isdigit() and year.isascii() and year.isdigit() and len(month + year) <= 6):
        return _page(work, session, error="The expiration date is incomplete. Write it as MM / YY.")
    card = {"number": form.get("number", ""), "exp_month": int(month), "exp_year": int(year)}
    data = {"type": "card", "card": card | {"cvc": form.get("cvc", "")}}
    back = f"{visit.request.host_url.rstrip('/')}/p/session/{session['_secret']}?done=card"
    try:
        with work.attempt():
            intent, declined = _set_up(work, session, data, back, visit.request.host_url.rstrip("/"))
    except ApiError as refusal:
        return _page(work, session, error=str(refusal))
    if declined:
        return _page(work, session, error=declined)
    if intent["status"] == "requires_action":
        return redirect(intent["next_action"]["redirect_to_url"]["url"], 303)
    return redirect(back, 303)


@page("/p/session/<secret>/subscriptions/<id>", "POST")
def change_subscription(visit: Visit) -> Response:
    """Cancel at the period's end, or take that back (`wish`: cancel or keep)."""
    found = find_open(visit.work, visit.names["secret"])
    if found is None:
        return _gone()
    work, session = found
    subscription = work.find("subscription", visit.names["id"])
    if subscription is None or subscription["customer"] != session["customer"]:
        return Response("No such subscription\n", 404, mimetype="text/plain")
    leaving = visit.request.form.get("wish") == "cancel"
    if subscription["status"] not in ENDED:
        before = copy.deepcopy(subscription)
        cancel_at_period_end(work, subscription, wanted=leaving)
        tell_update(work, before, subscription)
    return redirect(f"/p/session/{session['_secret']}?done={'canceled' if leaving else 'kept'}", 303)


@follows("setup_intent.succeeded")
def card_kept(work: Work, intent: Object) -> None:
    """A card from the portal pays for everything from now on, also where another one was chosen before."""
    if not intent.get("_portal"):
        return
    customer = work.get("customer", intent["customer"])
    before = copy.deepcopy(customer["invoice_settings"])
    customer["invoice_settings"]["default_payment_method"] = intent["payment_method"]
    work.save(customer)
    work.emit("customer.updated", customer, previous={"invoice_settings": before})
    for subscription in work.all_where("subscription", customer=customer["id"], _listed="current"):
        if subscription["default_payment_method"]:
            was = copy.deepcopy(subscription)
            tell_update(work, was, subscription | {"default_payment_method": intent["payment_method"]})


def _set_up(
    work: Work, session: Object, data: dict[str, Any], back: str, base_url: str
) -> tuple[Object, str]:  # fmt: skip
    """A SetupIntent over the card, confirmed; and the bank's words if it declined."""
    path = "/v1/setup_intents"
    params = {"customer": session["customer"], "allowed_payment_method_types": ["card"], "payment_method_data": data}
    intent = setup_intents.create(Call(work, params, path, base_url=base_url))
    work.save(intent | {"_portal": session["id"]})
    confirm = Call(work, {"return_url": back}, path, {"id": intent["id"]}, base_url=base_url)
    try:
        return setup_intents.confirm_intent(confirm), ""
    except ApiError as declined:
        if not declined.effect:
            raise
        return intent, str(declined)


def _page(work: Work, session: Object, *, told: str = "", error: str = "") -> Response:
    customer = work.get("customer", session["customer"])
    back = session["return_url"]
    shown = Template((_WEB / "billing_portal.html").read_text(encoding="utf-8")).substitute(
        path=f"/p/session/{session['_secret']}",
        who=escape(customer.get("email") or customer.get("name") or "Your account"),
        told=escape(told),
        error=escape(error),
        invalid="true" if error else "false",
        subscriptions=_subscriptions(work, session),
        card=escape(_card(work, customer)),
        invoices=_invoices(work, session),
        back=f'<a class="back" href="{escape(back)}">Return to the shop</a>' if back else "",
    )
    return Response(shown, 422 if error else 200, mimetype="text/html")


def _subscriptions(work: Work, session: Object) -> str:
    found = work.page("subscription", {"customer": session["customer"], "_listed": "current"}, limit=20)
    if not found:
        return "<p>You have no subscription.</p>"
    return "".join(_subscription(work, session, each) for each in found)


def _subscription(work: Work, session: Object, subscription: Object) -> str:
    items = subscription["items"]["data"]
    names = ", ".join(work.get("product", item["price"]["product"])["name"] for item in items)
    amount = sum(item["price"]["unit_amount"] * item["quantity"] for item in items)
    recurring = items[0]["price"]["recurring"]
    count = recurring["interval_count"]
    every = f"every {count} {recurring['interval']}s" if count > 1 else f"per {recurring['interval']}"
    until = _date(items[0]["current_period_end"])
    leaving = subscription["cancel_at_period_end"]
    status = str(_WORDS.get(subscription["status"], subscription["status"]))
    wish, label = ("keep", "Keep subscription") if leaving else ("cancel", "Cancel subscription")
    return f"""<article>
  <h3>{escape(names)} <span class="state">{escape(status)}</span></h3>
  <p>{escape(display(amount, subscription["currency"]))} {every}. {"Ends" if leaving else "Renews"} on {until}.</p>
  <form method="post" action="/p/session/{session["_secret"]}/subscriptions/{subscription["id"]}">
    <button name="wish" value="{wish}" aria-label="{label}: {escape(names)}">{label}</button>
  </form>
</article>"""


def _card(work: Work, customer: Object) -> str:
    """The card that pays: the customer's, else that of the youngest subscription with its own."""
    chosen = customer["invoice_settings"]["default_payment_method"]
    for subscription in work.all_where("subscription", customer=customer["id"], _listed="current"):
        chosen = subscription["default_payment_method"] or chosen
    method = work.find("payment_method", chosen) if chosen else None
    if method is None:
        return "No card is saved."
    card = method["card"]
    return f"{card['brand'].title()} ending in {card['last4']}, expires {card['exp_month']:02d}/{card['exp_year']}"


def _invoices(work: Work, session: Object) -> str:
    found = [each for each in work.page("invoice", {"customer": session["customer"]}, limit=50) if each["number"]]
    if not found:
        return "<p>No invoice yet.</p>"
    rows = "".join(
        f"<tr><td>{_date(each['created'], short=True)}</td><td>{escape(each['number'])}</td>"
        f"<td>{escape(display(each['total'], each['currency']))}</td><td>{escape(each['status'])}</td></tr>"
        for each in found
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Date", "Number", "Amount", "Status"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _date(moment: int, *, short: bool = False) -> str:
    day = datetime.fromtimestamp(moment, UTC)
    return f"{day.day} {day:%b %Y}" if short else f"{day.day} {day:%B %Y}"


def _gone() -> Response:
    shown = Template((_WEB / "billing_portal_gone.html").read_text(encoding="utf-8")).substitute(words=_GONE)
    return Response(shown, 410, mimetype="text/html")
