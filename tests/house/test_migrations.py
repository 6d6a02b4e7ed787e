"""The migrations make exactly the tables that the models speak of, and nothing starts on any other database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, bindparam, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from app import create_app
from app.actions import earnings, releases
from app.cli import refuse_wrong_database
from app.extensions import db
from app.kit.columns import UtcDateTime, metadata
from app.models import schema
from app.models.availability import Lane
from config import Misconfigured
from tests.conftest import settings_for
from tests.databases import postgresql_url
from tests.house.source import ROOT
from tests.people import HOUR
from wsgi import FOR_A_PERSON

SCRIPTS = ScriptDirectory(str(ROOT / "migrations"))
OLDER = [script.revision for script in SCRIPTS.walk_revisions() if script.revision not in SCRIPTS.get_heads()]
BOOKED_DIRECTLY = """
INSERT INTO operation (id, kind, subject, params, api_version, state, by, because, attempt, key_spent, tries,
    lease_until, not_before, created_at, version) VALUES
    ('op_1', 'capture', 'pay_1', '{}', 'v', 'done', 'mentor', '', 1, false, 1, 0, 0, '2026-06-01 08:00:00+00', 1),
    ('op_2', 'refund', 'pay_1', '{}', 'v', 'done', 'mentor', '', 1, false, 1, 0, 0, '2026-06-01 09:00:00+00', 1);
INSERT INTO ledger_entry (id, operation_id, leg, debit, credit, amount, currency, at) VALUES
    (1, 'op_1', 'mentor', 'stripe', 'mentor:bob:pending', 8000, 'EUR', '2026-06-01 08:00:00+00'),
    (2, 'op_2', 'mentor', 'mentor:bob:pending', 'stripe', 8000, 'EUR', '2026-06-01 09:00:00+00');
INSERT INTO balance (account, currency, minor) VALUES ('stripe', 'EUR', 0), ('mentor:bob:pending', 'EUR', 0)"""
HELD = """
INSERT INTO user_account (id, email, name, password_hash, time_zone, is_operator, created_at)
SELECT 'ann', 'ann@example.com', 'Ann', 'x', 'UTC', false, :due;
INSERT INTO mentor (id, user_id, headline, bio, hourly_rate_minor, currency, time_zone, published, created_at)
SELECT 'bob', 'ann', 'Python', '', 8000, 'EUR', 'UTC', true, :due;
INSERT INTO booking (id, mentor_id, mentee_id, title, description, starts_at, ends_at, minutes, price_minor, currency,
    commission_bps, state, pay_by, complete_by, ended_because, request_key, created_at, version)
SELECT 'bk_held', 'bob', 'ann', 'Review of my parser', '', :begin, :due, 60, 8000, 'EUR', 1000, 'confirmed', :begin,
    :due, '', 'form', :begin, 1;
INSERT INTO payment (id, booking_id, state, amount_minor, authorized_minor, captured_minor, refunded_minor, currency,
    release_at, created_at, version)
SELECT 'pay_held', 'bk_held', 'authorized', 8000, 8000, 0, 0, 'EUR', :due, :begin, 1"""
ONLY_BY_MIGRATION = {"ex_booking_one_at_a_time"}  # what a model cannot say: PostgreSQL's fence against overlaps


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, worker_id: str) -> str:
    """A database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return postgresql_url(f"{worker_id}_empty")


@pytest.fixture
def empty(empty_url: str) -> Iterator[Flask]:
    """An application on an empty database, inside its context."""
    app = create_app(settings_for(empty_url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_migrations_and_models_agree(empty: Flask):
    upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [change for change in compare_metadata(context, metadata) if not _is_expected(change)]
    assert differences == []


def test_migrated_tables_are_those_that_the_models_would_make(empty: Flask, tmp_path: Path, worker_id: str):
    """Alembic does not compare checks, nor the conditions of partial indexes; here they are read back and compared."""
    upgrade()
    with db.engine.connect() as connection:
        migrated = _described(connection)
        on_sqlite = connection.dialect.name == "sqlite"
    url = f"sqlite:///{tmp_path / 'made.db'}" if on_sqlite else postgresql_url(f"{worker_id}_made")
    engine = create_engine(url)
    try:
        metadata.create_all(engine)
        with engine.connect() as connection:
            made = _described(connection)
    finally:
        engine.dispose()
    assert migrated == made


def test_migrations_lead_down_to_nothing_and_up_again(empty: Flask):
    upgrade()
    with db.engine.connect() as connection:
        before = _described(connection)
    downgrade(revision="base")
    with db.engine.connect() as connection:
        assert _described(connection) == {}
    upgrade()
    with db.engine.connect() as connection:
        assert _described(connection) == before


def test_what_was_booked_before_there_were_clearing_accounts_goes_through_them(empty: Flask):
    upgrade(revision="0001")
    with db.engine.begin() as connection:
        for statement in BOOKED_DIRECTLY.split(";"):
            connection.execute(text(statement))
    upgrade()
    with db.engine.connect() as connection:
        balances = {row.account: row.minor for row in connection.execute(text("SELECT account, minor FROM balance"))}
        with pytest.raises(DBAPIError, match="never changed"):
            connection.execute(text("UPDATE ledger_entry SET amount = 1"))
    assert balances == {"clearing:charges": -8_000, "clearing:refunds": 8_000, "mentor:bob:pending": 0}


def test_holds_made_before_there_were_deadlines_have_one(empty: Flask):
    due = datetime(2026, 6, 4, 12, tzinfo=UTC)
    upgrade(revision="0001")
    with db.engine.begin() as connection:
        times = {"begin": bindparam("begin", due - HOUR, UtcDateTime), "due": bindparam("due", due, UtcDateTime)}
        for statement in HELD.split(";"):
            named = [bound for name, bound in times.items() if f":{name}" in statement]
            connection.execute(text(statement).bindparams(*named))
    upgrade()
    assert releases.stale(due - HOUR) == []
    assert releases.stale(due) == ["pay_held"]


def test_what_was_charged_before_earnings_had_to_clear_has_three_days_from_its_end(empty: Flask):
    due = datetime(2026, 6, 4, 12, tzinfo=UTC)
    upgrade(revision="0008")
    with db.engine.begin() as connection:
        times = {"begin": bindparam("begin", due - HOUR, UtcDateTime), "due": bindparam("due", due, UtcDateTime)}
        for statement in HELD.split(";"):
            named = [bound for name, bound in times.items() if f":{name}" in statement]
            connection.execute(text(statement).bindparams(*named))
        connection.execute(text("UPDATE booking SET ended_at = pay_by"))
        connection.execute(text("UPDATE payment SET state = 'captured', captured_minor = 8000"))
    upgrade()
    assert earnings.due(due - HOUR + timedelta(hours=71, minutes=59)) == []
    assert [reached.subject for reached in earnings.due(due - HOUR + timedelta(hours=72))] == ["pay_held"]


def test_hours_booked_before_there_were_buffers_are_kept_clear_of_them(empty: Flask):
    """Their first and last five minutes are claimed where buffers are; the way back takes that away again."""
    begin = datetime(2026, 6, 4, 11, tzinfo=UTC)
    upgrade(revision="0002")
    with db.engine.begin() as connection:
        times = {"begin": bindparam("begin", begin, UtcDateTime), "due": bindparam("due", begin + HOUR, UtcDateTime)}
        for statement in HELD.split(";"):
            named = [bound for name, bound in times.items() if f":{name}" in statement]
            connection.execute(text(statement).bindparams(*named))
        for cell in range(100, 112):
            connection.execute(
                text(f"INSERT INTO slot_claim (who, cell, booking_id) VALUES ('ann', {cell}, 'bk_held')")
            )
    upgrade()
    with db.engine.connect() as connection:
        edges = connection.execute(text("SELECT lane, cell FROM slot_claim WHERE lane > 0 ORDER BY lane")).all()
    assert [tuple(row) for row in edges] == [(Lane.AFTER, 100), (Lane.BEFORE, 111)]
    downgrade(revision="0002")
    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM slot_claim")).scalar() == 12


def test_a_migrated_database_is_not_refused(empty: Flask):
    upgrade()
    assert schema.problem() is None
    refuse_wrong_database(empty)


def test_an_empty_database_is_refused(empty: Flask):
    with pytest.raises(Misconfigured, match="empty"):
        refuse_wrong_database(empty)


def test_a_database_of_a_newer_version_is_refused(empty: Flask):
    upgrade()
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of_tomorrow'"))
    with pytest.raises(Misconfigured, match="newer"):
        refuse_wrong_database(empty)


@pytest.mark.parametrize("revision", OLDER)
def test_a_database_of_an_older_version_is_refused(empty: Flask, revision: str):
    upgrade(revision=revision)
    with pytest.raises(Misconfigured, match="older"):
        refuse_wrong_database(empty)


def test_the_server_does_not_start_on_an_empty_database(tmp_path: Path):
    environ = {
        **os.environ,
        "SECRET_KEY": "a secret of forty characters for testing",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}",
        "STRIPE_SECRET_KEY": "sk_test_platform",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_platform",
        "STRIPE_WEBHOOK_SECRET": "whsec_test",
        "STRIPE_API_BASE": "http://127.0.0.1:12111",
        "DEMO": "no",
    }
    started = subprocess.run(
        [sys.executable, "-c", "from wsgi import app"], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    assert started.returncode == FOR_A_PERSON
    assert "The database is empty. Run: flask db upgrade" in started.stderr
    assert "Traceback" not in started.stderr


def _is_expected(change: Any) -> bool:
    return isinstance(change, tuple) and change[0] == "remove_index" and change[1].name in ONLY_BY_MIGRATION


def _described(connection: Connection) -> dict[str, dict[str, Any]]:
    """Every table as the database tells of it, without what only a migration can make."""
    look = inspect(connection)
    return {
        table: {
            "columns": sorted(  # a column that came later stands at the end
                (c["name"], str(c["type"]), c["nullable"], c["default"]) for c in look.get_columns(table)
            ),
            "key": look.get_pk_constraint(table),
            "checks": _by_name(look.get_check_constraints(table)),
            "uniques": _by_name(look.get_unique_constraints(table)),
            "references": _by_name(look.get_foreign_keys(table)),
            "indexes": _by_name(look.get_indexes(table)),
        }
        for table in look.get_table_names()
        if table != "alembic_version"
    }


def _by_name(parts: list[Any]) -> dict[str, str]:
    return {part["name"]: _plain(part) for part in parts if part["name"] not in ONLY_BY_MIGRATION}


def _plain(value: Any) -> Any:
    """Words and numbers instead of SQLAlchemy's objects, which are never equal."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else str(value)
