"""Every page, for everybody who can see it: by day and by night, on a desk and on a phone, without a fault."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Page, expect

from tests.browser.conftest import DESKTOP, Meet
from tests.browser.house import House
from tests.browser.person import DAY, Person

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PHONE = {"width": 390, "height": 844}
MOST_MEMORY = 120  # megabytes of the web process
LOOKS: dict[str, dict[str, Any]] = {
    "by day on a desk": {"color_scheme": "light", "viewport": DESKTOP},
    "by night on a phone": {"color_scheme": "dark", "viewport": PHONE},
}
NO_SUCH = "bk_00000000000000000"
RULES = {"resultTypes": ["violations"], "iframes": False}  # each frame is looked at by itself
IN_A_FRAME = {**RULES, "rules": {"page-has-heading-one": {"enabled": False}}}


def _for_anyone(person: Person) -> list[str]:
    person.open("/")
    mentors = _links(person, "/mentors/")
    return ["/", *mentors[:2], f"{mentors[0]}?minutes=90", "/log-in", "/sign-up", "/no/such/page", "/mentors/mt_0"]


def _for_ann(person: Person) -> list[str]:
    person.books("Bob", "Every page")
    pay_page = person.tab.url
    person.open("/mentee/")
    bookings = _links(person, "/mentee/bookings/bk_")
    person.visits("Bob")
    person.picks()
    form = person.tab.url
    long_ago = re.sub("starts_at=[0-9]{4}", "starts_at=2020", form)
    return [
        *("/", "/mentee/", pay_page, form, long_ago, "/account", "/mentor/profile"),
        *(f"{path}/cancellation" for path in bookings),
        *bookings,
        *("/mentee/bookings/new", f"/mentee/bookings/{NO_SUCH}", "/mentor/", "/operator/"),
    ]


def _for_bob(person: Person) -> list[str]:
    person.open("/mentor/")
    bookings, [his_page] = _links(person, "/mentor/bookings/bk_"), _links(person, "/mentors/mt_")
    return [
        *("/mentor/", "/mentor/profile", "/mentor/availability", "/mentor/arrangements", "/mentor/busy-calendar"),
        *(his_page, f"{his_page}?trial=yes", "/mentee/"),
        *(f"{bookings[at]}/cancellation" for at in (0, 1)),
        *bookings,
    ]


def _for_olga(person: Person) -> list[str]:
    person.open("/operator/")
    bookings = _links(person, "/operator/bookings/bk_")
    return ["/operator/", "/operator/reconciliations", bookings[0], f"{bookings[0]}/cancellation", bookings[-1]]


def _links(person: Person, beginning: str) -> list[str]:
    """The addresses that the page links to, each once."""
    found: list[str] = person.tab.locator(f"main a[href^='{beginning}']").evaluate_all(
        "all => all.map(link => link.getAttribute('href'))"
    )
    return [href for href in dict.fromkeys(found) if href.count("/") == beginning.count("/")]


VISITORS = {"somebody": _for_anyone, "Ann": _for_ann, "Bob": _for_bob, "Olga": _for_olga}


@pytest.mark.parametrize("name", VISITORS)
def test_no_page_has_a_fault(meet: Meet, name: str) -> None:
    paths = VISITORS[name](meet(name, known=name != "somebody"))
    found = []
    for look, settings in LOOKS.items():
        person = meet(name, known=name != "somebody", **settings)
        with person.expecting(404, 409, 422):
            for path in paths:
                person.open(path)
                found += [f"{path} {look}: {fault}" for fault in _faults(person.tab)]
    assert found == []


def test_no_form_has_a_fault_when_it_says_what_is_wrong(meet: Meet) -> None:
    found = []
    for look, settings in LOOKS.items():
        gil, ann, bob = (meet(name, known=name != "Gil", **settings) for name in ("Gil", "Ann", "Bob"))
        ann.visits("Bob")
        ann.picks()
        for person, path, button in (
            (gil, "/log-in", "Log in"),
            (gil, "/sign-up", "Create my account"),
            (ann, ann.tab.url, "Keep this time"),
            (ann, "/account", "Save"),
            (bob, "/mentor/profile", "Save"),
            (bob, "/mentor/availability", "Save"),
        ):
            with person.expecting(422):
                person.open(path)
                _empty_fields(person.tab)
                person.click(button)
                expect(person.tab.get_by_role("alert").first).to_be_focused()
                found += [f"{path} with errors, {look}: {fault}" for fault in _faults(person.tab)]
    assert found == []


def _empty_fields(tab: Page) -> None:
    for box in tab.locator("main input[type=text], main input:not([type])").all():
        box.fill("")
    if tab.get_by_label("From").count():
        tab.get_by_label("From").first.fill("nine")


def _faults(tab: Page) -> Iterable[str]:
    if tab.locator("#payment").count():
        expect(tab.get_by_role("button", name=re.compile("Reserve|Save my card"))).to_be_enabled()
    for frame in tab.frames:
        yield from _violations(frame, is_page=frame is tab.main_frame)
    for width in {tab.viewport_size["width"], PHONE["width"]} if tab.viewport_size else ():
        tab.set_viewport_size({"width": width, "height": PHONE["height"]})
        wide: int = tab.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            yield f"{wide} px wide on {width}: it scrolls sideways"


def _violations(frame: Frame, *, is_page: bool) -> list[str]:
    result: dict[str, Any] = Axe().run(frame, options=RULES if is_page else IN_A_FRAME).response
    return [f"{each['id']}: {[node['html'][:120] for node in each['nodes'][:3]]}" for each in result["violations"]]


def test_no_page_of_a_quarrel_has_a_fault(meet: Meet) -> None:
    """From another time to an operator's ruling: each page as whoever's turn it is sees it, by day and by night."""
    ann, dia, olga = meet("Ann"), meet("Dia"), meet("Olga")
    of_ann = urlsplit(ann.pays("Dia", "What we quarrel about")).path
    of_dia, of_olga = (of_ann.replace("/mentee/", f"/{role}/") for role in ("mentor", "operator"))

    found = _looked_at(meet, "Ann", f"{of_ann}/reschedule", "/account/cards/", "/demo/mail/")
    dia.open(f"{of_dia}/reschedule")
    dia.click("Later")
    dia.tab.locator("label.pill").last.click()
    dia.click("Propose this time")
    found += _looked_at(meet, "Ann", of_ann)
    ann.open(of_ann)
    ann.tab.get_by_role("checkbox").check()
    ann.click("Save a card to agree")
    ann.sees("We save it for another time of this session.")
    found += _looked_at(meet, "Ann", f"{of_ann}/payment")
    ann.open(of_ann)
    ann.click("Decline")
    while "Dia did not come" not in ann.tab.locator("main").inner_text():
        ann.lets_pass(DAY)
        ann.open(of_ann)
    found += _looked_at(meet, "Ann", f"{of_ann}/mentor-absence")
    dia.open(of_dia)
    dia.click("Complete session")
    dia.sees("was charged")
    ann.open(f"{of_ann}/objection")
    with ann.expecting(422):
        ann.click("Object")
        expect(ann.tab.get_by_role("alert").first).to_be_focused()
    found += _faults(ann.tab)
    ann.tab.get_by_label("What was wrong?").fill("We stopped after ten minutes.")
    ann.tab.get_by_label("Everything goes back").check()
    ann.click("Object")
    ann.sees("Waiting for the mentor")
    found += _looked_at(meet, "Dia", f"{of_dia}/objection", "/mentor/")
    dia.open(f"{of_dia}/objection")
    dia.tab.get_by_label("Nothing goes back", exact=True).check()
    dia.click("Propose this")
    dia.sees("Waiting for the mentee")
    found += _looked_at(meet, "Ann", f"{of_ann}/objection")
    ann.open(f"{of_ann}/objection")
    ann.click("Ask an operator to decide")
    ann.sees("Waiting for an operator")
    found += _looked_at(meet, "Olga", f"{of_olga}/ruling", "/operator/")
    olga.open(f"{of_olga}/ruling")
    olga.tab.get_by_label("How much goes back").fill("6000")
    olga.tab.get_by_label("Reason").fill("Ten minutes are no hour.")
    olga.click("Decide")
    ann.open(of_ann)
    ann.sees("¥12,000 was charged, ¥6,000 of it refunded.")
    assert found + _looked_at(meet, "Ann", f"{of_ann}/objection", of_ann) == []


def _looked_at(meet: Meet, name: str, *paths: str) -> list[str]:
    """The faults of some pages."""
    found = []
    for look, settings in LOOKS.items():
        person = meet(name, **settings)
        for path in paths:
            person.open(path)
            found += [f"{path} {look}: {fault}" for fault in _faults(person.tab)]
    return found


def test_the_web_process_stays_small_after_all_this(house: House) -> None:
    worker = house.process("gunicorn", of=house.process("gunicorn"))
    status = Path(f"/proc/{worker}/status").read_text()
    resident = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) // 1024  # type: ignore[index]
    assert resident <= MOST_MEMORY
