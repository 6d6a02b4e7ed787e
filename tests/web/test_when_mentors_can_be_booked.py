"""The page on which mentors say when they can be booked: weekly hours, other days, rules; and what cannot be."""

from collections.abc import Callable

import pytest

from app.actions import opening_hours
from app.extensions import db
from app.models.availability import DateException
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User
from tests.stripe_double import Stripe
from tests.web.conftest import Browser
from tests.web.effects import nothing_happens

Open = Callable[..., Browser]

EMPTY = {f"days-{day}-ranges-0-{end}": "" for day in range(7) for end in ("start", "end")}
TUESDAY = "days-1-ranges"


@pytest.fixture
def bobs(browser: Open, bob: Mentor) -> Browser:
    """Bob's browser, on that page."""
    it = browser("bob@example.com")
    it.get("/mentor/availability")
    return it


def fresh(bob: Mentor) -> Mentor:
    db.session.rollback()
    db.session.expire_all()
    return bob


def tuesdays(bob: Mentor) -> list[tuple[int, int]]:
    return [row.minutes for row in fresh(bob).weekly_hours if row.weekday == 1]


def offered(who: Browser, bob: Mentor) -> list[str]:
    who.get(f"/mentors/{bob.id}")
    if "Nothing free" in who.words:
        return []
    return who.form("Continue").choices["starts_at"]


def test_bob_gives_a_morning_and_an_afternoon_and_ann_sees_both(bobs: Browser, ann: User, bob: Mentor, browser: Open):
    typed = {**EMPTY, f"{TUESDAY}-0-start": "14:00", f"{TUESDAY}-0-end": "15:00"}
    bobs.send("Add a range on Tuesday", **typed)
    assert bobs.answer is not None
    assert bobs.answer.status_code == 200
    assert len(tuesdays(bob)) == 1, "so far that changes nothing"
    shown = bobs.form("Save weekly hours").fields
    assert (shown[f"{TUESDAY}-0-start"], shown[f"{TUESDAY}-0-end"]) == ("14:00", "15:00")
    bobs.press("Save weekly hours", **{f"{TUESDAY}-1-start": "9:00", f"{TUESDAY}-1-end": "10:30"})
    assert "Your weekly hours are saved." in bobs.words
    assert tuesdays(bob) == [(540, 630), (840, 900)]
    anns = browser("ann@example.com")
    assert offered(anns, bob) == ["2026-06-02T07:00:00Z", "2026-06-02T07:30:00Z", "2026-06-02T12:00:00Z"]


def test_rows_are_added_until_a_day_is_full_and_nothing_typed_is_lost(bobs: Browser, bob: Mentor):
    bobs.send("Add a range on Tuesday", **{**EMPTY, "days-4-ranges-0-start": "nonsense"})
    for _ in range(10):
        if bobs.form("Save weekly hours").button("Add a range on Tuesday"):
            bobs.send("Add a range on Tuesday")
    assert bobs.form("Save weekly hours").button("Add a range on Tuesday") is None
    shown = bobs.form("Save weekly hours").fields
    assert [name for name in shown if name.startswith(TUESDAY) and name.endswith("start")] == [
        f"{TUESDAY}-{n}-start" for n in range(6)
    ]
    assert shown["days-4-ranges-0-start"] == "nonsense"
    bobs.post("/mentor/availability", {"add": "Sonntag"})
    assert "Please look at this again" not in bobs.words


def test_enter_in_a_field_saves_and_adds_no_row(bobs: Browser):
    """A browser presses the first button."""
    first = bobs.form("Save weekly hours").buttons[0]
    assert (first.label, first.name) == ("Save weekly hours", "")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (("10:00", "12:00"), "Tuesday: This overlaps 09:00 to 11:00."),
        (("08:00", "09:05"), "Tuesday: This overlaps 08:00 to 09:05."),
        (("09:00", "11:00"), "Tuesday: This range is there already."),
        (("12:00", ""), "Tuesday: Please give both times"),
    ],
)
def test_ranges_that_overlap_are_told_by_the_field_and_kept(
    bobs: Browser, bob: Mentor, stripe: Stripe, second: tuple[str, str], said: str
):
    bobs.send("Add a range on Tuesday", **{**EMPTY, f"{TUESDAY}-0-start": "09:00", f"{TUESDAY}-0-end": "11:00"})
    with nothing_happens(stripe):
        answer = bobs.send("Save weekly hours", **{f"{TUESDAY}-1-start": second[0], f"{TUESDAY}-1-end": second[1]})
    assert answer.status_code == 422
    assert said in bobs.words
    assert bobs.form("Save weekly hours").fields[f"{TUESDAY}-1-start"] == second[0]
    assert tuesdays(bob) == [(0, 1440)]


def test_bob_takes_a_vacation_and_changes_his_mind(bobs: Browser, ann: User, bob: Mentor, browser: Open):
    anns = browser("ann@example.com")
    before = offered(anns, bob)
    bobs.press("Take these days off", **{"off-first_day": "2026-06-01", "off-last_day": "2026-07-31"})
    assert "Off from Mon 1 June 2026 to Fri 31 July 2026" in bobs.words
    assert offered(anns, bob) == []
    bobs.press("Delete")
    assert "Off from" not in bobs.words
    assert offered(anns, bob) == before


def test_bob_is_there_on_one_day_at_other_hours(bobs: Browser, ann: User, bob: Mentor, browser: Open):
    typed = {"special-first_day": "2026-06-02", "special-start": "20:00", "special-end": "21:00"}
    bobs.press("Open these hours", **typed, **{"special-kind": "instead"})
    assert "20:00–21:00 on Tue 2 June 2026, instead of the weekly hours" in bobs.words
    on_tuesday = [at for at in offered(browser("ann@example.com"), bob) if at.startswith("2026-06-02")]
    assert on_tuesday[0] == "2026-06-02T18:00:00Z"
    assert on_tuesday[1] == "2026-06-02T22:00:00Z", "which is Wednesday in Berlin"


@pytest.mark.parametrize(
    ("button", "typed", "said"),
    [
        ("Take these days off", {"off-first_day": ""}, "Please pick a day."),
        ("Take these days off", {"off-first_day": "2026-02-30"}, "Please give a day like 2026-07-31."),
        ("Take these days off", {"off-first_day": "2027-02-29"}, "Please give a day like 2026-07-31."),
        ("Take these days off", {"off-first_day": "tomorrow"}, "Please give a day like 2026-07-31."),
        ("Take these days off", {"off-first_day": "２０２６-06-02"}, "Please give a day like 2026-07-31."),
        ("Take these days off", {"off-first_day": "2026-W23-2"}, "Please give a day like 2026-07-31."),
        ("Take these days off", {"off-first_day": "0000-01-01"}, "Please give a day like 2026-07-31."),
        ("Take these days off", {"off-first_day": "2026-05-01"}, "That day is over."),
        ("Take these days off", {"off-first_day": "9999-12-31"}, "Within the next two years"),
        ("Take these days off", {"off-first_day": "2026-06-09", "off-last_day": "2026-06-02"}, "before the first"),
        ("Take these days off", {"off-first_day": "2026-06-09", "off-last_day": "x"}, "a day like 2026-07-31."),
        ("Open these hours", {"special-first_day": "2026-06-02"}, "Please give a time like 09:00."),
        ("Open these hours", {"special-start": "09:00", "special-end": "10:00"}, "Please pick a day."),
        (
            "Open these hours",
            {"special-first_day": "2026-06-02", "special-start": "10:00", "special-end": "09:00"},
            "later than the start",
        ),
        (
            "Open these hours",
            {"special-first_day": "2026-06-02", "special-start": "9", "special-end": "10:00"},
            "a time like 09:00",
        ),
        (
            "Open these hours",
            {
                "special-first_day": "2026-06-02",
                "special-start": "09:00",
                "special-end": "10:00",
                "special-kind": "always",
            },
            "These hours are:",
        ),
        ("Save my rules", {"rules-notice_hours": "0"}, "From 1 to 720"),
        ("Save my rules", {"rules-notice_hours": "1e2"}, "a whole number"),
        ("Save my rules", {"rules-daily_cap": "-1"}, "a whole number"),
        ("Save my rules", {"rules-daily_cap": "25"}, "From 1 to 24"),
        ("Save my rules", {"rules-daily_cap": "２"}, "a whole number"),
        ("Save my rules", {"rules-horizon_days": "366"}, "From 1 to 365"),
        ("Save my rules", {"rules-horizon_days": "9" * 5_000}, "a whole number"),
        ("Save my rules", {"rules-buffer_before": "7"}, "Free before a session:"),
        ("Save my rules", {"rules-buffer_after": "1000"}, "Free after a session:"),
        ("Save my rules", {"rules-durations": "45"}, "Lengths that one can book:"),
        ("Save my rules", {"rules-durations": []}, "Please offer at least one."),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_the_typed_text_stays(
    bobs: Browser, bob: Mentor, stripe: Stripe, button: str, typed: dict[str, str], said: str
):
    with nothing_happens(stripe):
        assert bobs.send(button, **typed).status_code == 422
    assert "Please look at this again" in bobs.words
    assert said in bobs.words
    shown = bobs.form(button).fields
    for name, text in typed.items():
        if name.endswith(("start", "cap", "hours", "days")):
            assert shown[name] == text
    assert db.session.query(DateException).count() == 0
    assert opening_hours.Rules.of(fresh(bob)) == opening_hours.Rules()


def test_rules_are_kept_shown_and_taken_back(bobs: Browser, ann: User, bob: Mentor, browser: Open):
    typed = {
        "rules-buffer_before": "15",
        "rules-buffer_after": "30",
        "rules-notice_hours": "24",
        "rules-horizon_days": "3",
        "rules-daily_cap": "2",
        "rules-durations": ["30", "90"],
    }
    bobs.press("Save my rules", **typed)  # type: ignore[arg-type]
    assert opening_hours.Rules.of(fresh(bob)) == opening_hours.Rules(15, 30, 24, 2, 3, (30, 90))
    shown = bobs.form("Save my rules").fields
    assert {name: shown[name] for name in typed} == typed
    anns = browser("ann@example.com")
    anns.get(f"/mentors/{bob.id}")
    assert "60 min" not in anns.words
    assert "30 min" in anns.words
    cleared = {name: "" for name in typed if name.endswith(("hours", "days", "cap"))}
    bobs.press(
        "Save my rules",
        **cleared,
        **{"rules-buffer_before": "0", "rules-buffer_after": "0", "rules-durations": ["30", "60", "90"]},  # type: ignore[arg-type]
    )
    assert opening_hours.Rules.of(fresh(bob)) == opening_hours.Rules()


def test_bob_is_told_what_his_rules_come_to(bobs: Browser):
    assert "the next time that somebody can book is Mon 1 Jun, 11:00" in bobs.words
    bobs.press("Save my rules", **{"rules-notice_hours": "24"})
    assert "the next time that somebody can book is Tue 2 Jun, 10:00" in bobs.words
    bobs.press("Save my rules", **{"rules-notice_hours": "720", "rules-horizon_days": "30"})
    assert "nobody can book you in the days ahead" in bobs.words


def test_a_booked_session_stays_whatever_its_mentor_changes(bobs: Browser, held_hour: Booking, bob: Mentor):
    bobs.get("/mentor/availability")
    bobs.press("Save weekly hours", **EMPTY)
    bobs.get("/mentor/availability")
    bobs.press("Take these days off", **{"off-first_day": "2026-06-02"})
    bobs.get("/mentor/")
    assert held_hour.title in bobs.words


def test_a_day_that_filled_up_meanwhile_offers_the_nearest_and_keeps_the_text(
    ann: User, bob: Mentor, stripe: Stripe, browser: Open
):
    anns = browser("ann@example.com")
    opening_hours.set_rules(bob, opening_hours.Rules(daily_cap=1))
    anns.get(f"/mentee/bookings/new?mentor={bob.id}&minutes=60&starts_at=2026-06-02T10:00:00Z")
    form = anns.form("Keep this time")
    anns.get(f"/mentee/bookings/new?mentor={bob.id}&minutes=60&starts_at=2026-06-02T16:00:00Z")
    anns.press("Keep this time", title="The first of the day")
    answer = anns.submit(form, "Keep this time", title="The second")
    assert answer.status_code == 409
    assert anns.form("Take").fields["title"] == "The second"
    others = [button.value for button in anns.form("Take").buttons if button.value]
    assert len(others) == 3
    assert not any("2026-06-01T22:00:00Z" <= at < "2026-06-02T22:00:00Z" for at in others), "not on Bob's Tuesday"


def test_a_mentor_whose_zone_has_vanished_is_told_and_every_page_stands(
    browser: Open, ann: User, bob: Mentor, held_hour: Booking
):
    bobs, anns = browser("bob@example.com"), browser("ann@example.com")
    db.session.rollback()
    db.session.execute(db.update(Mentor).values(time_zone="Europe/Atlantis"))
    db.session.commit()
    bobs.get("/mentor/availability")
    assert "There is no time zone Europe/Atlantis any more" in bobs.words
    anns.get(f"/mentors/{bob.id}")
    assert "Nothing free" in anns.words
    for who, path in ((anns, "/"), (anns, f"/mentee/bookings/{held_hour.id}"), (bobs, "/mentor/")):
        assert who.get(path).status_code == 200
