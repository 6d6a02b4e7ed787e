"""People are told in time, once, and never of what is over."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import jobs
from app.actions import cancellations, letters, reminders
from app.extensions import db
from app.models.booking import Booking
from app.models.deadline import Deadline
from app.models.mail import Mail
from app.models.mentor import Mentor
from app.models.states import Party
from app.models.user import User
from tests import people
from tests.people import HOUR, fresh
from tests.stripe_double import Stripe

DAY = 24 * HOUR
MINUTE = timedelta(minutes=1)


def reminded() -> list[tuple[str, str]]:
    """Which moments were told to whom, in the order of the moments."""
    db.session.rollback()
    db.session.expire_all()
    order = [*reminders.MOMENTS]
    mails = [mail for mail in db.session.scalars(select(Mail)) if mail.kind in order]
    return sorted(((mail.kind, mail.person.name) for mail in mails), key=lambda told: (order.index(told[0]), told[1]))


def planned() -> list[str]:
    db.session.rollback()
    return sorted(db.session.scalars(select(Deadline.kind).where(Deadline.kind.in_(reminders.MOMENTS))))


@pytest.fixture
def hour(ann: User, bob: Mentor, stripe: Stripe) -> Booking:
    """Held, and two days ahead."""
    starts_at = people.TOMORROW_AT_TEN + DAY
    return people.paid(people.booked(ann, bob, stripe, starts_at=starts_at), stripe)


def test_both_are_reminded_a_day_and_an_hour_before_and_the_mentor_asked_until_it_is_done(
    hour: Booking, stripe: Stripe
):
    both, bob = ("Ann", "Bob"), ("Bob",)
    moments = [
        (hour.starts_at - DAY, "remind_day", both),
        (hour.starts_at - HOUR, "remind_hour", both),
        (hour.ends_at + HOUR, "ask_hour", bob),
        (hour.ends_at + DAY, "ask_day", bob),
        (hour.ends_at + 40 * HOUR, "ask_last", bob),
    ]
    expected: list[tuple[str, str]] = []
    for at, kind, whom in moments:
        stripe.wait_until(at - MINUTE)
        assert jobs.run("remind") == 0
        stripe.wait_until(at)
        assert jobs.run("remind") == 1
        assert jobs.run("remind") == 0
        expected += [(kind, name) for name in whom]
        assert reminded() == expected
    assert planned() == []


def test_what_a_reminder_says(hour: Booking, stripe: Stripe):
    stripe.wait_until(hour.starts_at - DAY)
    jobs.run("remind")
    stripe.wait_until(hour.ends_at + 40 * HOUR)
    jobs.run("remind")
    said = {(mail.kind, mail.person.name): letters.compose(mail) for mail in db.session.scalars(select(Mail))}
    assert said["remind_day", "Ann"].subject == "Tomorrow: Review of my parser with Bob, Wed 3 Jun 2026, 19:00"
    assert "nothing is charged yet" in said["remind_day", "Ann"].text
    asked = said["ask_last", "Bob"]
    assert asked.subject == "Last call: Review of my parser with Ann"
    assert "Ann is charged €80.00, of which €72.00 is yours" in asked.text
    assert "That is possible until Fri 5 Jun 2026, 13:00." in asked.text
    assert "Complete the session" in asked.html


def test_of_an_hour_that_is_near_only_what_lies_ahead_is_planned(ann: User, bob: Mentor, stripe: Stripe):
    near = stripe.now() + 2 * HOUR
    people.paid(people.booked(ann, bob, stripe, starts_at=near), stripe)
    assert planned() == ["ask_day", "ask_hour", "ask_last", "remind_hour"]


def test_once_it_has_ended_nobody_is_told_any_more(hour: Booking, stripe: Stripe):
    cancellations.cancel(hour, by=Party.MENTEE, quoted="8000-0-0", now=stripe.now())
    assert planned() == []
    stripe.wait_until(hour.complete_by)
    assert jobs.run("remind") == 0
    assert reminded() == []


def test_once_it_is_completed_the_mentor_is_asked_no_more(hour: Booking, stripe: Stripe):
    people.completed(hour, stripe)
    assert planned() == []


@pytest.mark.parametrize(
    ("hours", "told"),
    [(-2, ["remind_day"] * 2), (-0.5, ["remind_hour"] * 2), (0.5, []), (3, ["ask_hour"]), (30, ["ask_day"]),
     (45, ["ask_last"]), (49.5, [])],
)  # fmt: skip
def test_a_worker_that_was_down_tells_what_is_still_news_and_nothing_twice(
    hour: Booking, stripe: Stripe, hours: float, told: list[str]
):
    stripe.wait_until(hour.starts_at + hours * HOUR)
    jobs.run("remind")
    assert [kind for kind, _ in reminded()] == told


def test_two_workers_that_find_the_same_moment_tell_of_it_once(hour: Booking, stripe: Stripe):
    stripe.wait_until(hour.starts_at - DAY)
    (found,) = reminders.due(stripe.now())
    reminders.remind(found, now=stripe.now())
    reminders.remind(found, now=stripe.now())
    assert len(reminded()) == 2


def test_whoever_dies_while_telling_leaves_the_moment_due(hour: Booking, stripe: Stripe):
    """The mail and the end of the deadline are one transaction: here the database refuses the mail."""
    stripe.wait_until(hour.starts_at - DAY)
    db.session.execute(db.text("ALTER TABLE mail RENAME TO elsewhere"))
    db.session.commit()
    assert jobs.run("remind") == 0
    db.session.rollback()
    db.session.execute(db.text("ALTER TABLE elsewhere RENAME TO mail"))
    db.session.commit()
    assert jobs.run("remind") == 1
    assert len(reminded()) == 2


def test_a_reminder_that_could_not_be_sent_in_time_is_not_sent_late(hour: Booking, stripe: Stripe):
    stripe.wait_until(hour.starts_at - HOUR)
    jobs.run("remind")
    mails = db.session.scalars(select(Mail).where(Mail.kind == "remind_hour")).all()
    assert {mail.until for mail in mails} == {fresh(hour).starts_at}
