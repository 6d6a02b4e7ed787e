"""The ways of an hour that moves beyond what its hold outlives: a card is saved for that, and another hold planned."""

from datetime import datetime, timedelta

from app import jobs
from app.actions import cards_for_moves, reschedules
from app.models.states import BookingState, Party, PaymentState
from tests import people
from tests.faults.far_flows import ASK, SETUPS, look_at_card, read
from tests.faults.flows import CANCEL, WORK, Flow, held, the_hour, unanswered
from tests.people import HOUR, TOMORROW_AT_TEN
from tests.stripe_double import Stripe

B, P = BookingState, PaymentState
IN_TWO_WEEKS = TOMORROW_AT_TEN + timedelta(days=14)


def ask_for_card(now: datetime) -> None:
    cards_for_moves.ask(the_hour(), consent=True, now=now)


def asked_for_card(stripe: Stripe) -> None:
    held(stripe)
    ask_for_card(stripe.now())


def card_typed(stripe: Stripe) -> None:
    """The card is saved beside the hold, and nobody of us knows yet."""
    asked_for_card(stripe)
    stripe.save(the_hour())


def card_typed_unheard(stripe: Stripe) -> None:
    asked_for_card(stripe)
    jobs.run("poll_events")
    stripe.save(the_hour())
    stripe.wait(timedelta(minutes=1))


def proposed(stripe: Stripe) -> None:
    """Ann has saved a card and would like to move by two weeks."""
    asked_for_card(stripe)
    people.saved(the_hour(), stripe)
    reschedules.propose(the_hour(), IN_TWO_WEEKS, by=Party.MENTEE, note="", now=stripe.now())


def day_has_come(stripe: Stripe) -> None:
    proposed(stripe)
    move(stripe.now())
    stripe.wait_until(IN_TWO_WEEKS - 48 * HOUR)


def move(now: datetime) -> None:
    """Bob agrees."""
    reschedules.accept(the_hour(), the_hour().reschedules[0].id, by=Party.MENTOR, now=now)


MOVES = [
    Flow("ask for a card to move with", held, ask_for_card, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("see that a card to move with is saved", card_typed, look_at_card, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("read that a card to move with is saved", card_typed_unheard, read, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("move beyond a hold", proposed, move, B.CONFIRMED, P.CARD_SAVED, 0),
    Flow("hold anew after a move", day_has_come, ASK, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("finish a setup to move with", unanswered(held, ask_for_card, SETUPS), WORK, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("finish letting go of a hold", unanswered(proposed, move, CANCEL), WORK, B.CONFIRMED, P.CARD_SAVED, 0),
]
