"""Whether the house stands; what is said when it does not; and the demo's time machine, where it may be."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.serving import make_server

from app import create_app
from app.extensions import db
from app.kit import clock
from app.models.user import User
from tests.apart import apart
from tests.conftest import settings_for
from tests.stripe_double import WEBHOOK_PATH, Stripe
from tests.web.conftest import Browser
from tests.web.effects import nothing_happens

Open = Callable[..., Browser]

NOBODY_LISTENS = "http://127.0.0.1:9"


def test_the_process_lives_and_can_serve(browser: Open):
    nobody = browser()
    assert nobody.get("/healthz").json == {"status": "ok"}
    assert nobody.get("/readyz").json == {"status": "ready"}


@contextmanager
def version(number: str | None) -> Iterator[None]:
    """The tables as another version of the code left them."""
    db.session.rollback()
    right = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    _set_version(number)
    try:
        yield
    finally:
        _set_version(right)


def _set_version(number: str | None) -> None:
    db.session.rollback()
    db.session.execute(text("DELETE FROM alembic_version"))
    if number is not None:
        db.session.execute(text("INSERT INTO alembic_version VALUES (:number)"), {"number": number})
    db.session.commit()


@pytest.mark.parametrize(("number", "said"), [("9999", "newer than this code, or not ours"), (None, "is empty")])
def test_on_the_wrong_tables_the_house_says_that_it_is_not_ready(browser: Open, number: str | None, said: str):
    with version(number):
        answer = browser().get("/readyz")
    assert answer.status_code == 503
    assert said in answer.json["problem"]


@pytest.fixture(params=["sqlite", "postgresql"])
def houseless(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The application while its database is away."""
    url = {
        "sqlite": f"sqlite:///{tmp_path}/no/such/folder/test.db",
        "postgresql": "postgresql+psycopg://nobody@127.0.0.1:9/nothing?connect_timeout=2",
    }[request.param]
    yield create_app(settings_for(url))
    clock.use(clock.system_time)


def test_while_the_database_is_away_every_door_says_so_plainly(houseless: Flask, subtests: pytest.Subtests):
    client = houseless.test_client()
    for path in ("/", "/mentors/mt_1", "/readyz"):
        with subtests.test(path):
            answer = apart(client.get, path)
            assert answer.status_code == 503
            assert "Our database does not answer. Please try again in a minute." in answer.text
            assert "Traceback" not in answer.text
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert apart(client.get, "/healthz").status_code == 200, "the process itself lives"
    assert apart(client.get, "/log-in").status_code == 200


def test_even_then_it_says_that_the_money_is_not_real(houseless: Flask):
    assert "Simulated payments. No real money." in houseless.test_client().get("/").text


def test_while_the_database_is_away_whoever_is_logged_in_is_told_too(houseless: Flask):
    client = houseless.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = "us_1", True
    for path in ("/", "/mentee/", "/nowhere"):
        assert apart(client.get, path).status_code == 503, path


def test_while_the_database_is_away_stripe_is_asked_to_come_again(houseless: Flask, stripe: Stripe):
    clock.use(stripe.now)
    body = b'{"id": "evt_1", "type": "ping", "livemode": false, "data": {"object": {}}}'
    header = {"Stripe-Signature": stripe.simulator.sign(body)}
    answer = apart(houseless.test_client().post, WEBHOOK_PATH, data=body, headers=header)
    assert answer.status_code == 503
    assert answer.json["error"] == "We are out of breath"


def test_where_it_is_not_a_demo_there_is_no_time_machine(browser: Open, ann: User, stripe: Stripe):
    anns = browser("ann@example.com")
    with nothing_happens(stripe):
        assert anns.post("/demo/clock", {"hours": "72"}).status_code == 404
    anns.get("/log-in")
    assert "mentorhold-demo" not in anns.words
    assert "Advance" not in anns.words
    assert stripe.now() == clock.now()


@pytest.fixture
def demo(database_url: str, stripe: Stripe) -> Iterator[Callable[[str], Flask]]:
    """A demo whose simulator is at the address given."""
    made: list[Flask] = []

    def build(api: str) -> Flask:
        made.append(create_app(settings_for(database_url, demo=True, stripe_api=api)))
        return made[-1]

    yield build
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@contextmanager
def listening(stripe: Stripe) -> Iterator[str]:
    """The simulator on a socket of its own."""
    server = make_server("127.0.0.1", 0, stripe.simulator, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_demos_clock_moves_by_what_its_buttons_say_and_nothing_else(
    demo: Callable[[str], Flask], stripe: Stripe, subtests: pytest.Subtests
):
    with listening(stripe) as api:
        someone = Browser(demo(api).test_client())
        someone.get("/log-in")
        assert "mentorhold-demo" in someone.words
        before = clock.now()
        for hours in ("", "0", "-1", "5", "1e3", "\0", "9" * 5_000, "nan"):
            with subtests.test(hours[:10]):
                assert someone.post("/demo/clock", {"hours": hours}).status_code == 422
                assert "The clock moves by an hour, a day or three days." in someone.words
        assert (clock.now() - before).total_seconds() < 60
        someone.get("/log-in")
        someone.press("3 days")
        assert someone.address == "/log-in"
        assert "It is 72 hours later." in someone.words
        assert abs((clock.now() - before).total_seconds() - 72 * 3600) < 60
        someone.press("1 hour")
        assert "It is 1 hour later." in someone.words


def test_while_the_simulator_is_away_the_demos_time_stays(demo: Callable[[str], Flask], stripe: Stripe):
    someone = Browser(demo(NOBODY_LISTENS).test_client())
    someone.get("/log-in")
    assert someone.post("/demo/clock", {"hours": "72"}).status_code == 503
    assert "the time stays as it is" in someone.words
