"""HTTP/1.1 over a loopback socket, one thread per connection, and the thread that moves time and webhooks."""

from __future__ import annotations

import io
import sys
import threading
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from .browser import LOOPBACK_HOSTS
from .errors import ConnectionLost

if TYPE_CHECKING:
    from .simulator import Simulator

_LARGEST_BODY = 1_000_000
_TICK_SECONDS = 0.2
_WEBHOOK_TIMEOUT_SECONDS = 10


class Server(ThreadingHTTPServer):
    """Serves one simulator. Raises: ValueError for a host that others could reach."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, simulator: Simulator, host: str, port: int) -> None:
        if host not in LOOPBACK_HOSTS:
            raise ValueError(f"{host!r} is not a loopback host: the simulator must not be reachable by others")
        self.simulator = simulator
        super().__init__((host, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    """One connection: reads a request, asks the WSGI application, writes the answer in one piece."""

    protocol_version = "HTTP/1.1"
    server: Server
    timeout = 60
    # The answer goes out at once; waiting to fill a packet would cost 40 ms a request.
    disable_nagle_algorithm = True
    wbufsize = -1

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not length.isdecimal() or int(length) > _LARGEST_BODY:
            self.close_connection = True
            self.send_error(413, "The body is too large or of unknown length")
            return
        if not self._host_is_ours():
            self.send_error(403, "Only requests to a loopback host are answered")
            return
        body = self.rfile.read(int(length))
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc: Any = None) -> Callable[[bytes], object]:
            started.append((status, headers))
            return lambda _: None

        try:
            answer = b"".join(self.server.simulator(self._environ(body), start_response))
        except ConnectionLost:
            self.close_connection = True
            return
        except Exception:
            traceback.print_exc(file=sys.stderr)
            self.close_connection = True
            return
        self._write(*started[-1], [answer])

    do_GET = do_POST = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def _write(self, status: str, headers: list[tuple[str, str]], chunks: Iterable[bytes]) -> None:
        code, _, reason = status.partition(" ")
        body = b"".join(chunks)
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
            if name.lower() == "content-length" and int(value) > len(body):
                self.close_connection = True  # a truncated answer ends with the connection
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _host_is_ours(self) -> bool:
        """Refuse names that only resolve to us: a page elsewhere could reach us by rebinding its own."""
        try:
            return (urlsplit(f"//{self.headers.get('Host', 'localhost')}").hostname or "") in LOOPBACK_HOSTS
        except ValueError:
            return False

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        environ.pop("HTTP_CONTENT_LENGTH", None)
        return environ

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: the simulator keeps its own log of requests."""


class Heartbeat(threading.Thread):
    """Runs what the simulated clock makes due and delivers webhooks, a few times a second."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._simulator = simulator
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(_TICK_SECONDS):
            try:
                self._simulator.clock.run_due()
                self._simulator.deliver(post)
            except Exception:
                # One bad event or timer must not end the heartbeat for all.
                traceback.print_exc(file=sys.stderr)

    def stop(self) -> None:
        self._stopped.set()
        self.join(timeout=5)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is a failed delivery. Source: https://docs.stripe.com/webhooks#fix-http-status-codes"""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Deliver one webhook over HTTP; returns the status. Raises: OSError when nobody answers."""
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with _OPENER.open(request, timeout=_WEBHOOK_TIMEOUT_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
