"""A profile, a price, weekly hours; and what cannot be one."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.extensions import db
from app.kit.money import Money
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User
from tests import people
from tests.people import fresh
from tests.stripe_double import Stripe
from tests.web.conftest import Browser
from tests.web.effects import nothing_happens

Open = Callable[..., Browser]

WEDNESDAY = "days-2-ranges-0"
OFFER = {"headline": "Rust, calmly", "bio": "Ten years.", "hourly_rate": "60.00", "currency": "EUR"}


def test_cho_becomes_a_mentor_and_ann_books_her(browser: Open, ann: User, cho: User, stripe: Stripe):
    chos, anns = browser("cho@example.com"), browser("ann@example.com")
    chos.get("/")
    chos.click("Become a mentor")
    chos.press("Save and set my hours", **OFFER, published="y")
    assert chos.address == "/mentor/availability"
    chos.press("Save weekly hours", **{"days-1-ranges-0-start": "09:00", "days-1-ranges-0-end": "11:00"})
    assert "Your weekly hours are saved." in chos.words
    chos.click("Back to mentoring")
    assert "You are listed at €60.00 an hour." in chos.words
    anns.get("/")
    anns.click("Cho")
    offered = anns.form("Continue").choices["starts_at"]
    assert offered == ["2026-06-02T07:00:00Z", "2026-06-02T07:30:00Z", "2026-06-02T08:00:00Z"], "nine to eleven, Berlin"
    anns.press("Continue", starts_at=offered[0])
    anns.press("Keep this time", title="Borrowing")
    assert [intent.amount for intent in stripe.intents()] == [6_000]


def test_a_price_is_digits_with_a_point_and_nothing_else(
    browser: Open, cho: User, stripe: Stripe, subtests: pytest.Subtests
):
    chos = browser("cho@example.com")
    wrong = [
        *(
            ("EUR", text)
            for text in ("1e3", "１２", "-0", "-5", "NaN", "Infinity", "1,50", "1.234", "1.", ".5", "0x10")
        ),
        *(("EUR", text) for text in ("", "1 000", "1_000", "60.00\n1", "60\0", "+60", "9" * 5_000, "٦٠", "60 EUR")),
        *(("EUR", text) for text in ("0", "0.00", "0.99", "100000.01", "99999999")),
        ("JPY", "80.0"),
        ("JPY", "99"),
        ("KWD", "1.001"),
        ("XXX", "60"),
        ("eur", "60"),
        ("", "60"),
    ]
    with nothing_happens(stripe):
        for currency, text in wrong:
            with subtests.test(f"{currency} {text!r}"[:40]):
                chos.get("/mentor/profile")
                typed = {**OFFER, "currency": currency, "hourly_rate": text}
                assert chos.send("Save and set my hours", **typed).status_code == 422
                kept = chos.form("Save and set my hours").fields
                assert (kept["headline"], kept["hourly_rate"]) == ("Rust, calmly", text.strip())


def test_a_profile_that_cannot_be_shown_is_refused(browser: Open, cho: User, stripe: Stripe, subtests: pytest.Subtests):
    chos = browser("cho@example.com")
    with nothing_happens(stripe):
        for typed in (
            {"headline": ""},
            {"headline": "x" * 121},
            {"headline": "a\nb"},
            {"bio": "x" * 4_001},
            {"bio": "\0"},
            {"bio": "\u2066"},
            {"time_zone": "Mars/Olympus"},
            {"headline": " \u3000"},
        ):
            with subtests.test(repr(typed)[:40]):
                chos.get("/mentor/profile")
                assert chos.send("Save and set my hours", **{**OFFER, **typed}).status_code == 422


def test_a_new_price_is_for_new_bookings_and_the_currency_stays(held_hour: Booking, browser: Open, stripe: Stripe):
    bobs = browser("bob@example.com")
    bobs.get("/mentor/profile")
    assert bobs.send("Save", currency="USD").status_code == 422
    assert "You have bookings in EUR; the currency cannot change any more." in bobs.words
    bobs.press("Save", currency="EUR", hourly_rate="200.00")
    assert "You are listed at €200.00 an hour." in bobs.words
    hour = people.completed(fresh(held_hour), stripe)
    assert (hour.price, hour.payment.captured) == (Money(8_000, "EUR"), Money(8_000, "EUR"))


def test_whoever_is_not_listed_is_told_so(browser: Open, bob: Mentor):
    bobs = browser("bob@example.com")
    bobs.get("/mentor/profile")
    form = bobs.form("Save")
    del form.fields["published"]
    bobs.follow(bobs.submit(form, "Save"))
    assert "You are not listed at the moment" in bobs.words


def test_hours_that_cannot_be_are_answered_next_to_their_day_and_kept(
    browser: Open, bob: Mentor, stripe: Stripe, subtests: pytest.Subtests
):
    bobs = browser("bob@example.com")
    wrong = [
        ("09:00", "", "both times, or none"),
        ("", "17:00", "both times, or none"),
        ("17:00", "09:00", "later than the start"),
        ("09:00", "09:00", "later than the start"),
        ("09:03", "17:00", "a time like 09:00"),
        ("nine", "17:00", "a time like 09:00"),
        ("9", "17:00", "a time like 09:00"),
        ("9:0", "17:00", "a time like 09:00"),
        ("09:00", "24:05", "a time like 09:00"),
        ("09:00", "25:00", "a time like 09:00"),
        ("09:60", "17:00", "a time like 09:00"),
        ("-1:00", "17:00", "a time like 09:00"),
        ("09:00:00", "17:00", "a time like 09:00"),
        ("０９:００", "17:00", "a time like 09:00"),
        ("09:00\0", "17:00", "a time like 09:00"),
        (":00", "17:00", "a time like 09:00"),
        ("9" * 5_000 + ":00", "17:00", "a time like 09:00"),
    ]
    with nothing_happens(stripe):
        for start, end, said in wrong:
            with subtests.test(f"{start[:12]!r} {end!r}"):
                bobs.get("/mentor/availability")
                answer = bobs.send("Save weekly hours", **{f"{WEDNESDAY}-start": start, f"{WEDNESDAY}-end": end})
                assert answer.status_code == 422
                assert said in bobs.words
                assert "Wednesday:" in bobs.words
                assert "invalid literal" not in bobs.words
                assert bobs.form("Save weekly hours").fields[f"{WEDNESDAY}-end"] == end
        db.session.expire_all()
        assert len(bob.weekly_hours) == 7


def test_days_off_and_whole_days(browser: Open, bob: Mentor, app: Flask):
    bobs = browser("bob@example.com")
    bobs.get("/mentor/availability")
    shown = bobs.form("Save weekly hours").fields
    assert (shown["days-0-ranges-0-start"], shown["days-0-ranges-0-end"]) == ("00:00", "24:00")
    empty = {f"days-{day}-ranges-0-{end}": "" for day in range(7) for end in ("start", "end")}
    bobs.press("Save weekly hours", **{**empty, "days-6-ranges-0-start": "9:30", "days-6-ranges-0-end": "24:00"})
    db.session.rollback()
    db.session.expire_all()
    assert [(row.weekday, row.start_minute, row.end_minute) for row in bob.weekly_hours] == [(6, 570, 1440)]


@pytest.mark.parametrize(
    ("rate", "minutes"), [(Money(1_010, "KWD"), 30), (Money(101, "JPY"), 30), (Money(333, "EUR"), 90)], ids=str
)
def test_every_price_that_can_be_set_can_be_booked(
    browser: Open, ann: User, stripe: Stripe, the_booking: Callable[[], Booking], rate: Money, minutes: int
):
    bob = people.mentor("Bob", rate)
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/new?mentor={bob.id}&minutes={minutes}&starts_at=2026-06-02T10:00:00Z")
    anns.press("Keep this time", title="A parser")
    assert anns.address.endswith("/payment"), anns.words
    assert [intent.amount for intent in stripe.intents()] == [the_booking().price_minor]
