"""Bytes that are sent to a web server's port and are no proper request, or a proper request and a trick."""

import re
import socket
from collections.abc import Callable
from random import Random

LINE = b"POST /webhooks/stripe HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
LARGEST_BODY = 256 * 1024
STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3}) ", re.MULTILINE)
ANSWERS_WITHIN = 30  # seconds

Trick = Callable[[Random, bytes, bytes], bytes]  # of a genuine body and the header line that signs it


def answers(port: int, sent: bytes, *, then_hang_up: bool = True) -> list[int]:
    """The statuses of whatever is answered to these bytes until the connection is closed; perhaps none."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWERS_WITHIN) as line:
        heard = b""
        try:
            line.sendall(sent)
            if then_hang_up:
                line.shutdown(socket.SHUT_WR)
            while piece := line.recv(65_536):
                heard += piece
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has heard enough, and hung up in the middle
    return [int(status) for status in STATUS.findall(heard)]


def request(body: bytes, *headers: bytes, line: bytes = LINE, measured: bool = True) -> bytes:
    length = (b"Content-Length: %d\r\n" % len(body),) if measured else ()
    return line + HOST + b"".join((*headers, *length)) + b"\r\n" + body


def chunks(body: bytes, size: int = 100) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def chunked(coded: bytes, *headers: bytes, coding: bytes = b"chunked") -> bytes:
    return request(coded, b"Transfer-Encoding: %s\r\n" % coding, *headers, measured=False)


def _length(told: Callable[[int], object]) -> Trick:
    """A false Content-Length."""
    return lambda _, body, sign: request(
        body, sign, b"Content-Length: %s\r\n" % str(told(len(body))).encode(), measured=False
    )


def _chunked(code: Callable[[Random, bytes], bytes], coding: bytes = b"chunked") -> Trick:
    return lambda chance, body, sign: chunked(code(chance, body), sign, coding=coding)


def _headed(*headers: bytes) -> Trick:
    """Strange headers, and no signature."""
    return lambda chance, body, _: request(body, *headers)


def _lined(line: bytes) -> Trick:
    """Another first line: the signature is right, and of no use."""
    return lambda chance, body, sign: request(body, sign, line=line)


TRICKS: dict[str, list[Trick]] = {
    "a false Content-Length": [
        lambda _, body, sign: request(body, sign)[:-1],
        lambda _, body, sign: request(body, sign)[: -len(body) // 2],
        _length(lambda size: size - 1),
        _length(lambda size: 0),
        _length(lambda size: -size),
        _length(lambda size: f"+{size}"),
        _length(lambda size: f"{size}, {size}"),
        _length(lambda size: f"{size}.0"),
        _length(lambda size: hex(size)),
        _length(lambda size: "9" * 30),
        _length(lambda size: ""),
        lambda _, body, sign: request(body, sign, b"Content-Length: 5\r\n"),
        lambda _, body, sign: request(body, sign, measured=False),
        lambda _, body, sign: request(body, sign, b"Content-Length: %d\r\n" % (LARGEST_BODY + 1), measured=False),
    ],
    "broken chunks": [
        _chunked(lambda _, body: body),
        _chunked(lambda _, body: chunks(body)[:-5]),
        _chunked(lambda _, body: chunks(body)[:-2]),
        _chunked(lambda _, body: chunks(body).replace(b"\r\n", b"\n")),
        _chunked(lambda _, body: b"zz\r\n" + chunks(body)),
        _chunked(lambda _, body: b"-1\r\n" + chunks(body)),
        _chunked(lambda _, body: b"ffffffffffffffff\r\n" + body),
        _chunked(lambda _, body: b"\r\n\r\n"),
        _chunked(lambda _, body: b"5;" + b"x" * 20_000 + b"\r\nhello\r\n0\r\n\r\n"),
        _chunked(lambda _, body: b"0" * 20_000),
        _chunked(lambda _, body: chunks(body)[:-2] + b"X: " + b"y" * 400_000 + b"\r\n\r\n"),
        _chunked(lambda _, body: chunks(b"x" * (LARGEST_BODY + 1), 65_536)),
        _chunked(lambda chance, body: chance.randbytes(300)),
        lambda _, body, sign: request(chunks(body), sign, b"Transfer-Encoding: chunked\r\n"),
    ],
    "an unknown transfer coding": [
        _chunked(lambda _, body: chunks(body), coding)
        for coding in (b"xchunked", b"chunked, chunked", b"chunked, identity", b"", b"\x0bchunked")
    ],
    "strange headers": [
        _headed(b"No colon\r\n"),
        _headed(b": no name\r\n"),
        _headed(b"Na me: x\r\n"),
        _headed(b"Name : x\r\n"),
        _headed(b"N\x00l: x\r\n"),
        _headed(b"X: a\x00b\r\n"),
        _headed(b"X: a\rb\r\n"),
        _headed(b"X: a\r\n folded\r\n"),
        _headed(b"X: " + b"y" * 20_000 + b"\r\n"),
        _headed(*(b"X-%d: y\r\n" % n for n in range(300))),
        _headed(b"Stripe_Signature: t=1,v1=0\r\n"),
        _headed(b"Stripe-Signature: t=1\r\n", b"Stripe-Signature: v1=0\r\n"),
        _headed(b"Stripe-Signature: " + bytes(range(128, 256)) + b"\r\n"),
        _headed(b"Host: elsewhere\r\n"),
        _headed(b"Expect: a miracle\r\n"),
        _headed(b"Expect: 100-continue\r\n"),
        _headed(
            b"Connection: Upgrade, HTTP2-Settings\r\n", b"Upgrade: h2c\r\n", b"HTTP2-Settings: AAMAAABkAARAAAAA\r\n"
        ),
        _headed(b"Connection: Upgrade\r\n", b"Upgrade: websocket\r\n"),
    ],
    "a strange first line": [
        _lined(line + b"\r\n")
        for line in (
            b"",
            b"POST",
            b"POST /webhooks/stripe",
            b"POST  /webhooks/stripe HTTP/1.1",
            b"post /webhooks/stripe HTTP/1.1",
            b"PO\x00ST /webhooks/stripe HTTP/1.1",
            b"P\xd6ST /webhooks/stripe HTTP/1.1",
            b"POST /webhooks/stripe HTTP/9.9",
            b"POST /webhooks/stripe HTTP/2.0",
            b"POST /webhooks/stripe HTTP/x",
            b"POST /webhooks/stripe\x00 HTTP/1.1",
            b"POST /webhooks/../etc/passwd HTTP/1.1",
            b"POST /webhooks/%ff%fe%00 HTTP/1.1",
            b"POST * HTTP/1.1",
            b"POST http://[::1/webhooks/stripe HTTP/1.1",
            b"CONNECT localhost:443 HTTP/1.1",
            b"POST /" + b"x" * 20_000 + b" HTTP/1.1",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2",
            b"PRI * HTTP/2.0",
        )
    ],
    "no HTTP at all": [
        lambda chance, *_: b"",
        lambda chance, *_: chance.randbytes(chance.randrange(1, 3_000)),
        lambda chance, *_: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(500),
        lambda chance, *_: b"\r\n" * 5_000,
        lambda chance, *_: LINE[: chance.randrange(1, len(LINE))],
        lambda chance, *_: LINE + HOST,
        lambda chance, body, sign: body,
    ],
    "several in one": [
        lambda chance, body, sign: request(body) * 5,
        lambda chance, body, sign: request(body + request(body)),
        lambda chance, body, sign: request(body) + chance.randbytes(100),
    ],
}
