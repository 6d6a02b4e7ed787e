"""Ways to spoil an event: its signature, its text, its shape, and what it says."""

import json
import math
import re
from collections.abc import Callable
from random import Random
from typing import Any

from stripe_simulator.webhooks import signature

Event = dict[str, Any]

TOLERANCE = 300  # seconds
DEEP = 30_000  # levels
LONG = "\u0439" * 11_000  # a name of 64 KB, as JSON writes it


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def signed(body: bytes, at: int, secret: str) -> str:
    return signature(body, at, secret)


def mac(body: bytes, at: int, secret: str) -> str:
    return signature(body, at, secret).split("v1=")[1]


# Signatures: of the body, the time now and the secret. None: there is no header.
FORGERIES: list[Callable[[bytes, int, str], str | None]] = [
    lambda body, now, secret: None,
    lambda body, now, secret: "",
    lambda body, now, secret: "t=,v1=",
    lambda body, now, secret: f"t={now}",
    lambda body, now, secret: f"t={now},v1=",
    lambda body, now, secret: f"v1={mac(body, now, secret)}",
    lambda body, now, secret: f"t={now},v0={mac(body, now, secret)}",
    lambda body, now, secret: f"t={now},v1={'0' * 64}",
    lambda body, now, secret: f"t={now},v1={mac(body, now, secret)[:-1]}",
    lambda body, now, secret: f"t={now},v1={mac(body, now, secret).upper()}",
    lambda body, now, secret: f"t={now},v1={mac(body, now, secret)[:-1]}\xe9",
    lambda body, now, secret: f"t={now},v1=caf\xe9",
    lambda body, now, secret: f"t={now}," + ",".join(f"v1={n:064x}" for n in range(100)),
    lambda body, now, secret: f"t={now + 1},v1={mac(body, now, secret)}",
    lambda body, now, secret: f"t={now}.0,v1={mac(body, now, secret)}",
    lambda body, now, secret: f"t=-{now},v1={mac(body, now, secret)}",
    lambda body, now, secret: f"t={'9' * 4_000},v1={mac(body, now, secret)}",
    lambda body, now, secret: f"t=NaN,v1={mac(body, now, secret)}",
    lambda body, now, secret: f"t,v1,{now},{mac(body, now, secret)}",
    lambda body, now, secret: "=,=,=;\x00\xff",
    lambda body, now, secret: signed(body, now, "whsec_other"),
    lambda body, now, secret: signed(body, now, ""),
    lambda body, now, secret: signed(body + b" ", now, secret),
    lambda body, now, secret: signed(b"", now, secret),
    lambda body, now, secret: signed(body, now - TOLERANCE - 1, secret),
    lambda body, now, secret: signed(body, now + TOLERANCE + 1, secret),
    lambda body, now, secret: signed(body, 0, secret),
    lambda body, now, secret: signed(body, 99_999_999_999, secret),
    # An old signature that says beside it that it is of now.
    lambda body, now, secret: f"t={now}," + signed(body, now - 86_400, secret),
    lambda body, now, secret: f"x=1, t={now}," + signed(body, now - 86_400, secret),
    lambda body, now, secret: signed(body, now - 86_400, secret) + f",t={now}",
    lambda body, now, secret: f"t=0_{now - 86_400},t={now},v1={mac(body, now - 86_400, secret)}",
]


def _somewhere(chance: Random, body: bytes) -> int:
    return chance.randrange(1, len(body) - 1)


def _with(chance: Random, body: bytes, bad: bytes) -> bytes:
    """The body with something bad at the beginning of a name."""
    at = chance.choice([found.end() for found in re.finditer(rb', "', body)])
    return body[:at] + bad + body[at:]


# Texts: whatever is signed, none of them is the JSON of an event.
SPOILED_TEXTS: list[Callable[[Random, bytes], bytes]] = [
    lambda chance, body: b"",
    lambda chance, body: body[: _somewhere(chance, body)],
    lambda chance, body: body[_somewhere(chance, body) :],
    lambda chance, body: body + body,
    lambda chance, body: body + b"\x00",
    lambda chance, body: b"\xef\xbb\xbf" + body,
    lambda chance, body: body.decode().encode(chance.choice(["utf-16", "utf-32", "utf-7", "cp500"])) + b"\xff",
    lambda chance, body: _with(chance, body, b"\xff"),
    lambda chance, body: _with(chance, body, b"\xc0\x80"),
    lambda chance, body: _with(chance, body, b"\xed\xa0\x80"),
    lambda chance, body: _with(chance, body, b"\xf8\x88\x80\x80\x80"),
    lambda chance, body: _with(chance, body, b"\x00"),
    lambda chance, body: _with(chance, body, b"\n"),
    lambda chance, body: _with(chance, body, b"\\x"),
    lambda chance, body: body.replace(b'"id":', b'"id": "evt_twice", "id":', 1),
    lambda chance, body: body.replace(b'"livemode":', b'"livemode": true, "livemode":'),
    lambda chance, body: body.replace(b'{"id":', b'{"__proto__": {}, "__proto__": {}, "id":', 1),
    lambda chance, body: body.replace(b'"data": {', b'"data": {"deep": ' + b"[" * DEEP + b"]" * DEEP + b", ", 1),
    lambda chance, body: b'{"a":' * DEEP + body + b"}" * DEEP,
    lambda chance, body: b"[" * DEEP * 8,
    lambda chance, body: body.replace(b'"created": ', b'"created": ' + b"9" * 5_000, 1),
    lambda chance, body: b"'" + body + b"'",
    lambda chance, body: b"[" + body + b"]",
    lambda chance, body: as_json(body.decode()),
    lambda chance, body: b"payload=" + body,
]

NO_WORDS = [
    None,
    7,
    -1.5,
    True,
    [],
    {},
    "",
    " ",
    "evt'; DROP TABLE booking; --",
    "evt\0",
    "\ud800",
    "é",
    "x" * 81,
    LONG,
]
NO_OBJECTS = [None, 7, True, "object", [], ["id"], [[]], LONG]


def _put(path: str, values: list[Any]) -> Callable[[Random, Event], None]:
    def spoil(chance: Random, event: Event) -> None:
        *way, name = path.split(".")
        place = event
        for step in way:
            place = place[step]
        place[name] = chance.choice(values)

    return spoil


def _take(path: str) -> Callable[[Random, Event], None]:
    def spoil(_chance: Random, event: Event) -> None:
        *way, name = path.split(".")
        place = event
        for step in way:
            place = place[step]
        del place[name]

    return spoil


def _about_an_intent(change: Callable[[Random, Event], None]) -> Callable[[Random, Event], None]:
    def spoil(chance: Random, event: Event) -> None:
        event["type"] = "payment_intent.succeeded"
        change(chance, event)

    return spoil


def _about_a_charge(change: Callable[[Random, Event], None]) -> Callable[[Random, Event], None]:
    def spoil(chance: Random, event: Event) -> None:
        event["type"] = "charge.refunded"
        change(chance, event)

    return spoil


# Shapes: changes to an event after which it is none.
MISSHAPEN: list[Callable[[Random, Event], None]] = [
    *(_take(path) for path in ("id", "type", "livemode", "data", "data.object")),
    *(_put(path, NO_WORDS) for path in ("id", "type")),
    _put("account", NO_WORDS[1:]),
    _put("livemode", [None, 0, 1, "false", "", [], {}]),
    _put("data", NO_OBJECTS),
    _put("data.object", NO_OBJECTS),
    _about_an_intent(_put("data.object.id", NO_WORDS)),
    _about_an_intent(_take("data.object.id")),
    _about_a_charge(_put("data.object.payment_intent", NO_WORDS[1:])),
]


def anything(chance: Random, depth: int) -> Any:
    """Any JSON value, the unfriendlier the better."""
    if depth and chance.random() < 0.5:
        size = chance.randrange(5)
        if chance.random() < 0.5:
            return [anything(chance, depth - 1) for _ in range(size)]
        return {chance.choice(["id", "object", "", "data", "\ud800", "a" * 300]): anything(chance, depth - 1)}
    return chance.choice(
        [None, True, False, 0, -1, 2**63, 10**300, 1e308, math.inf, math.nan, "", "\0", "\udfff", "é" * 99, LONG]
    )


def twist(chance: Random, thing: Any) -> None:
    """Change, lose or add something, anywhere in an object."""
    while isinstance(thing, dict | list) and thing:
        name = chance.choice(list(thing) if isinstance(thing, dict) else range(len(thing)))
        if not isinstance(thing[name], dict | list) or chance.random() < 0.3:
            break
        thing = thing[name]
    else:
        return
    match chance.randrange(4):
        case 0:
            del thing[name]
        case 1 if isinstance(thing, dict):
            thing[chance.choice(["id", "metadata", "payment_intent", "status", "x" * 500])] = anything(chance, 3)
        case _:
            thing[name] = anything(chance, 3)
