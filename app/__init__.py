"""Mentorhold. :func:`create_app` is the only place where the parts meet."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from app import cli, web
from app.actions import letters, meetings, orders
from app.actions.budget import Turnstile
from app.extensions import csrf, db, limiter, login_manager, migrate
from app.gateways import foreign_calendars, mailer, stripe_gateway
from app.gateways.guard import Guard
from app.gateways.mailer import Drawer, Mailer, SmtpMailer
from app.gateways.outside_web import OutsideWeb
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock, policy
from app.kit.breaker import Breaker
from app.web import bodies
from app.web.house import House

ROOT = Path(__file__).parent.parent
LOCALLY = "http://localhost:5000"  # where a demo is

if TYPE_CHECKING:
    from wsgiref.headers import Headers

    from config import Settings


def create_app(settings: Settings, *, gateway: StripeGateway | None = None) -> Flask:
    """Build the application. ``gateway`` is given by tests whose Stripe lives in the same process."""
    _log_as_text()
    app = House("mentorhold", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.config.from_mapping(settings.flask)
    app.extensions["settings"] = settings

    use(settings, gateway or _the_way_to_stripe(settings))

    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    login_manager.init_app(app)
    web.init_app(app, settings)
    csrf.init_app(app)  # after the guard: a form that outlived its log-in is asked to log in, not called forged
    limiter.init_app(app)
    cli.init_app(app)

    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        bodies.readable(app.wsgi_app),
        root=str(ROOT / "static"),
        prefix="static/",
        max_age=3600,
        add_headers_function=_unsniffed,
    )
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )
    return app


def use(settings: Settings, gateway: StripeGateway) -> None:
    """Install what a process has one of: policy, environment, the ways to Stripe and mailboxes, limits, the clock."""
    policy.use(settings.policy)
    orders.use_environment(settings.environment)
    stripe_gateway.use(gateway)
    mailer.use(_the_way_to_mailboxes(settings))
    meetings.use(settings.meeting_rooms)
    foreign_calendars.use(OutsideWeb(exempt=settings.calendar_hosts))
    letters.use(letters.Sender(settings.mail_sender, settings.public_url or LOCALLY))
    limiter.enabled = settings.rate_limits
    clock.use(clock.SimulatedClock(settings.stripe_api) if settings.demo else clock.system_time)


def _the_way_to_stripe(settings: Settings) -> StripeGateway:
    turnstile = Turnstile(
        in_all=settings.requests_per_second,
        per_endpoint=settings.requests_per_endpoint,
        at_once=settings.worker_connections,
    )
    guard = Guard(Breaker(clock.steady), turnstile.turn)
    return StripeGateway(settings.stripe_secret_key, api=settings.stripe_api, guard=guard)


def _the_way_to_mailboxes(settings: Settings) -> Mailer | None:
    server = settings.mail_server
    if server is not None:
        return SmtpMailer(server, settings.mail_sender, Breaker(clock.steady))
    return Drawer() if settings.demo else None


def _unsniffed(headers: Headers, _path: str, _url: str) -> None:
    """Files answer before the application's own headers are set."""
    headers["X-Content-Type-Options"] = "nosniff"


def _log_as_text() -> None:
    """Logs are for a person with a terminal, and for grep. Secrets are never handed to them."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
