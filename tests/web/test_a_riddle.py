"""A money action that nobody can explain: both sides read that a person looks into it, and find no button in vain."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from app.actions import bookings, cancellations, decisions
from app.extensions import db
from app.kit.errors import Busy, GatewayDown, LookedInto
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.operation import Operation
from app.models.states import BookingState, OperationState, Party
from app.models.user import User
from tests.faults.recovery import finish
from tests.people import booked, fresh
from tests.stripe_double import Stripe
from tests.web.conftest import Browser
from tests.web.effects import nothing_happens

Open = Callable[..., Browser]

LOOKED_INTO = "a person of ours is looking into it"
SIDES = pytest.mark.parametrize(("who", "door"), [("ann", "mentee"), ("bob", "mentor")])


def the_operation(kind: str) -> Operation:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Operation).where(Operation.kind == kind)).one()


@pytest.fixture
def confirming(held_hour: Booking, stripe: Stripe) -> Booking:
    """Bob has completed it, and Stripe has never heard of that so far."""
    stripe.wait_until(held_hour.ends_at)
    stripe.fail_next("drop_request", "*/capture", count=2)
    with pytest.raises(GatewayDown):
        bookings.complete(held_hour, now=stripe.now())
    return held_hour


@pytest.fixture
def riddle(confirming: Booking, stripe: Stripe) -> Booking:
    """Somebody has used our idempotency key for something else."""
    key = f"test:{the_operation('capture').id}:1"
    stripe.client.v1.customers.create({"email": "eve@example.com"}, {"idempotency_key": key})
    finish()
    assert the_operation("capture").state == OperationState.PARKED
    return fresh(confirming)


@SIDES
def test_both_sides_read_that_a_person_looks_into_it_and_find_no_button(
    who: str, door: str, riddle: Booking, browser: Open
):
    theirs = browser(f"{who}@example.com")
    theirs.get(f"/{door}/bookings/{riddle.id}")
    assert LOOKED_INTO in theirs.words
    assert "goes on by itself" not in theirs.words
    assert "Next:" not in theirs.words
    assert [form.action for form in theirs.page.forms if riddle.id in form.action] == []
    assert [words for words, _ in theirs.page.links if "Cancel" in words] == []


def test_who_has_the_page_of_before_is_told_the_same_and_nothing_happens(
    confirming: Booking, browser: Open, stripe: Stripe, request: pytest.FixtureRequest
):
    bobs = browser("bob@example.com")
    assert bobs.post(f"/mentor/bookings/{confirming.id}/completion").status_code == 409
    assert "still being confirmed" in bobs.words
    assert "goes on by itself" in bobs.words
    request.getfixturevalue("riddle")
    with nothing_happens(stripe):
        for what in ("completion", "no-show"):
            assert bobs.post(f"/mentor/bookings/{confirming.id}/{what}").status_code == 409
            assert "A person of ours looks at it" in bobs.words
            assert "goes on by itself" not in bobs.words
            assert "in a moment" not in bobs.words


@SIDES
def test_the_page_that_asks_whether_to_cancel_offers_it_only_when_it_can_be_done(
    who: str, door: str, held_hour: Booking, browser: Open, stripe: Stripe, request: pytest.FixtureRequest
):
    address = f"/{door}/bookings/{held_hour.id}/cancellation"
    theirs = browser(f"{who}@example.com")
    theirs.get(address)
    assert theirs.form("Cancel this session")
    if who == "ann":
        stripe.fail_next("drop_request", "*/cancel", count=2)
        assert theirs.send("Cancel this session").status_code == 503
        kind = "void"
    else:
        request.getfixturevalue("confirming")
        kind = "capture"
    theirs.get(address)
    assert "still confirming something else" in theirs.words
    assert [form for form in theirs.page.forms if form.button("Cancel this session")] == []
    key = f"test:{the_operation(kind).id}:1"
    stripe.client.v1.customers.create({"email": "eve@example.com"}, {"idempotency_key": key})
    finish()
    theirs.get(address)
    assert LOOKED_INTO in theirs.words
    assert [form for form in theirs.page.forms if form.button("Cancel this session")] == []


def test_an_operator_is_led_to_the_decision_and_finds_the_payment_at_stripe(riddle: Booking, olga: User, browser: Open):
    olgas = browser("olga@example.com")
    olgas.get(f"/operator/bookings/{riddle.id}")
    assert "This payment at Stripe" in olgas.words
    assert "Cancel this session" not in olgas.words
    olgas.click("console")
    olgas.press("Give it up", because="the key was ours")
    olgas.get(f"/operator/bookings/{riddle.id}")
    assert "waits for your decision" not in olgas.words
    assert "Cancel this session" in olgas.words


def test_whoever_asks_below_the_pages_is_told_what_is_in_the_way(riddle: Booking, stripe: Stripe):
    with pytest.raises(LookedInto):
        bookings.complete(riddle, now=stripe.now())
    decisions.give_up(the_operation("capture").id, because="the key was ours", now=stripe.now())
    stripe.fail_next("drop_request", "*/capture", count=2)
    with pytest.raises(GatewayDown):
        bookings.complete(fresh(riddle), now=stripe.now())
    with pytest.raises(Busy) as busy:
        cancellations.cancel(fresh(riddle), by=Party.MENTOR, quoted="8000-0-0", now=stripe.now())
    assert not isinstance(busy.value, LookedInto)


def test_a_card_that_cannot_be_asked_for_is_no_matter_of_waiting_for_stripe(
    ann: User, bob: Mentor, browser: Open, stripe: Stripe
):
    stripe.fail_next("lose_answer", "/v1/payment_intents", count=2)
    hour = booked(ann, bob, stripe)
    anns = browser("ann@example.com")
    anns.get(f"/mentee/bookings/{hour.id}/payment")
    assert "Stripe is not answering yet" in anns.words
    stripe.client.v1.payment_intents.update(stripe.intents()[0].id, {"amount": 9_000})
    finish()
    anns.get(f"/mentee/bookings/{hour.id}/payment")
    assert LOOKED_INTO in anns.words
    assert "You have not been charged" in anns.words
    assert "Try again" not in anns.words
    anns.click("Give this time back")
    anns.press("Cancel this session")
    assert "Cancelled by Ann. Nothing was charged." in anns.words
    assert fresh(hour).state == BookingState.CANCELLED


def test_whom_stripe_cannot_get_to_know_is_not_told_to_wait_for_stripe(
    ann: User, bob: Mentor, browser: Open, stripe: Stripe
):
    anns = browser("ann@example.com")
    wish = {"mentor": bob.id, "minutes": "60", "starts_at": "2026-06-02T10:00:00Z", "title": "Review"}
    anns.get("/mentee/bookings/new", query_string=wish)
    form = anns.form("Keep this time")
    stripe.fail_next("drop_request", "/v1/customers", count=2)
    assert anns.submit(form, "Keep this time", title="Review of my parser").status_code == 503
    assert "does not answer, so nothing is reserved" in anns.words
    key = f"test:{the_operation('create_customer').id}:1"
    stripe.client.v1.customers.create({"email": "eve@example.com"}, {"idempotency_key": key})
    finish()
    again = anns.form("Keep this time")
    with nothing_happens(stripe):
        assert anns.submit(again, "Keep this time").status_code == 409
    assert "A person of ours looks at it before anything else. So nothing is reserved." in anns.words
    assert anns.form("Keep this time").fields["title"] == "Review of my parser", "what was typed is kept"
