"""Browsers without a screen: people who click, one each."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.extensions import db
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User
from tests import people
from tests.apart import apart
from tests.people import PASSWORD
from tests.web.page import Form, Page

MOST_REDIRECTS = 5


class Browser:
    """A person's browser: it sends the fields of the forms it sees, follows links, and says where it came from."""

    def __init__(self, client: FlaskClient, origin: str = "http://localhost") -> None:
        self.client = client
        self.answer: TestResponse | None = None
        self.address = ""
        self.page = Page("")
        self._origin = origin
        self._token = ""

    @property
    def words(self) -> str:
        """What can be read on the present page."""
        return self.page.words

    def get(self, path: str, **rest: Any) -> TestResponse:
        return self._seen(path, self._call("GET", path, **rest))

    def post(self, path: str, data: dict[str, Any] | None = None, **rest: Any) -> TestResponse:
        """Send fields without a form on the page, with the CSRF token that was seen last."""
        if not self._token:
            self.follow(self.get("/account"))  # or the log-in that it leads to: any page with a form
        return self._seen(path, self._call("POST", path, data={"csrf_token": self._token, **(data or {})}, **rest))

    def click(self, label: str) -> TestResponse:
        """Follow the link that reads like this."""
        found = [href for words, href in self.page.links if label in words]
        assert found, f"there is no link {label!r} on the page: {self.words}"
        return self.follow(self.get(found[0]))

    def form(self, label: str) -> Form:
        """The form that has a button like this."""
        found = [form for form in self.page.forms if form.button(label)]
        assert found, f"there is no button {label!r} on the page: {self.words}"
        return found[0]

    def press(self, label: str, **typed: str) -> TestResponse:
        """Fill in a form, press its button, and follow to where that leads."""
        return self.follow(self.send(label, **typed))

    def send(self, label: str, **typed: str) -> TestResponse:
        """Fill in a form and press its button; the answer as it comes."""
        return self.submit(self.form(label), label, **typed)

    def submit(self, form: Form, label: str, **typed: str) -> TestResponse:
        """Send a form, also one that was seen some pages ago."""
        button = form.button(label)
        assert button is not None
        pressed = {button.name: button.value} if button.name else {}
        filled = {**form.fields, **pressed, **typed}
        if form.method == "get":
            return self.get(form.action, query_string=filled)
        return self._seen(form.action, self._call("POST", form.action, data=filled))

    def follow(self, answer: TestResponse) -> TestResponse:
        """Go where the answer sends, until it is a page."""
        for _ in range(MOST_REDIRECTS):
            if answer.status_code not in (302, 303, 308):
                return answer
            answer = self.get(answer.location)
        raise AssertionError(f"this leads in circles: {answer.location}")

    def log_in(self, email: str, password: str = PASSWORD) -> "Browser":
        answer = self.post("/log-in", {"email": email, "password": password})
        assert answer.status_code == 302, answer.text
        self._token = ""  # it belonged to the session before
        return self

    def forget(self) -> None:
        """The log-in runs out."""
        self.client.delete_cookie("session")

    def _call(self, method: str, path: str, **rest: Any) -> TestResponse:
        headers = {"Referer": self._origin + self.address} if self.address else {}
        rest["headers"] = {**headers, **rest.get("headers", {})}
        answer: TestResponse = apart(self.client.open, path, method=method, base_url=self._origin, **rest)
        return answer

    def _seen(self, path: str, answer: TestResponse) -> TestResponse:
        self.answer = answer
        if answer.mimetype == "text/html" and answer.status_code not in (302, 303, 308):
            self.page = Page(answer.text)
            self._token = next(
                (form.fields["csrf_token"] for form in self.page.forms if "csrf_token" in form.fields), ""
            )
            parts = urlsplit(path)
            self.address = parts.path + (f"?{parts.query}" if parts.query else "")
        return answer


@pytest.fixture
def browser(app: Flask) -> Callable[..., Browser]:
    """A new browser, logged in as whoever is named: ``browser("ann@example.com")``."""

    def open_one(email: str | None = None, *, of: Flask = app) -> Browser:
        db.session.rollback()
        https = of.config["SESSION_COOKIE_SECURE"]
        fresh = Browser(of.test_client(), "https://localhost" if https else "http://localhost")
        return fresh.log_in(email) if email else fresh

    return open_one


@pytest.fixture
def cho(app: Flask) -> User:
    return people.person("Cho")


@pytest.fixture
def olga(app: Flask) -> User:
    return people.person("Olga", operator=True)


@pytest.fixture
def dia(app: Flask) -> Mentor:
    return people.mentor("Dia")


@pytest.fixture
def the_booking() -> Callable[[], Booking]:
    """The only booking there is, as the database has it now."""

    def look() -> Booking:
        db.session.rollback()
        db.session.expire_all()
        found = db.session.scalars(db.select(Booking)).unique().all()
        assert len(found) == 1, f"{len(found)} bookings"
        return found[0]

    return look
