"""The README's pictures of a running demo: ``python -m tests.browser.screenshots http://localhost:5000 docs/images``.

On a desk by day and on a phone by night: a mentor's page, the pay page, and the timeline of a booking.
"""

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import expect, sync_playwright

from tests.browser.person import WORKS, Person, launch

LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "device_scale_factor": 2},
}


def main(site: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        for look, settings in LOOKS.items():
            context = chromium.new_context(**settings, timezone_id="America/New_York", reduced_motion="reduce")
            _tour(Person("Ann", context, site.rstrip("/")), folder, look)
            context.close()
        chromium.close()


def _tour(ann: Person, folder: Path, look: str) -> None:
    ann.log_in()
    ann.visits("Bob")
    starts_at = ann.free_times[len(ann.free_times) // 2]
    _shoot(ann, folder / f"mentor-{look}.png", begin_at="#main .page")
    ann.picks(starts_at)
    ann.describes("Review of my retry logic")
    expect(ann.reserve_button).to_be_enabled()
    _shoot(ann, folder / f"pay-{look}.png", begin_at="#main .page" if look == "desktop" else ".deadline")
    ann.types_card(WORKS)
    ann.sees("Confirmed.")
    ann.tab.reload()  # without the notice that greets a new booking
    _shoot(ann, folder / f"timeline-{look}.png", begin_at=".two")


def _shoot(person: Person, path: Path, *, begin_at: str | None = None) -> None:
    """One screen, from its top or from an element on."""
    person.tab.wait_for_load_state("networkidle")
    person.tab.evaluate("document.fonts.ready.then(() => true)")
    if begin_at:
        person.tab.locator(begin_at).evaluate("place => scrollTo(0, place.getBoundingClientRect().top + scrollY - 16)")
    person.tab.wait_for_timeout(300)
    person.tab.screenshot(path=path)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], Path(sys.argv[2]))
