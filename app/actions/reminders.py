"""Moments around an hour at which people are told something: before it begins, and until it is completed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.actions import deadlines, news
from app.actions.deadlines import Due
from app.actions.transactions import atomically, unbroken
from app.models.booking import Booking
from app.models.states import BookingState

HOURS = timedelta(hours=1)


@dataclass(frozen=True)
class Moment:
    """``after`` the session's start or, if ``to_complete``, its end; until ``then`` (None: the last one) it is news."""

    after: timedelta
    then: timedelta | None
    to_complete: bool = False

    def at(self, booking: Booking) -> datetime:
        return self._begin(booking) + self.after

    def until(self, booking: Booking) -> datetime:
        """When it would be too late: it has begun, the next one has come, or nobody can complete it any more."""
        last = booking.complete_by if self.to_complete else booking.starts_at
        return last if self.then is None else min(last, self._begin(booking) + self.then)

    def _begin(self, booking: Booking) -> datetime:
        return booking.ends_at if self.to_complete else booking.starts_at


MOMENTS = {
    "remind_day": Moment(-24 * HOURS, -1 * HOURS),
    "remind_hour": Moment(-1 * HOURS, None),
    "ask_hour": Moment(1 * HOURS, 24 * HOURS, to_complete=True),
    "ask_day": Moment(24 * HOURS, 40 * HOURS, to_complete=True),
    "ask_last": Moment(40 * HOURS, None, to_complete=True),
}


def plan(booking: Booking, *, now: datetime) -> None:
    """Put down the moments of a booking that are still ahead. Inside the transaction that confirms it."""
    wanted = {kind: moment for kind, moment in MOMENTS.items() if not (moment.to_complete and booking.is_trial)}
    ahead = {kind: moment.at(booking) for kind, moment in wanted.items()}
    deadlines.put_all(booking.id, {kind: at for kind, at in ahead.items() if now < at < MOMENTS[kind].until(booking)})


def lift(booking: Booking) -> None:
    """Nobody need be told any more. Inside the transaction that ends it."""
    deadlines.lift_all(MOMENTS, booking.id)


def due(now: datetime) -> Sequence[Due]:
    return deadlines.overdue(MOMENTS, now)


@unbroken
def remind(reached: Due, *, now: datetime) -> None:
    """Tell whom it concerns, once; not if the hour has ended or the moment is long past."""
    moment = MOMENTS[reached.kind]
    with atomically():
        if not deadlines.take_away(reached):
            return
        booking = Booking.one(Booking.id == reached.subject)
        if booking.state != BookingState.CONFIRMED or now >= moment.until(booking):
            return
        people = {booking.mentor.user_id} if moment.to_complete else {booking.mentor.user_id, booking.mentee_id}
        news.of_moment(reached.kind, booking, people, at=moment.at(booking), until=moment.until(booking), now=now)
