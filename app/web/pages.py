"""Lists in pages by keyset: the next page begins after the last row, however long the list is."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from flask import request, url_for
from sqlalchemy import Select, tuple_

from app.kit.errors import NotFound
from app.kit.ids import is_id

SIZE = 25

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    items: Sequence[Row]
    next: str | None


def page_of(
    query: Select[*tuple[Any, ...]],
    at: Any,
    row_id: Any,
    *,
    read: Callable[[Select[*tuple[Any, ...]]], Sequence[Row]],
    newest_first: bool = True,
) -> Page[Row]:
    """The rows after the ``after`` of the present request, in the order of the columns ``at`` and ``row_id``.

    ``read`` makes them of the query.
    """
    key = tuple_(at, row_id)
    after = request.args.get("after")
    if after is not None:
        place = tuple_(*_decoded(after))
        query = query.where(key < place if newest_first else key > place)
    order = (at.desc(), row_id.desc()) if newest_first else (at, row_id)
    rows = read(query.order_by(*order).limit(SIZE + 1))
    if len(rows) <= SIZE:
        return Page(rows, None)
    last = rows[SIZE - 1]
    cursor = _encoded(getattr(last, at.key), getattr(last, row_id.key))
    return Page(rows[:SIZE], url_for(request.endpoint or "", **{**(request.view_args or {}), "after": cursor}))


def _encoded(at: datetime, row_id: str) -> str:
    return base64.urlsafe_b64encode(f"{int(at.timestamp() * 1_000_000)}.{row_id}".encode()).decode().rstrip("=")


def _decoded(cursor: str) -> tuple[datetime, str]:
    try:
        micros, row_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").split(".")
        if not is_id(row_id):
            raise ValueError("not an id")
        return datetime.fromtimestamp(int(micros) / 1_000_000, UTC), row_id
    except (ValueError, OverflowError, OSError, binascii.Error) as error:
        raise NotFound("That page does not exist. Please start from the first.") from error
