"""What was typed into the booking form when the log-in had run out: kept until the person is back."""

import json
import zlib

from flask import request, session

KEPT = {"title": 120, "description": 1000}


def keep() -> None:
    """Remember the typed text of a form that cannot be used before the log-in."""
    if request.method == "POST" and request.endpoint == "mentee.book":
        text = {name: request.form.get(name, "").replace("\r\n", "\n")[:most] for name, most in KEPT.items()}
        session["draft"] = zlib.compress(json.dumps(text, ensure_ascii=False).encode())  # it has to fit into a cookie


def take() -> dict[str, str]:
    """The remembered text, once."""
    packed: bytes | None = session.pop("draft", None)
    draft: dict[str, str] = json.loads(zlib.decompress(packed)) if packed else {}
    return draft
