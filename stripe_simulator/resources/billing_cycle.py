"""Where billing periods begin and end: whole intervals counted from the billing cycle anchor, in UTC.

A month or a year that lacks the anchor's day ends on its last day, and the anchor's day comes back afterwards:
31 January, 28 February, 31 March. Source: https://docs.stripe.com/billing/subscriptions/billing-cycle
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}


def boundary(anchor: int, interval: str, count: int, number: int) -> int:
    """The Unix time that many periods (`count` intervals each) after the anchor."""
    start = datetime.fromtimestamp(anchor, UTC)
    if interval in _DAYS:
        return int((start + timedelta(days=_DAYS[interval] * count * number)).timestamp())
    months = start.year * 12 + start.month - 1 + _MONTHS[interval] * count * number
    year, month = divmod(months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def end_of_period(anchor: int, interval: str, count: int, start: int) -> int:
    """The first boundary after `start` (Unix seconds, not before the anchor)."""
    days = _DAYS[interval] if interval in _DAYS else 31 * _MONTHS[interval]
    number = max(1, (start - anchor) // (days * count * 86_400))
    while (end := boundary(anchor, interval, count, number)) <= start:
        number += 1
    return end
