"""A session moves beyond what its hold outlives: the hold is let go, and another one planned on a saved card."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app import jobs
from app.actions import (
    cancellations,
    card_forms,
    cards_for_moves,
    deadlines,
    operations,
    payments,
    reaches,
    reschedules,
    standing_holds,
)
from app.actions.transactions import atomically
from app.extensions import db
from app.kit.errors import GatewayDown, IllegalMove, Invalid
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.deadline import Deadline
from app.models.mentor import Mentor
from app.models.operation import Operation
from app.models.states import BookingState, OperationState, Party, PaymentState, ReconciliationState
from app.models.user import User
from tests import people
from tests.actions.test_reschedules import mails
from tests.backups import Backup
from tests.faults.recovery import deliver, finish
from tests.faults.truths import untold, untruths
from tests.people import HOUR, IN_A_MONTH, TOMORROW_AT_TEN, fresh
from tests.stripe_double import Stripe

B, P = BookingState, PaymentState
DAY = timedelta(days=1)
IN_TWO_WEEKS = TOMORROW_AT_TEN + 14 * DAY
DECLINES_LATER = "pm_card_chargeCustomerFail"
EIGHTY = Money(8_000, "EUR")


def ask(hour: Booking, stripe: Stripe, starts_at: datetime = IN_TWO_WEEKS, *, by: Party = Party.MENTEE) -> str:
    """The id of a new proposal."""
    reschedules.propose(fresh(hour), starts_at, by=by, note="", now=stripe.now())
    proposal = reschedules.open_one(fresh(hour), now=stripe.now())
    assert proposal is not None
    return proposal.id


def agree(hour: Booking, stripe: Stripe, proposal: str, *, by: Party) -> Booking:
    reschedules.accept(fresh(hour), proposal, by=by, now=stripe.now())
    return fresh(hour)


def with_card(hour: Booking, stripe: Stripe, card: str = "pm_card_visa") -> Booking:
    """Ann saves a card for the session, beside the one that the price is held on."""
    cards_for_moves.ask(fresh(hour), consent=True, now=stripe.now())
    return people.saved(fresh(hour), stripe, card)


def moved(hour: Booking, stripe: Stripe, starts_at: datetime = IN_TWO_WEEKS) -> Booking:
    return agree(hour, stripe, ask(hour, stripe, starts_at), by=Party.MENTOR)


@pytest.fixture
def ready_hour(held_hour: Booking, stripe: Stripe) -> Booking:
    """Held, and Ann has saved a Mastercard for it as well."""
    return with_card(held_hour, stripe, "pm_card_mastercard")


@pytest.fixture
def moved_hour(ready_hour: Booking, stripe: Stripe) -> Booking:
    """Moved by two weeks."""
    return moved(ready_hour, stripe)


def on_its_day(hour: Booking, stripe: Stripe) -> Booking:
    stripe.wait_until(hour.starts_at - 48 * HOUR)
    jobs.run("authorize_saved_cards")
    finish()
    return fresh(hour)


def states(hour: Booking) -> tuple[BookingState, PaymentState]:
    hour = fresh(hour)
    assert hour.payment is not None
    return hour.state, hour.payment.state


def due(hour: Booking) -> dict[str, datetime]:
    db.session.rollback()
    kinds = (deadlines.RELEASE, *deadlines.OF_SAVED_CARDS)
    rows = db.session.scalars(select(Deadline).where(Deadline.kind.in_(kinds)))
    return {row.kind: row.due_at for row in rows}


def all_is_well(stripe: Stripe) -> bool:
    finish()
    assert untruths(stripe) == []
    assert untold() == []
    return True


# --- a card is saved for it


def test_a_card_that_is_saved_beside_a_hold_changes_nothing_else(held_hour: Booking, stripe: Stripe):
    before = held_hour.payment.intent_id, held_hour.payment.release_at, due(held_hour)
    hour = with_card(held_hour, stripe)
    assert states(hour) == (B.CONFIRMED, P.AUTHORIZED)
    assert (hour.payment.intent_id, hour.payment.release_at, due(hour)) == before
    assert hour.payment.authorize_at is None
    assert hour.payment.method_id is not None
    setup = stripe.setup_of(hour)
    assert (setup.usage, setup.metadata["booking"]) == ("off_session", hour.id)
    assert set(mails("confirmed")) == {"Ann", "Bob"}, "nobody is told anew"
    assert all_is_well(stripe)


def test_it_is_asked_for_once_however_often_one_presses(held_hour: Booking, stripe: Stripe):
    stripe.fail_next("lose_answer", "/v1/setup_intents", count=2)
    with pytest.raises(GatewayDown):
        cards_for_moves.ask(held_hour, consent=True, now=stripe.now())
    cards_for_moves.ask(fresh(held_hour), consent=True, now=stripe.now())
    finish()
    cards_for_moves.ask(fresh(held_hour), consent=True, now=stripe.now())
    assert len(stripe.client.v1.setup_intents.list({}).data) == 1
    assert fresh(held_hour).payment.is_saving_a_card
    assert all_is_well(stripe)


def test_nobodys_card_is_saved_without_their_word(held_hour: Booking, stripe: Stripe):
    with pytest.raises(Invalid, match="agree"):
        cards_for_moves.ask(held_hour, consent=False, now=stripe.now())
    assert stripe.count("/v1/setup_intents") == 0


def test_a_session_that_needs_none_asks_for_none(ready_hour: Booking, ann: User, bob: Mentor, stripe: Stripe):
    with pytest.raises(IllegalMove, match="saved for this session already"):
        cards_for_moves.ask(ready_hour, consent=True, now=stripe.now())
    far = people.saved(people.booked(ann, bob, stripe, starts_at=IN_A_MONTH, key="another form of Ann's"), stripe)
    with pytest.raises(IllegalMove, match="saved for this session already"):
        cards_for_moves.ask(far, consent=True, now=stripe.now())


@pytest.mark.parametrize("how", ["declined", "abandoned", "canceled"])
def test_a_card_that_is_not_saved_after_all_leaves_the_session_and_its_hold(
    held_hour: Booking, stripe: Stripe, how: str
):
    cards_for_moves.ask(held_hour, consent=True, now=stripe.now())
    hour = fresh(held_hour)
    if how == "declined":
        with pytest.raises(Exception, match="declined"):
            stripe.save(hour, "pm_card_chargeDeclined")
    elif how == "canceled":
        stripe.client.v1.setup_intents.cancel(hour.payment.setup_id)
    card_forms.check(hour.payment, now=stripe.now())
    assert states(hour) == (B.CONFIRMED, P.AUTHORIZED)
    assert fresh(hour).payment.decline_message is None
    if how == "canceled":
        assert fresh(hour).payment.setup_id is None, "another one can be asked for"
        stripe_has = {setup.id for setup in stripe.client.v1.setup_intents.list({}).data}
        cards_for_moves.ask(fresh(hour), consent=True, now=stripe.now())
        assert fresh(hour).payment.setup_id not in stripe_has
    people.saved(fresh(hour), stripe)
    assert fresh(hour).payment.can_be_renewed
    people.completed(fresh(hour), stripe)
    assert states(hour) == (B.COMPLETED, P.CAPTURED)
    assert how == "canceled" or all_is_well(stripe)


def test_a_session_that_ends_while_its_card_is_being_saved_ends_like_any_other(held_hour: Booking, stripe: Stripe):
    stripe.fail_next("lose_answer", "/v1/setup_intents", count=2)
    with pytest.raises(GatewayDown):
        cards_for_moves.ask(held_hour, consent=True, now=stripe.now())
    quoted = cancellations.quote(fresh(held_hour), by=Party.MENTEE, now=stripe.now())
    cancellations.cancel(fresh(held_hour), by=Party.MENTEE, quoted=quoted.token, now=stripe.now())
    assert states(held_hour) == (B.CANCELLED, P.VOIDED)
    finish()
    stripe.save(held_hour)
    card_forms.check(fresh(held_hour).payment, now=stripe.now())
    assert states(held_hour) == (B.CANCELLED, P.VOIDED)
    assert all_is_well(stripe)


# --- moving


def test_beyond_the_reach_of_its_hold_a_session_goes_back_to_a_plan(ready_hour: Booking, stripe: Stripe):
    older = ready_hour.payment.intent_id
    hour = moved(ready_hour, stripe)
    assert states(hour) == (B.CONFIRMED, P.CARD_SAVED)
    assert hour.starts_at == IN_TWO_WEEKS
    assert hour.payment.authorize_at == IN_TWO_WEEKS - 48 * HOUR
    assert due(hour) == {
        deadlines.AUTHORIZE: IN_TWO_WEEKS - 48 * HOUR,
        deadlines.GIVE_UP: IN_TWO_WEEKS - 12 * HOUR,
    }
    kept = hour.payment
    assert (kept.intent_id, kept.charge_id, kept.capture_before, kept.release_at) == (None, None, None, None)
    assert (kept.authorized, kept.card_brand, kept.card_last4) == (Money(0, "EUR"), "mastercard", "4444")
    let_go = stripe.client.v1.payment_intents.retrieve(older)
    assert (let_go.status, let_go.cancellation_reason) == ("canceled", "duplicate")
    assert all_is_well(stripe)


def test_two_days_before_the_new_time_it_is_held_anew_and_then_charged_once(moved_hour: Booking, stripe: Stripe):
    hour = on_its_day(moved_hour, stripe)
    assert states(hour) == (B.CONFIRMED, P.AUTHORIZED)
    assert (hour.payment.authorized, hour.payment.card_brand) == (EIGHTY, "mastercard")
    assert set(mails("held")) == {"Ann", "Bob"}
    assert states(people.completed(hour, stripe)) == (B.COMPLETED, P.CAPTURED)
    assert sum(intent.amount_received for intent in stripe.intents()) == 8_000
    assert all_is_well(stripe)


def test_a_session_that_was_far_ahead_once_needs_no_other_card(ann: User, bob: Mentor, stripe: Stripe):
    """Its second hold is told of like its first."""
    hour = people.saved(people.booked(ann, bob, stripe, starts_at=IN_A_MONTH), stripe)
    hour = moved(on_its_day(hour, stripe), stripe, IN_A_MONTH + 14 * DAY)
    assert states(hour) == (B.CONFIRMED, P.CARD_SAVED)
    assert states(on_its_day(hour, stripe)) == (B.CONFIRMED, P.AUTHORIZED)
    db.session.rollback()
    told = db.session.execute(db.text("SELECT count(*) FROM mail WHERE kind = 'held'")).scalar()
    assert told == 4
    assert all_is_well(stripe)


def test_within_its_reach_a_hold_still_goes_along_and_is_renewed_in_time(ready_hour: Booking, stripe: Stripe):
    older = ready_hour.payment.intent_id
    hour = moved(ready_hour, stripe, TOMORROW_AT_TEN + 6 * DAY)
    assert (*states(hour), hour.payment.intent_id) == (B.CONFIRMED, P.AUTHORIZED, older)
    assert stripe.count("/cancel") == 0


def test_what_falls_due_of_the_old_hold_is_not_due_any_more(moved_hour: Booking, stripe: Stripe):
    stripe.wait_until(TOMORROW_AT_TEN + 49 * HOUR)
    jobs.run("expire_stale_holds")
    jobs.run("release_forgotten_holds")
    assert states(moved_hour) == (B.CONFIRMED, P.CARD_SAVED)


def test_if_the_bank_declines_on_the_day_its_owner_is_told_and_at_last_the_time_is_free(
    held_hour: Booking, stripe: Stripe
):
    hour = moved(with_card(held_hour, stripe, DECLINES_LATER), stripe)
    on_its_day(hour, stripe)
    assert states(hour) == (B.CONFIRMED, P.CARD_SAVED)
    assert "Ann" in mails("card_declined")
    for before in (36, 24, 12):
        stripe.wait_until(hour.starts_at - before * HOUR)
        jobs.run("authorize_saved_cards")
        finish()
    assert states(hour) == (B.EXPIRED, P.FAILED)
    assert all_is_well(stripe)


def test_called_off_while_nothing_is_held_it_leaves_nothing(moved_hour: Booking, stripe: Stripe):
    quoted = cancellations.quote(moved_hour, by=Party.MENTEE, now=stripe.now())
    assert quoted.sentence == "Nothing is reserved on a card yet, and nothing is charged."
    cancellations.cancel(moved_hour, by=Party.MENTEE, quoted=quoted.token, now=stripe.now())
    assert states(moved_hour) == (B.CANCELLED, P.VOIDED)
    assert all_is_well(stripe)


# --- who may propose what, and agree to it


def test_a_mentee_without_a_saved_card_is_told_to_save_one(held_hour: Booking, stripe: Stripe):
    with pytest.raises(IllegalMove, match="save a card for it first"):
        ask(held_hour, stripe)
    reach = reaches.of(fresh(held_hour), now=stripe.now()).until(Party.MENTEE)
    assert reach is not None
    offered = reschedules.openings(held_hour, by=Party.MENTEE, now=stripe.now())
    assert max(slot.ends_at for slot in offered.all()) <= reach
    hour = with_card(held_hour, stripe)
    assert reschedules.openings(hour, by=Party.MENTEE, now=stripe.now()).end > IN_A_MONTH
    assert ask(hour, stripe)


def test_a_mentor_proposes_what_the_mentee_agrees_to_with_a_card(held_hour: Booking, stripe: Stripe):
    asked = ask(held_hour, stripe, by=Party.MENTOR)
    told = mails("move_proposed")["Ann"]
    assert "the €80.00 reserved now are released" in told
    assert "reserved anew on Sun 14 Jun 2026, 19:00" in told
    assert "the page asks you for it first" in told
    with pytest.raises(IllegalMove, match="save a card for it first"):
        agree(held_hour, stripe, asked, by=Party.MENTEE)
    assert (fresh(held_hour).starts_at, *states(held_hour)) == (TOMORROW_AT_TEN, B.CONFIRMED, P.AUTHORIZED)
    with_card(held_hour, stripe)
    hour = agree(held_hour, stripe, asked, by=Party.MENTEE)
    assert (hour.starts_at, *states(hour)) == (IN_TWO_WEEKS, B.CONFIRMED, P.CARD_SAVED)
    assert all_is_well(stripe)


def test_both_read_what_becomes_of_the_money(moved_hour: Booking):
    told = mails("moved")
    assert "The €80.00 reserved on your card are released" in told["Ann"]
    assert "reserved anew on Sun 14 Jun 2026, 19:00, on the card that you have saved" in told["Ann"]
    assert "The €80.00 reserved on Ann's card are released" in told["Bob"]
    assert "reserved anew on Sun 14 Jun 2026, 12:00" in told["Bob"]


def test_until_when_cancelling_is_free_stays_where_it_was(ann: User, stripe: Stripe):
    bob = people.mentor("Bob", terms=Terms.STRICT)
    hour = people.paid(people.booked(ann, bob, stripe), stripe)
    anchor = hour.free_until
    hour = moved(with_card(hour, stripe), stripe)
    assert hour.free_until == anchor
    hour = on_its_day(hour, stripe)
    assert cancellations.quote(hour, by=Party.MENTEE, now=stripe.now()).charged == EIGHTY


@pytest.mark.parametrize("by", [Party.MENTEE, Party.MENTOR])
def test_once_cancelling_costs_a_fee_the_hold_that_secures_it_is_not_let_go(ann: User, stripe: Stripe, by: Party):
    """Else Ann would move the session far away and cancel it there, where nothing is held."""
    bob = people.mentor("Bob", terms=Terms.STRICT)
    hour = with_card(people.paid(people.booked(ann, bob, stripe), stripe), stripe)
    asked = ask(hour, stripe, by=by)
    stripe.wait_until(hour.free_until + timedelta(minutes=1))
    with pytest.raises(IllegalMove, match="costs a fee by now"):
        agree(hour, stripe, asked, by=Party.MENTOR if by == Party.MENTEE else Party.MENTEE)
    reschedules.withdraw(fresh(hour), asked, by=by, now=stripe.now())
    with pytest.raises(IllegalMove, match="costs a fee by now"):
        ask(hour, stripe, by=by)
    near = moved(hour, stripe, TOMORROW_AT_TEN + 3 * DAY)
    assert cancellations.quote(near, by=Party.MENTEE, now=stripe.now()).charged == EIGHTY


def test_a_proposal_is_agreed_to_once(ready_hour: Booking, stripe: Stripe):
    asked = ask(ready_hour, stripe)
    agree(ready_hour, stripe, asked, by=Party.MENTOR)
    with pytest.raises(IllegalMove, match="agreed to already"):
        agree(ready_hour, stripe, asked, by=Party.MENTOR)
    assert stripe.count("/cancel") == 1
    assert all_is_well(stripe)


# --- the hold that was let go


def test_whatever_is_heard_of_the_old_hold_brings_it_not_back(app: Flask, ready_hour: Booking, stripe: Stripe):
    """It still stands at Stripe, which does not answer us; every event, a look and the reconciler tell of it."""
    older = ready_hour.payment.intent_id
    stripe.fail_next("error_500_unsaved", "*/cancel", count=2)
    hour = moved(ready_hour, stripe)
    assert stripe.client.v1.payment_intents.retrieve(older).status == "requires_capture"
    assert set(deliver(app, stripe)) <= {200}
    jobs.run("handle_events")
    assert payments.learn(older, now=stripe.now()) is False
    assert jobs.reconcile_since(stripe.now() - DAY).state == ReconciliationState.CLEAN
    assert (*states(hour), fresh(hour).payment.intent_id) == (B.CONFIRMED, P.CARD_SAVED, None)
    finish()
    assert stripe.client.v1.payment_intents.retrieve(older).status == "canceled"
    assert set(deliver(app, stripe)) <= {200}
    jobs.run("handle_events")
    payments.learn(older, now=stripe.now())
    assert jobs.reconcile_since(stripe.now() - DAY).state == ReconciliationState.CLEAN
    assert db.session.execute(db.text("SELECT count(*) FROM stripe_event WHERE state <> 'handled'")).scalar() == 0
    assert states(hour) == (B.CONFIRMED, P.CARD_SAVED)
    assert states(on_its_day(hour, stripe)) == (B.CONFIRMED, P.AUTHORIZED)
    payments.learn(older, now=stripe.now())
    assert fresh(hour).payment.intent_id != older
    assert jobs.reconcile_since(stripe.now() - 40 * DAY).state == ReconciliationState.CLEAN
    assert all_is_well(stripe)


def test_an_answer_that_is_lost_lets_it_go_once(ready_hour: Booking, stripe: Stripe):
    stripe.fail_next("lose_answer", "*/cancel", count=2)
    moved(ready_hour, stripe)
    assert all_is_well(stripe)
    assert stripe.count("/cancel") == 1


def test_one_that_stripe_would_not_let_go_is_tried_again_by_the_reconciler(ready_hour: Booking, stripe: Stripe):
    older = ready_hour.payment.intent_id
    stripe.fail_next("error_500_unsaved", "*/cancel", count=2)
    moved(ready_hour, stripe)
    with atomically():
        letting_go = db.session.scalars(select(Operation).where(Operation.kind == standing_holds.VOID_OTHER)).one()
        operations.close(letting_go, OperationState.REFUSED, now=stripe.now())
    jobs.reconcile_since(stripe.now() - DAY)
    finish()
    assert stripe.client.v1.payment_intents.retrieve(older).status == "canceled"


def test_one_that_was_charged_in_the_dashboard_meanwhile_is_what_the_session_is_paid_with(
    ready_hour: Booking, stripe: Stripe
):
    """Nobody is held to pay twice."""
    older = ready_hour.payment.intent_id
    stripe.client.v1.payment_intents.capture(older)
    hour = moved(ready_hour, stripe)
    assert states(hour) == (B.COMPLETED, P.CAPTURED)
    assert (hour.payment.intent_id, hour.payment.captured) == (older, EIGHTY)
    stripe.wait_until(IN_TWO_WEEKS - 48 * HOUR)
    jobs.run("authorize_saved_cards")
    assert len(stripe.intents()) == 1


# --- a database that forgot


@pytest.fixture
def backup(ready_hour: Booking) -> Iterator[Backup]:
    """From when the card was saved, and nothing had moved."""
    taken = Backup()
    yield taken
    taken.close()


def test_a_backup_from_before_the_card_was_saved_learns_of_it(held_hour: Booking, stripe: Stripe):
    taken = Backup()
    with_card(held_hour, stripe)
    taken.restore()
    assert jobs.reconcile_since(stripe.now() - DAY).state == ReconciliationState.CLEAN
    assert fresh(held_hour).payment.can_be_renewed
    taken.close()
    assert all_is_well(stripe)


@pytest.mark.parametrize("since", ["moved", "held anew"])
def test_of_a_move_that_a_backup_does_not_know_nobody_pays(
    ready_hour: Booking, backup: Backup, stripe: Stripe, since: str
):
    """When it is now is written nowhere but here: it comes back as called off, both are told, and nothing is held."""
    hour = moved(ready_hour, stripe)
    if since == "held anew":
        on_its_day(hour, stripe)
    backup.restore()
    jobs.reconcile_since(stripe.now() - 40 * DAY)
    finish()
    assert states(ready_hour) == (B.CANCELLED, P.VOIDED)
    assert set(mails("cancelled")) == {"Ann", "Bob"}
    assert {intent.status for intent in stripe.intents()} == {"canceled"}


def test_a_session_that_was_booked_and_moved_since_stands_on_its_saved_card(ann: User, bob: Mentor, stripe: Stripe):
    """At the time that is written at Stripe, which is the one it was booked for."""
    taken = Backup()
    hour = with_card(people.paid(people.booked(ann, bob, stripe), stripe), stripe)
    moved(hour, stripe)
    taken.restore()
    assert jobs.reconcile_since(stripe.now() - DAY).state == ReconciliationState.CLEAN
    assert states(hour) == (B.CONFIRMED, P.CARD_SAVED)
    assert fresh(hour).starts_at == TOMORROW_AT_TEN
    assert jobs.reconcile_since(stripe.now() - DAY).state == ReconciliationState.CLEAN
    taken.close()
    assert untruths(stripe) == []
