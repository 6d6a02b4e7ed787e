"""Reading a page as a person does: its words, its links, and its forms with what stands in them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
UNSEEN = frozenset({"script", "style", "noscript", "head"})


@dataclass
class Button:
    label: str = ""
    name: str = ""
    value: str = ""
    disabled: bool = False


@dataclass
class Form:
    """``fields`` is what a browser would send, a list for several ticked boxes of one name; what radio buttons and
    selects offer is in ``choices``."""

    action: str
    method: str
    fields: dict[str, Any] = field(default_factory=dict)
    ticked: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[Button] = field(default_factory=list)

    def button(self, label: str) -> Button | None:
        return next((button for button in self.buttons if label in button.label and not button.disabled), None)


class Page(HTMLParser):
    """A page taken apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.steps: list[str] = []
        self._words: list[str] = []
        self._form: Form | None = None
        self._button: Button | None = None
        self._link: list[str] | None = None
        self._href = ""
        self._select = ""
        self._option: tuple[str | None, bool] | None = None
        self._area: list[str] | None = None
        self._area_name = ""
        self._hidden = 0
        self._in_timeline = False
        self._open: list[str] = []
        self.feed(text)
        self.close()

    @property
    def words(self) -> str:
        """All that can be read, with single spaces."""
        return _tight(self._words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = dict(attrs)
        if tag not in VOID:
            self._open.append(tag)
        self._hidden += tag in UNSEEN
        match tag:
            case "form":
                self._form = Form(given.get("action", ""), given.get("method", "get").lower())
                self.forms.append(self._form)
            case "a":
                self._link, self._href = [], given.get("href", "")
            case "ol" if given.get("class") == "timeline":
                self._in_timeline = True
            case "li" if self._in_timeline:
                self.steps.append("")
        if self._form is not None:
            self._field(tag, given, self._form)

    def _field(self, tag: str, given: dict[str, Any], form: Form) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        match tag:
            case "input" if given.get("type") in ("radio", "checkbox"):
                form.choices.setdefault(name, []).append(value or "on")
                if "checked" in given:
                    form.ticked.setdefault(name, []).append(value or "on")
                    form.fields[name] = form.ticked[name] if len(form.ticked[name]) > 1 else value or "on"
            case "input" if name and given.get("type") != "submit":
                form.fields[name] = value
            case "textarea":
                self._area, self._area_name = [], name
            case "select":
                self._select = name
                form.choices[name] = []
            case "option":
                self._option = (given.get("value"), "selected" in given)
            case "button":
                self._button = Button("", name, value, "disabled" in given)
                form.buttons.append(self._button)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        self._hidden -= tag in UNSEEN
        match tag:
            case "form":
                self._form = None
            case "a" if self._link is not None:
                self.links.append((_tight(self._link), self._href))
                self._link = None
            case "ol":
                self._in_timeline = False
            case "textarea" if self._form is not None and self._area is not None:
                self._form.fields[self._area_name] = "".join(self._area).removeprefix("\r\n").removeprefix("\n")
                self._area = None
            case "button":
                self._button = None
            case "select":
                self._select = ""

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.append(data)
        if self._option is not None and self._form is not None:
            value, chosen = self._option
            self._form.choices[self._select].append(value if value is not None else data)
            if chosen:
                self._form.fields[self._select] = value if value is not None else data
            self._option = None
        if self._hidden:
            return
        self._words.append(data)
        if self._link is not None:
            self._link.append(data)
        if self._button is not None:
            self._button.label = _tight([self._button.label, data])
        if self._in_timeline and self.steps:
            self.steps[-1] = _tight([self.steps[-1], data])


def _tight(words: list[str]) -> str:
    return " ".join(" ".join(words).split())
