"""A session is moved by one side with the other's consent; what is held for it goes along, and so does the old fee."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import jobs
from app.actions import availability, bookings, cancellations, letters, opening_hours, reschedules
from app.extensions import db
from app.kit.errors import Busy, IllegalMove, Invalid, NotFound, SlotTaken
from app.kit.terms import Terms
from app.models.availability import SlotClaim
from app.models.booking import Booking
from app.models.mail import Mail
from app.models.mentor import Mentor
from app.models.reschedule import Reschedule
from app.models.states import BookingState, Party, PaymentState, RescheduleState
from app.models.user import User
from tests import people
from tests.people import HOUR, TOMORROW_AT_TEN, fresh
from tests.stripe_double import Stripe

DAY = timedelta(days=1)
DAY_AFTER = TOMORROW_AT_TEN + DAY
ASKS = {"by": Party.MENTEE, "note": "My train is late."}


def proposed(hour: Booking, stripe: Stripe, starts_at=DAY_AFTER, **asks: object) -> str:
    """The id of a new proposal, by Ann unless told."""
    reschedules.propose(hour, starts_at, **{**ASKS, **asks}, now=stripe.now())  # type: ignore[arg-type]
    return of(hour)[-1].id


def of(hour: Booking) -> list[Reschedule]:
    db.session.rollback()
    db.session.expire_all()
    return list(fresh(hour).reschedules)


def moved(hour: Booking, stripe: Stripe, starts_at=DAY_AFTER) -> Booking:
    reschedules.accept(hour, proposed(hour, stripe, starts_at), by=Party.MENTOR, now=stripe.now())
    return fresh(hour)


def mails(kind: str) -> dict[str, str]:
    db.session.rollback()
    found = db.session.scalars(select(Mail).where(Mail.kind == kind))
    return {
        mail.person.name: " ".join(f"{letters.compose(mail).subject} {letters.compose(mail).text}".split())
        for mail in found
    }


def test_a_session_moves_when_the_other_side_agrees_and_the_hold_stays_on_the_card(held_hour: Booking, stripe: Stripe):
    hour = moved(held_hour, stripe)
    assert (hour.starts_at, hour.ends_at) == (DAY_AFTER, DAY_AFTER + HOUR)
    assert hour.state == BookingState.CONFIRMED
    assert len(hour.payments) == 1, "nothing was held anew"
    assert stripe.intent_of(hour).status == "requires_capture"
    assert stripe.count("/cancel") == 0

    stripe.wait_until(DAY_AFTER + HOUR)
    bookings.complete(hour, now=stripe.now())
    assert stripe.intent_of(hour).amount_received == 8_000


def test_its_old_time_is_free_again_and_its_new_one_taken(held_hour: Booking, bob: Mentor, stripe: Stripe):
    moved(held_hour, stripe)
    cho = people.person("Cho")
    with pytest.raises(SlotTaken):
        people.booked(cho, bob, stripe, starts_at=DAY_AFTER, key="cho-wants-the-new-one")
    assert people.booked(cho, bob, stripe, starts_at=TOMORROW_AT_TEN, key="cho-wants-the-old-one")


def test_until_somebody_agrees_nothing_has_changed(held_hour: Booking, stripe: Stripe):
    proposed(held_hour, stripe)
    assert fresh(held_hour).starts_at == TOMORROW_AT_TEN
    assert {claim.cell for claim in db.session.scalars(select(SlotClaim))} == set(
        availability.Slot.of(TOMORROW_AT_TEN, 60).cells
    )


def test_it_can_move_by_half_an_hour_over_its_own_time(held_hour: Booking, stripe: Stripe):
    assert moved(held_hour, stripe, TOMORROW_AT_TEN + HOUR / 2).starts_at == TOMORROW_AT_TEN + HOUR / 2


def test_the_time_that_it_has_is_not_offered_as_another(held_hour: Booking, stripe: Stripe):
    offered = reschedules.openings(held_hour, by=Party.MENTEE, now=stripe.now()).all()
    begin = {slot.starts_at for slot in offered}
    assert held_hour.starts_at not in begin
    assert {held_hour.starts_at - HOUR / 2, held_hour.starts_at + HOUR / 2} <= begin


def test_the_hold_is_let_go_of_by_the_new_time_and_not_the_old(held_hour: Booking, stripe: Stripe):
    hour = moved(held_hour, stripe)
    stripe.wait_until(TOMORROW_AT_TEN + HOUR + timedelta(hours=49))
    jobs.run("expire_stale_holds")
    assert fresh(hour).state == BookingState.CONFIRMED
    stripe.wait_until(DAY_AFTER + HOUR + timedelta(hours=49))
    jobs.run("expire_stale_holds")
    assert fresh(hour).state == BookingState.EXPIRED


def test_reminders_come_for_the_new_time(held_hour: Booking, stripe: Stripe):
    hour = moved(held_hour, stripe, TOMORROW_AT_TEN + 2 * DAY)
    stripe.wait_until(TOMORROW_AT_TEN - HOUR / 2)
    jobs.run("remind")
    assert mails("remind_hour") == {}
    stripe.wait_until(hour.starts_at - HOUR / 2)
    jobs.run("remind")
    assert set(mails("remind_hour")) == {"Ann", "Bob"}


def test_a_fee_is_not_got_around_by_moving_the_session(ann: User, stripe: Stripe):
    bob = people.mentor("Bob", terms=Terms.STRICT)
    hour = people.paid(people.booked(ann, bob, stripe), stripe)
    stripe.wait_until(hour.starts_at - 20 * HOUR)  # too late to cancel for free
    hour = moved(hour, stripe, TOMORROW_AT_TEN + 2 * DAY)
    assert cancellations.quote(hour, by=Party.MENTEE, now=stripe.now()).charged.minor == 8_000


def test_to_meet_earlier_and_then_later_again_takes_nothing_from_the_time_to_cancel_for_free(ann: User, stripe: Stripe):
    bob = people.mentor("Bob", terms=Terms.STRICT)
    hour = people.paid(people.booked(ann, bob, stripe, starts_at=TOMORROW_AT_TEN + 3 * DAY), stripe)
    promised = hour.free_until
    hour = moved(hour, stripe, TOMORROW_AT_TEN + DAY)
    assert hour.cancels_free_until == hour.starts_at
    stripe.wait(HOUR)
    hour = moved(hour, stripe, TOMORROW_AT_TEN + 3 * DAY)
    assert hour.cancels_free_until == promised
    stripe.wait_until(promised)
    assert cancellations.quote(hour, by=Party.MENTEE, now=stripe.now()).charged.minor == 0
    stripe.wait(timedelta(seconds=1))
    assert cancellations.quote(hour, by=Party.MENTEE, now=stripe.now()).charged.minor == 8_000


def test_without_a_saved_card_a_mentee_does_not_move_it_beyond_what_the_bank_keeps(held_hour: Booking, stripe: Stripe):
    stripe.wait(DAY)
    farthest = max(slot.ends_at for slot in reschedules.openings(held_hour, by=Party.MENTEE, now=stripe.now()).all())
    assert farthest == stripe.now() - DAY + timedelta(days=7, hours=-54)
    with pytest.raises(IllegalMove, match="lets the reservation on the card go"):
        proposed(held_hour, stripe, farthest)
    proposed(held_hour, stripe, farthest - HOUR)


def test_both_get_an_invitation_that_replaces_the_old_one(held_hour: Booking, stripe: Stripe):
    moved(held_hour, stripe)
    told = mails("moved")
    assert "begins on Wed 3 Jun 2026, 19:00 (Asia/Tokyo)" in told["Ann"]
    assert "begins on Wed 3 Jun 2026, 12:00 (Europe/Berlin)" in told["Bob"]
    sequences = {
        mail.kind: mail.facts["sequence"] for mail in db.session.scalars(select(Mail)) if mail.person.name == "Ann"
    }
    assert sequences["moved"] > sequences["confirmed"]
    invitation = letters.compose(db.session.scalars(select(Mail).where(Mail.kind == "moved")).first()).invitation
    assert invitation is not None
    assert b"METHOD:REQUEST" in invitation.body


def test_a_mentee_whose_card_is_saved_reads_when_it_is_asked_now(ann: User, bob: Mentor, stripe: Stripe):
    far = stripe.now() + 20 * DAY
    moved(people.saved(people.booked(ann, bob, stripe, starts_at=far), stripe), stripe, far + 7 * DAY)
    assert "The €80.00 are reserved on your saved card on Fri 26 Jun 2026, 17:00" in mails("moved")["Ann"]


def test_a_saved_card_is_asked_before_the_new_time_and_not_the_old(ann: User, bob: Mentor, stripe: Stripe):
    hour = people.saved(people.booked(ann, bob, stripe, starts_at=people.IN_A_MONTH), stripe)
    hour = moved(hour, stripe, people.IN_A_MONTH + 3 * DAY)
    stripe.wait_until(people.IN_A_MONTH - 2 * DAY)
    jobs.run("authorize_saved_cards")
    assert fresh(hour).payment.state == PaymentState.CARD_SAVED
    stripe.wait_until(hour.starts_at - 2 * DAY)
    jobs.run("authorize_saved_cards")
    assert fresh(hour).payment.state == PaymentState.AUTHORIZED


def test_whoever_is_asked_reads_it_in_their_own_time(held_hour: Booking, stripe: Stripe):
    proposed(held_hour, stripe)
    (asked,) = mails("move_proposed").items()
    assert asked[0] == "Bob"
    assert "on Wed 3 Jun 2026, 12:00 (Europe/Berlin) instead" in asked[1]
    assert "My train is late." in asked[1]


@pytest.mark.parametrize("by", [Party.MENTEE, Party.MENTOR])
def test_each_side_can_ask_and_only_the_other_can_agree(held_hour: Booking, stripe: Stripe, by: Party):
    waiting = proposed(held_hour, stripe, by=by)
    with pytest.raises(IllegalMove, match="your own proposal"):
        reschedules.accept(held_hour, waiting, by=by, now=stripe.now())
    other = Party.MENTOR if by == Party.MENTEE else Party.MENTEE
    assert reschedules.proposed_for([held_hour.id], to=other, now=stripe.now()).keys() == {held_hour.id}
    assert reschedules.proposed_for([held_hour.id], to=by, now=stripe.now()) == {}
    reschedules.accept(held_hour, waiting, by=other, now=stripe.now())
    assert fresh(held_hour).starts_at == DAY_AFTER


def test_a_declined_proposal_leaves_everything_and_its_author_hears_of_it(held_hour: Booking, stripe: Stripe):
    waiting = proposed(held_hour, stripe)
    reschedules.decline(held_hour, waiting, by=Party.MENTOR, now=stripe.now())
    assert fresh(held_hour).starts_at == TOMORROW_AT_TEN
    assert "cannot make it on Wed 3 Jun 2026, 19:00" in mails("move_declined")["Ann"]
    with pytest.raises(IllegalMove, match="declined already"):
        reschedules.accept(held_hour, waiting, by=Party.MENTOR, now=stripe.now())
    proposed(held_hour, stripe, TOMORROW_AT_TEN + 2 * DAY)


def test_a_withdrawn_proposal_cannot_be_agreed_to(held_hour: Booking, stripe: Stripe):
    waiting = proposed(held_hour, stripe)
    with pytest.raises(IllegalMove, match="not your proposal"):
        reschedules.withdraw(held_hour, waiting, by=Party.MENTOR, now=stripe.now())
    reschedules.withdraw(held_hour, waiting, by=Party.MENTEE, now=stripe.now())
    with pytest.raises(IllegalMove, match="was withdrawn"):
        reschedules.accept(held_hour, waiting, by=Party.MENTOR, now=stripe.now())


def test_nobody_answers_and_the_session_stays_where_it_is(held_hour: Booking, stripe: Stripe):
    waiting = proposed(held_hour, stripe)
    stripe.wait_until(TOMORROW_AT_TEN)
    with pytest.raises(IllegalMove, match="is over"):
        reschedules.accept(held_hour, waiting, by=Party.MENTOR, now=stripe.now())
    assert jobs.run("lapse_reschedules") == 1
    assert jobs.run("lapse_reschedules") == 0
    assert [row.state for row in of(held_hour)] == [RescheduleState.UNANSWERED]
    assert "has not answered" in mails("move_unanswered")["Ann"]


def test_of_a_session_that_was_called_off_meanwhile_nobody_is_told_more(held_hour: Booking, stripe: Stripe):
    waiting = proposed(held_hour, stripe)
    shown = cancellations.quote(held_hour, by=Party.MENTOR, now=stripe.now())
    cancellations.cancel(held_hour, by=Party.MENTOR, quoted=shown.token, now=stripe.now())
    with pytest.raises(IllegalMove, match="Only a confirmed session"):
        reschedules.accept(fresh(held_hour), waiting, by=Party.MENTOR, now=stripe.now())
    stripe.wait_until(TOMORROW_AT_TEN)
    jobs.run("lapse_reschedules")
    assert mails("move_unanswered") == {}


def test_the_proposed_time_was_taken_meanwhile_and_the_session_keeps_its_old_one(
    held_hour: Booking, bob: Mentor, stripe: Stripe
):
    waiting = proposed(held_hour, stripe)
    people.booked(people.person("Cho"), bob, stripe, starts_at=DAY_AFTER, key="cho-was-a-bit-faster")
    with pytest.raises(SlotTaken) as refused:
        reschedules.accept(held_hour, waiting, by=Party.MENTOR, now=stripe.now())
    assert refused.value.money == reschedules.STAYS
    assert fresh(held_hour).starts_at == TOMORROW_AT_TEN
    assert [row.state for row in of(held_hour)] == [RescheduleState.PROPOSED]
    with pytest.raises(SlotTaken):
        people.booked(people.person("Dia"), bob, stripe, starts_at=TOMORROW_AT_TEN, key="dia-finds-it-still-taken")


def test_there_is_one_proposal_at_a_time(held_hour: Booking, stripe: Stripe):
    proposed(held_hour, stripe)
    with pytest.raises(IllegalMove, match="a proposal already"):
        proposed(held_hour, stripe, DAY_AFTER + HOUR, by=Party.MENTOR)


def test_a_time_that_is_not_offered_cannot_be_proposed(held_hour: Booking, stripe: Stripe):
    with pytest.raises(Invalid):
        proposed(held_hour, stripe, stripe.now() - DAY)
    with pytest.raises(Invalid):
        proposed(held_hour, stripe, DAY_AFTER + timedelta(minutes=7))
    with pytest.raises((IllegalMove, Invalid)):
        proposed(held_hour, stripe, TOMORROW_AT_TEN)
    assert of(held_hour) == []


def test_a_session_that_has_begun_stays_where_it_is(held_hour: Booking, stripe: Stripe):
    stripe.wait_until(TOMORROW_AT_TEN)
    with pytest.raises(IllegalMove, match="has begun"):
        proposed(held_hour, stripe)


def test_someone_elses_proposal_is_not_there(held_hour: Booking, bob: Mentor, stripe: Stripe):
    waiting = proposed(held_hour, stripe)
    cho = people.person("Cho")
    other = people.paid(
        people.booked(cho, bob, stripe, starts_at=DAY_AFTER + DAY, key="chos-own-hour-with-bob"), stripe
    )
    with pytest.raises(NotFound):
        reschedules.accept(other, waiting, by=Party.MENTOR, now=stripe.now())


def test_while_money_is_on_its_way_a_session_does_not_move(held_hour: Booking, stripe: Stripe):
    waiting = proposed(held_hour, stripe)
    stripe.fail_next("lose_answer", "*/cancel", count=4)
    shown = cancellations.quote(held_hour, by=Party.MENTOR, now=stripe.now())
    with pytest.raises(Exception, match=r"."):
        cancellations.cancel(held_hour, by=Party.MENTOR, quoted=shown.token, now=stripe.now())
    with pytest.raises(Busy):
        reschedules.accept(fresh(held_hour), waiting, by=Party.MENTOR, now=stripe.now())


def test_a_mentors_full_day_takes_no_session_that_moves_in(held_hour: Booking, bob: Mentor, stripe: Stripe):
    waiting = proposed(held_hour, stripe)
    cho = people.person("Cho")
    people.booked(cho, bob, stripe, starts_at=DAY_AFTER + 3 * HOUR, key="cho-fills-the-day-of-bob")
    opening_hours.set_rules(bob, opening_hours.Rules(daily_cap=1))
    with pytest.raises(SlotTaken):
        reschedules.accept(held_hour, waiting, by=Party.MENTOR, now=stripe.now())
    assert fresh(held_hour).starts_at == TOMORROW_AT_TEN
