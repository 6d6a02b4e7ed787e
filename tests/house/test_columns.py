"""Columns: money in whole minor units, times in UTC, and an index wherever a row points at another."""

from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, Date, Enum, ForeignKeyConstraint, Integer, Numeric, Table

from app.kit.columns import UtcDateTime, metadata
from app.models import Base

TABLES = list(metadata.sorted_tables)
COLUMNS = [column for table in TABLES for column in table.columns]
MONEY = [column for column in COLUMNS if column.name == "amount" or column.name.split("_")[-1] == "minor"]


def test_there_is_something_to_look_at():
    assert Base.metadata is metadata
    assert len(TABLES) > 10
    assert len(MONEY) > 7


def test_no_column_is_a_float_or_a_decimal():
    assert [str(column) for column in COLUMNS if isinstance(column.type, Numeric)] == []  # Float is one, too


@pytest.mark.parametrize("column", MONEY, ids=str)
def test_an_amount_is_a_big_whole_number(column: Column[Any]):
    """A yen is a minor unit: the largest of amounts, and sums of them, have to fit."""
    assert isinstance(column.type, BigInteger)


@pytest.mark.parametrize("column", MONEY, ids=str)
def test_an_amount_stands_beside_its_currency(column: Column[Any]):
    currency = column.table.columns["currency"]
    assert currency.type.length == 3
    assert currency.nullable == column.nullable


def test_every_time_is_stored_as_utc():
    """A day of somebody's calendar is no time."""
    times = [column for column in COLUMNS if "DATE" in str(column.type) or "TIME" in str(column.type)]
    times = [column for column in times if not isinstance(column.type, Date)]
    assert len(times) > 10
    assert [str(column) for column in times if not isinstance(column.type, UtcDateTime)] == []


def test_every_word_that_is_one_of_a_few_is_checked_by_the_database():
    words = [column for column in COLUMNS if isinstance(column.type, Enum)]
    assert len(words) > 6
    assert [str(column) for column in words if not column.type.create_constraint] == []


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_row_is_found_from_the_row_that_it_points_at(table: Table):
    """An index begins with every foreign key."""
    for reference in table.constraints:
        if isinstance(reference, ForeignKeyConstraint):
            wanted = [column.name for column in reference.columns]
            assert any(found[: len(wanted)] == wanted for found in _orders(table)), f"{table}: {wanted}"


def test_ids_are_no_numbers_except_where_nobody_sees_them():
    numbered = {table.name for table in TABLES if isinstance(table.primary_key.columns[0].type, Integer)}
    assert numbered == {"ledger_entry", "transition", "installation"}


def _orders(table: Table) -> list[list[str]]:
    """The columns of every whole index, in their order."""
    keys = [[column.name for column in table.primary_key.columns]]
    keys += [[c.name for c in part.columns] for part in table.constraints if type(part).__name__ == "UniqueConstraint"]
    keys += [
        [column.name for column in index.columns]
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is None
    ]
    return keys
