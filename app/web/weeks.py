"""Seven days of a mentor's free times, as the viewer's calendar has them."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import request

from app.actions.availability import Day, Openings, by_day
from app.actions.claims import Slot
from app.web.zones import viewer_zone

LENGTH = timedelta(days=7)


@dataclass(frozen=True)
class Week:
    """``earlier``, ``later`` and ``soonest`` are the first days of other weeks to show, if there is anything to see."""

    first: date
    days: list[Day]
    earlier: date | None
    later: date | None
    soonest: date | None

    @property
    def last(self) -> date:
        return self.first + LENGTH - timedelta(days=1)

    @classmethod
    def asked(cls, openings: Openings, soonest: Slot | None) -> "Week":
        """The seven days from the ``from`` of the present request on, else from today, or from the first free day if
        that is later than a week from now."""
        zone = viewer_zone()
        today, end = openings.begin.astimezone(zone).date(), openings.end.astimezone(zone).date()
        free_on = soonest.starts_at.astimezone(zone).date() if soonest else today
        first = _day(request.args.get("from")) or (today if free_on < today + LENGTH else free_on)
        first = min(max(first, today), max(end, today))
        slots = list(openings.between(_midnight(first, zone), _midnight(first + LENGTH, zone)))
        return cls(
            first=first,
            days=by_day(slots, zone),
            earlier=max(first - LENGTH, today) if first > today else None,
            later=first + LENGTH if first + LENGTH <= end else None,
            soonest=free_on if soonest and not first <= free_on < first + LENGTH else None,
        )


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
