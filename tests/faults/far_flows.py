"""The ways of an hour that is booked further ahead than money can be held."""

from datetime import datetime, timedelta

from app import jobs
from app.actions import bookings, cancellations, card_forms, deadlines
from app.actions.transactions import atomically
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.payment import Payment
from app.models.states import BookingState, Party, PaymentState
from app.models.user import User
from tests import people
from tests.faults.flows import INTENTS, WORK, Flow, ann_and_bob, job, let_go, the_hour, unanswered
from tests.faults.recovery import finish
from tests.people import HOUR, IN_A_MONTH
from tests.stripe_double import Stripe

B, P = BookingState, PaymentState
DECLINES_LATER = "pm_card_chargeCustomerFail"
SETUPS, CONFIRM, SETUP = "/v1/setup_intents", "*/confirm", "/v1/setup_intents/*"
ASK = job("authorize_saved_cards")


def book_far(now: datetime) -> None:
    bookings.book(User.one(User.name == "Ann"), Mentor.one(), people.wish(IN_A_MONTH), now=now)


def reserved_far(stripe: Stripe) -> None:
    ann_and_bob(stripe)
    book_far(stripe.now())


def card_typed(stripe: Stripe) -> None:
    """The card is saved, and nobody of us knows yet."""
    reserved_far(stripe)
    stripe.save(the_hour())


def card_typed_unheard(stripe: Stripe) -> None:
    jobs.run("poll_events")
    card_typed(stripe)
    stripe.wait(timedelta(minutes=1))


def never_typed(stripe: Stripe) -> None:
    reserved_far(stripe)
    stripe.wait(timedelta(minutes=15))


def typed_too_late(stripe: Stripe) -> None:
    card_typed(stripe)
    stripe.wait(timedelta(minutes=15))


def card_saved(stripe: Stripe, card: str = "pm_card_visa") -> None:
    reserved_far(stripe)
    people.saved(the_hour(), stripe, card)


def card_that_will_decline(stripe: Stripe) -> None:
    card_saved(stripe, DECLINES_LATER)


def day_has_come(stripe: Stripe) -> None:
    card_saved(stripe)
    stripe.wait_until(IN_A_MONTH - 48 * HOUR)


def day_of_a_decline_has_come(stripe: Stripe) -> None:
    card_that_will_decline(stripe)
    stripe.wait_until(IN_A_MONTH - 48 * HOUR)


def declined(stripe: Stripe) -> None:
    day_of_a_decline_has_come(stripe)
    ASK(stripe.now())
    finish()


def declined_for_good(stripe: Stripe) -> None:
    declined(stripe)
    for before in (36, 24):
        stripe.wait_until(IN_A_MONTH - before * HOUR)
        ASK(stripe.now())
        finish()
    stripe.wait_until(IN_A_MONTH - 12 * HOUR)


def paid_at_the_screen(stripe: Stripe) -> None:
    """Ann has entered another card, the bank has said yes, and nobody of us knows yet; the worker is about to ask."""
    declined(stripe)
    stripe.pay(the_hour())
    stripe.wait_until(IN_A_MONTH - 36 * HOUR)


def held_not_long_enough(stripe: Stripe) -> None:
    """The time to let go of the hold has come, and the session may still be completed for two days."""
    day_has_come(stripe)
    ASK(stripe.now())
    finish()
    hour_id, payment = the_hour().id, the_hour().payment
    assert payment is not None
    assert payment.capture_before is not None
    let_go_at = payment.capture_before - timedelta(hours=6)
    with atomically():
        hour, held = Booking.locked(hour_id), Payment.locked(payment.id)
        hour.complete_by, held.release_at = let_go_at + timedelta(days=2), let_go_at
        deadlines.lift(deadlines.RELEASE, held.id)
        deadlines.put(deadlines.RELEASE, held.id, let_go_at)
    stripe.wait_until(let_go_at)


def look_at_card(now: datetime) -> None:
    payment = the_hour().payment
    assert payment is not None
    card_forms.check(payment, now=now)


def read(_now: datetime) -> None:
    jobs.run("poll_events")
    jobs.run("handle_events")


def call_off_saved(now: datetime) -> None:
    cancellations.cancel(the_hour(), by=Party.MENTEE, quoted="0-0-0", now=now)


FAR = [
    Flow("book far ahead", ann_and_bob, book_far, B.PENDING_PAYMENT, P.NEEDS_CARD, 0),
    Flow("see that the card is saved", card_typed, look_at_card, B.CONFIRMED, P.CARD_SAVED, 0),
    Flow("read that the card is saved", card_typed_unheard, read, B.CONFIRMED, P.CARD_SAVED, 0),
    Flow("hold on a saved card", day_has_come, ASK, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("hear a saved card declined", day_of_a_decline_has_come, ASK, B.CONFIRMED, P.CARD_SAVED, 0),
    Flow("ask what was paid at the screen", paid_at_the_screen, ASK, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("give up a declined card", declined_for_good, ASK, B.EXPIRED, P.FAILED, 0),
    Flow(
        "hold anew before the bank lets go",
        held_not_long_enough,
        let_go,
        B.CONFIRMED,
        P.AUTHORIZED,
        0,
        too_late=(B.EXPIRED, P.LAPSED, 0),
    ),
    Flow("cancel what stands on a saved card", card_saved, call_off_saved, B.CANCELLED, P.VOIDED, 0),
    Flow("cancel what was declined", declined, call_off_saved, B.CANCELLED, P.VOIDED, 0),
    Flow("cancel before a card is saved", reserved_far, call_off_saved, B.CANCELLED, P.VOIDED, 0),
    Flow("expire what waits for a card to save", never_typed, job("expire_checkouts"), B.EXPIRED, P.VOIDED, 0),
    Flow("expire what was saved unseen", typed_too_late, job("expire_checkouts"), B.EXPIRED, P.VOIDED, 0),
    Flow("finish a setup", unanswered(ann_and_bob, book_far, SETUPS), WORK, B.PENDING_PAYMENT, P.NEEDS_CARD, 0),
    Flow("finish what a hold is made on", unanswered(day_has_come, ASK, INTENTS), WORK, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("finish an authorization", unanswered(day_has_come, ASK, CONFIRM), WORK, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("finish a decline", unanswered(day_of_a_decline_has_come, ASK, CONFIRM), WORK, B.CONFIRMED, P.CARD_SAVED, 0),
    Flow("finish forgetting", unanswered(card_saved, call_off_saved, SETUP), WORK, B.CANCELLED, P.VOIDED, 0),
]
