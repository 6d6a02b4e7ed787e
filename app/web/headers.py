"""What every answer tells the browser: what it may load, and that nobody may frame or sniff it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

if TYPE_CHECKING:
    from config import Settings


NO_MORE = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self'; font-src 'self'; style-src 'self'; manifest-src 'self'"
)


def allow_stripe() -> None:
    """Let this one answer load Stripe.js and its frames: the pay page needs it, no other page gets it."""
    g.stripe_allowed = True


def init_app(app: Flask, settings: Settings) -> None:
    @app.after_request
    def secure(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", _policy(settings, g.get("stripe_allowed", False)))
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        if settings.https:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response


def _policy(settings: Settings, with_stripe: bool) -> str:
    """Source of Stripe's hosts: https://docs.stripe.com/security/guide#content-security-policy"""
    if not with_stripe:
        return f"{NO_MORE}; script-src 'self'; connect-src 'self'"
    if settings.simulated:
        place = urlsplit(settings.stripe_api)
        host = f"{place.scheme}://{place.netloc}"
        return f"{NO_MORE}; script-src 'self' {host}; connect-src 'self' {host}; frame-src {host}"
    return (
        f"{NO_MORE}; script-src 'self' https://js.stripe.com https://*.js.stripe.com; "
        "connect-src 'self' https://api.stripe.com; "
        "frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com"
    )
