"""No script and no style stands in a page: the content security policy allows neither."""

import re
from html.parser import HTMLParser

import pytest

from tests.house.conftest import House
from tests.house.pages import routes
from tests.house.source import ROOT

# Mail is no page: it has no stylesheet to link to, and no policy forbids that its look stands in it.
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html") if path.parent.name != "mail")
FORBIDDEN = {
    "a style of its own": re.compile(r"<style\b|\sstyle\s*=", re.IGNORECASE),
    "a script of its own": re.compile(r"<script\b(?![^>]*\ssrc=)[^>]*>", re.IGNORECASE),
    "an event attribute": re.compile(r"\son[a-z]+\s*=\s*[\"'{]", re.IGNORECASE),
    "a script as an address": re.compile(r"javascript:", re.IGNORECASE),
    "something of another site": re.compile(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=[\"'](?:https?:)?//"),
    "text that is not escaped": re.compile(r"\|\s*safe\b|autoescape\s+false|Markup\("),
}


def test_there_are_templates():
    assert len(TEMPLATES) > 20


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_has(what: str):
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in TEMPLATES
        for match in FORBIDDEN[what].finditer(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "example"),
    [
        ("a style of its own", '<p class="x" style="color: red">'),
        ("a script of its own", "<script>alert(1)</script>"),
        ("a script of its own", '<script type="module">'),
        ("an event attribute", '<a href="/" onclick="x()">'),
        ("a script as an address", '<a href="javascript:x()">'),
        ("something of another site", '<script src="https://example.com/x.js"></script>'),
        ("text that is not escaped", "{{ title | safe }}"),
    ],
)
def test_what_is_forbidden_would_be_noticed(what: str, example: str):
    assert FORBIDDEN[what].search(example)


@pytest.mark.parametrize("person", [None, "ann", "bob", "olga"])
def test_no_page_has_a_script_or_style_of_its_own(house: House, person: str | None):
    """Also those parts that a macro or a form field writes."""
    browser = house.browser(person)
    found = {}
    for route in routes(house.app, "GET"):
        for address in route.addresses(house):
            answer = browser.get(address)
            if answer.mimetype == "text/html":
                found[address] = InPage(answer.text).found
    assert len(found) > 5
    assert {address: things for address, things in found.items() if things} == {}


class InPage(HTMLParser):
    """What stands in a page that its policy forbids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(f"<{tag}>")
        self.found += [f"<{tag} {name}>" for name in names if name == "style" or name.startswith("on")]
