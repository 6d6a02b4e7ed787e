"""The page at `/`: what happened, newest first, and buttons to move things on. A small dashboard for demos.

Its forms carry a token of this process and are only taken from its own pages, so no other site can press them.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from werkzeug.datastructures import MultiDict
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from . import dashboard_view as view
from .dashboard_frame import Frame, duration
from .errors import ApiError
from .extras import CONTROLS
from .history import History
from .markup import Markup

if TYPE_CHECKING:
    from .simulator import Simulator

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_FARTHEST_SECONDS = 400 * 86_400


class Dashboard:
    """Answers `/` and everything under `/dashboard/` for one simulator."""

    def __init__(self, simulator: Simulator, history: History) -> None:
        self._simulator = simulator
        self._history = history
        self._token = secrets.token_urlsafe(24)
        self._actions: dict[str, Callable[[MultiDict[str, str]], str]] = {
            "advance": self._advance,
            "dispute": self._dispute,
            "resend": self._resend,
            "deliveries": self._hold_deliveries,
        }

    def answer(self, request: Request) -> Response:
        path = request.path.rstrip("/")
        if request.method == "POST":
            return self._act(request, path.removeprefix("/dashboard/do/"))
        if request.method != "GET":
            return _page("Not found", 404)
        if path == "/dashboard/pulse":
            return Response(json.dumps({"pulse": self._history.pulse()}), mimetype="application/json")
        if path in ("", "/dashboard"):
            return self._front(request)
        return self._object(request, path.removeprefix("/dashboard/"))

    def _front(self, request: Request) -> Response:
        if wanted := request.args.get("id", "").strip():
            return redirect(f"/dashboard/{quote(wanted, safe='')}", 303)
        before = request.args.get("before", type=int)
        moments, older = self._history.page(before=before)
        return _page(view.front(self._frame(request), moments, older, self._history.kinds(), first=before is None))

    def _object(self, request: Request, name: str) -> Response:
        """One object with all that happened to it; or the newest objects of a kind."""
        frame, found = self._frame(request), self._history.find(name)
        if found is None:
            listed = self._history.of_kind(name)
            if not listed:
                return _page(view.missing(frame, name), 404)
            return _page(view.listing(frame, name, listed))
        moments, _ = self._history.page(about=name)
        disputable = ("POST", "disputes") in CONTROLS and _disputable(found)
        return _page(view.one(frame, found, moments, self._history.mentions(name), disputable=disputable))

    def _frame(self, request: Request) -> Frame:
        simulator = self._simulator
        return Frame(
            token=self._token,
            back=request.full_path.rstrip("?"),
            now=simulator.clock.now(),
            offset=simulator.clock.offset,
            pending=simulator.webhooks.pending(),
            paused=simulator.webhooks.mischief.paused,
            url=simulator.webhooks.url,
            pulse=self._history.pulse(),
            notice=request.args.get("notice", "")[:200],
        )

    def _act(self, request: Request, action: str) -> Response:
        if not self._ours(request):
            return _page("This form was not sent from the simulator's own page.", 403)
        act = self._actions.get(action)
        if act is None:
            return _page("Not found", 404)
        try:
            notice = act(request.form)
        except (ApiError, ValueError, TypeError) as error:
            notice = str(error)
        back = urlsplit(request.form.get("back", "/")).path
        safe = back if back == "/" or back.startswith("/dashboard") else "/"
        return redirect(f"{safe}?notice={quote(notice)}", 303)

    def _ours(self, request: Request) -> bool:
        """Whether a form was sent from our own page: the token says so, and no header speaks against it."""
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return False
        if request.headers.get("Origin", request.host_url.rstrip("/")) != request.host_url.rstrip("/"):
            return False
        return hmac.compare_digest(request.form.get("token", "").encode(), self._token.encode())

    def _advance(self, form: MultiDict[str, str]) -> str:
        seconds = float(form["seconds"]) if form.get("seconds") else float(form.get("days", "0")) * 86_400
        if not 0 < seconds <= _FARTHEST_SECONDS:
            raise ValueError("The clock moves forward, by up to 400 days at a time.")
        self._simulator.clock.advance(seconds)
        return f"The clock moved on by {duration(seconds)}."

    def _dispute(self, form: MultiDict[str, str]) -> str:
        act = CONTROLS.get(("POST", "disputes"))
        if act is None:
            raise ValueError("Disputes are not simulated here.")
        kind = "charge" if form.get("id", "").startswith("ch_") else "payment_intent"
        dispute = self._simulator.act(act, {kind: form.get("id", ""), "reason": "fraudulent"})
        return f"Dispute {dispute['id']} is open."

    def _resend(self, form: MultiDict[str, str]) -> str:
        event = form.get("event", "")
        if not self._simulator.webhooks.resend(event):
            raise ValueError("There is no such event.")
        return f"{event} will be delivered once more."

    def _hold_deliveries(self, form: MultiDict[str, str]) -> str:
        paused = form.get("hold") == "yes"
        self._simulator.webhooks.mischief.paused = paused
        return "Deliveries are held back." if paused else "Deliveries go on."


def _disputable(found: dict[str, object]) -> bool:
    """A captured payment that nobody disputes yet."""
    if found["object"] == "charge":
        return bool(found["captured"] and found["paid"] and not found["disputed"])
    return found["object"] == "payment_intent" and found["status"] == "succeeded"


def _page(body: str, status: int = 200) -> Response:
    html = isinstance(body, Markup)
    response = Response(body, status, mimetype="text/html" if html else "text/plain")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
