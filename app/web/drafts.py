"""What was typed into the booking form when the log-in had run out: kept until the person is back."""

from flask import request, session

KEPT = ("title", "description")
MOST = 1000  # characters of a field: a session is a cookie, and a cookie is small


def keep() -> None:
    """Remember the typed text of a form that cannot be used before the log-in."""
    if request.method == "POST" and request.endpoint == "mentee.book":
        session["draft"] = {name: request.form.get(name, "")[:MOST] for name in KEPT}


def take() -> dict[str, str]:
    """The remembered text, once."""
    draft: dict[str, str] = session.pop("draft", {})
    return draft
