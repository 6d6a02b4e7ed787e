"""What somebody sends to the webhook door who means it ill, or whose software is broken. All of it, at full size:

python -m tests.faults.hostility --requests 22000 --knocks 1000 --seed 1
"""

import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize

from stripe_simulator.webhooks import signature
from tests.faults import full_size
from tests.faults.spoiling import FORGERIES, MISSHAPEN, SPOILED_TEXTS, Event, anything, as_json, twist

SECRET = "whsec_test"
LARGEST_BODY = 256 * 1024
TAKEN, REFUSED, EITHER = frozenset({200}), frozenset({400}), frozenset({200, 400})
ELSEWHERE, NO_SUCH_METHOD, TOO_LARGE = frozenset({404}), frozenset({405}), frozenset({413})


@dataclass(frozen=True)
class Request:
    """``may`` are the statuses that it can be answered with; ``cgi`` is what a WSGI server would say otherwise of it.

    ``event_id`` is of the event that is stored if, and only if, it is taken.
    """

    kind: str
    body: bytes
    headers: dict[str, str]
    may: frozenset[int]
    event_id: str = ""
    method: str = "POST"
    cgi: dict[str, Any] = field(default_factory=dict)


@dataclass
class BreakingSource:
    """A body as a web server hands it over, that breaks off after some bytes."""

    left: bytes
    error: Exception

    def read(self, size: int = -1) -> bytes:
        if not self.left:
            raise self.error
        piece, self.left = self.left[:size], self.left[size:]
        return piece


class Hostility:
    """An endless variety of requests, made of genuine events; the same ones for the same ``seed``."""

    def __init__(self, seed: str, events: list[Event], now: float) -> None:
        self.chance = Random(seed)
        self._seed, self._events, self._now = seed, events, now
        self._made = 0

    def requests(self, count: int) -> Iterator[Request]:
        for _ in range(count):
            yield self.chance.choices(*zip(*KINDS, strict=True))[0](self)

    def event(self) -> Event:
        """A genuine event that has not been sent before."""
        self._made += 1
        event: Event = json.loads(json.dumps(self.chance.choice(self._events)))
        return event | {"id": f"evt_{self._seed.replace(' ', '_')}_{self._made}"}

    def signed(self, body: bytes) -> str:
        return signature(body, self._now, SECRET)

    # Each of these is one kind of request.

    def genuine(self) -> Request:
        """The control: a door that lets nobody in would pass all the rest."""
        event = self.event()
        body = as_json(event)
        return Request("a genuine event", body, _headers(self.signed(body)), TAKEN, event["id"])

    def oddly_wrapped(self) -> Request:
        """Headers that mean nothing here, around a genuine event."""
        event = self.event()
        body = as_json(event)
        strange = dict(self.chance.sample(ODD_HEADERS, self.chance.randint(1, 3)))
        return Request("genuine, odd headers", body, _headers(self.signed(body)) | strange, TAKEN, event["id"])

    def unsigned(self) -> Request:
        body = as_json(self.event())
        header = self.chance.choice(FORGERIES)(body, int(self._now), SECRET)
        return Request("not signed by Stripe", body, {} if header is None else _headers(header), REFUSED)

    def spoiled(self) -> Request:
        """Signed by Stripe, and no event."""
        body = self.chance.choice(SPOILED_TEXTS)(self.chance, as_json(self.event()))
        return Request("signed, but broken text", body, _headers(self.signed(body)), REFUSED)

    def misshapen(self) -> Request:
        """Signed, proper JSON, and no event: something of what makes one is missing or of another type."""
        event = self.event()
        self.chance.choice(MISSHAPEN)(self.chance, event)
        body = as_json(event)
        return Request("signed, but no event", body, _headers(self.signed(body)), REFUSED)

    def twisted(self) -> Request:
        """Signed, an event in shape or perhaps not any more, and what it says of its object is untrue."""
        event = self.event()
        for _ in range(self.chance.randint(1, 6)):
            twist(self.chance, event["data"]["object"])
        body = as_json(event)
        return Request(
            "signed, full of lies", body, _headers(self.signed(body)), _unless_too_large(EITHER, body), event["id"]
        )

    def nonsense(self) -> Request:
        """Signed, and nothing like an event at all."""
        body = self.chance.choice(
            [as_json(anything(self.chance, 4)), self.chance.randbytes(self.chance.randrange(400))]
        )
        return Request("signed nonsense", body, _headers(self.signed(body)), REFUSED)

    def too_large(self) -> Request:
        event = self.event() | {"filler": "x" * (LARGEST_BODY + self.chance.randrange(200_000))}
        body = as_json(event)
        return Request("more than 256 KB", body, _headers(self.signed(body)), TOO_LARGE)

    def oddly_asked(self) -> Request:
        """Another method: what is signed rightly is of no use either."""
        method = self.chance.choice(METHODS)
        body = as_json(self.event())
        may = TAKEN if method == "OPTIONS" else NO_SUCH_METHOD
        return Request(f"method {method}", body, _headers(self.signed(body)), may, method=method)

    def wrongly_measured(self) -> Request:
        """The length that is told is not that of the body."""
        body = as_json(self.event())
        length = self.chance.choice(
            ["0", "-1", "7", f"{len(body) - 1}", f"{len(body) + 1}", "99999", "1e3", "", "0x10"]
        )
        return Request("a false length", body, _headers(self.signed(body)), REFUSED, cgi={"CONTENT_LENGTH": length})

    def broken_off(self) -> Request:
        """What a web server makes of broken chunks or a lost connection, while the body is read."""
        body = as_json(self.event())
        error = self.chance.choice([OSError, TimeoutError, ValueError, InvalidChunkSize, ChunkMissingTerminator])
        source = BreakingSource(body[: self.chance.randrange(len(body))], error(b"zz"))
        return Request("broken off", body, _headers(self.signed(body)), REFUSED, cgi={"wsgi.input": source})

    def compressed(self) -> Request:
        """Stripe never compresses: what is signed is what was sent."""
        plain = as_json(self.event())
        packed = self.chance.choice([gzip.compress, zlib.compress])(plain)
        signed = self.signed(self.chance.choice([plain, packed]))
        coding = {"Content-Encoding": self.chance.choice(["gzip", "deflate", "br", "gzip, gzip"])}
        return Request("compressed", packed, _headers(signed) | coding, REFUSED)

    def elsewhere(self) -> Request:
        """Near the door."""
        body, path = as_json(self.event()), self.chance.choice(PATHS)
        return Request("a wrong path", body, _headers(self.signed(body)), ELSEWHERE, cgi={"PATH_INFO": path})


def _headers(signed: str) -> dict[str, str]:
    return {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signed}


def _unless_too_large(may: frozenset[int], body: bytes) -> frozenset[int]:
    return TOO_LARGE if len(body) > LARGEST_BODY else may


KINDS: list[tuple[Callable[[Hostility], Request], int]] = [  # and how often, of a hundred
    (Hostility.unsigned, 25),
    (Hostility.spoiled, 15),
    (Hostility.misshapen, 14),
    (Hostility.twisted, 10),
    (Hostility.nonsense, 6),
    (Hostility.wrongly_measured, 5),
    (Hostility.broken_off, 5),
    (Hostility.compressed, 4),
    (Hostility.oddly_asked, 5),
    (Hostility.oddly_wrapped, 4),
    (Hostility.too_large, 3),
    (Hostility.elsewhere, 2),
    (Hostility.genuine, 2),
]
METHODS = ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "BREW", "P\xd6ST"]
PATHS = [
    "/webhooks/",
    "/webhooks/stripe/",
    "/webhooks/stripe/x",
    "/webhooks/%00",
    "/webhooks/\x00",
    "/webhooks/\xff\xfe",
]
ODD_HEADERS = [
    ("Content-Type", ""),
    ("Content-Type", "multipart/form-data; boundary="),
    ("Content-Type", "multipart/form-data; boundary=\xff\xfe"),
    ("Content-Type", "application/x-www-form-urlencoded; charset=utf-7"),
    ("Content-Type", "text/html;" * 500),
    ("Content-Encoding", "identity"),
    ("Content-Encoding", "\xe9\xe9"),
    ("Cookie", "session=.eJwtjE.bad; remember_token=1|x"),
    ("Cookie", "\xff=\xfe; " * 200),
    ("Authorization", "Basic \xff\xff"),
    ("Accept", "*/*;q=NaN, text/html;q=1e999"),
    ("Accept-Language", "x" * 4_000),
    ("Range", "bytes=-1-"),
    ("If-None-Match", '"' * 99),
    ("If-Modified-Since", "Thu, 99 Foo 99999 99:99:99 GMT"),
    ("Referer", "http://[::1/"),
    ("Origin", "null"),
    ("X-Forwarded-For", "' OR 1=1 --, \xff"),
    ("X-Forwarded-Proto", "gopher"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-CSRFToken", "\x00"),
    ("User-Agent", ""),
    ("Traceparent", "\xf0\x9f\x98\x80"),
]


if __name__ == "__main__":
    sys.exit(full_size.run(__doc__, "test_door.py", "test_door_over_a_socket.py", requests=22_000, knocks=1_000))
