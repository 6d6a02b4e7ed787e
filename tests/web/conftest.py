"""Browsers without a screen: people who click, one each."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.extensions import db
from tests.apart import apart
from tests.people import PASSWORD

CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Browser:
    """A person's browser: it sends the CSRF token of the last page it saw, as a real one does."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self._token = ""

    def get(self, path: str, **rest: Any) -> TestResponse:
        return self._seen(apart(self._client.get, path, **rest))

    def post(self, path: str, data: dict[str, Any] | None = None, **rest: Any) -> TestResponse:
        if not self._token:
            self.get("/log-in")
        filled = {"csrf_token": self._token, **(data or {})}
        return self._seen(apart(self._client.post, path, data=filled, **rest))

    def log_in(self, email: str, password: str = PASSWORD) -> "Browser":
        answer = self.post("/log-in", {"email": email, "password": password})
        assert answer.status_code == 302, answer.text
        self.get("/")
        return self

    def _seen(self, answer: TestResponse) -> TestResponse:
        found = CSRF.search(answer.text) if answer.mimetype == "text/html" else None
        if found:
            self._token = found[1]
        return answer


@pytest.fixture
def browser(app: Flask) -> Callable[..., Browser]:
    """A new browser, logged in as whoever is named: ``browser("ann@example.com")``."""

    def open_one(email: str | None = None) -> Browser:
        db.session.rollback()
        fresh = Browser(app.test_client())
        return fresh.log_in(email) if email else fresh

    return open_one
