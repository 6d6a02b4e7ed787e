"""What a browser loads from the simulator: stripe.js, the card form, the bank's 3-D Secure page.

All of it is static files but for the bank's page; no inline script or style, so a strict policy holds.
"""

from __future__ import annotations

import hmac
import mimetypes
import sqlite3
from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from .extras import page_for
from .money import display
from .resources import confirmation, setup_intents
from .shapes import Object
from .work import Work

if TYPE_CHECKING:
    from .clock import Clock
    from .store import Store

_WEB = Path(__file__).parent / "web"
_FILES = {
    "/stripe.js": "stripe.js",
    "/dashboard.js": "dashboard.js",
    "/dashboard.css": "dashboard.css",
    "/elements/payment": "payment.html",
    "/elements/payment.js": "payment.js",
    "/elements/payment.css": "payment.css",
    "/elements/card_input.js": "card_input.js",
    "/checkout/checkout.css": "checkout.css",
    "/checkout/checkout.js": "checkout.js",
    "/three_d_secure.js": "three_d_secure.js",
    "/three_d_secure.css": "three_d_secure.css",
}
_LOOPBACK = "http://127.0.0.1:* http://localhost:* https://localhost:* https://127.0.0.1:*"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    f"frame-ancestors {_LOOPBACK}"
)
_BANK = "/three_d_secure/"


class Pages:
    """Answers everything outside /v1 and /_simulator."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        begin: Callable[[sqlite3.Connection, float, str], Work],
        account: Callable[[], str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._begin = begin
        self._account = account

    def answer(self, request: Request) -> Response:
        if request.method == "GET" and request.path in _FILES:
            return _file(_FILES[request.path])
        if request.path.startswith(_BANK) and request.method in ("GET", "POST"):
            return self._bank(request, request.path.removeprefix(_BANK))
        with self._store.transaction() as db:
            self._clock.run_due()
            shown = page_for(self._begin(db, self._clock.now(), self._account()), request)
        return _guarded(shown) if shown else Response("Not found\n", 404, mimetype="text/plain")

    def _bank(self, request: Request, intent_id: str) -> Response:
        """The page that asks the cardholder, and what the answer does."""
        with self._store.transaction() as db:
            self._clock.run_due()
            work = self._begin(db, self._clock.now(), self._account())
            work = work.of(work.owner(intent_id) or work.account)
            kind = "setup_intent" if intent_id.startswith("seti_") else "payment_intent"
            intent = work.find(kind, intent_id)
            secret = request.values.get("client_secret", "")
            if intent is None or not hmac.compare_digest(secret.encode(), intent["client_secret"].encode()):
                return Response("No such payment\n", 404, mimetype="text/plain")
            embedded = request.values.get("embedded", "")
            if request.method == "GET" and intent["status"] == "requires_action":
                return _bank_page(intent, embedded, answered=False)
            if intent["status"] == "requires_action":
                passed = request.form.get("outcome") == "complete"
                step = setup_intents.authenticate if kind == "setup_intent" else confirmation.authenticate
                intent = step(work, intent, passed=passed)
        if embedded:
            return _bank_page(intent, embedded, answered=True)
        return redirect(_back(intent), 303)


def _file(name: str) -> Response:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return _guarded(Response((_WEB / name).read_bytes(), mimetype=kind))


def _guarded(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _bank_page(intent: Object, embedded: str, *, answered: bool) -> Response:
    """Asks the cardholder; once answered, an embedded page only tells the page around it."""
    question = "Confirm that this is your card."
    if intent["object"] == "payment_intent":
        question = f"Confirm this payment of {display(intent['amount'], intent['currency'])}."
    page = Template((_WEB / "three_d_secure.html").read_text(encoding="utf-8")).substitute(
        id=intent["id"],
        secret=intent["client_secret"],
        embedded=escape(embedded),
        question="One moment…" if answered else escape(question),
        answered="yes" if answered else "",
    )
    return _guarded(Response(page, mimetype="text/html"))


def _back(intent: Object) -> str:
    """The merchant's return URL with what Stripe adds to it."""
    url = urlsplit(intent.get("_return_url") or "/")
    kind = intent["object"]
    failed = intent["status"] in ("requires_payment_method", "canceled")
    added = {
        kind: intent["id"],
        f"{kind}_client_secret": intent["client_secret"],
        "redirect_status": "failed" if failed else "succeeded",
    }
    query = urlencode([*parse_qsl(url.query, keep_blank_values=True), *added.items()])
    return urlunsplit((url.scheme, url.netloc, url.path, query, url.fragment))
