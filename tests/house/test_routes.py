"""Who may see what; that looking changes nothing; and that no form is taken from elsewhere."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from app.kit import clock
from app.web.access import Audience
from tests.apart import apart
from tests.conftest import settings_for
from tests.house.conftest import House, application, inside
from tests.house.pages import PEOPLE, WELCOME, Route, routes

CHANGES = {"GET", "POST"}
NOBODYS = "bk_nothing"
TOKEN = re.compile(r'(name="csrf_token"[^>]*value=)"[^"]+"')
VERBS = {"cancel", "complete", "delete", "create", "update", "get", "set", "do", "new"}


def test_every_route_declares_its_audience(house: House):
    assert [str(route) for route in routes(house.app) if route.who is None] == []


def test_there_are_routes_for_every_audience(house: House):
    assert {route.who for route in routes(house.app)} == set(Audience)


def test_pages_are_looked_at_and_buttons_are_posted_and_nothing_else(house: House):
    assert [str(route) for route in routes(house.app) if route.method not in CHANGES] == []


def test_a_change_is_a_post_of_a_noun(house: House):
    last_words = {str(route): route.rule.rule.rsplit("/", 1)[-1] for route in routes(house.app, "POST")}
    assert {route: word for route, word in last_words.items() if word in VERBS} == {}


def test_a_view_that_declares_no_audience_is_nobodys():
    app = application_without_database()
    app.add_url_rule("/forgotten", "forgotten", lambda: "secrets")
    answer = app.test_client().get("/forgotten")
    assert answer.status_code == 403
    assert "secrets" not in answer.text


@pytest.mark.parametrize("person", PEOPLE)
def test_looking_changes_nothing(house: House, person: str | None):
    browser = house.browser(person)
    before, at_stripe = house.contents(), house.changes_at_stripe()
    broken = []
    for route in routes(house.app, "GET"):
        for address in route.addresses(house):
            status = browser.get(address).status_code
            if status >= 500 or house.contents() != before or house.changes_at_stripe() != at_stripe:
                broken.append(f"{address}: {status}")
                before = house.contents()
    assert broken == []


@pytest.mark.parametrize("person", PEOPLE)
def test_whoever_is_not_in_the_audience_is_turned_away(house: House, person: str | None):
    browser = house.browser(person)
    before = house.contents()
    let_in = []
    for route in routes(house.app):
        if person in WELCOME[route.who]:
            continue
        for address in route.addresses(house):
            answer = browser.get(address) if route.method == "GET" else browser.post(address)
            turned_away = answer.status_code == 404
            if person is None:
                turned_away = answer.status_code == 302 and answer.location.startswith("/log-in?next=")
            if not turned_away:
                let_in.append(f"{route.method} {address}: {answer.status_code}")
    assert let_in == []
    assert house.contents() == before


@pytest.mark.parametrize("person", ["ann", "bob", "olga"])
def test_whoever_is_in_the_audience_sees_their_own(house: House, person: str):
    """Else the test above could pass with a house that is locked for everybody."""
    browser = house.browser(person)
    own = {"ann": "/mentee/bookings", "bob": "/mentor/bookings", "olga": "/operator/bookings"}[person]
    assert browser.get(f"{own}/{house.held}").status_code == 200


@pytest.mark.parametrize("person", ["bob", "cho", "dia", "olga"])
def test_someone_elses_hour_is_answered_like_one_that_there_is_not(house: House, person: str):
    browser = house.browser(person)
    before = house.contents()
    told_apart = []
    for route in routes(house.app):
        if "booking_id" not in route.rule.arguments or _is_theirs(route, person) or person not in WELCOME[route.who]:
            continue
        unknown = _ask(browser, route, route.address(house, NOBODYS))
        for hour in house.hours.values():
            answer = _ask(browser, route, route.address(house, hour))
            if answer != unknown or answer[0] != 404:
                told_apart.append(f"{route} {answer[0]}")
    assert told_apart == []
    assert house.contents() == before


def test_the_operator_sees_no_hour_that_there_is_not(house: House):
    olga = house.browser("olga")
    addresses = [
        route.address(house, NOBODYS)
        for route in routes(house.app)
        if route.who == Audience.OPERATOR and "booking_id" in route.rule.arguments
    ]
    assert addresses
    assert {olga.get(address).status_code for address in addresses} == {404}


def test_no_form_is_taken_without_its_token(house: House, in_rehearsal: Flask):
    clients = {name: house.browser(name).client for name in ("ann", "bob", "olga")}
    before = house.contents()
    taken = []
    for route in routes(house.app, "POST"):
        if route.who == Audience.STRIPE:
            continue
        client = in_rehearsal.test_client() if route.who == Audience.DEMO else clients[_somebody(route)]
        for address in route.addresses(house):
            answer = apart(client.post, address, data={"quoted": "8000-0"})
            if answer.status_code != 400 or "open for too long" not in answer.text:
                taken.append(f"{address}: {answer.status_code}")
    assert taken == []
    assert house.contents() == before


@pytest.mark.parametrize("token", ["", "x", "IjEi.x.y"])
def test_no_form_is_taken_with_a_made_up_token(house: House, token: str):
    client = house.browser("bob").client
    before = house.contents()
    answer = apart(client.post, f"/mentor/bookings/{house.held}/cancellation", data={"csrf_token": token})
    assert answer.status_code == 400
    assert house.contents() == before


def test_the_webhook_needs_a_signature_instead_of_a_token(house: House):
    before = house.contents()
    answer = apart(house.app.test_client().post, "/webhooks/stripe", data=b'{"id": "evt_1"}')
    assert answer.status_code == 400
    assert answer.json["error"] == "Not signed by our payment provider"
    assert house.contents() == before


def test_the_time_machine_is_not_there_outside_of_a_demo(house: House):
    assert house.browser("ann").post("/demo/clock", {"hours": "1"}).status_code == 404


def test_no_form_asks_for_what_only_we_decide(house: House):
    """Amounts, fees, roles and states never come from the client: the mentor's own price of an hour is all there is."""
    asked = set()
    for person in PEOPLE:
        browser = house.browser(person)
        for route in routes(house.app, "GET"):
            browser.get(route.address(house, house.held))
            asked |= {name for form in browser.page.forms for name in {*form.fields, *form.choices}}
    assert "csrf_token" in asked
    ours = ("amount", "price", "fee", "minor", "commission", "state", "status", "role", "operator", "mentee", "user")
    assert {name for name in asked if any(word in name for word in ours)} == set()


@pytest.fixture(scope="module")
def in_rehearsal(house: House) -> Iterator[Flask]:
    """The same house as a demo."""
    app = application(f"sqlite:///{house.file}", house.stripe, demo=True)
    yield app
    with inside(app):
        clock.use(house.stripe.now)


def application_without_database() -> Flask:
    from app import create_app

    source = clock.source()
    app = create_app(settings_for("sqlite:///nobody-opens-this.db"))
    clock.use(source)
    return app


def _is_theirs(route: Route, person: str) -> bool:
    """All hours are Ann's with Bob, and an operator may see every one."""
    return (person, route.who) in {("bob", Audience.MENTOR), ("olga", Audience.OPERATOR)}


def _ask(browser, route: Route, address: str) -> tuple[int, str]:
    """The answer to somebody who comes from nowhere, without what differs from one look at a page to the next."""
    browser.address = ""
    answer = browser.get(address) if route.method == "GET" else browser.post(address, {"quoted": "8000-0"})
    blank = TOKEN.sub(r'\1""', answer.text)
    return answer.status_code, re.sub(r"bk_[a-z0-9]+", "bk_", blank)


def _somebody(route: Route) -> str:
    """Somebody whom a route is for, and whose booking it could be about."""
    return {Audience.MENTOR: "bob", Audience.OPERATOR: "olga"}.get(route.who, "ann")
