"""The frame of every dashboard page: find, clock, webhooks; and the forms that press for something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from .markup import Markup, h, join


@dataclass(frozen=True)
class Frame:
    """What surrounds every page: the clock, the deliveries, the token of its forms, a notice."""

    token: str
    back: str
    now: float
    offset: float
    pending: int
    paused: bool
    url: str | None
    pulse: int
    notice: str


def document(frame: Frame, title: str, main: Markup, aside: Markup | None = None) -> Markup:
    """A whole page."""
    head = h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("title", f"{title} · Stripe simulator"),
        h("link", rel="stylesheet", href="/dashboard.css"),
        Markup('<script src="/dashboard.js" defer></script>'),
    )
    notice = h("p", frame.notice, role="status", class_="notice") if frame.notice else None
    news = h("p", h("a", "Something new happened: show it", href=frame.back), id="news", role="status", hidden=True)
    columns = h(
        "main", news, notice, h("div", main, h("aside", _clock(frame), _deliveries_box(frame), aside), class_="columns")
    )
    body = h("body", _banner(), columns, data_pulse=frame.pulse)
    return join(Markup("<!doctype html>"), h("html", head, body, lang="en"))


def _banner() -> Markup:
    find = h(
        "form",
        h("label", "Object id", for_="find", class_="quiet"),
        h("input", id="find", name="id", type="search", placeholder="pi_…", autocomplete="off"),
        h("button", "Find"),
        action="/",
        role="search",
        class_="row",
    )
    name = h("a", "Stripe simulator", href="/", class_="name")
    return h(
        "header", h("div", name, h("span", "Nothing here is real", class_="pill"), class_="row"), find, class_="banner"
    )


def _clock(frame: Frame) -> Markup:
    ahead = f"{duration(abs(frame.offset))} {'ahead of' if frame.offset > 0 else 'behind'} the real one"
    steps = [("1 hour", 3600), ("1 day", 86_400), ("7 days", 7 * 86_400), ("31 days", 31 * 86_400)]
    return h(
        "section",
        h("h2", "Clock"),
        h("p", h("strong", moment(frame.now), class_="now"), h("br"), ahead if abs(frame.offset) >= 1 else "real time"),
        h("div", [button(frame, "advance", f"+ {name}", seconds=n) for name, n in steps], class_="row"),
        form(
            frame,
            "advance",
            h("label", "Days to move on", for_="days"),
            h("input", id="days", name="days", type="number", min="0.01", max="400", step="any", required=True),
            h("button", "Move the clock"),
        ),
        class_="card",
    )


def _deliveries_box(frame: Frame) -> Markup:
    held = button(
        frame, "deliveries", "Let them go" if frame.paused else "Hold them back", hold="" if frame.paused else "yes"
    )
    return h(
        "section",
        h("h2", "Webhooks"),
        h("p", h("code", frame.url) if frame.url else "No endpoint was given at the start."),
        h("p", f"{frame.pending} waiting", ", held back" if frame.paused else ""),
        held,
        class_="card",
    )


def button(frame: Frame, action: str, words: str, *, label: str | None = None, **fields: object) -> Markup:
    """A form of one button. `label` tells people who hear the page which of many it is."""
    hidden = [h("input", type="hidden", name=name, value=value) for name, value in fields.items()]
    return form(frame, action, *hidden, h("button", words, aria_label=label))


def form(frame: Frame, action: str, *children: object) -> Markup:
    """A form that does an action and comes back here."""
    back, token = (
        h("input", type="hidden", name=n, value=v) for n, v in (("back", frame.back), ("token", frame.token))
    )
    return h("form", token, back, *children, method="post", action=f"/dashboard/do/{action}")


def duration(seconds: float) -> str:
    """`3 days 2 hours`, for people; the smallest unit is a second."""
    parts, left = [], round(seconds)
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        many, left = divmod(left, size)
        if many:
            parts.append(f"{many} {unit}{'s' if many > 1 else ''}")
    return " ".join(parts[:2]) or "0 seconds"


def moment(at: float) -> str:
    """A simulated time, for people."""
    return datetime.fromtimestamp(at, UTC).strftime("%-d %b %Y, %H:%M:%S")
