"""A person in front of a browser: what they see, click and type."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, ConsoleMessage, FrameLocator, Locator, Page, Playwright, Request, expect

PASSWORD = "mentorhold-demo"
WORKS, DECLINED, ASKS_THE_BANK = "4242 4242 4242 4242", "4000 0000 0000 0002", "4000 0000 0000 3220"
DECLINES_LATER, ALSO_WORKS = "4000 0000 0000 0341", "5555 5555 5555 4444"
HOUR, DAY, THREE_DAYS = "1 hour", "1 day", "3 days"
HERE = ("localhost", "127.0.0.1")
PATIENCE = 20  # seconds for what the worker does


# Frames are drawn by their page's process: else a key that closes a frame is never acknowledged and the test waits for
# ever, and a phone's picture is drawn without its scale.
SWITCHES = ["--no-sandbox", "--disable-site-isolation-trials"]


def launch(playwright: Playwright) -> Chromium:
    """The system's Chromium, or the one that BROWSER_PATH names."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("BROWSER_PATH") or next(filter(None, map(shutil.which, names)), None)
    return playwright.chromium.launch(executable_path=path, args=SWITCHES)


class Person:
    """One tab. ``complaints`` collects what the browser complains about, and requests that leave this machine."""

    def __init__(self, name: str, context: BrowserContext, site: str) -> None:
        self.name, self.site, self.context = name, site, context
        self.tab: Page = context.new_page()
        self.complaints: list[str] = []
        self._expected: tuple[int, ...] = (402,)  # Chromium logs every 4xx; that of a declined card is no fault
        self.tab.on("console", self._note)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", self._note_stranger)

    def _note(self, message: ConsoleMessage) -> None:
        expected = any(f"responded with a status of {status}" in message.text for status in self._expected)
        if message.type in ("error", "warning") and not expected:
            self.complaints.append(f"{urlsplit(self.tab.url).path}: {message.text}")

    def _note_stranger(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in HERE:
            self.complaints.append(f"a request left this machine: {request.url}")

    @contextmanager
    def expecting(self, *statuses: int) -> Iterator[None]:
        """Chromium may log answers with these statuses."""
        before, self._expected = self._expected, (*self._expected, *statuses)
        yield
        self._expected = before

    # --- going about ---

    def open(self, path: str) -> None:
        self.tab.goto(path if "://" in path else self.site + path)

    def click(self, label: str) -> None:
        """Follow a link or press a button."""
        main = self.tab.locator("main")
        main.get_by_role("link", name=label).or_(main.get_by_role("button", name=label)).first.click()

    def sees(self, *texts: str) -> None:
        for text in texts:
            expect(self.tab.locator("main")).to_contain_text(text)

    def does_not_see(self, text: str) -> None:
        expect(self.tab.locator("main")).not_to_contain_text(text)

    def comes_to_see(self, text: str) -> None:
        """Load the page again until it says so: the worker is at it."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.tab.locator("main").inner_text() and time.monotonic() < deadline:
            self.tab.wait_for_timeout(500)
            self.tab.reload()
        self.sees(text)

    def log_in(self) -> None:
        self.open("/log-in")
        self.tab.get_by_label("E-mail").fill(f"{self.name.lower()}@example.com")
        self.tab.get_by_label("Password").fill(PASSWORD)
        self.click("Log in")
        self.sees("Mentors")
        expect(self.tab.locator("main h1")).to_have_text("Mentors")

    def lets_pass(self, span: str) -> None:
        """Press a button of the time machine."""
        self.tab.get_by_role("button", name=f"Advance {span}").click()
        self.sees("What fell due is being done.")

    # --- booking ---

    def visits(self, mentor: str) -> None:
        self.open("/")
        self.tab.get_by_role("link", name=mentor, exact=True).click()
        expect(self.tab.get_by_role("heading", name=mentor, exact=True)).to_be_visible()

    @property
    def free_times(self) -> list[str]:
        """The instants that can be picked, as UTC."""
        times: list[str] = self.tab.get_by_role("radio").evaluate_all("all => all.map(one => one.value)")
        return times

    def picks(self, starts_at: str | None = None) -> str:
        """A time (the soonest, unless told) and on to the form."""
        starts_at = starts_at or self.free_times[0]
        self.tab.locator("label.pill", has=self.tab.locator(f"[value='{starts_at}']")).click()
        self.click("Continue")
        return starts_at

    def describes(self, title: str) -> None:
        self.tab.get_by_label("What is it about?").fill(title)
        self.click("Keep this time and enter my card")
        self.sees("Your card")

    def books(self, mentor: str, title: str, starts_at: str | None = None) -> str:
        """Everything up to the card; when the session begins."""
        self.visits(mentor)
        starts_at = self.picks(starts_at)
        self.describes(title)
        return starts_at

    def pays(self, mentor: str, title: str, starts_at: str | None = None) -> str:
        """A confirmed booking; its address."""
        self.books(mentor, title, starts_at)
        self.types_card(WORKS)
        self.sees("Confirmed.")
        return self.tab.url

    # --- the card ---

    @property
    def card_form(self) -> FrameLocator:
        return self.tab.frame_locator("iframe[title='Secure payment input frame']")

    def types_card(self, number: str) -> None:
        """Fill in the card and press the button."""
        for label, text in (("Card number", number), ("Expiration date", "12 / 40"), ("Security code", "123")):
            self.card_form.get_by_label(label).fill(text)
        self.reserve_button.click()

    @property
    def reserve_button(self) -> Locator:
        """Of the card form; it may say that it only saves the card."""
        return self.tab.locator("#payment button[type=submit]")

    def tells_the_bank(self, answer: str) -> None:
        """``Complete`` or ``Fail`` in the dialog of 3-D Secure."""
        self.tab.get_by_role("dialog").frame_locator("iframe").get_by_role("button", name=answer).click()

    # --- the story of the money ---

    @property
    def story(self) -> list[str]:
        """The sentences of the timeline, top to bottom, with their amounts; what is still to come begins with …."""
        lines: list[str] = self.tab.locator("ol.timeline li").evaluate_all(
            """all => all.map(line => [
                line.classList.contains("future") ? "…" : "",
                line.querySelector(".sentence").lastChild.textContent.trim(),
                line.querySelector(".amount")?.textContent.trim(),
            ].filter(Boolean).join(" "))"""
        )
        return lines
