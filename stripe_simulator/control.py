"""The simulator's own controls under /_simulator/: clock, faults, webhooks, logs, reset.

JSON or form in, JSON out. A page from elsewhere cannot reach them: an Origin header must be a loopback one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from .browser import is_loopback_origin
from .errors import ApiError
from .extras import CONTROLS
from .shapes import public

if TYPE_CHECKING:
    from .simulator import Simulator

_FARTHEST_SECONDS = 10 * 365 * 86_400.0


class _Wrong(Exception):
    """The control request makes no sense; the message says why."""


class Control:
    """Answers control requests for one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], object]] = {
            ("GET", "clock"): self._show_clock,
            ("POST", "clock"): self._move_clock,
            ("POST", "reset"): self._reset,
            ("GET", "faults"): lambda _: {"faults": simulator.faults.waiting()},
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "idempotency_keys/forget"): self._forget_keys,
            ("POST", "webhooks"): self._webhooks,
            ("GET", "requests"): lambda _: {"requests": [each._asdict() for each in simulator.requests()]},
            ("GET", "deliveries"): self._show_deliveries,
        }

    def answer(self, request: Request) -> Response:
        origin = request.headers.get("Origin")
        if origin is not None and not is_loopback_origin(origin):
            return _json({"error": "Controls are for pages of this machine only."}, 403)
        wanted = (request.method, request.path.removeprefix("/_simulator/").rstrip("/"))
        route = self._routes.get(wanted) or self._brought_along(wanted)
        if route is None:
            return _json({"error": f"No such control: {request.method} {request.path}"}, 404)
        try:
            return _json(route(_given(request)))
        except (_Wrong, ApiError, ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)

    def _brought_along(self, wanted: tuple[str, str]) -> Callable[[dict[str, Any]], object] | None:
        """A control that a resource declares beside its endpoints."""
        act = CONTROLS.get(wanted)
        return act and (lambda given: public(self._simulator.act(act, given)))

    def _show_clock(self, _: dict[str, Any]) -> object:
        return {"now": self._simulator.clock.now(), "offset": self._simulator.clock.offset}

    def _move_clock(self, given: dict[str, Any]) -> object:
        if set(given) == {"advance"}:
            self._simulator.clock.advance(_seconds(given["advance"], _FARTHEST_SECONDS))
        elif set(given) == {"set"}:
            self._simulator.clock.set(_seconds(given["set"], 4e9))
        else:
            raise _Wrong('Give either {"advance": seconds} or {"set": unix}.')
        return self._show_clock({})

    def _reset(self, _: dict[str, Any]) -> object:
        self._simulator.reset()
        return {"reset": True}

    def _add_fault(self, given: dict[str, Any]) -> object:
        given = dict(given)
        if "count" in given:
            given["count"] = int(given["count"])
        if "seconds" in given:
            given["seconds"] = _seconds(given["seconds"], 120)
        self._simulator.faults.add(given.pop("kind", ""), **given)
        return {"faults": self._simulator.faults.waiting()}

    def _clear_faults(self, _: dict[str, Any]) -> object:
        self._simulator.faults.clear()
        return {"faults": []}

    def _forget_keys(self, _: dict[str, Any]) -> object:
        self._simulator.forget_idempotency_keys()
        return {"forgotten": True}

    def _webhooks(self, given: dict[str, Any]) -> object:
        """`action`: pause, resume, resend (with `event`), reverse, drop or duplicate (with `count`)."""
        webhooks, action = self._simulator.webhooks, given.get("action")
        if action in ("pause", "resume"):
            webhooks.mischief.paused = action == "pause"
        elif action == "resend":
            if not webhooks.resend(str(given.get("event"))):
                raise _Wrong(f"No such event: {given.get('event')}")
        elif action == "reverse":
            webhooks.reverse_pending()
        elif action in ("drop", "duplicate"):
            setattr(webhooks.mischief, action, int(given.get("count", 1)))
        else:
            raise _Wrong("action must be pause, resume, resend, reverse, drop or duplicate.")
        return {"pending": webhooks.pending(), "paused": webhooks.mischief.paused}

    def _show_deliveries(self, _: dict[str, Any]) -> object:
        webhooks = self._simulator.webhooks
        return {"url": webhooks.url, "pending": webhooks.pending(), "attempts": webhooks.attempts()}


def _given(request: Request) -> dict[str, Any]:
    if request.method == "GET":
        return request.args.to_dict()
    if request.mimetype == "application/json" and request.content_length:
        try:
            given = json.loads(request.get_data())
        except (ValueError, RecursionError):
            raise _Wrong("The body is not JSON.") from None
        if not isinstance(given, dict):
            raise _Wrong("The body must be a JSON object.")
        return given
    return request.form.to_dict()


def _seconds(value: Any, most: float) -> float:
    number = float(value)
    if not 0 <= number <= most:
        raise _Wrong(f"Must be between 0 and {most:.0f} seconds.")
    return number


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body) + "\n", status, mimetype="application/json")
