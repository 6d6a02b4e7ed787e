"""What the documents list is what there is."""

import re

import pytest

from app.actions import cancellations
from app.models.booking import Booking
from app.models.states import Party
from tests.house.source import ROOT
from tests.people import fresh
from tests.stripe_double import Stripe


def listed_keys() -> dict[str, set[str]]:
    """Keys of metadata by the kinds of object that ARCHITECTURE.md says they are written on."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text().partition("**What is written at Stripe**")[2]
    rows = [row.split("|") for row in text.splitlines() if row.startswith("|")]
    listed = {row[1].strip(): set(re.findall(r"`(\w+)`", row[3])) for row in rows}
    causes = listed["all three"]
    captured = {f"capture_{key}" for key in causes} | listed["PaymentIntent, once captured"]
    return {
        "payment_intent": listed["PaymentIntent"] | causes | captured,
        "customer": listed["Customer"] | causes,
        "refund": listed["Refund"] | causes,
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_all_that_is_written_at_stripe_is_listed(completed_hour: Booking, stripe: Stripe):
    cancellations.cancel(fresh(completed_hour), by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())
    intent = stripe.intent_of(completed_hour)
    written = [intent, stripe.client.v1.customers.retrieve(intent.customer), *stripe.refunds_of(completed_hour)]
    assert {thing.object for thing in written} == set(listed_keys())
    assert {thing.object: set(thing.metadata.to_dict()) - listed_keys()[thing.object] for thing in written} == {
        "payment_intent": set(),
        "customer": set(),
        "refund": set(),
    }


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
