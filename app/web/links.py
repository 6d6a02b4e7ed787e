"""Where to go next, without ever leaving the house."""

from urllib.parse import urlencode, urlsplit

from flask import request, url_for


def local(target: str | None) -> str:
    """A path on this site, never another one: what does not look like a plain path leads to the start.

    Only ever a GET follows, so it is safe to go there whatever it is.
    """
    if (
        target
        and target.startswith("/")
        and not target.startswith(("//", "/\\"))
        and not any(letter < " " or letter == "\x7f" for letter in target)
    ):
        return target
    return url_for("public.mentors")


def after_log_in() -> str:
    """Where somebody wanted to go who has to log in first: the page, or the page that the form stood on."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    if request.endpoint == "mentee.book":
        asked = {name: request.form.get(name, "")[:100] for name in ("mentor", "minutes", "starts_at", "trial")}
        query = urlencode({name: word for name, word in asked.items() if word or name != "trial"})
        return f"{url_for('mentee.new_booking')}?{query}"
    try:
        came_from = urlsplit(request.referrer or "")
    except ValueError:
        return url_for("public.mentors")
    return came_from.path if came_from.netloc == request.host else url_for("public.mentors")
