"""Times go into the database as UTC and come back aware; a naive one never gets in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from time import time
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, create_engine, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import StatementError

from app.kit.columns import UtcDateTime, database_epoch

DIALECTS = [sqlite.dialect(), postgresql.dialect()]
diary = Table("diary", MetaData(), Column("id", Integer, primary_key=True), Column("at", UtcDateTime))


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        diary.create(connection)
        yield connection
    engine.dispose()


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_naive_time_is_refused(dialect):
    with pytest.raises(ValueError, match="naive"):
        UtcDateTime().process_bind_param(datetime(2026, 6, 1, 8), dialect)  # noqa: DTZ001 - it is what is refused


def test_a_naive_time_does_not_reach_a_table(connection: Connection):
    with pytest.raises(StatementError, match="naive"):
        connection.execute(insert(diary).values(at=datetime(2026, 6, 1, 8)))  # noqa: DTZ001


@pytest.mark.parametrize(
    "zone", [UTC, ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York"), timezone(timedelta(hours=-9.5))]
)
def test_an_instant_comes_back_as_the_same_instant_in_utc(connection: Connection, zone):
    told = datetime(2026, 10, 25, 0, 30, 15, 123456, UTC).astimezone(zone)
    connection.execute(insert(diary).values(at=told))
    found = connection.scalar(select(diary.c.at))
    assert found == told
    assert found.tzinfo is UTC


def test_both_occurrences_of_a_time_that_comes_twice_stay_apart(connection: Connection):
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    connection.execute(insert(diary), [{"at": twice.replace(fold=0)}, {"at": twice.replace(fold=1)}])
    first, second = connection.scalars(select(diary.c.at).order_by(diary.c.id))
    assert second - first == timedelta(hours=1)


def test_times_are_compared_as_instants(connection: Connection):
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    connection.execute(insert(diary).values(at=noon))
    in_tokyo = (noon + timedelta(seconds=1)).astimezone(ZoneInfo("Asia/Tokyo"))
    assert connection.scalar(select(diary.c.id).where(diary.c.at <= in_tokyo)) == 1
    assert connection.scalar(select(diary.c.id).where(diary.c.at > in_tokyo)) is None


def test_no_time_is_no_time(connection: Connection):
    connection.execute(insert(diary).values(at=None))
    assert connection.scalar(select(diary.c.at)) is None
    assert connection.scalar(text("SELECT at FROM diary")) is None


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_what_the_database_answers_is_always_aware(dialect):
    """PostgreSQL answers in the zone of its session."""
    berlin = datetime(2026, 6, 1, 10, tzinfo=ZoneInfo("Europe/Berlin"))
    found = UtcDateTime().process_result_value(berlin, dialect)
    assert (found, found.tzinfo) == (datetime(2026, 6, 1, 8, tzinfo=UTC), UTC)


def test_the_databases_own_clock_counts_seconds(connection: Connection):
    now = connection.scalar(select(database_epoch()))
    assert isinstance(now, int)
    assert abs(now - time()) < 5
    assert connection.scalar(select(database_epoch() + 40)) - now in (40, 41)
