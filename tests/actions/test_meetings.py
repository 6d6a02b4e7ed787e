"""Where Ann and Bob meet: a place that both see shortly before, and nobody sooner."""

import re
from datetime import timedelta

import pytest
from flask import Flask

from app.actions import bookings, cancellations, meetings
from app.kit.errors import Invalid
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import Party
from app.models.user import User
from tests import people
from tests.people import HOUR, TOMORROW_AT_TEN, fresh
from tests.stripe_double import Stripe

ROOM = re.compile(r"https://meet\.jit\.si/mentorhold-[0-9a-f]{32}")
BOBS = "https://video.example/bob"
QUARTER = timedelta(minutes=15)


def seen(booking: Booking, now) -> str | None:
    meeting = meetings.of(booking, now)
    return meeting.url if meeting else None


def test_every_session_has_a_room_of_its_own_that_nobody_can_guess(ann: User, bob: Mentor, stripe: Stripe):
    one = people.booked(ann, bob, stripe)
    other = people.booked(ann, bob, stripe, starts_at=TOMORROW_AT_TEN + 2 * HOUR, key="another-form")
    assert ROOM.fullmatch(one.meeting_url or "")
    assert ROOM.fullmatch(other.meeting_url or "")
    assert one.meeting_url != other.meeting_url


def test_the_link_is_seen_from_a_quarter_before_until_the_end(held_hour: Booking):
    start, end, second = held_hour.starts_at, held_hour.ends_at, timedelta(seconds=1)
    assert [seen(held_hour, now) for now in (start - HOUR, start - QUARTER - second)] == [None, None]
    assert {seen(held_hour, now) for now in (start - QUARTER, start, end - second)} == {held_hour.meeting_url}
    assert meetings.of(held_hour, end) is None


def test_there_is_nothing_to_come_to_unless_the_session_is_confirmed(anns_hour: Booking, stripe: Stripe):
    at_the_start = anns_hour.starts_at
    assert meetings.of(anns_hour, at_the_start) is None
    hour = people.paid(anns_hour, stripe)
    assert meetings.of(hour, at_the_start) is not None
    quoted = cancellations.quote(hour, by=Party.MENTOR, now=stripe.now()).token
    cancellations.cancel(hour, by=Party.MENTOR, quoted=quoted, now=stripe.now())
    assert meetings.of(fresh(hour), at_the_start) is None


def test_the_mentors_own_place_is_taken_and_stays_once_it_can_be_seen(ann: User, bob: Mentor, stripe: Stripe):
    meetings.move(bob, BOBS, now=stripe.now())
    soon = people.paid(people.booked(ann, bob, stripe), stripe)
    later = people.booked(ann, bob, stripe, starts_at=TOMORROW_AT_TEN + 2 * HOUR, key="another-form")
    assert (soon.meeting_url, later.meeting_url) == (BOBS, BOBS)
    stripe.wait_until(TOMORROW_AT_TEN - QUARTER)
    meetings.move(bob, "https://video.example/new", now=stripe.now())
    assert fresh(soon).meeting_url == BOBS, "both may be looking at it"
    assert fresh(later).meeting_url == "https://video.example/new"
    meetings.move(bob, None, now=stripe.now())
    assert ROOM.fullmatch(fresh(later).meeting_url or "")


def test_what_is_over_is_not_moved(completed_hour: Booking, bob: Mentor, stripe: Stripe):
    before = completed_hour.meeting_url
    meetings.move(bob, BOBS, now=stripe.now() - 48 * HOUR)
    assert fresh(completed_hour).meeting_url == before


def test_sessions_that_are_moved_are_not_mixed_up(ann: User, bob: Mentor, stripe: Stripe):
    meetings.move(bob, BOBS, now=stripe.now())
    hours = [
        people.booked(ann, bob, stripe, starts_at=TOMORROW_AT_TEN + n * HOUR, key=f"the-form-number-{n}")
        for n in range(3)
    ]
    meetings.move(bob, None, now=stripe.now())
    assert len({fresh(hour).meeting_url for hour in hours}) == 3


@pytest.mark.parametrize(
    "url",
    ["http://video.example/bob", "javascript:alert(1)", "video.example", "https://a:b@video.example/", "https://x\ny/",
     "webcal://video.example/", "https://" + "v" * 60 + ".example/" + "b" * 500],
)  # fmt: skip
def test_what_is_no_place_is_refused(app: Flask, bob: Mentor, stripe: Stripe, url: str):
    with pytest.raises(Invalid) as refusal:
        meetings.move(bob, url, now=stripe.now())
    assert refusal.value.field == "meeting_url"


def test_a_booking_that_is_made_twice_by_one_form_keeps_its_room(ann: User, bob: Mentor, stripe: Stripe):
    rooms = {bookings.book(ann, bob, people.wish(), now=stripe.now()).meeting_url for _ in range(2)}
    assert len(rooms) == 1
