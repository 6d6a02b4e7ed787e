"""Mails in words: what a row of the outbox reads like to its person, in their zone."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import category
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.actions import invitations, meetings
from app.gateways.mailer import Invitation, Letter
from app.kit.calendar import said, zone_of
from app.kit.money import Money
from app.models.mail import Mail
from app.models.states import Party

TEMPLATES = Path(__file__).parents[2] / "templates" / "mail"
LONGEST_NAME, LONGEST_SUBJECT = 80, 150  # letters
TURNS_AROUND = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # would turn the rest of a line around
LINES = re.compile(r"[ \n]+")  # and not the space that keeps an amount together
# Facts that are times; not all are known of every mail.
MOMENTS = (
    "free_until",
    "object_by",
    "authorize_at",
    "again",
    "give_up_at",
    "accept_by",
    "proposed_at",
    "was_at",
    "answer_by",
    "held_at",
)
DAY_AND_TIME, TIME = "%a {day} %b %Y, %H:%M", "%H:%M"

# Words of a kind, if they are not in a template of its own name.
WORDS = {
    "remind_day": "remind",
    "remind_hour": "remind",
    "ask_hour": "please_complete",
    "ask_day": "please_complete",
    "ask_last": "please_complete",
}
INVITES = ("confirmed", "moved")
UNINVITES = ("cancelled", "no_show", "expired")


@dataclass(frozen=True)
class Sender:
    """Who writes, and under which address people reach this installation (``https://host``)."""

    address: Address
    public_url: str


_sender = Sender(Address("Mentorhold", addr_spec="mail@localhost"), "http://localhost:5000")


def use(sender: Sender) -> None:
    """Write as ``sender`` from now on."""
    global _sender
    _sender = sender


def compose(mail: Mail) -> Letter:
    """What the mail says: first line subject, then paragraphs, as its template has it."""
    person, facts = mail.person, _readable(mail)
    name = "trial" if facts["is_trial"] else WORDS.get(mail.kind, mail.kind)
    words = _environment().get_template(f"{name}.txt").render(facts)
    subject, _, rest = words.strip().partition("\n")
    paragraphs = [" ".join(LINES.split(part.strip())) for part in rest.split("\n\n") if part.strip()]
    page = {**facts, "subject": subject.strip(), "paragraphs": paragraphs}
    return Letter(
        id=mail.id,
        name=one_line(person.name, LONGEST_NAME),
        address=person.email,
        subject=one_line(subject, LONGEST_SUBJECT),
        text=_environment().get_template("_letter.txt").render(page),
        html=_environment().get_template("_letter.html").render(page),
        written_at=mail.created_at,
        invitation=_invitation(mail, facts),
    )


def one_line(text: str, longest: int) -> str:
    """A name or title as it can stand in a header: no line ends, nothing invisible that changes what is read."""
    kept = "".join(" " if letter.isspace() else letter for letter in text if not _is_foul(letter))
    line = " ".join(kept.split()).replace("=?", "= ?")  # else the email library decodes what it takes for encoded
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _is_foul(letter: str) -> bool:
    return (category(letter) in ("Cc", "Cs") and not letter.isspace()) or letter in TURNS_AROUND


def _readable(mail: Mail) -> dict[str, Any]:
    """The facts as a template writes them: money and times are text, the two people have names."""
    facts, booking, zone = mail.facts, mail.booking, _zone(mail)
    role = Party.MENTEE if mail.person_id == booking.mentee_id else Party.MENTOR
    names = {Party.MENTEE: booking.mentee.name, Party.MENTOR: booking.mentor.name}
    other = names[Party.MENTOR if role == Party.MENTEE else Party.MENTEE]
    amounts = ("price", "authorized", "captured", "refunded", "commission", "earned", "late_fee", "amount", "released")
    start, end = (datetime.fromisoformat(facts[name]) for name in ("starts_at", "ends_at"))
    return {
        **facts,
        "released": None,  # of what was written before sessions moved so far
        "needs_card": facts.get("needs_card", False),
        **{name: Money(facts[name], facts["currency"]) for name in amounts if name in facts},
        "role": role.value,
        "me": one_line(names[role], LONGEST_NAME),
        "other": one_line(other, LONGEST_NAME),
        "title": one_line(booking.title, 120),
        "minutes": booking.minutes,
        "number": booking.id,
        "zone": zone.key,
        "when": said(start, zone, DAY_AND_TIME),
        "begins": said(start, zone, TIME),
        "ends": said(end, zone, TIME),
        "complete_by": said(datetime.fromisoformat(facts["complete_by"]), zone, DAY_AND_TIME),
        "needs_answer": facts.get("needs_answer", False),  # of what was written before there were requests and trials
        "is_trial": facts.get("is_trial", False),
        "meets_from": said(start - meetings.EARLY, zone, TIME) if booking.meeting_url else "",
        **{name: _said(facts.get(name), zone) for name in MOMENTS},
        "kind": mail.kind,
        "url": f"{_sender.public_url}/{role.value}/bookings/{booking.id}",
        "home": _sender.public_url,
    }


def _said(moment: str | None, zone: ZoneInfo) -> str:
    return said(datetime.fromisoformat(moment), zone, DAY_AND_TIME) if moment else ""


def _zone(mail: Mail) -> ZoneInfo:
    """The person's; one that is gone from the world's list since is taken for UTC."""
    return zone_of(mail.person.time_zone) or ZoneInfo("UTC")


def _invitation(mail: Mail, facts: dict[str, Any]) -> Invitation | None:
    uninvites = mail.kind in UNINVITES and facts["was_confirmed"]
    if mail.kind not in INVITES and not uninvites:
        return None
    session = invitations.Session(
        booking_id=mail.booking_id,
        sequence=facts["sequence"],
        starts_at=datetime.fromisoformat(facts["starts_at"]),
        ends_at=datetime.fromisoformat(facts["ends_at"]),
        zone=_zone(mail),
        summary=f"{facts['title']} ({facts['other']})",
        description=facts["url"],
        url=facts["url"],
        stamp=mail.created_at,
        is_cancelled=uninvites,
    )
    method, body = invitations.to_one(session, organizer=_sender.address, name=facts["me"], address=mail.person.email)
    return Invitation(method, body)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
