"""Every page and every button, as the application's own map lists them, with addresses that lead somewhere."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask
from werkzeug.routing import Rule

from app.web.access import Audience, audience_of
from tests.house.conftest import House

PEOPLE = (None, "ann", "bob", "olga")  # nobody, a mentee, a mentor, an operator; Cho and Dia have nothing of their own

MEMBERS = {"ann", "bob", "cho", "dia", "olga"}
WELCOME = {
    Audience.ANYONE: {None, *MEMBERS},
    Audience.STRIPE: {None, *MEMBERS},
    Audience.DEMO: {None, *MEMBERS},
    Audience.MEMBER: MEMBERS,
    Audience.MENTOR: {"bob", "dia"},
    Audience.OPERATOR: {"olga"},
}


@dataclass(frozen=True)
class Route:
    """One method of one rule. ``who`` is its declared audience."""

    method: str
    rule: Rule
    who: Audience | None

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"

    def addresses(self, house: House) -> list[str]:
        """The rule filled in with each thing that there is; every hour, where it is about an hour."""
        return [self.address(house, hour) for hour in self._hours(house)]

    def address(self, house: House, booking_id: str) -> str:
        """The rule filled in with what there is. Raises: KeyError for an argument that nobody here knows."""
        known = {"booking_id": booking_id, "mentor_id": house.mentor_id, "operation_id": "op_nothing"}
        known |= {"alarm_id": "al_nothing", "event_id": "evt_nothing", "exception_id": "dx_nothing"}
        known |= {"mail_id": "ml_nothing", "user_id": "us_nothing", "key": "cal_nothing", "method_id": "pm_nothing"}
        filled = {name: known[name] for name in self.rule.arguments}
        _subdomain, path = self.rule.build(filled) or ("", "")
        return path

    def _hours(self, house: House) -> list[str]:
        return list(house.hours.values()) if "booking_id" in self.rule.arguments else [""]


def routes(app: Flask, method: str | None = None) -> Iterator[Route]:
    """What the application answers, method by method."""
    with app.app_context():
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
            if rule.endpoint == "static":
                continue  # files, which the server in front of the application serves
            for found in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                if method in (None, found):
                    yield Route(found, rule, audience_of(rule.endpoint))
