"""What mentors say about their time decides what can be booked, in the list and in the moment of reserving."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.actions import availability, bookings, cancellations, opening_hours
from app.actions.claims import Slot
from app.actions.opening_hours import Rules, Span
from app.extensions import db
from app.kit.errors import Invalid, NotFound, SlotTaken
from app.models.availability import DateException, ExceptionKind, Lane, SlotClaim
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import Party
from app.models.user import User
from tests import people
from tests.people import HOUR, TOMORROW_AT_TEN
from tests.statements import overheard
from tests.stripe_double import MONDAY, Stripe

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 6, day) for day in (2, 3, 4))
NINE_TO_FIVE = [(day, 540, 1020) for day in range(7)]


def starts(mentor: Mentor, on: date, stripe: Stripe, *, minutes: int = 60, viewer: User | None = None) -> list[str]:
    """When the open slots of a day begin, as a clock in Berlin shows it."""
    db.session.rollback()
    slots = availability.open_slots(mentor, minutes, now=stripe.now(), viewer=viewer)
    local = [slot.starts_at.astimezone(BERLIN) for slot in slots]
    return [at.strftime("%H:%M") for at in local if at.date() == on]


def book(
    mentee: User, mentor: Mentor, stripe: Stripe, at: str = "12:00", on: date = TUESDAY, minutes: int = 60
) -> Booking:
    begins = TOMORROW_AT_TEN.astimezone(BERLIN).replace(
        year=on.year, month=on.month, day=on.day, hour=int(at[:2]), minute=int(at[3:])
    )
    key = f"{mentee.name} {mentor.id} {on} {at}"[-60:]
    return people.booked(mentee, mentor, stripe, starts_at=begins, minutes=minutes, key=key)


def call_off(hour: Booking, now: datetime) -> None:
    """Its mentor does."""
    quoted = cancellations.quote(hour, by=Party.MENTOR, now=now)
    cancellations.cancel(hour, by=Party.MENTOR, quoted=quoted.token, now=now)


def except_(mentor: Mentor, kind: ExceptionKind, first: date, last: date | None = None, *minutes: int) -> None:
    span = Span(kind, first, last or first, (minutes[0], minutes[1]) if minutes else None)
    opening_hours.make_exception(mentor, span, now=MONDAY)


@pytest.fixture
def office(bob: Mentor) -> Mentor:
    """Bob, from nine to five."""
    opening_hours.set_weekly(bob, NINE_TO_FIVE)
    return bob


def test_a_day_can_have_several_ranges_and_those_that_touch_are_one(bob: Mentor, stripe: Stripe):
    opening_hours.set_weekly(bob, [(1, 540, 630), (1, 630, 690), (1, 820, 900)])
    assert starts(bob, TUESDAY, stripe) == ["09:00", "09:30", "10:00", "10:30", "13:40"]
    assert starts(bob, WEDNESDAY, stripe) == []


def test_ranges_that_overlap_are_refused(bob: Mentor):
    with pytest.raises(Invalid, match="09:00–11:00 and 10:55–12:00 overlap"):
        opening_hours.set_weekly(bob, [(1, 655, 720), (1, 540, 660)])


def test_a_vacation_closes_its_days_and_no_other(office: Mentor, stripe: Stripe):
    usual = starts(office, THURSDAY, stripe)
    except_(office, ExceptionKind.OFF, TUESDAY, WEDNESDAY)
    assert [starts(office, day, stripe) for day in (TUESDAY, WEDNESDAY, THURSDAY)] == [[], [], usual]


def test_hours_of_a_day_replace_the_weekly_ones_or_come_on_top(office: Mentor, stripe: Stripe):
    except_(office, ExceptionKind.INSTEAD, TUESDAY, None, 1200, 1260)
    except_(office, ExceptionKind.INSTEAD, TUESDAY, None, 600, 660)
    except_(office, ExceptionKind.EXTRA, WEDNESDAY, None, 1020, 1080)
    assert starts(office, TUESDAY, stripe) == ["10:00", "20:00"]
    assert starts(office, WEDNESDAY, stripe)[-3:] == ["16:00", "16:30", "17:00"]


def test_hours_that_are_meant_for_a_day_open_it_within_a_vacation(office: Mentor, stripe: Stripe):
    except_(office, ExceptionKind.OFF, TUESDAY, THURSDAY)
    except_(office, ExceptionKind.EXTRA, TUESDAY, None, 600, 660)
    except_(office, ExceptionKind.INSTEAD, WEDNESDAY, None, 720, 780)
    assert [starts(office, day, stripe) for day in (TUESDAY, WEDNESDAY, THURSDAY)] == [["10:00"], ["12:00"], []]


@pytest.mark.parametrize(
    ("kind", "first", "last", "minutes", "said"),
    [
        (ExceptionKind.OFF, date(2026, 5, 31), date(2026, 5, 31), (), "That day is over"),
        (ExceptionKind.OFF, WEDNESDAY, TUESDAY, (), "should not be before the first"),
        (ExceptionKind.OFF, TUESDAY, date(2027, 6, 3), (), "A year at most"),
        (ExceptionKind.OFF, date(2028, 12, 1), date(2028, 12, 2), (), "the next two years"),
        (ExceptionKind.OFF, date(2026, 6, 10), date(2026, 6, 11), (), "off then already"),
        (ExceptionKind.OFF, date(2026, 6, 12), date(2026, 6, 20), (), "Please delete them first"),
        (ExceptionKind.EXTRA, date(2026, 6, 15), None, (570, 601), "overlap"),
    ],
)
def test_exceptions_that_cannot_be(
    bob: Mentor, kind: ExceptionKind, first: date, last: date | None, minutes: tuple[int, ...], said: str
):
    except_(bob, ExceptionKind.OFF, date(2026, 6, 9), date(2026, 6, 11))
    except_(bob, ExceptionKind.EXTRA, date(2026, 6, 15), None, 600, 660)
    with pytest.raises(Invalid, match=said):
        except_(bob, kind, first, last, *minutes)
    assert db.session.query(DateException).count() == 2


def test_exceptions_are_listed_until_they_are_over_where_the_mentor_is(bob: Mentor, stripe: Stripe):
    except_(bob, ExceptionKind.OFF, date(2026, 6, 1), TUESDAY)
    before_midnight = MONDAY + timedelta(days=1, hours=13, minutes=59)  # 23:59 in Berlin
    assert len(opening_hours.coming_exceptions(bob, now=before_midnight)) == 1
    assert opening_hours.coming_exceptions(bob, now=before_midnight + MINUTE) == []


def test_nobody_deletes_the_exceptions_of_another(bob: Mentor, stripe: Stripe):
    dia = people.mentor("Dia")
    except_(bob, ExceptionKind.OFF, TUESDAY)
    (exception,) = opening_hours.coming_exceptions(bob, now=stripe.now())
    with pytest.raises(NotFound):
        opening_hours.drop_exception(dia, exception.id)
    opening_hours.drop_exception(bob, exception.id)
    assert opening_hours.coming_exceptions(bob, now=stripe.now()) == []


def test_twenty_ninths_of_february_can_be_days_off(bob: Mentor):
    except_(bob, ExceptionKind.OFF, date(2028, 2, 29))


@pytest.mark.parametrize(
    ("before", "after", "apart"), [(0, 0, 0), (15, 0, 15), (0, 30, 30), (15, 30, 30), (60, 30, 60)]
)
def test_sessions_are_as_far_apart_as_the_longer_buffer(
    ann: User, bob: Mentor, stripe: Stripe, before: int, after: int, apart: int
):
    """Bob opens just the hour that is asked for, so that neighbours can be at any distance."""
    opening_hours.set_rules(bob, Rules(buffer_before=before, buffer_after=after))
    cho = people.person("Cho")
    hour = book(ann, bob, stripe, "12:00")
    for gap in range(0, 95, 5):
        later, earlier = hour.ends_at + gap * MINUTE, hour.starts_at - HOUR - gap * MINUTE
        for begins in (later, earlier):
            at = begins.astimezone(BERLIN).time()
            opening_hours.set_weekly(bob, [(1, at.hour * 60 + at.minute, at.hour * 60 + at.minute + 60), (1, 720, 780)])
            offered = starts(bob, TUESDAY, stripe, viewer=cho) == [at.strftime("%H:%M")]
            assert offered == (gap >= apart), f"{gap} minutes"
            wanted = people.wish(begins, key=f"{gap} {begins}")
            try:
                made, _ = bookings.reserve(cho.id, bob.id, wanted, customer_id="cus_cho", now=MONDAY)
            except SlotTaken:
                assert gap < apart
            else:
                assert gap >= apart
                call_off(Booking.one(Booking.id == made), MONDAY)


def test_a_buffer_binds_the_mentor_in_every_role_and_nobody_else(ann: User, bob: Mentor, stripe: Stripe):
    dia, bob_himself = people.mentor("Dia"), bob.user
    opening_hours.set_rules(bob, Rules(buffer_before=30, buffer_after=30))
    book(ann, bob, stripe, "12:00")
    book(ann, dia, stripe, "13:00")  # Ann goes from one session to the next
    book(ann, dia, stripe, "11:00")
    assert "13:00" not in starts(dia, TUESDAY, stripe, viewer=bob_himself)
    for at in ("13:00", "11:00"):
        with pytest.raises(SlotTaken):
            book(bob_himself, people.mentor(f"Eli{at[:2]}"), stripe, at)
    fay = people.mentor("Fay")
    book(bob_himself, fay, stripe, "13:30")
    assert "14:30" not in starts(bob, TUESDAY, stripe), "Bob rests after hours that he takes, too"


def test_a_booking_keeps_the_buffers_it_was_made_with(ann: User, bob: Mentor, stripe: Stripe):
    cho = people.person("Cho")
    opening_hours.set_rules(bob, Rules(buffer_after=60))
    book(ann, bob, stripe, "12:00")
    opening_hours.set_rules(bob, Rules())
    assert "13:30" not in starts(bob, TUESDAY, stripe)
    assert "14:00" in starts(bob, TUESDAY, stripe)
    opening_hours.set_rules(bob, Rules(buffer_before=120))
    assert "14:30" not in starts(bob, TUESDAY, stripe), "and what is new keeps the new ones"
    with pytest.raises(SlotTaken):
        book(cho, bob, stripe, "14:30")
    book(cho, bob, stripe, "15:00")


def test_a_buffer_may_lie_outside_of_the_hours_and_before_now(ann: User, office: Mentor, stripe: Stripe):
    opening_hours.set_rules(office, Rules(buffer_before=240, buffer_after=240))
    assert starts(office, TUESDAY, stripe)[0] == "09:00"
    assert starts(office, TUESDAY, stripe)[-1] == "16:00"


def test_a_session_is_no_longer_and_no_shorter_than_the_mentor_offers(ann: User, bob: Mentor, stripe: Stripe):
    opening_hours.set_rules(bob, Rules(durations=(90,)))
    assert starts(bob, TUESDAY, stripe, minutes=60) == []
    with pytest.raises(Invalid, match="A session takes 90 minutes"):
        book(ann, bob, stripe)
    book(ann, bob, stripe, minutes=90)
    assert availability.next_free([bob], 60, now=stripe.now())[bob.id] is not None, "the nearest length counts"


def test_notice_is_the_longer_of_the_mentors_and_the_platforms(ann: User, bob: Mentor, stripe: Stripe):
    opening_hours.set_rules(bob, Rules(notice_hours=26))
    assert starts(bob, TUESDAY, stripe)[0] == "12:00"
    with pytest.raises(Invalid, match="too soon"):
        book(ann, bob, stripe, "11:30")
    book(ann, bob, stripe, "12:00")


def test_the_horizon_is_where_the_mentor_sets_it(ann: User, bob: Mentor, stripe: Stripe):
    opening_hours.set_rules(bob, Rules(horizon_days=2))
    last = availability.open_slots(bob, 60, now=stripe.now())[-1]
    assert last.ends_at == MONDAY + timedelta(days=2)
    with pytest.raises(Invalid, match="does not offer"):
        people.booked(ann, bob, stripe, starts_at=last.starts_at + HOUR)
    for days in (365, None):
        opening_hours.set_rules(bob, Rules(horizon_days=days))
        ends_at = availability.open_slots(bob, 60, now=stripe.now())[-1].ends_at
        assert ends_at == MONDAY + timedelta(days=days or 60), "where they set none, the platform's counts"


def test_a_next_free_time_is_found_however_far_ahead(ann: User, bob: Mentor, stripe: Stripe):
    """Looked for farther and farther: Bob has a day in three months, and Dia is there tomorrow."""
    dia = people.mentor("Dia")
    opening_hours.set_weekly(bob, [])
    opening_hours.set_rules(bob, Rules(horizon_days=365))
    day = MONDAY.date() + timedelta(days=90)
    except_(bob, ExceptionKind.EXTRA, day, None, 600, 720)
    free = availability.next_free([bob, dia], 60, now=stripe.now())
    assert free[bob.id].date() == day
    assert free[dia.id] == MONDAY + HOUR
    openings = availability.openings(bob, 60, now=stripe.now(), viewer=ann)
    assert openings.first().starts_at == free[bob.id]


def test_what_is_read_of_a_mentor_is_bounded_by_the_days_that_are_shown(ann: User, bob: Mentor, stripe: Stripe):
    """Of a year of bookings, a week in autumn takes those of that week, and four queries."""
    opening_hours.set_rules(bob, Rules(horizon_days=365, daily_cap=8))
    cho = people.person("Cho")
    hours = [book(cho, bob, stripe, "12:00", on=MONDAY.date() + timedelta(days=n)) for n in (1, 40, 100, 101, 200)]
    db.session.rollback()
    openings = availability.openings(Mentor.one(Mentor.id == bob.id), 60, now=stripe.now(), viewer=ann)
    week = MONDAY + timedelta(days=98)
    assert openings.mentor.lengths
    assert openings.mentor.weekly_hours
    with overheard(db.engine) as statements:
        slots = list(openings.between(week, week + timedelta(days=7)))
        assert list(openings.between(week + timedelta(days=2), week + timedelta(days=3))), "which is known by now"
    assert len(statements) == 4
    assert {hour.starts_at for hour in hours[2:4]}.isdisjoint({slot.starts_at for slot in slots})
    assert openings.known is not None
    claimed = {cell for hour in hours[2:4] for cell in Slot.of(hour.starts_at, 60).cells}
    assert openings.known.mentors.lanes[Lane.SESSION] == claimed, "nothing of the other months"


def test_rules_that_the_platform_does_not_know_are_refused(bob: Mentor):
    for rules in (Rules(durations=(45,)), Rules(durations=()), Rules(notice_hours=0)):
        with pytest.raises(Invalid):
            opening_hours.set_rules(bob, rules)


def test_a_full_day_takes_no_more_and_the_next_day_does(ann: User, office: Mentor, stripe: Stripe):
    opening_hours.set_rules(office, Rules(daily_cap=2))
    book(ann, office, stripe, "09:00")
    assert "11:00" in starts(office, TUESDAY, stripe)
    second = book(ann, office, stripe, "14:00")
    assert starts(office, TUESDAY, stripe) == []
    assert availability.next_free([office], 60, now=stripe.now())[office.id] is not None
    with pytest.raises(SlotTaken, match="no more sessions on that day"):
        book(ann, office, stripe, "11:00")
    with pytest.raises(SlotTaken, match="no more sessions on that day"):
        bookings.reserve(
            ann.id, office.id, people.wish(second.ends_at, key="in the transaction"), customer_id="c", now=MONDAY
        )
    book(ann, office, stripe, "11:00", on=WEDNESDAY)


def test_what_is_called_off_leaves_its_place_and_what_took_place_keeps_it(ann: User, office: Mentor, stripe: Stripe):
    opening_hours.set_rules(office, Rules(daily_cap=2))
    first, second = (people.paid(book(ann, office, stripe, at), stripe) for at in ("09:00", "16:00"))
    stripe.wait_until(first.ends_at)
    bookings.complete(people.fresh(first), now=stripe.now())
    assert starts(office, TUESDAY, stripe) == [], "a session that took place was one of the day's"
    call_off(people.fresh(second), stripe.now())
    assert "16:00" in starts(office, TUESDAY, stripe)
    third = book(ann, office, stripe, "15:00")
    assert (third.mentor_day, third.place) == (TUESDAY, 2)
    assert starts(office, TUESDAY, stripe) == []


def test_a_cap_counts_what_was_booked_before_there_was_one(ann: User, office: Mentor, stripe: Stripe):
    for at in ("09:00", "10:00", "11:00"):
        assert book(ann, office, stripe, at).place is None
    opening_hours.set_rules(office, Rules(daily_cap=3))
    assert starts(office, TUESDAY, stripe) == []
    opening_hours.set_rules(office, Rules(daily_cap=4))
    assert book(ann, office, stripe, "12:00").place == 1
    assert starts(office, TUESDAY, stripe) == []


def test_a_day_is_the_mentors_and_not_the_viewers(ann: User, stripe: Stripe):
    """Late on Tuesday in Berlin is Wednesday in Tokyo; what counts is where the mentor is."""
    dia = people.mentor("Dia", time_zone="Asia/Tokyo")
    opening_hours.set_rules(dia, Rules(daily_cap=1))
    evening = book(ann, dia, stripe, "18:00")
    assert evening.mentor_day == WEDNESDAY
    assert "16:00" in starts(dia, TUESDAY, stripe)
    assert "17:00" not in starts(dia, TUESDAY, stripe)
    assert starts(dia, WEDNESDAY, stripe)[0] == "17:00"


def test_a_mentor_who_moves_counts_by_the_new_calendar_and_no_number_is_given_twice(
    ann: User, bob: Mentor, stripe: Stripe
):
    """Tuesday's last session in Berlin is one of Wednesday's in Tokyo, but has a number of Tuesday's."""
    opening_hours.set_rules(bob, Rules(daily_cap=2))
    assert book(ann, bob, stripe, "23:00").place == 1
    db.session.rollback()
    db.session.execute(db.update(Mentor).values(time_zone="Asia/Tokyo"))
    db.session.commit()
    numbered = [(hour.mentor_day, hour.place) for hour in (book(ann, bob, stripe, at) for at in ("05:00", "07:00"))]
    assert numbered == [(TUESDAY, 2), (TUESDAY, 3)]
    with pytest.raises(SlotTaken, match="no more sessions on that day"):
        book(ann, bob, stripe, "09:00")
    assert book(ann, bob, stripe, "20:00").mentor_day == WEDNESDAY
    with pytest.raises(SlotTaken, match="no more sessions on that day"):
        book(ann, bob, stripe, "21:00")


def test_a_mentor_whose_zone_has_vanished_cannot_be_booked_and_breaks_nothing(ann: User, bob: Mentor, stripe: Stripe):
    opening_hours.set_rules(bob, Rules(daily_cap=2))
    db.session.rollback()
    db.session.execute(db.update(Mentor).values(time_zone="Europe/Atlantis"))
    db.session.commit()
    assert availability.open_slots(bob, 60, now=stripe.now()) == []
    assert availability.next_free([bob], 60, now=stripe.now()) == {bob.id: None}
    with pytest.raises(Invalid, match="does not offer"):
        book(ann, bob, stripe)


def test_a_session_claims_its_minutes_and_the_edges_of_buffers(ann: User, bob: Mentor, stripe: Stripe):
    opening_hours.set_rules(bob, Rules(buffer_before=10, buffer_after=15))
    book(ann, bob, stripe)
    lanes = db.session.execute(db.select(SlotClaim.who, SlotClaim.lane, db.func.count()).group_by("who", "lane"))
    assert {(who, lane): cells for who, lane, cells in lanes} == {
        (ann.id, Lane.SESSION): 12,
        (ann.id, Lane.AFTER): 1,
        (ann.id, Lane.BEFORE): 1,
        (bob.user_id, Lane.SESSION): 12,
        (bob.user_id, Lane.AFTER): 1 + 3,
        (bob.user_id, Lane.BEFORE): 1 + 2,
    }


def test_what_the_list_shows_is_what_can_be_booked(ann: User, office: Mentor, stripe: Stripe):
    """Each slot of the list passes the check, each of the others does not."""
    opening_hours.set_rules(
        office, Rules(buffer_before=15, buffer_after=30, daily_cap=3, notice_hours=20, horizon_days=4)
    )
    except_(office, ExceptionKind.OFF, THURSDAY)
    except_(office, ExceptionKind.EXTRA, WEDNESDAY, None, 1080, 1200)
    book(ann, office, stripe, "12:00")
    book(people.person("Cho"), office, stripe, "12:30", on=WEDNESDAY)
    listed = {slot.starts_at for slot in availability.open_slots(office, 60, now=stripe.now(), viewer=ann)}
    for step in range(7 * 48):
        begins = MONDAY + step * 30 * MINUTE
        try:
            availability.check_open(office, begins, 60, now=stripe.now(), viewer=ann)
        except (Invalid, SlotTaken):
            assert begins not in listed
        else:
            assert begins in listed
    assert len(listed) > 20
