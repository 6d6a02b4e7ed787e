"""Doors: who is it, what time is it; one action, one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.routing import BaseConverter

from app.kit import clock
from app.kit.ids import PATTERN
from app.web import (
    access,
    account,
    admin,
    approvals,
    arrangements,
    attendance,
    busy_calendars,
    calendars,
    cards_for_moves,
    errors,
    filters,
    headers,
    mentee,
    mentor,
    objections,
    outbox,
    public,
    reschedules,
    wallets,
    webhook,
)
from app.web.zones import viewer_zone

if TYPE_CHECKING:
    from config import Settings


class Id(BaseConverter):
    """What stands for a variable in every path: an id of ours, or there is no such page."""

    regex = PATTERN


class StripesId(BaseConverter):
    """An id of Stripe's, which has capitals too."""

    regex = "[A-Za-z0-9_.]{1,80}"


def init_app(app: Flask, settings: Settings) -> None:
    """Hang the doors. The guard comes first: it stands before every view."""
    app.url_map.converters["default"] = Id
    app.url_map.converters["stripes"] = StripesId
    app.before_request(access.guard)
    for door in (
        public,
        account,
        attendance,
        calendars,
        cards_for_moves,
        mentee,
        mentor,
        objections,
        busy_calendars,
        arrangements,
        approvals,
        admin,
        outbox,
        wallets,
        webhook,
    ):
        app.register_blueprint(door.bp)
    app.register_blueprint(reschedules.of_mentee)
    app.register_blueprint(reschedules.of_mentor)
    errors.init_app(app)
    filters.init_app(app)
    headers.init_app(app, settings)

    @app.context_processor
    def everywhere() -> dict[str, Any]:
        return {
            "me": access.viewer(),
            "viewer_zone": viewer_zone().key,
            "now": clock.now(),
            "simulated": settings.simulated,
            "dashboard_of": settings.dashboard_of,
            "demo": settings.demo,
        }
