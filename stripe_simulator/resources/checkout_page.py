"""The hosted Checkout page: what is bought, who pays, the card, and every way it can go on from there.

A plain form that works without a script; with one, errors appear in place and nothing is submitted twice.
Source: https://docs.stripe.com/payments/checkout
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..errors import ApiError
from ..extras import Visit, page
from ..money import display
from ..shapes import Object
from ..work import Work, dump
from .checkout_payment import Payer, kept_cards, pay
from .customers import check_email

_WEB = Path(__file__).parents[1] / "web"
_EXPIRY = re.compile(r"^\s*([0-9]{1,2})\s*/?\s*([0-9]{2}|[0-9]{4})\s*$")
_FIELD_OF = {"number": "number", "exp_month": "expiry", "exp_year": "expiry", "cvc": "cvc", "email": "email"}
_BUTTONS = {"book": "Book", "donate": "Donate", "subscribe": "Subscribe"}
_MERCHANT = "Simulated platform"
_Errors = dict[str, str]


@page("/c/pay/<session_id>", "GET", "POST")
def checkout(visit: Visit) -> Response:
    session_id, request = visit.names["session_id"], visit.request
    owner = visit.work.owner(session_id)
    work = visit.work.of(owner) if owner else visit.work
    session = work.find("checkout.session", session_id)
    if session is None:
        return _notice("Page not found", "This checkout page does not exist.", status=404)
    if session["status"] == "complete" and (request.method == "POST" or "redirect_status" in request.args):
        # A second press of the button, another tab or the way back from the bank: all end where the first did.
        return _go(request, _success_url(session))
    if session["status"] == "complete":
        return _notice("You’re all done here", "This checkout is complete.", ("Continue", _success_url(session)))
    if session["status"] == "expired":
        way_out = ("Back", session["cancel_url"]) if session["cancel_url"] else None
        return _notice("This page has expired", "Please start again from where you came from.", way_out)
    if request.method == "POST":
        return _submitted(work, session, request)
    return _form(work, session, _refusal_of_the_bank(work, session) if "redirect_status" in request.args else {}, {})


def _submitted(work: Work, session: Object, request: Request) -> Response:
    """Try what the form asks for; what a declined attempt wrote is kept, a mistyped one leaves no trace."""
    given = request.form
    errors = _mistakes(given, with_card=not given.get("kept_card"))
    if not errors:
        refused: ApiError | None = None
        bank: str | None = None
        try:
            with work.attempt():
                try:
                    bank = pay(work, session, _payer(given), request.host_url.rstrip("/"))
                except ApiError as error:
                    if not error.effect:
                        raise
                    refused = error
        except ApiError as error:
            refused = error
        if refused is None:
            return _go(request, bank or _success_url(session))
        errors = _words(refused)
    if "application/json" in request.headers.get("Accept", ""):
        # 200 even so: a browser would log any other status as an error of the page.
        return _json({"errors": errors})
    return _form(work, work.get("checkout.session", session["id"]), errors, given)


def _mistakes(given: Mapping[str, str], *, with_card: bool) -> _Errors:
    """What is missing or cannot be meant, by field."""
    errors = {}
    try:
        check_email(given.get("email", "").strip())
    except ApiError:
        errors["email"] = "Your email is incomplete."
    if not with_card:
        return errors
    if not given.get("name", "").strip():
        errors["name"] = "Please provide the name on your card."
    if sum(each.isdigit() for each in given.get("number", "")) < 12:
        errors["number"] = "Your card number is incomplete."
    if not _EXPIRY.match(given.get("expiry", "")):
        errors["expiry"] = "Your card's expiration date is incomplete."
    if not given.get("cvc", "").strip():
        errors["cvc"] = "Your card's security code is incomplete."
    return errors


def _payer(given: Mapping[str, str]) -> Payer:
    email, name = given["email"].strip(), given.get("name", "").strip()
    if given.get("kept_card"):
        return Payer(email, name, kept_card=given["kept_card"])
    month, year = (int(part) for part in _EXPIRY.findall(given["expiry"])[0])
    card = {"number": given["number"], "exp_month": month, "exp_year": year, "cvc": given["cvc"].strip()}
    return Payer(email, name, card=card, wants_card_kept=given.get("keep") == "yes")


def _words(refused: ApiError) -> _Errors:
    """An error of the API as the page says it: at its field, or above the form."""
    error = refused.body()["error"]
    return {_FIELD_OF.get(error.get("param", ""), ""): error["message"]}


def _refusal_of_the_bank(work: Work, session: Object) -> _Errors:
    """Why the payer is back from the bank without having paid."""
    setup = work.find("setup_intent", session["setup_intent"] or session.get("_setup_intent", ""))
    if setup:
        error = setup["last_setup_error"]
    else:
        invoice = work.find("invoice", _waiting_invoice(work, session))
        intent_id = invoice["_intent"] if invoice else session["payment_intent"]
        error = (work.find("payment_intent", intent_id or "") or {}).get("last_payment_error")
    return {"": error["message"]} if error else {}


def _waiting_invoice(work: Work, session: Object) -> str:
    subscription = work.find("subscription", session.get("_subscription", ""))
    return str(subscription["latest_invoice"]) if subscription else ""


def _success_url(session: Object) -> str:
    return str(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))


def _go(request: Request, url: str) -> Response:
    if "application/json" in request.headers.get("Accept", ""):
        return _json({"redirect": url})
    return redirect(url, 303)


# --- what is shown ------------------------------------------------------------------------------------------


def _form(work: Work, session: Object, errors: _Errors, given: Mapping[str, str]) -> Response:
    customer = work.find("customer", session["customer"] or "") or {}
    known = customer.get("email") or session["customer_email"]
    email = _field("email", "Email", known or given.get("email", ""), errors, "email", fixed=bool(known))
    cards = kept_cards(work, session)
    form = _template("checkout_form.html").substitute(
        action=f"/c/pay/{session['id']}",
        alert=escape(errors.get("", "")),
        email=email,
        kept=_kept_cards(cards),
        card=_card_fields(errors, given),
        keep=_keep_box(session),
        button=escape(_button(session)),
    )
    return _shell(_title(session), form, summary=_summary(session), back=session["cancel_url"])


def _field(
    name: str, label: str, value: str, errors: _Errors, autocomplete: str, *, fixed: bool = False, hint: str = ""
) -> str:
    numeric = ' inputmode="numeric"' if name in ("number", "expiry", "cvc") else ""
    kind = "email" if name == "email" else "text"
    wrong = ' aria-invalid="true"' if name in errors else ""
    return (
        f'<div class="field" id="field-{name}"><label for="{name}">{label}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" value="{escape(value)}" autocomplete="{autocomplete}"'
        f'{numeric} placeholder="{hint}" aria-describedby="{name}-error"{wrong}{" readonly" if fixed else ""} required>'
        f'<p class="error" id="{name}-error" role="alert">{escape(errors.get(name, ""))}</p></div>'
    )


def _card_fields(errors: _Errors, given: Mapping[str, str]) -> str:
    # The number and the security code are never sent back to the browser.
    return "".join(
        (
            _field("number", "Card number", "", errors, "cc-number", hint="1234 1234 1234 1234"),
            _field("expiry", "Expiration date", given.get("expiry", ""), errors, "cc-exp", hint="MM / YY"),
            _field("cvc", "Security code", "", errors, "cc-csc", hint="CVC"),
            _field("name", "Name on card", given.get("name", ""), errors, "cc-name"),
        )
    )


def _kept_cards(cards: list[Object]) -> str:
    if not cards:
        return ""
    choices = [(card["id"], _card_in_words(card["card"])) for card in cards] + [("", "Use another card")]
    options = (
        f'<label><input type="radio" name="kept_card" value="{value}"{" checked" if not index else ""}> '
        f"{escape(text)}</label>"
        for index, (value, text) in enumerate(choices)
    )
    return f'<fieldset class="kept"><legend>Your cards</legend>{"".join(options)}</fieldset>'


def _card_in_words(card: Object) -> str:
    return f"{card['brand'].capitalize()} •••• {card['last4']}, expires {card['exp_month']:02}/{card['exp_year'] % 100}"


def _keep_box(session: Object) -> str:
    if (session["saved_payment_method_options"] or {}).get("payment_method_save") == "enabled":
        return (
            '<label class="keep"><input type="checkbox" name="keep" value="yes"> Save this card for next time</label>'
        )
    if session["mode"] == "setup" or session["_wishes"].get("payment_intent_data", {}).get("setup_future_usage"):
        return f'<p class="note">{escape(_MERCHANT)} may charge this card for later payments, as you have agreed.</p>'
    return ""


def _button(session: Object) -> str:
    if session["mode"] == "setup":
        return "Save card"
    if session["mode"] == "subscription":
        return "Start trial" if _trial_days(session) else "Subscribe"
    word = _BUTTONS.get(session["submit_type"] or "", "Pay")
    return f"{word} {display(session['amount_total'], session['currency'])}"


def _title(session: Object) -> str:
    return {"payment": "Pay", "setup": "Save your card", "subscription": "Subscribe"}[session["mode"]]


def _trial_days(session: Object) -> int:
    return int(session["_wishes"].get("subscription_data", {}).get("trial_period_days", 0))


def _summary(session: Object) -> str:
    """What is bought, line by line, and what it comes to."""
    if session["mode"] == "setup":
        return '<p class="total">Nothing is charged now.</p>'
    rows = "".join(
        f"<li><span>{escape(item['description'] or 'Item')}{_times(item)}</span> "
        f"<span>{escape(_price_in_words(item))}</span></li>"
        for item in session["_line_items"]
    )
    due = 0 if _trial_days(session) else session["amount_total"]
    free = f'<p class="note">{_trial_days(session)} days free, then as above.</p>' if _trial_days(session) else ""
    total = escape(display(due, session["currency"]))
    return f'<ul class="items">{rows}</ul>{free}<p class="total"><span>Total due today</span> <span>{total}</span></p>'


def _times(item: Object) -> str:
    return f" <small>× {item['quantity']}</small>" if item["quantity"] > 1 else ""


def _price_in_words(item: Object) -> str:
    amount = display(item["amount_total"], item["currency"])
    rhythm = item["price"]["recurring"]
    if not rhythm:
        return amount
    count, interval = rhythm["interval_count"], rhythm["interval"]
    return f"{amount} every {count} {interval}s" if count > 1 else f"{amount} per {interval}"


def _notice(title: str, text: str, way_out: tuple[str, str] | None = None, *, status: int = 200) -> Response:
    link = f'<p><a class="button" href="{escape(way_out[1])}">{escape(way_out[0])}</a></p>' if way_out else ""
    return _shell(title, f'<p role="status">{escape(text)}</p>{link}', status=status)


def _shell(title: str, main: str, *, summary: str = "", back: str | None = None, status: int = 200) -> Response:
    way_back = f'<a class="back" href="{escape(back)}">← Back to {escape(_MERCHANT)}</a>' if back else ""
    text = _template("checkout.html").substitute(
        title=escape(title), merchant=escape(_MERCHANT), back=way_back, summary=summary, main=main
    )
    return Response(text, status, mimetype="text/html")


def _template(name: str) -> Template:
    return Template((_WEB / name).read_text(encoding="utf-8"))


def _json(body: dict[str, Any]) -> Response:
    return Response(dump(body), mimetype="application/json")
