"""The day has come for a saved card, and others want something of the same hour at the same instant."""

from collections import Counter
from functools import partial

import pytest

from app.actions import payments
from app.kit.errors import Failure, IllegalMove
from app.models.states import BookingState, Party, PaymentState
from tests.faults import rivals
from tests.faults.crowds import ROUNDS, Crowd
from tests.faults.recovery import finish
from tests.faults.rivals import Hour, ask_bank, enter_card, look, the, work
from tests.faults.truths import untold, untruths
from tests.people import HOUR
from tests.stripe_double import Stripe

B, P = BookingState, PaymentState
DECLINES_LATER = "pm_card_chargeCustomerFail"

pytestmark = pytest.mark.faults


def ends_of(hours: list[Hour], tally: Counter[str]) -> set[tuple[BookingState, PaymentState]]:
    states = [(row.state, row.payment.state) for row in map(the, hours) if row.payment]
    tally.update(f"{booking} {payment}" for booking, payment in states)
    return set(states)


def is_told_it_is_over(failure: Failure | None) -> bool:
    return failure is None or isinstance(failure, IllegalMove)


def declined(stripe: Stripe) -> list[Hour]:
    """The bank has said no once, on the day."""
    hours = rivals.saved(stripe, ROUNDS, DECLINES_LATER)
    for hour in hours:
        stripe.wait_until(max(stripe.now(), the(hour).starts_at - 48 * HOUR))
        ask_bank(hour)
        finish()
    return [Hour.of(the(hour)) for hour in hours]


def test_two_workers_hold_once_and_who_calls_off_meanwhile_gets_it_back(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    hours = rivals.saved(shared_stripe, ROUNDS)
    for hour in hours:
        on_the_day = the(hour).starts_at - 48 * HOUR
        shared_stripe.wait_until(max(shared_stripe.now(), on_the_day))
        call_off = partial(rivals.call_off, hour, Party.MENTEE, "0-0-0")
        asking = partial(ask_bank, hour)
        told = crowd.at_once(asking, asking, call_off, work, now=shared_stripe.now())
        assert all(is_told_it_is_over(failure) for failure in told)
    finish()
    assert ends_of(hours, tally) <= {(B.CONFIRMED, P.AUTHORIZED), (B.CANCELLED, P.VOIDED)}
    assert untruths(shared_stripe) == []
    assert untold() == []


@pytest.mark.parametrize(
    ("before", "ends"),
    [(36, {(B.CONFIRMED, P.AUTHORIZED)}), (12, {(B.CONFIRMED, P.AUTHORIZED), (B.EXPIRED, P.FAILED)})],
    ids=["is_asked_again", "is_given_up"],
)
def test_who_pays_at_the_screen_while_the_saved_card(
    before: int,
    ends: set[tuple[B, P]],
    crowd: Crowd,
    shared_stripe: Stripe,
    tally: Counter[str],
):
    hours = declined(shared_stripe)
    for hour in hours:
        shared_stripe.wait_until(max(shared_stripe.now(), the(hour).starts_at - before * HOUR))
        card = partial(enter_card, hour, shared_stripe.intent_of(the(hour)).client_secret)
        told = crowd.at_once(card, partial(ask_bank, hour), partial(look, hour), work, now=shared_stripe.now())
        assert all(is_told_it_is_over(failure) for failure in told)
        payments.learn(hour.intent_id, now=shared_stripe.now())  # her browser comes back in the end
    finish()
    assert ends_of(hours, tally) <= ends
    assert untruths(shared_stripe) == []
