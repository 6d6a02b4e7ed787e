"""In whose time a page speaks: the zone chosen in this browser, else the person's own, else UTC."""

from zoneinfo import ZoneInfo

from flask import g, session

from app.kit.calendar import known_zones
from app.web.access import viewer


def viewer_zone() -> ZoneInfo:
    if "zone" not in g:
        person = viewer()
        name = session.get("zone") or (person.time_zone if person else None)
        g.zone = ZoneInfo(name if name in known_zones() else "UTC")
    zone: ZoneInfo = g.zone
    return zone


def remember(name: str) -> bool:
    """Use a zone from now on in this browser; False if there is no such zone."""
    if name not in known_zones():
        return False
    session["zone"] = name
    g.pop("zone", None)
    return True
