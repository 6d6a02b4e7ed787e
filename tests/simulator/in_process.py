"""The official library's HTTP client, calling a WSGI application in this very process."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import stripe
from requests.structures import CaseInsensitiveDict

from stripe_simulator import ConnectionLost

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class InProcessClient(stripe.HTTPClient):
    """Give it to `stripe.StripeClient(http_client=...)`; no socket is opened.

    A lost or truncated answer, or one that took longer than `timeout` seconds, surfaces as
    `stripe.APIConnectionError`, with its effect done, as over a network.
    """

    name = "in_process"

    def __init__(self, app: WsgiApp, timeout: float | None = None) -> None:
        super().__init__()
        self._app = app
        self._timeout = timeout

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        begun = time.monotonic()
        try:
            status, answered, body = self._call(_environ(method.upper(), url, headers or {}, post_data))
        except ConnectionLost as lost:
            raise _no_answer(str(lost)) from lost
        if self._timeout is not None and time.monotonic() - begun > self._timeout:
            raise _no_answer(f"Read timed out. (read timeout={self._timeout})")
        if len(body) < int(answered.get("Content-Length", len(body))):
            raise _no_answer("The answer broke off before its end.")
        return body.decode(), status, answered

    def close(self) -> None:
        """Nothing is open."""

    def _call(self, environ: dict[str, Any]) -> tuple[int, CaseInsensitiveDict[str], bytes]:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc: Any = None) -> Callable[[bytes], None]:
            started.append((status, headers))
            return lambda _: None

        body = b"".join(self._app(environ, start_response))
        status, headers = started[-1]
        return int(status.split()[0]), CaseInsensitiveDict(headers), body


def _no_answer(why: str) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(f"Unexpected error communicating with Stripe. {why}", should_retry=True)


def _environ(method: str, url: str, headers: Mapping[str, str], post_data: Any) -> dict[str, Any]:
    parts = urlsplit(url)
    body = post_data.encode() if isinstance(post_data, str) else (post_data or b"")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(parts.path, "latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname or "localhost",
        "SERVER_PORT": str(parts.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": parts.netloc,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ
