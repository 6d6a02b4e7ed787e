"""A host that serves calendars over TLS on this machine, and how the application is allowed to ask it.

Its certificate is signed by nobody but itself; its key is in the source, and of no use to anybody.
"""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from app.gateways import foreign_calendars
from app.gateways.outside_web import OutsideWeb

CERTIFICATE = Path(__file__).parent / "certificates" / "localhost.pem"
CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//elsewhere//EN\r\n{}END:VCALENDAR\r\n"


def calendar(*events: str) -> bytes:
    """A calendar of events, each given by its lines."""
    parts = ("BEGIN:VEVENT\r\n" + "\r\n".join(event.split("\n")) + "\r\nEND:VEVENT\r\n" for event in events)
    return CALENDAR.format("".join(parts)).encode()


@dataclass
class Page:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    act: Callable[[BaseHTTPRequestHandler], None] | None = None  # instead of an answer


class CalendarHost:
    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host.asked.append(self.path)
                host.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port: int = self._server.server_address[1]
        self._serving = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._serving.start()

    @property
    def name(self) -> str:
        return f"localhost:{self.port}"

    def url(self, path: str = "/bob/secret-7f3a.ics") -> str:
        return f"https://{self.name}{path}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        page = self.pages.get(request.path, Page(b"nothing here", 404))
        if page.act is not None:
            page.act(request)
            return
        request.send_response(page.status)
        for name, value in {"Content-Length": str(len(page.body)), **page.headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(page.body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._serving.join()


def trust() -> ssl.SSLContext:
    """That of a machine which trusts the host's certificate."""
    return ssl.create_default_context(cafile=str(CERTIFICATE))


@contextmanager
def reachable() -> Iterator[CalendarHost]:
    """The application may ask this host, as its configuration would allow it; and it trusts its certificate."""
    host = CalendarHost()
    foreign_calendars.use(OutsideWeb(exempt=[host.name], trust=trust()))
    try:
        yield host
    finally:
        foreign_calendars.use(OutsideWeb())
        host.close()
