"""What a mentee asks for, and the booking that is drawn up of it."""

from dataclasses import dataclass
from datetime import date, datetime

from app.actions import holds, meetings, trials
from app.actions.claims import Slot
from app.actions.holds import Plan
from app.kit import policy
from app.kit.errors import Invalid
from app.kit.ids import new_id
from app.kit.money import Money
from app.models.booking import Booking
from app.models.mentor import Mentor


@dataclass(frozen=True)
class Wish:
    """What a mentee asks for. ``request_key`` belongs to the form: the same key never makes a second booking.

    ``consent``: if money cannot be held yet, their card may be saved and the price held while they are away.
    """

    starts_at: datetime
    minutes: int
    title: str
    description: str
    request_key: str
    consent: bool = False
    is_trial: bool = False


def planned(slot: Slot, wish: Wish, now: datetime) -> Plan:
    """What is to happen to the money. Raises: Invalid if the mentee has not agreed to it."""
    found = holds.plan(slot.starts_at, slot.ends_at, now=now)
    if found.is_deferred and not (wish.consent or wish.is_trial):
        raise Invalid("Please agree, or pick an earlier time: money cannot be held that long.", field="consent")
    return found


def price_of(wish: Wish, mentee_id: str, mentor: Mentor) -> Money:
    """Raises: Invalid if it should be free and cannot be."""
    if not wish.is_trial:
        return mentor.price_for(wish.minutes)
    trials.check(mentee_id, mentor, wish.minutes)
    return Money(0, mentor.currency)


def draw_up(
    wish: Wish,
    slot: Slot,
    plan: Plan,
    place: tuple[date | None, int | None],
    *,
    mentee_id: str,
    mentor: Mentor,
    now: datetime,
) -> Booking:
    """A booking on today's terms, not written down yet. Raises: Invalid."""
    price = price_of(wish, mentee_id, mentor)
    return Booking(
        id=new_id("bk"),
        mentor_id=mentor.id,
        mentee_id=mentee_id,
        title=wish.title,
        description=wish.description,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        minutes=wish.minutes,
        price_minor=price.minor,
        currency=price.currency,
        commission_bps=policy.current().commission_bps,
        terms=mentor.terms,
        free_until=policy.current().free_until(slot.starts_at, now),
        pay_by=now + policy.current().checkout,
        complete_by=plan.complete_by,
        request_key=wish.request_key,
        mentor_day=place[0],
        place=place[1],
        is_trial=wish.is_trial,
        needs_answer=mentor.approves,
        meeting_url=meetings.place_for(mentor),
        created_at=now,
    )
