"""How the dashboard looks: pure functions from what happened to HTML. No inline script or style."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from .dashboard_frame import Frame, button, document, moment
from .history import Delivery, Moment, Told
from .journal import Entry
from .markup import Markup, h, join, with_links
from .money import CURRENCIES, display
from .shapes import Object

_GOOD = frozenset(
    "succeeded active paid complete available delivered enabled won completed trialing attached verified".split()
)
_BAD = frozenset("failed canceled expired lost past_due unpaid incomplete_expired disabled void deleted".split())


def front(
    frame: Frame, moments: list[Moment], older: int | None, kinds: list[tuple[str, int]], *, first: bool
) -> Markup:
    """The page at `/`."""
    links = [h("a", "Newest", href="/", class_="button") if not first else None]
    links.append(h("a", "Older", href=f"/?before={older}", class_="button") if older else None)
    main = h(
        "div", h("h1", "What happened"), _moments(frame, moments), h("nav", links, aria_label="Pages", class_="row")
    )
    return document(frame, "What happened", main, _kinds(kinds))


def one(
    frame: Frame, obj: Object, moments: list[Moment], mentions: list[tuple[str, str]], *, disputable: bool
) -> Markup:
    """The page of one object."""
    dispute = button(frame, "dispute", "Open a dispute", id=obj["id"]) if disputable else None
    resend = button(frame, "resend", "Send again", event=obj["id"]) if obj["object"] == "event" else None
    title = h(
        "header",
        h("p", _noun(obj["object"]), class_="kind"),
        h("h1", h("code", obj["id"])),
        h("p", _status(obj), " ", _amount(obj), class_="facts"),
        h("div", dispute, resend, class_="row"),
    )
    whole = h("section", h("h2", "Object"), _json(obj, f"{obj['id']} as JSON"))
    happened = h("section", h("h2", "What happened to it"), _moments(frame, moments))
    related = [h("li", _noun(kind), " ", h("a", each, href=f"/dashboard/{each}")) for kind, each in mentions]
    aside = h("section", h("h2", "Named by"), h("ul", related, class_="plain")) if related else None
    return document(frame, obj["id"], h("div", title, happened, whole), aside)


def listing(frame: Frame, kind: str, objects: list[Object]) -> Markup:
    """The newest objects of a kind."""
    rows = [
        h(
            "li",
            h("a", obj["id"], href=f"/dashboard/{obj['id']}"),
            h("span", _status(obj), " ", _amount(obj), class_="facts"),
            class_="card line",
        )
        for obj in objects
    ]
    main = h("div", h("h1", _noun(kind), ": the newest"), h("ul", rows, class_="plain"))
    return document(frame, kind, main)


def missing(frame: Frame, name: str) -> Markup:
    """There is no such object."""
    return document(
        frame, "Not found", h("div", h("h1", "Not found"), h("p", "There is no object ", h("code", name))), None
    )


def _kinds(kinds: list[tuple[str, int]]) -> Markup:
    rows = [
        h("li", h("a", _noun(kind), href=f"/dashboard/{kind}"), h("span", many, class_="quiet"), class_="line")
        for kind, many in kinds
    ]
    nothing = h("p", "None yet. Point a Stripe library at this address.", class_="quiet")
    return h("section", h("h2", "Objects"), h("ul", rows, class_="plain") if rows else nothing, class_="card")


def _moments(frame: Frame, moments: list[Moment]) -> Markup:
    if not moments:
        return h("p", "Nothing yet.", class_="quiet")
    return h("ol", [h("li", _moment(frame, each), class_="card moment") for each in moments], class_="plain")


def _moment(frame: Frame, what: Moment) -> Markup:
    told = h("ul", [h("li", _told(frame, each)) for each in what.told], class_="plain told") if what.told else None
    if what.entry is None:
        head = h(
            "p",
            h("span", "CLOCK", class_="method"),
            h("span", "by itself, or in a browser"),
            _when(what.at),
            class_="line",
        )
        return join(head, told)
    return join(_request(what.entry), told)


def _request(entry: Entry) -> Markup:
    flags = [
        h("span", "replayed", class_="pill") if entry.replayed else None,
        h("span", entry.account, class_="pill") if entry.account else None,
    ]
    status = h("span", entry.status or "no answer", class_=f"pill {'good' if 200 <= entry.status < 300 else 'bad'}")
    summary = h(
        "summary",
        h("span", entry.method, class_=f"method {entry.method.lower()}"),
        h("code", entry.path.removeprefix("/v1"), class_="path"),
        status,
        flags,
        _when(entry.at),
        class_="line",
    )
    asked = parse_qsl(entry.asked, keep_blank_values=True)
    rows = [h("div", h("dt", name), h("dd", with_links(value))) for name, value in asked]
    about = h("p", entry.request, f" · key {entry.key}" if entry.key else "", class_="quiet")
    given = h("dl", rows) if rows else h("p", "No parameters.", class_="quiet")
    return h("details", summary, about, given, _json_text(entry.answered, f"Answer to {entry.request}"))


def _told(frame: Frame, told: Told) -> Markup:
    event, obj = told.event, told.event["data"]["object"]
    shown = obj.get("id", "")
    states = [_delivery(each) for each in told.deliveries] or [h("span", "nobody to tell", class_="pill")]
    tries = [h("li", line, class_="quiet") for each in told.deliveries for line in _tries(each)]
    return h(
        "div",
        h("a", event["type"], href=f"/dashboard/{event['id']}", class_="type"),
        h("a", shown, href=f"/dashboard/{shown}", class_="quiet id") if shown else None,
        h("span", states, class_="row"),
        button(frame, "resend", "Send again", event=event["id"], label=f"Send {event['type']} {event['id']} again"),
        h("ul", tries, class_="plain tries") if tries else None,
        class_="event",
    )


def _delivery(delivery: Delivery) -> Markup:
    tone = {"delivered": "good", "lost": "bad"}.get(delivery.state, "warn")
    waiting = "failing" if delivery.attempts else "waiting"
    words = waiting if delivery.state == "pending" else delivery.state
    return h("span", words, class_=f"pill {tone}")


def _tries(delivery: Delivery) -> list[str]:
    """Attempts worth a word: all but a single success."""
    if delivery.state == "delivered" and len(delivery.attempts) == 1 and not delivery.attempts[0]["note"]:
        return []
    return [f"{moment(each['at'])}: {each['status'] or 'no answer'} {each['note']}" for each in delivery.attempts[-5:]]


def _json_text(text: str, label: str) -> Markup | None:
    try:
        return _json(json.loads(text), label) if text else None
    except ValueError:  # cut short
        return h("pre", with_links(text), tabindex=0, role="region", aria_label=label)


def _json(value: Any, label: str) -> Markup:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return h("pre", with_links(text), tabindex=0, role="region", aria_label=label)


def _status(obj: Object) -> Markup | None:
    status = "deleted" if obj.get("deleted") else obj.get("status") or obj.get("type", "")
    if not isinstance(status, str) or not status:
        return None
    return h("span", status, class_=f"pill {'good' if status in _GOOD else 'bad' if status in _BAD else 'warn'}")


def _amount(obj: Object) -> str:
    amount, currency = obj.get("amount"), obj.get("currency")
    return display(amount, currency) if isinstance(amount, int) and currency in CURRENCIES else ""


def _noun(kind: str) -> str:
    return kind.replace(".", " ").replace("_", " ").capitalize()


def _when(at: float) -> Markup:
    return h("time", moment(at), datetime=datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"), class_="quiet")
