"""How many sessions a mentor gives in a day: each takes a place, and there are as many as the daily cap says.

A session counts where it begins, on a day of the mentor's own calendar, unless it was called off or ran out. Those that
were booked under no cap have no number, but they count.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from itertools import count

from sqlalchemy import select

from app.actions.timetables import Timetable
from app.extensions import db
from app.kit.calendar import DAY, instants, zone_of
from app.kit.errors import SlotTaken
from app.models.booking import Booking
from app.models.states import COUNTED_BOOKING

FULL = "The mentor takes no more sessions on that day. Please pick another one."


def full_days(timetables: Sequence[Timetable], start: datetime, end: datetime) -> dict[str, set[date]]:
    """The days from ``start`` until ``end`` on which mentors have no place left, by mentor; one query, if any has a
    cap."""
    capped = {timetable.mentor.id: timetable for timetable in timetables if timetable.mentor.daily_cap is not None}
    days: dict[str, Counter[date | None]] = defaultdict(Counter)
    if capped:
        query = select(Booking.mentor_id, Booking.starts_at).where(
            Booking.mentor_id.in_(capped),
            Booking.state.in_(COUNTED_BOOKING),
            Booking.starts_at.between(start - 2 * DAY, end + 2 * DAY),
        )
        for mentor_id, starts_at in db.session.execute(query):
            days[mentor_id][capped[mentor_id].day_of(starts_at)] += 1
    return {
        mentor_id: {
            day for day, booked in booked_on.items() if day and booked >= (capped[mentor_id].mentor.daily_cap or 0)
        }
        for mentor_id, booked_on in days.items()
    }


def check_left(timetable: Timetable, starts_at: datetime) -> None:
    """Raises: SlotTaken if the mentor's day is full."""
    day = timetable.day_of(starts_at)
    if day in full_days([timetable], starts_at, starts_at).get(timetable.mentor.id, ()):
        raise SlotTaken(FULL)


def next_on_day(timetable: Timetable, starts_at: datetime) -> tuple[date | None, int | None]:
    """Day and number of the place that a session gets which begins then; neither if there is no cap.

    Everybody who looks at the same moment gets the same number, and of those one keeps it: the others have to look
    again. As numbers are given from the lowest on, no more are given than the cap says. Raises: SlotTaken if the day
    is full.
    """
    mentor, day, zone = timetable.mentor, timetable.day_of(starts_at), zone_of(timetable.mentor.time_zone)
    if mentor.daily_cap is None or day is None or zone is None:
        return None, None
    begins, ends = instants(day, 0, 1440, zone)
    # Wider than the day: a mentor who has moved has numbers of that day beside it, by another zone's calendar.
    query = select(Booking.starts_at, Booking.mentor_day, Booking.place).where(
        Booking.mentor_id == mentor.id,
        Booking.state.in_(COUNTED_BOOKING),
        Booking.starts_at.between(begins - 2 * DAY, ends + 2 * DAY),
    )
    around = db.session.execute(query).all()
    if sum(begins <= row.starts_at < ends for row in around) >= mentor.daily_cap:
        raise SlotTaken(FULL)
    given = {row.place for row in around if row.mentor_day == day}
    return day, next(number for number in count(1) if number not in given)
