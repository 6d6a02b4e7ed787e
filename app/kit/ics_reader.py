"""Reads somebody's calendar (RFC 5545) and tells when they are busy; run as a program of its own.

A calendar comes from a stranger. Whatever it makes a parser do, it does to a process that may use so many seconds and
so much memory, knows nothing of ours, and is thrown away afterwards. So this file imports nothing of Mentorhold's.

In comes a line of JSON, see :class:`Question`, and then the calendar; out goes one, ``{"busy": [[from, until], …],
"strange_zones": […], "puzzling": 0}`` in epoch seconds, in order and apart, or ``{"problem": "…"}``.
"""

import json
import os
import resource
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr
from icalendar import Calendar, Component, vRecur

SECONDS, MEMORY = 5, 1 << 30  # of a processor, bytes
DEEPEST, MOST_PARTS = 3, 20_000  # a calendar holds zones, which hold their summers
MOST_BUSY = 5_000  # ranges, once they are joined
DAY = timedelta(days=1)
LONGEST = timedelta(days=366)  # of what repeats: its times are looked for so long before the window
WANTED = frozenset(
    "BEGIN END UID DTSTART DTEND DURATION RRULE RDATE EXDATE RECURRENCE-ID STATUS TRANSP FREEBUSY TZID TZOFFSETFROM"
    " TZOFFSETTO TZNAME X-WR-TIMEZONE VERSION PRODID".split()
)
SKIPPED = frozenset({"VALARM", "VTODO", "VJOURNAL"})
PUZZLING = (ValueError, TypeError, AttributeError, OverflowError, LookupError)
TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})


class Unreadable(Exception):
    """Why, in words for the calendar's owner."""


@dataclass(frozen=True)
class Question:
    """The window in epoch seconds, the zone that is meant where a calendar names none, and whose events are ours."""

    since: int
    until: int
    zone: str
    ours: str


@dataclass
class Reader:
    since: datetime
    until: datetime
    zone: tzinfo
    ours: str
    strange_zones: set[str] = field(default_factory=set)
    puzzling: int = 0  # events that were passed over

    def busy(self, text: str) -> list[tuple[int, int]]:
        """Raises: Unreadable."""
        if "BEGIN:VCALENDAR" not in text[:4096].upper():
            raise Unreadable("What the address answers is no calendar.")
        try:
            calendar = Calendar.from_ical("\r\n".join(lean(text)) + "\r\n")
        except ValueError as error:
            raise Unreadable("The calendar is damaged.") from error
        named = str(calendar.get("X-WR-TIMEZONE", ""))
        self.zone = _zone(named) or self.zone
        found = [*self._events(calendar), *self._told_busy(calendar)]
        return joined(
            (int(max(begin, self.since).timestamp()), int(min(end, self.until).timestamp()))
            for begin, end in found
            if begin < end and begin < self.until and end > self.since
        )

    def _events(self, calendar: Component) -> Iterator[tuple[datetime, datetime]]:
        """Every time of every event that keeps its owner busy."""
        series: dict[str, list[Component]] = defaultdict(list)
        for event in calendar.walk("VEVENT"):
            uid = str(event.get("UID", "")) or str(id(event))
            if event.get("DTSTART") is not None and "DTSTART" not in _broken(event) and not uid.endswith(self.ours):
                series[uid].append(event)
        for events in series.values():
            try:
                moved = {self._instant(event["RECURRENCE-ID"]) for event in events if "RECURRENCE-ID" in event}
                for event in filter(_keeps_busy, events):
                    yield from self._times(event, set() if "RECURRENCE-ID" in event else moved)
            except PUZZLING:
                self.puzzling += 1

    def _times(self, event: Component, moved: set[datetime]) -> Iterator[tuple[datetime, datetime]]:
        start = self._wall(event["DTSTART"])
        length = self._length(event)
        gone = moved | {self._at(day) for part in _parts(event, "EXDATE") for day in self._walls(part)}
        for wall, lasts in self._repeated(event, start, length):
            begin, end = self._at(wall), self._at(wall + lasts, last=True)
            if begin not in gone:
                yield begin, end

    def _repeated(
        self, event: Component, start: date | datetime, length: timedelta
    ) -> Iterator[tuple[date | datetime, timedelta]]:
        """When it takes place, as a clock on its wall shows it, and how long."""
        rules = _parts(event, "RRULE") if "RRULE" not in _broken(event) else []
        extra = [moment for part in _parts(event, "RDATE") for moment in self._periods(part, length)]
        first = [(start, length)]
        if not rules or "RECURRENCE-ID" in event:
            yield from first + extra
            return
        zone = start.tzinfo if isinstance(start, datetime) else None
        naive = start.replace(tzinfo=None) if isinstance(start, datetime) else datetime.combine(start, time())
        soonest, latest = (at.astimezone(zone or self.zone).replace(tzinfo=None) for at in (self.since, self.until))
        for told in rules:
            rule = _rule(told, naive, zone or self.zone)
            within = takewhile(
                lambda wall: wall < latest + DAY, rule.xafter(soonest - min(length, LONGEST) - DAY, inc=True)
            )
            for wall in within:
                yield (wall.replace(tzinfo=zone) if isinstance(start, datetime) else wall.date()), length
        yield from extra + (first if naive >= soonest - length - DAY else [])

    def _length(self, event: Component) -> timedelta:
        start = self._wall(event["DTSTART"])
        broken = _broken(event)
        if "DTEND" in event and "DTEND" not in broken:
            end = self._wall(event["DTEND"])
            if isinstance(start, datetime) != isinstance(end, datetime):
                return DAY
            if isinstance(start, datetime) and isinstance(end, datetime):
                same = start.tzinfo == end.tzinfo
                return (
                    end.replace(tzinfo=None) - start.replace(tzinfo=None) if same else self._at(end) - self._at(start)
                )
            return end - start
        told = getattr(event.get("DURATION"), "dt", None) if "DURATION" not in broken else None
        if isinstance(told, timedelta):
            return told
        return timedelta() if isinstance(start, datetime) else DAY

    def _told_busy(self, calendar: Component) -> Iterator[tuple[datetime, datetime]]:
        for told in calendar.walk("VFREEBUSY"):
            for part in _parts(told, "FREEBUSY"):
                if str(part.params.get("FBTYPE", "BUSY")).upper() != "FREE":
                    begin, end = part.start, part.end
                    yield self._at(begin), self._at(end)

    def _walls(self, part: Any) -> Iterator[date | datetime]:
        for moment in part.dts:
            yield self._wall(moment)

    def _periods(self, part: Any, length: timedelta) -> Iterator[tuple[date | datetime, timedelta]]:
        for moment in part.dts:
            if isinstance(moment.dt, tuple):
                begin, end = moment.dt
                yield begin, end if isinstance(end, timedelta) else end - begin
            else:
                yield self._wall(moment), length

    def _wall(self, told: Any) -> date | datetime:
        """A time with its zone; what floats, or names a zone that nobody knows, is meant where the owner is."""
        at: date | datetime = told.dt
        if isinstance(at, datetime) and at.tzinfo is None:
            if named := told.params.get("TZID"):
                self.strange_zones.add(str(named)[:80])
            return at.replace(tzinfo=self.zone)
        return at

    def _instant(self, told: Any) -> datetime:
        return self._at(self._wall(told))

    def _at(self, wall: date | datetime, *, last: bool = False) -> datetime:
        """The instant; of a time that comes twice the first one, or the ``last``."""
        if not isinstance(wall, datetime):
            wall = datetime.combine(wall, time(), self.zone)
        there = wall.replace(tzinfo=wall.tzinfo or self.zone, fold=0)
        first, second = (there.replace(fold=fold).utcoffset() or timedelta() for fold in (0, 1))
        comes_twice = first > second  # the other way round it never comes
        return there.replace(fold=int(last and comes_twice)).astimezone(UTC)


def lean(text: str) -> Iterator[str]:
    """The lines that tell of time, which are few: what things are called is nobody's business here.

    Raises: Unreadable if there are too many parts, or too many within one another.
    """
    open_parts: list[str] = []
    kept, parts = False, 0
    for line in text.lstrip("\ufeff").splitlines():
        if line[:1] in (" ", "\t"):
            if kept:
                yield line
            continue
        name = line.partition(":")[0].partition(";")[0].strip().upper()
        inside = line.partition(":")[2].strip().upper() if name in ("BEGIN", "END") else ""
        if name == "BEGIN":
            parts += 1
            open_parts.append(inside)
            if len(open_parts) > DEEPEST + 1 or parts > MOST_PARTS:
                raise Unreadable(f"There are more than {MOST_PARTS} entries in it, or entries within entries.")
        kept = name in WANTED and not SKIPPED.intersection(open_parts)
        if name == "END" and open_parts:
            open_parts.pop()
        if kept:
            yield line


def joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, and apart. Raises: Unreadable if they are too many."""
    made: list[tuple[int, int]] = []
    for begin, end in sorted(ranges):
        if made and begin <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((begin, end))
    if len(made) > MOST_BUSY:
        raise Unreadable(f"It shows more than {MOST_BUSY} busy times in the days ahead.")
    return made


def _rule(told: Any, start: datetime, zone: tzinfo) -> rrule:
    """A rule that goes by the clock on the wall. Raises: Unreadable."""
    if TOO_OFTEN.intersection(str(each).upper() for each in told.get("FREQ", [])):
        raise Unreadable("Something in it repeats every hour or more often.")
    until = told.get("UNTIL")
    if until:
        last = until[0] if isinstance(until, list) else until
        if isinstance(last, datetime) and last.tzinfo is not None:
            last = last.astimezone(zone).replace(tzinfo=None)
        told = vRecur({**told, "UNTIL": [last if isinstance(last, datetime) else datetime.combine(last, time.max)]})
    try:
        found: rrule = rrulestr(told.to_ical().decode(), dtstart=start, cache=False)
    except ValueError as error:
        raise Unreadable("Something in it repeats by a rule that makes no sense.") from error
    return found


def _parts(component: Component, name: str) -> list[Any]:
    """What a name stands for, once or several times."""
    if name in _broken(component):
        return []
    told = component.get(name, [])
    return told if isinstance(told, list) else [told]


def _broken(component: Component) -> set[str]:
    """The names of what could not be read."""
    return {str(name) for name, _ in component.errors}


def _keeps_busy(event: Component) -> bool:
    status, shown = str(event.get("STATUS", "")).upper(), str(event.get("TRANSP", "")).upper()
    return status != "CANCELLED" and shown != "TRANSPARENT"


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (OSError, ValueError):
        return None


def answer(asked: str, text: str) -> dict[str, Any]:
    question = Question(**json.loads(asked))
    since, until = (datetime.fromtimestamp(at, UTC) for at in (question.since, question.until))
    reader = Reader(since, until, _zone(question.zone) or UTC, question.ours)
    try:
        busy = reader.busy(text)
    except Unreadable as problem:
        return {"problem": str(problem)}
    except (*PUZZLING, RecursionError, MemoryError):
        return {"problem": "The calendar cannot be understood."}
    return {"busy": busy, "strange_zones": sorted(reader.strange_zones)[:5], "puzzling": reader.puzzling}


def main() -> None:
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    told = sys.stdin.buffer
    asked = told.readline().decode()
    json.dump(answer(asked, told.read().decode("utf-8", errors="replace")), sys.stdout)


if __name__ == "__main__":
    main()
