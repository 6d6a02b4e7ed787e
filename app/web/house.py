"""Flask, for a house at whose door not only browsers stand."""

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue

from app.web.access import Audience, audience_of


class Sessions(SecureCookieSessionInterface):
    """Whoever brings no cookie gets a new session without the search for a key to read the old one with."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if "HTTP_COOKIE" in request.environ else self.session_class()


class House(Flask):
    """Whoever proves itself by its signature is spared what is for people: guard, forms, limits, session, policies."""

    session_interface = Sessions()

    def preprocess_request(self) -> ResponseReturnValue | None:
        return None if _proves_itself() else super().preprocess_request()

    def process_response(self, response: Response) -> Response:
        if not _proves_itself():
            return super().process_response(response)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _proves_itself() -> bool:
    return request.endpoint is not None and audience_of(request.endpoint) is Audience.STRIPE
