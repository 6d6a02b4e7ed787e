"""Other people's calendars: fetched from the web, and read by a program of its own, :mod:`app.kit.ics_reader`."""

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.gateways.outside_web import OutsideWeb
from app.kit import ics_reader
from app.kit.errors import CalendarUnread

READER = Path(ics_reader.__file__)
PATIENCE = 30  # seconds, for a reader that may use a few of its own


@dataclass(frozen=True)
class Busy:
    """When somebody is busy, in order and apart; the zones that were named and that nobody knows; and how many entries
    were passed over because they make no sense."""

    times: tuple[tuple[datetime, datetime], ...]
    strange_zones: tuple[str, ...]
    puzzling: int


def read(body: bytes, *, since: datetime, until: datetime, zone: str, ours: str) -> Busy:
    """When a calendar says that its owner is busy. Raises: CalendarUnread with the reason.

    ``zone`` is where the owner is, for what names no zone; events whose UID ends with ``ours`` are passed over.
    """
    question = {"since": int(since.timestamp()), "until": int(until.timestamp()), "zone": zone, "ours": ours}
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(READER)],
            input=json.dumps(question).encode() + b"\n" + body,
            capture_output=True,
            timeout=PATIENCE,
            env={"LANG": "C.UTF-8"},
            check=True,
        )
        answer = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as failure:
        raise CalendarUnread("The calendar takes too long to read: something in it repeats without end.") from failure
    if "problem" in answer:
        raise CalendarUnread(answer["problem"])
    times = tuple(
        (datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC)) for begin, end in answer["busy"]
    )
    return Busy(times, tuple(answer["strange_zones"]), answer["puzzling"])


_web: OutsideWeb | None = None


def use(web: OutsideWeb) -> None:
    """Fetch by ``web`` from now on."""
    global _web
    _web = web


def fetch(address: str) -> bytes:
    """Raises: CalendarUnread with the reason."""
    assert _web is not None, "use() comes first"
    return _web.get(address)
