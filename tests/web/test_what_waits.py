"""What an operator finds in the console when much waits: first what needs a person, then how much more there is."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import insert

from app.extensions import db
from app.models.operation import Operation
from app.models.states import OperationState, Party
from app.models.user import User
from app.web import attention
from tests.stripe_double import MONDAY
from tests.web.conftest import Browser

Open = Callable[..., Browser]
O = OperationState  # noqa: E741 - read as in the table of moves
MOST = attention.MOST_SHOWN


@pytest.fixture
def olgas(olga: User, browser: Open) -> Browser:
    return browser("olga@example.com")


def operations(state: OperationState, count: int, *, after: timedelta = timedelta()) -> None:
    """Captures of nobody's, a second apart."""
    rows = [
        {
            "id": f"op_{state}_{n}",
            "kind": "capture",
            "subject": f"pay_{state}_{n}",
            "params": {},
            "api_version": "",
            "state": state,
            "by": Party.MENTOR,
            "error": f"It is {state}.",
            "created_at": MONDAY + after + timedelta(seconds=n),
            "version": 1,
        }
        for n in range(count)
    ]
    db.session.execute(insert(Operation), rows)
    db.session.commit()


def test_in_an_outage_what_needs_a_person_comes_before_all_that_the_worker_will_finish(app: Flask, olgas: Browser):
    operations(O.PENDING, MOST + 10)
    operations(O.PARKED, 2, after=timedelta(hours=1))
    olgas.get("/operator/")
    words = olgas.words
    assert words.index("op_parked_0") < words.index("op_parked_1") < words.index("op_pending_0")
    assert words.count("Capture op_") == MOST
    assert "Not shown: 12 being confirmed with Stripe." in words


def test_where_everything_is_shown_nothing_is_said_to_be_missing(app: Flask, olgas: Browser):
    operations(O.PENDING, MOST - 1)
    operations(O.PARKED, 1)
    olgas.get("/operator/")
    assert olgas.words.count("Capture op_") == MOST
    assert "Not shown" not in olgas.words


def test_however_much_waits_it_is_not_counted_for_long(app: Flask, olgas: Browser):
    operations(O.PARKED, MOST + 1)
    operations(O.PENDING, attention.MOST_COUNTED + 1)
    olgas.get("/operator/")
    assert "op_pending" not in olgas.words
    assert "Not shown: 1 needing a person, more than 1,000 being confirmed with Stripe." in olgas.words
