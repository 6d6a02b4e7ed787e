"""Who has taken which minutes: the slots of sessions, the buffers between them, and places in a mentor's day."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import (
    BigInteger,
    Insert,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    insert,
    literal_column,
    or_,
    select,
    true,
    union_all,
)

from app.extensions import db
from app.kit.calendar import CELL, cells
from app.models.availability import Lane, SlotClaim
from app.models.user import User

LONGEST_BUFFER = 240 // 5  # cells


@dataclass(frozen=True)
class Slot:
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, starts_at: datetime, minutes: int) -> "Slot":
        return cls(starts_at, starts_at + timedelta(minutes=minutes))

    @property
    def cells(self) -> range:
        return cells(self.starts_at, self.ends_at)


@dataclass(frozen=True)
class Rest:
    """A mentor's buffers, in cells."""

    before: int = 0
    after: int = 0

    @classmethod
    def of(cls, before: int, after: int) -> "Rest":
        """Of buffers in minutes."""
        cell = int(CELL.total_seconds()) // 60
        return cls(before // cell, after // cell)


@dataclass(frozen=True)
class Taken:
    """The cells that a person has already given away, lane by lane."""

    lanes: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def admits(self, slot: Slot, rest: Rest = Rest()) -> bool:  # noqa: B008 - it is frozen
        """Whether a session fits in, with ``rest`` around it and outside the buffers of the others."""
        first, last = slot.cells[0], slot.cells[-1]
        needed = range(first - rest.before, last + rest.after + 1)
        return (
            self.lanes[Lane.SESSION].isdisjoint(needed)
            and first not in self.lanes[Lane.AFTER]
            and last not in self.lanes[Lane.BEFORE]
        )


def taken_by(people: Sequence[str], covered: range, *, besides: str | None = None) -> dict[str, Taken]:
    """What these people have taken of these cells, and of as much around them as a buffer can be long.

    ``besides`` is a booking whose own time does not count: it is to be held at another.
    """
    first, last = covered[0] - LONGEST_BUFFER, covered[-1] + LONGEST_BUFFER
    query = select(SlotClaim.who, SlotClaim.lane, SlotClaim.cell).where(
        SlotClaim.who.in_(people), SlotClaim.cell.between(first, last)
    )
    if besides is not None:
        query = query.where(SlotClaim.booking_id != besides)
    found = {who: Taken() for who in people}
    for who, lane, cell in db.session.execute(query):
        found[who].lanes[lane].add(cell)
    return found


def take(
    slot: Slot, booking_id: str, *, mentor: str, mentee: str, rest: Rest, lanes: Sequence[Lane] = tuple(Lane)
) -> None:
    """Take the slot for both people, and for the mentor the ``rest`` around it.

    Raises: IntegrityError if one of them has any of it already, or is at rest then.
    """
    first, last = slot.cells[0], slot.cells[-1]
    asked = {
        "first": first,
        "last": last,
        "from": first - rest.before,
        "until": last + rest.after,
        "mentor": mentor,
        "people": [mentor, mentee],
        "lanes": [int(lane) for lane in lanes],
        "booking_id": booking_id,
    }
    db.session.execute(TAKE, asked)


def _take() -> Insert:
    """All claims of a booking, in one statement.

    In order: two bookings that overlap wait for one another at their first common cell and never deadlock.
    """
    first, last, until = (bindparam(name, type_=BigInteger) for name in ("first", "last", "until"))
    covered = select(bindparam("from", type_=BigInteger).label("cell")).cte("covered", recursive=True)
    covered = covered.union_all(select(covered.c.cell + 1).where(covered.c.cell < until))
    lanes = union_all(*(select(literal_column(str(int(lane)), Integer).label("lane")) for lane in Lane)).cte("lanes")
    cell, lane, is_mentor = covered.c.cell, lanes.c.lane, User.id == bindparam("mentor", type_=String)
    wanted = or_(
        and_(lane == int(Lane.SESSION), cell.between(first, last)),
        and_(lane == int(Lane.AFTER), or_(cell == first, and_(cell > last, is_mentor))),
        and_(lane == int(Lane.BEFORE), or_(cell == last, and_(cell < first, is_mentor))),
    )
    claims = (
        select(User.id, cell, lane, bindparam("booking_id", type_=String))
        .join_from(User, covered, true())
        .join(lanes, true())
        .where(User.id.in_(bindparam("people", expanding=True)))
        .where(lane.in_(bindparam("lanes", expanding=True)), wanted)
        .order_by(User.id, cell, lane)
    )
    return insert(cast(Table, SlotClaim.__table__)).from_select(["who", "cell", "lane", "booking_id"], claims)


TAKE = _take()
