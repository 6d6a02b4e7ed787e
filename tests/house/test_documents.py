"""What the documents list is what there is."""

import re
from typing import Any

import pytest

from app import jobs
from app.actions import cancellations
from app.models.booking import Booking
from app.models.states import Party
from tests.house.source import ROOT
from tests.people import HOUR, IN_A_MONTH, booked, fresh, saved
from tests.stripe_double import Stripe


def listed_keys() -> dict[str, set[str]]:
    """Keys of metadata by the kinds of object that ARCHITECTURE.md says they are written on."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text().partition("**What is written at Stripe**")[2]
    rows = [row.split("|") for row in text.splitlines() if row.startswith("|")]
    listed = {row[1].strip(): set(re.findall(r"`(\w+)`", row[3])) for row in rows}
    causes, booked = listed["all of these"], listed["PaymentIntent"]
    captured = {f"capture_{key}" for key in causes} | listed["PaymentIntent, once captured"]
    saved_first = listed["PaymentIntent, if its card was saved first"]
    ended = {f"end_{key}" for key in causes} | listed["SetupIntent, once given up though its card was saved"]
    return {
        "payment_intent": booked | saved_first | causes | captured,
        "setup_intent": booked | saved_first | listed["SetupIntent"] | causes | ended,
        "customer": listed["Customer"] | causes,
        "refund": listed["Refund"] | causes,
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_all_that_is_written_at_stripe_is_listed(completed_hour: Booking, stripe: Stripe):
    cancellations.cancel(fresh(completed_hour), by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())
    intent = stripe.intent_of(completed_hour)
    written = [intent, stripe.client.v1.customers.retrieve(intent.customer), *stripe.refunds_of(completed_hour)]
    written += of_hours_far_ahead(completed_hour, stripe)
    assert {thing.object for thing in written} == set(listed_keys())
    unlisted = [set(thing.metadata.to_dict()) - listed_keys()[thing.object] for thing in written]
    assert unlisted == [set()] * len(written)


def of_hours_far_ahead(hour: Booking, stripe: Stripe) -> list[Any]:
    """The SetupIntents of two, one of them called off, and the PaymentIntent of the other."""
    held, gone = (
        saved(booked(hour.mentee, hour.mentor, stripe, starts_at=IN_A_MONTH + n * HOUR, key=f"far form {n}"), stripe)
        for n in range(2)
    )
    cancellations.cancel(fresh(gone), by=Party.MENTEE, quoted="0-0-0", now=stripe.now())
    stripe.wait_until(IN_A_MONTH - 48 * HOUR)
    jobs.run("authorize_saved_cards")
    return [stripe.setup_of(held), stripe.setup_of(gone), stripe.intent_of(held)]


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_every_reference_between_documents_leads_somewhere(name: str):
    text = (ROOT / "docs" / name).read_text()
    lost = [
        f"{file}#{place}"
        for file, place in re.findall(r"\]\((\w+\.md)?(?:#([\w-]+))?\)", text)
        if (file or place) and not leads(file or name, place)
    ]
    assert lost == []


def leads(name: str, place: str) -> bool:
    path = ROOT / "docs" / name
    if not path.exists():
        return False
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return not place or place in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
