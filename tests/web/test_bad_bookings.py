"""Wishes that cannot be met: each has a clear answer, leaves nothing behind, and keeps what was typed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.extensions import db
from app.kit.money import Money
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import BookingState
from app.models.user import User
from tests import people
from tests.stripe_double import Stripe
from tests.web.conftest import Browser
from tests.web.effects import nothing_happens

Open = Callable[..., Browser]

TEN, ELEVEN = "2026-06-02T10:00:00Z", "2026-06-02T11:00:00Z"
TYPED = {"title": "A parser", "description": "It took me an hour to type this."}


def form_for(who: Browser, bob: Mentor, starts_at: str = TEN) -> Any:
    who.get(f"/mentee/bookings/new?mentor={bob.id}&minutes=60&starts_at={starts_at}")
    return who.form("Keep this time")


@pytest.mark.parametrize("minutes", ["30", "90"])
def test_an_hour_costs_what_its_length_says(
    browser: Open, ann: User, bob: Mentor, stripe: Stripe, the_booking: Callable[[], Booking], minutes: str
):
    anns = browser("ann@example.com")
    anns.get(f"/mentors/{bob.id}?minutes={minutes}")
    anns.press("Continue", starts_at=TEN)
    anns.press("Keep this time", **TYPED)
    assert the_booking().price == Money(8_000 * int(minutes) // 60, "EUR")
    assert [intent.amount for intent in stripe.intents()] == [the_booking().price_minor]


def test_what_a_form_should_not_say_is_answered_and_the_typed_text_stays(
    browser: Open, ann: User, bob: Mentor, stripe: Stripe, subtests: pytest.Subtests
):
    anns = browser("ann@example.com")
    form = form_for(anns, bob)
    wrong = [
        ("no title", {"title": ""}, "Please fill this in."),
        ("title too long", {"title": "x" * 121}, "At most 120 characters"),
        ("64 KB of title", {"title": "x" * 65_536}, "At most 120 characters"),
        ("description too long", {"description": "x" * 1_001}, "At most 1000 characters"),
        ("NUL", {"title": "a\0b"}, "a character that cannot be shown"),
        ("escape", {"description": "\x1b[31m"}, "a character that cannot be shown"),
        ("line break in a title", {"title": "a\r\nBcc: b@example.com"}, "a character that cannot be shown"),
        ("turned reading direction", {"title": "\u202egnirts"}, "a character that cannot be shown"),
        ("length not offered", {"minutes": "45"}, "A session takes 30, 60, 90 minutes."),
        ("no length at all", {"minutes": "0"}, "A session takes 30, 60, 90 minutes."),
        ("a long length", {"minutes": "999"}, "A session takes 30, 60, 90 minutes."),
        ("a past time", {"starts_at": "2026-05-31T10:00:00Z"}, "That time has passed or is too soon."),
        ("too soon", {"starts_at": "2026-06-01T08:30:00Z"}, "That time has passed or is too soon."),
        ("too far away", {"starts_at": "2026-08-01T10:00:00Z"}, "The mentor does not offer that time."),
        ("no word about the card", {"starts_at": "2026-06-30T10:00:00Z"}, "Please agree, or pick an earlier time"),
        ("between two times", {"starts_at": "2026-06-02T10:07:00Z"}, "The mentor does not offer that time."),
        ("no key", {"request_key": ""}, "Please reload the page."),
        ("a short key", {"request_key": "short"}, "Please reload the page."),
        ("a key that is none", {"request_key": "'; DROP TABLE booking; --"}, "Please reload the page."),
        ("a key with a line break", {"request_key": "k" * 64 + "\n"}, "Please reload the page."),
        ("white space as title", {"title": " \u3000\t "}, "Please fill this in."),
    ]
    for what, typed, said in wrong:
        with subtests.test(what), nothing_happens(stripe):
            answer = anns.submit(form, "Keep this time", **{**TYPED, **typed})
            assert answer.status_code == 422
            assert said in anns.words
            kept = anns.form("Keep this time").fields
            assert kept["description"] == {**TYPED, **typed}["description"]
            assert kept["title"] == {**TYPED, **typed}["title"].replace("\r\n", "\n").strip()


def test_hidden_fields_that_nobody_typed_are_refused_with_a_page(
    browser: Open, ann: User, bob: Mentor, stripe: Stripe, subtests: pytest.Subtests
):
    anns = browser("ann@example.com")
    form = form_for(anns, bob)
    wrong = [
        ({"starts_at": ""}, 422),
        ({"starts_at": "tomorrow"}, 422),
        ({"starts_at": "2026-06-02T10:00:00"}, 422),
        ({"starts_at": "2026-06-02T10:00:00+02:00"}, 422),
        ({"starts_at": "2026-13-45T99:00:00Z"}, 422),
        ({"starts_at": "\0"}, 422),
        ({"starts_at": "0001-01-01T00:00:00Z"}, 422),
        ({"starts_at": "0001-01-01T00:00:00Z", "title": ""}, 422),
        ({"starts_at": "9999-12-31T23:59:59Z"}, 422),
        ({"starts_at": "9999-12-31T22:00:00Z", "title": ""}, 422),
        ({"minutes": ""}, 422),
        ({"minutes": "sixty"}, 422),
        ({"minutes": "-60"}, 422),
        ({"minutes": "60.0"}, 422),
        ({"minutes": "6e1"}, 422),
        ({"minutes": "９０"}, 422),
        ({"minutes": "9" * 5_000}, 422),
        ({"minutes": "\0"}, 422),
        ({"mentor": ""}, 404),
        ({"mentor": "mt_nobody"}, 404),
        ({"mentor": "x" * 5_000}, 404),
        ({"mentor": "mt_\0"}, 404),
        ({"mentor": "' OR 1=1 --"}, 404),
    ]
    for typed, status in wrong:
        with subtests.test(repr(typed)[:80]), nothing_happens(stripe):
            assert anns.submit(form, "Keep this time", **{**TYPED, **typed}).status_code == status
            assert "Something broke" not in anns.words


def test_addresses_of_the_form_that_were_made_up_are_refused_with_a_page(
    browser: Open, ann: User, bob: Mentor, stripe: Stripe, subtests: pytest.Subtests
):
    anns = browser("ann@example.com")
    wrong = [
        (f"mentor={bob.id}&minutes=60&starts_at=2026-05-31T10:00:00Z", 422),
        (f"mentor={bob.id}&minutes=60&starts_at=9999-12-31T23:59:59Z", 422),
        (f"mentor={bob.id}&minutes=60&starts_at=0001-01-01T00:00:00Z", 422),
        (f"mentor={bob.id}&minutes=x&starts_at={TEN}", 422),
        (f"mentor={bob.id}&minutes=45&starts_at={TEN}", 422),
        (f"mentor={bob.id}&minutes=60&starts_at=x", 422),
        (f"mentor=mt_nobody&minutes=60&starts_at={TEN}", 404),
        (f"mentor=%00&minutes=60&starts_at={TEN}", 404),
        (f"mentor=%ff&minutes=60&starts_at={TEN}", 404),
        (f"minutes=60&starts_at={TEN}", 404),
    ]
    for query, status in wrong:
        with subtests.test(query), nothing_happens(stripe):
            assert anns.get(f"/mentee/bookings/new?{query}").status_code == status
    for query in ("", f"mentor={bob.id}", f"mentor={bob.id}&minutes=60"):
        with subtests.test(f"no time: {query}"):
            anns.follow(anns.get(f"/mentee/bookings/new?{query}"))
            assert "Please pick a time first." in anns.words


def test_a_time_that_cho_took_first_keeps_anns_text_and_offers_the_three_nearest(
    browser: Open, ann: User, cho: User, bob: Mentor, stripe: Stripe
):
    anns, chos = browser("ann@example.com"), browser("cho@example.com")
    form = form_for(anns, bob)
    chos.submit(form_for(chos, bob), "Keep this time", title="Mine")
    with nothing_happens(stripe):
        answer = anns.submit(form, "Keep this time", **TYPED)
        assert answer.status_code == 409
    assert "That time was just taken" in anns.words
    assert "You have not been charged and what you typed is kept." in anns.words
    taken = anns.form("Take Tue 2 Jun")
    assert (taken.fields["title"], taken.fields["description"]) == (TYPED["title"], TYPED["description"])
    offered = [button.value for button in taken.buttons if button.name == "starts_at"]
    assert offered == ["2026-06-02T08:30:00Z", "2026-06-02T09:00:00Z", "2026-06-02T11:00:00Z"]
    anns.press("Take Tue 2 Jun, 20:00")
    assert anns.address.endswith("/payment")
    assert "Tue 2 Jun, 20:00" in anns.words
    assert sorted(intent.amount for intent in stripe.intents()) == [8_000, 8_000]


def test_ann_cannot_sit_in_two_sessions_at_once(anns_hour: Booking, dia: Mentor, browser: Open, stripe: Stripe):
    anns = browser("ann@example.com")
    assert form_for(anns, dia, ELEVEN).fields["mentor"] == dia.id
    with nothing_happens(stripe):
        anns.post("/mentee/bookings", {**anns.form("Keep this time").fields, **TYPED, "starts_at": TEN})
    assert anns.answer.status_code == 409
    assert "what you typed is kept" in anns.words


def test_bob_cannot_book_himself(browser: Open, bob: Mentor, stripe: Stripe):
    bobs = browser("bob@example.com")
    bobs.get(f"/mentors/{bob.id}")
    assert "You cannot book them yourself." in bobs.words
    with nothing_happens(stripe):
        assert bobs.submit(form_for(bobs, bob), "Keep this time", **TYPED).status_code == 422
    assert "You cannot book yourself." in bobs.words


def test_a_mentor_who_is_not_listed_cannot_be_seen_or_booked(browser: Open, ann: User, bob: Mentor, stripe: Stripe):
    anns = browser("ann@example.com")
    form = form_for(anns, bob)
    db.session.execute(db.update(Mentor).values(published=False))
    db.session.commit()
    anns.get("/")
    assert "No mentors yet" in anns.words
    assert anns.get(f"/mentors/{bob.id}").status_code == 404
    with nothing_happens(stripe):
        assert anns.submit(form, "Keep this time", **TYPED).status_code == 404


def test_prices_states_and_people_never_come_from_the_form(
    browser: Open, ann: User, cho: User, bob: Mentor, stripe: Stripe, the_booking: Callable[[], Booking]
):
    anns = browser("ann@example.com")
    form_for(anns, bob)
    made_up = {
        "price": "1",
        "price_minor": "1",
        "amount": "1",
        "currency": "JPY",
        "commission_bps": "10000",
        "state": "completed",
        "mentee_id": cho.id,
        "mentee": cho.id,
        "pay_by": "2036-01-01T00:00:00Z",
        "id": "bk_mine",
    }
    anns.press("Keep this time", **TYPED, **made_up)
    booked = the_booking()
    assert (booked.price, booked.commission_bps, booked.state) == (
        Money(8_000, "EUR"),
        1_000,
        BookingState.PENDING_PAYMENT,
    )
    assert booked.mentee.name == "Ann"
    assert booked.pay_by == stripe.now() + timedelta(minutes=15)
    assert [(intent.amount, intent.currency) for intent in stripe.intents()] == [(8_000, "eur")]


def test_text_of_any_script_is_shown_as_it_was_typed_and_never_as_markup(
    browser: Open, bob: Mentor, stripe: Stripe, app: Flask, the_booking: Callable[[], Booking]
):
    name, title = "<b>Ann</b> عَنّ 👩🏽‍🔬 & Co", "<script>alert(1)</script> \"quotes\" 'n' 日本語 שלום"
    people.accounts.sign_up(
        name=name, email="ann@example.com", password=people.PASSWORD, time_zone="Asia/Tokyo", now=stripe.now()
    )
    anns, bobs = browser("ann@example.com"), browser("bob@example.com")
    form_for(anns, bob)
    anns.press("Keep this time", title=title, description="</textarea><img src=x onerror=alert(1)>\r\n\r\nZeile 3")
    people.paid(the_booking(), stripe)
    for who, path in ((anns, "/mentee/"), (bobs, "/mentor/"), (bobs, f"/mentor/bookings/{the_booking().id}")):
        answer = who.get(path)
        assert title in who.words, path
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
    assert name in bobs.words
    assert "Zeile 3" in bobs.words
    assert the_booking().description.count("\n") == 2
