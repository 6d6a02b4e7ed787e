"""The link to meet, as Ann and Bob find it; and where it is not to be found."""

from collections.abc import Callable
from datetime import timedelta

from app import jobs
from app.actions import letters
from app.extensions import db
from app.models.booking import Booking
from app.models.mail import Mail
from app.models.mentor import Mentor
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]

BOBS = "https://video.example/bob-7f3a"


def test_bob_says_where_he_meets_and_both_find_it_when_it_is_time(
    browser: Open, held_hour: Booking, bob: Mentor, stripe: Stripe
):
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    ann_sees, bob_sees = f"/mentee/bookings/{held_hour.id}", f"/mentor/bookings/{held_hour.id}"
    starts_at = held_hour.starts_at
    bobs.get("/mentor/")
    bobs.click("How we meet")
    bobs.press("Save where we meet", meeting_url=BOBS)
    assert "Sessions whose link nobody has seen yet take place there, too." in bobs.words
    assert bobs.form("Save where we meet").fields["meeting_url"] == BOBS
    for someone, page in ((anns, ann_sees), (bobs, bob_sees)):
        someone.get(page)
        assert BOBS not in someone.answer.text
    anns.get(ann_sees)
    assert "The link appears here Tue 2 Jun 2026, 18:45 , 15 minutes before the session." in anns.words
    stripe.wait_until(starts_at - timedelta(minutes=15))
    for someone, page in ((anns, ann_sees), (bobs, bob_sees)):
        someone.get(page)
        assert ("Join the meeting (opens in a new window)", BOBS) in someone.page.links
    stripe.wait_until(starts_at + timedelta(hours=1))
    anns.get(ann_sees)
    assert BOBS not in anns.answer.text


def test_the_link_is_in_no_mail_and_in_no_calendar(browser: Open, held_hour: Booking, stripe: Stripe):
    anns, url = browser("ann@example.com"), held_hour.meeting_url
    hour, starts_at = held_hour.id, held_hour.starts_at
    assert url is not None
    assert url not in anns.get(f"/mentee/bookings/{hour}/session.ics").text
    stripe.wait_until(starts_at - timedelta(hours=1))
    jobs.run("remind")
    db.session.rollback()
    told = [letters.compose(mail) for mail in db.session.scalars(db.select(Mail))]
    assert len(told) == 4, "both are told that it is confirmed, and reminded"
    assert [letter for letter in told if url in letter.text + letter.html] == []
    reminded = [letter.text for letter in told if letter.subject.startswith("Soon")]
    appears = "The link to meet appears on the booking's page at {}, 15 minutes before."
    assert appears.format("18:45") in reminded[0] + reminded[1], "in Tokyo"
    assert appears.format("11:45") in reminded[0] + reminded[1], "in Berlin"


def test_a_wrong_link_is_told_and_kept_for_another_try(browser: Open, bob: Mentor):
    bobs = browser("bob@example.com")
    bobs.get("/mentor/arrangements")
    assert bobs.send("Save where we meet", meeting_url="http://video.example").status_code == 422
    assert "The address must begin with https://." in bobs.words
    assert bobs.form("Save where we meet").fields["meeting_url"] == "http://video.example"
    bobs.press("Save where we meet", meeting_url="")
    assert "Saved." in bobs.words
