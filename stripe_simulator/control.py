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
from .mischief import KINDS
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
        self._simulator.faults.add(given.get("kind", ""), **_order(given, {"kind", "method", "path"}, 120))
        return {"faults": self._simulator.faults.waiting()}

    def _clear_faults(self, _: dict[str, Any]) -> object:
        self._simulator.faults.clear()
        return {"faults": []}

    def _forget_keys(self, _: dict[str, Any]) -> object:
        self._simulator.forget_idempotency_keys()
        return {"forgotten": True}

    def _webhooks(self, given: dict[str, Any]) -> object:
        """`action`: pause, resume, clear, reverse, resend (`event`), rotate (`endpoint`, `secret`), or a mischief."""
        webhooks, action = self._simulator.webhooks, given.get("action")
        if action in ("pause", "resume"):
            webhooks.mischief.paused = action == "pause"
        elif action == "resend":
            if not webhooks.resend(str(given.get("event"))):
                raise _Wrong(f"No such event: {given.get('event')}")
        elif action == "reverse":
            webhooks.reverse_pending()
        elif action == "clear":
            webhooks.mischief.clear()
        elif action == "rotate":
            return {"secret": webhooks.rotate(given.get("endpoint", ""), given.get("secret"))}
        elif action in KINDS:
            webhooks.mischief.add(action, **_order(given, {"action", "event"}, _FARTHEST_SECONDS))
        else:
            raise _Wrong(f"action must be pause, resume, clear, reverse, resend, rotate, {', '.join(KINDS)}.")
        return {
            "pending": webhooks.pending(),
            "paused": webhooks.mischief.paused,
            "mischief": webhooks.mischief.waiting(),
        }

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


def _order(given: dict[str, Any], words: set[str], longest: float) -> dict[str, Any]:
    """The numbers of something bad on order; a count of 0 means until called off."""
    numbers: dict[str, Callable[[Any], Any]] = {
        "count": lambda value: int(value) or None,
        "seconds": lambda value: _seconds(value, longest),
        "probability": float,
        "seed": int,
    }
    if strangers := set(given) - words - set(numbers):
        raise _Wrong(f"Unknown: {', '.join(sorted(strangers))}")
    texts = {name: str(given[name]) for name in words - {"kind", "action"} if name in given}
    return texts | {name: read(given[name]) for name, read in numbers.items() if name in given}


def _seconds(value: Any, most: float) -> float:
    number = float(value)
    if not 0 <= number <= most:
        raise _Wrong(f"Must be between 0 and {most:.0f} seconds.")
    return number


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body) + "\n", status, mimetype="application/json")
