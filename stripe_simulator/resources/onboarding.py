"""The pages of a connected account: onboarding, and a dashboard of its money.

Source: https://docs.stripe.com/connect/express-accounts and https://docs.stripe.com/connect/hosted-onboarding
"""

from __future__ import annotations

import hmac
from datetime import UTC, date, datetime
from html import escape
from pathlib import Path
from string import Template

from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from ..errors import ApiError
from ..extras import Visit, page
from ..ids import token
from ..money import display
from ..shapes import Object
from ..work import Work
from .balance import available, currencies, pending
from .connected_accounts import review
from .external_accounts import make_bank_account, use

_WEB = Path(__file__).parent.parent / "web"
_FIELDS = ("first_name", "last_name", "birth", "id_number", "account_number", "routing_number")
_NAMES = {"first_name": "First name", "last_name": "Last name", "birth": "Date of birth", "id_number": "ID number"}
_NO_IBAN = frozenset(("US", "GB", "CA", "AU", "NZ", "JP", "SG", "HK", "MX", "BR", "IN"))
_FINAL = ("rejected.", "listed")


@page("/connect/connect.css")
def style(_: Visit) -> Response:
    return Response((_WEB / "connect.css").read_bytes(), mimetype="text/css")


@page("/connect/onboarding/<account>/<link>")
def open_link(visit: Visit) -> Response:
    """Show the form, once; a link used or expired leads to its refresh URL, to get a new one."""
    work = visit.work
    link, account = _link(visit, "account_link"), work.find("account", visit.names["account"])
    if link is None or account is None or account.get("deleted"):
        return _gone("There is no such link.", 404)
    if link["_opened"] or work.moment > link["expires_at"]:
        return redirect(link["_refresh_url"], 303)
    link |= {"_opened": True, "_session": token(24)}
    work.save(link)
    return _form(account, link, dict.fromkeys(_FIELDS, ""), [])


@page("/connect/onboarding/<account>/<link>", "POST")
def submit(visit: Visit) -> Response:
    """Take what was filled in and go back to the platform, or say what is wrong with it."""
    work, form = visit.work, visit.request.form
    link, account = _link(visit, "account_link"), work.find("account", visit.names["account"])
    session = (link or {}).get("_session") or ""
    if not session or not hmac.compare_digest(form.get("session", "").encode(), session.encode()):
        return _gone("This form is not open any more.", 403)
    if link is None or account is None or account.get("deleted"):
        return _gone("There is no such account.", 404)
    filled = {name: form.get(name, "").strip() for name in _FIELDS}
    agreed = "terms" in form
    if form.get("fill") == "test":
        filled, agreed = _test_values(account), True
    if wrong := _take(work, account, filled, agreed):
        return _form(account, link, filled, wrong)
    account["tos_acceptance"] |= {
        "date": work.moment,
        "ip": visit.request.remote_addr or "127.0.0.1",
        "user_agent": visit.request.headers.get("User-Agent"),
    }
    review(work, account)
    link["_session"] = None
    work.save(link)
    return redirect(link["_return_url"], 303)


@page("/connect/express/<account>/<link>")
def dashboard(visit: Visit) -> Response:
    """What an account has, what is on its way to the bank, what it still owes to tell."""
    link, account = _link(visit, "login_link"), visit.work.find("account", visit.names["account"])
    if link is None or account is None or account.get("deleted") or visit.work.moment > link["_expires_at"]:
        return _gone("This login link does not exist or has expired.", 404)
    own = visit.work.of(account["id"])
    rows = [_row(display(available(own, each), each), display(pending(own, each), each)) for each in currencies(own)]
    payouts = [
        _row(display(each["amount"], each["currency"]), each["status"], _day(each["arrival_date"]))
        for each in own.page("payout", {}, limit=20)
    ]
    due = [f"<li>{escape(name)}</li>" for name in account["requirements"]["currently_due"]]
    return _page(
        "connect_express.html",
        email=escape(account["email"] or account["id"]),
        enabled="Payouts are enabled." if account["payouts_enabled"] else "Payouts are disabled.",
        banks=", ".join(f"{each['bank_name']} ····{each['last4']}" for each in account["_banks"]) or "none",
        balances="".join(rows) or _row("Nothing yet", ""),
        payouts="".join(payouts) or _row("None yet", "", ""),
        due=f"<h2>Still to be told</h2><ul>{''.join(due)}</ul>" if due else "",
    )


def _link(visit: Visit, kind: str) -> Object | None:
    found = visit.work.find(kind, visit.names["link"])
    return found if found and found["_account"] == visit.names["account"] else None


def _take(work: Work, account: Object, filled: dict[str, str], agreed: bool) -> list[tuple[str, str]]:
    """Write the form into the account; or the fields that are wrong, each with the reason, and nothing written."""
    wrong = [(name, f"{label} is missing.") for name, label in _NAMES.items() if not filled[name]]
    born = _date(filled["birth"])
    if filled["birth"] and (born is None or born > datetime.fromtimestamp(work.now, UTC).date()):
        wrong.append(("birth", "Date of birth is not a date in the past."))
    if not agreed:
        wrong.append(("terms", "The terms have not been accepted."))
    number = filled["account_number"].replace(" ", "")
    details = {
        "account_holder_name": f"{filled['first_name']} {filled['last_name']}"[:200],
        "account_holder_type": "individual",
        "account_number": number,
        "country": number[:2] if number[:2].isalpha() else account["country"],
        "routing_number": filled["routing_number"] or None,
    }
    try:
        bank_account = make_bank_account(account, details)
    except ApiError as error:
        field = "routing_number" if "outing" in str(error) or "routing" in str(error) else "account_number"
        return [*wrong, (field, "Routing number is missing." if "Missing" in str(error) else str(error))]
    if wrong or born is None:
        return wrong
    account["_person"] |= {name: filled[name] for name in ("first_name", "last_name", "id_number")}
    account["_person"] |= {"dob.day": born.day, "dob.month": born.month, "dob.year": born.year}
    account["business_type"] = account["business_type"] or "individual"
    if not str((account["_restriction"] or {}).get("disabled_reason", "")).startswith(_FINAL):
        account["_restriction"] = None
    use(account, bank_account)
    return []


def _test_values(account: Object) -> dict[str, str]:
    iban = account["country"] not in _NO_IBAN
    number = f"{account['country']}89370400440532013000" if iban else "000123456789"
    person = {"first_name": "Jenny", "last_name": "Rosen", "birth": "1990-01-01", "id_number": "000000000"}
    return {**person, "account_number": number, "routing_number": "" if iban else "110000000"}


def _form(account: Object, link: Object, filled: dict[str, str], wrong: list[tuple[str, str]]) -> Response:
    iban = account["country"] not in _NO_IBAN
    told = dict(wrong)
    return _page(
        "connect_onboarding.html",
        **{name: escape(value) for name, value in filled.items()},
        **{f"{name}_state": _state(name, told) for name in (*_FIELDS, "terms")},
        problems="".join(f'<li><a href="#{name}">{escape(reason)}</a></li>' for name, reason in wrong),
        alert="" if wrong else "hidden",
        bank="iban" if iban else "number",
        number_label="IBAN" if iban else "Account number",
        number_hint=escape(_test_values(account)["account_number"]),
        country=account["country"],
        return_url=escape(link["_return_url"]),
        session=link["_session"],
    )


def _state(name: str, told: dict[str, str]) -> str:
    """Attributes that tell assistive technology whether a field is wrong, and where the reason stands."""
    return 'aria-invalid="true" aria-describedby="problems"' if name in told else ""


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _day(unix: int) -> str:
    return datetime.fromtimestamp(unix, UTC).date().isoformat()


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _page(template: str, status: int = 200, /, **values: str) -> Response:
    text = Template((_WEB / template).read_text(encoding="utf-8")).substitute(values)
    return Response(text, status, mimetype="text/html")


def _gone(why: str, status: int) -> Response:
    return _page("connect_gone.html", status, why=escape(why))
