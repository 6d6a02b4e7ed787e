"""Bob's page about his own calendar: he sees how it stands, and nobody sees where it is."""

import logging
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from app import jobs
from app.models.mentor import Mentor
from app.models.user import User
from tests.calendar_host import CalendarHost, Page, calendar, reachable
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

Open = Callable[..., Browser]

SECRET = "secret-7f3a"
DENTIST = "UID:1\nDTSTART:20260602T100000Z\nDURATION:PT1H\nSUMMARY:Dentist"
TAKEN = "2026-06-02T10:00:00Z"


@pytest.fixture
def host(app: Flask) -> Iterator[CalendarHost]:
    with reachable() as opened:
        opened.pages[f"/bob/{SECRET}.ics"] = Page(calendar(DENTIST))
        yield opened


@pytest.fixture
def bobs(browser: Open, bob: Mentor) -> Browser:
    opened = browser("bob@example.com")
    opened.get("/mentor/availability")
    opened.click("Read my own calendar")
    return opened


def test_bob_names_his_calendar_and_sees_how_it_stands(bobs: Browser, host: CalendarHost, browser: Open, ann: User):
    assert "Which calendar?" in bobs.words
    bobs.press("Read this calendar", address=host.url(f"/bob/{SECRET}.ics"))
    assert "Last read It is being read" in bobs.words
    jobs.run("read_calendars")
    bobs.get("/mentor/busy-calendar")
    assert f"Calendar https://{host.name}/••••••" in bobs.words
    assert "Last read Mon 1 Jun 2026, 10:00" in bobs.words
    assert "Busy times ahead 1" in bobs.words
    anns = browser("ann@example.com")
    anns.get("/")
    anns.click("Bob")
    offered = anns.form("Continue").choices["starts_at"]
    assert TAKEN not in offered
    assert "2026-06-02T11:00:00Z" in offered


def test_the_address_is_shown_to_nobody_and_written_nowhere(
    bobs: Browser, host: CalendarHost, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    pages = []
    with caplog.at_level(logging.DEBUG):
        for path in (f"/bob/{SECRET}.ics", f"/gone/{SECRET}.ics"):
            bobs.press("Read this calendar", address=host.url(path))
            pages.append(bobs.answer.text)
            jobs.run("read_calendars")
            pages.append(bobs.get("/mentor/busy-calendar").text)
        bobs.send("Read this calendar", address=f"http://{host.name}/{SECRET}")
        pages.append(bobs.answer.text)
    told = capsys.readouterr()
    assert "not done" in told.out, "the one that is gone was logged"
    assert [page for page in pages if SECRET in page] == []
    assert SECRET not in told.out + told.err + caplog.text


def test_a_failure_is_told_with_what_holds_and_what_to_do(bobs: Browser, host: CalendarHost, stripe: Stripe):
    bobs.press("Read this calendar", address=host.url(f"/bob/{SECRET}.ics"))
    jobs.run("read_calendars")
    host.pages.clear()
    bobs.press("Read it now")
    jobs.run("read_calendars")
    bobs.get("/mentor/busy-calendar")
    assert "localhost answered 404. Is the address still the right one?" in bobs.words
    assert "What was read before still holds. It is tried again by itself." in bobs.words
    assert "Busy times ahead 1" in bobs.words
    bobs.press("Forget it")
    assert "The calendar and its busy times are forgotten." in bobs.words
    assert "How it stands" not in bobs.words


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "Please paste the address."),
        ("http://calendar.example/x.ics", "The address must begin with https://."),
        ("https://ann:pw@calendar.example/x.ics", "and no user or password"),
        ("https://" + "a" * 5_000, "That is no address."),
        ("not an address", "That is no address."),
    ],
)
def test_what_is_no_address_is_said_next_to_the_field(bobs: Browser, typed: str, told: str):
    assert bobs.send("Read this calendar", address=typed).status_code == 422
    assert told in bobs.words


def test_a_time_that_bobs_calendar_took_meanwhile_is_answered_with_others_and_keeps_what_was_typed(
    bobs: Browser, host: CalendarHost, browser: Open, ann: User
):
    anns = browser("ann@example.com")
    anns.get("/")
    anns.click("Bob")
    anns.press("Continue", starts_at=TAKEN)
    bobs.press("Read this calendar", address=host.url(f"/bob/{SECRET}.ics"))
    jobs.run("read_calendars")
    anns.press("Keep this time", title="Borrowing")
    assert anns.answer is not None
    assert anns.answer.status_code == 409
    assert "That time was just taken" in anns.words
    assert "as their own calendar says" in anns.words
    assert "Borrowing" in anns.answer.text
    assert "2026-06-02T11:00:00Z" in anns.answer.text, "one of the nearest that are free"
