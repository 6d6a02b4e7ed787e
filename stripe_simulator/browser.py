"""What browsers need: cross-origin answers for pages on this machine, and for nobody else's.

Source: https://developer.mozilla.org/docs/Web/HTTP/CORS
"""

from __future__ import annotations

from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback_origin(origin: str) -> bool:
    """Whether a page of this origin was served by this machine."""
    try:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and (parts.hostname or "") in LOOPBACK_HOSTS
    except ValueError:
        return False


def cors(request: Request, response: Response) -> Response:
    """Let a loopback page read an answer to its publishable key."""
    origin = request.headers.get("Origin", "")
    if not is_loopback_origin(origin):
        return response
    response.headers["Vary"] = "Origin"
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = "Request-Id"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Stripe-Version"
        response.headers["Access-Control-Max-Age"] = "600"
    return response
