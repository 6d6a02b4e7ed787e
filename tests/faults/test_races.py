"""Two or more want to end the same hour at the same instant: one effect, and everybody is told something true.

Processes race, on both databases; ROUNDS says how often, SEED in which order they are held back.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import psycopg
import pytest
from sqlalchemy import make_url

from app.extensions import db
from app.kit.errors import Failure, GatewayRefused, IllegalMove, Invalid, NotAllowed
from app.models.event import StripeEvent
from app.models.states import BookingState, Party
from tests.faults import rivals
from tests.faults.crowds import ROUNDS, Crowd
from tests.faults.recovery import finish
from tests.faults.rivals import PRICE, Hour, call_off, complete, expire, look, take_back, the, work
from tests.faults.truths import untruths
from tests.stripe_double import Stripe

B = BookingState
TOLD_OF_A_REFUND = (IllegalMove, Invalid, GatewayRefused)  # it has changed; it is too much; for Stripe, it is too much

pytestmark = pytest.mark.faults


def ends_of(hours: list[Hour], tally: Counter[str]) -> set[BookingState]:
    states = [the(hour).state for hour in hours]
    tally.update(map(str, states))
    return set(states)


def is_told_it_is_over(failure: Failure | None) -> bool:
    return failure is None or isinstance(failure, IllegalMove)


def test_two_tabs_that_complete_make_one_capture(crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]):
    hours = rivals.held(shared_stripe, ROUNDS)
    for hour in hours:
        tab = partial(complete, hour)
        told = crowd.at_once(tab, tab, tab, work, now=hour.complete_by)
        assert sum(isinstance(failure, IllegalMove) for failure in told) == 2
    finish()
    assert ends_of(hours, tally) == {B.COMPLETED}
    assert shared_stripe.count("/capture") == ROUNDS
    assert untruths(shared_stripe) == []


@pytest.mark.parametrize(
    ("acts", "ends"),
    [
        ((complete, call_off), {B.COMPLETED, B.CANCELLED}),
        ((call_off, expire), {B.CANCELLED, B.EXPIRED}),
        ((complete, expire), {B.COMPLETED, B.EXPIRED}),
        ((complete, rivals.report_no_show), {B.COMPLETED, B.NO_SHOW}),
        ((complete, call_off, expire), {B.COMPLETED, B.CANCELLED, B.EXPIRED}),
    ],
    ids=lambda given: "_against_".join(act.__name__ for act in given) if isinstance(given, tuple) else "",
)
def test_of_several_ends_one_happens(
    acts: tuple[Callable[[Hour], None], ...], ends: set[B], crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    """At the last moment at which an hour can be completed, which is also the first at which it can expire."""
    hours = rivals.held(shared_stripe, ROUNDS)
    for hour in hours:
        told = crowd.at_once(*(partial(act, hour) for act in acts), work, now=hour.complete_by)
        assert all(is_told_it_is_over(failure) for failure in told)
    finish()
    assert ends_of(hours, tally) <= ends
    assert shared_stripe.count("/capture") + shared_stripe.count("/cancel") == ROUNDS
    assert untruths(shared_stripe) == []


@pytest.fixture
def strict_database(database_url: str) -> Iterator[None]:
    """Of two that write the same row, the second is broken off, where it would only have to wait otherwise."""

    def tell(setting: str) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute(f"ALTER DATABASE {make_url(database_url).database} {setting}".encode())

    tell("SET default_transaction_isolation = 'repeatable read'")
    yield
    tell("RESET default_transaction_isolation")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_the_database_breaks_off_is_done_again_whole(
    strict_database: None, crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    hours = rivals.held(shared_stripe, ROUNDS)
    for hour in hours:
        acts = [partial(act, hour) for act in (complete, call_off, look)]
        told = crowd.at_once(*acts, work, now=hour.complete_by)
        assert all(is_told_it_is_over(failure) for failure in told)
    finish()
    assert ends_of(hours, tally) <= {B.COMPLETED, B.CANCELLED}
    assert shared_stripe.count("/capture") + shared_stripe.count("/cancel") == ROUNDS
    assert untruths(shared_stripe) == []


def test_two_who_take_back_a_completed_session_refund_it_once(crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]):
    hours = rivals.charged(shared_stripe, ROUNDS)
    for hour in hours:
        acts = [partial(take_back, hour), partial(take_back, hour, Party.OPERATOR), work]
        assert all(is_told_it_is_over(failure) for failure in crowd.at_once(*acts, now=hour.complete_by))
    finish()
    assert ends_of(hours, tally) == {B.CANCELLED}
    assert shared_stripe.count("/v1/refunds") == ROUNDS
    assert untruths(shared_stripe) == []


def test_parallel_refunds_ours_and_the_dashboards_give_back_no_more_than_was_charged(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    hours = rivals.charged(shared_stripe, ROUNDS)
    for hour in hours:
        part, whole = partial(rivals.give_part_back, hour, PRICE // 2), partial(take_back, hour)
        elsewhere = partial(rivals.refund_in_dashboard, hour, PRICE // 4)
        told = crowd.at_once(part, part, elsewhere, whole, now=hour.complete_by)
        assert all(failure is None or isinstance(failure, TOLD_OF_A_REFUND) for failure in told)
        look(hour)  # Stripe has told of the dashboard's refund
        tally[f"{the(hour).payment.refunded.minor} given back"] += 1
    finish()
    assert untruths(shared_stripe) == []


@pytest.mark.parametrize("ending", [expire, rivals.give_up], ids=["expires", "is_given_up"])
def test_a_card_that_comes_while_the_checkout_ends_is_held_for_a_confirmed_hour_or_not_at_all(
    ending: Callable[[Hour], None], crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    hours = rivals.reserved(shared_stripe, ROUNDS)
    for hour in hours:
        card = partial(rivals.enter_card, hour, shared_stripe.intent_of(the(hour)).client_secret)
        told = crowd.at_once(card, partial(ending, hour), partial(look, hour), work, now=hour.pay_by)
        assert all(is_told_it_is_over(failure) for failure in told)
        look(hour)  # the mentee's browser comes back in the end
    finish()
    assert ends_of(hours, tally) <= {B.CONFIRMED, B.EXPIRED, B.CANCELLED}
    assert untruths(shared_stripe) == []


def test_two_looks_a_knock_and_the_worker_confirm_an_hour_once(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    hours = rivals.reserved(shared_stripe, ROUNDS)
    for hour in hours:
        shared_stripe.pay(the(hour))
        body = json.dumps(shared_stripe.simulator.events_since(None)[-1]).encode()
        signature = shared_stripe.simulator.sign(body, shared_stripe.now().timestamp())
        looking, hearing = partial(look, hour), partial(rivals.hear, body, signature)
        assert crowd.at_once(looking, looking, hearing, work, now=shared_stripe.now()) == [None] * 4
    finish()
    assert ends_of(hours, tally) == {B.CONFIRMED}
    assert untruths(shared_stripe) == []


def test_nobody_whose_money_is_moving_can_be_deleted(crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]):
    """There is no way to delete an account yet; whoever tries by hand is refused by the database."""
    hours = rivals.held(shared_stripe, ROUNDS)
    for hour in hours:
        deletions = [partial(rivals.delete_account, who) for who in (the(hour).mentee_id, the(hour).mentor.user_id)]
        told = crowd.at_once(partial(complete, hour), *deletions, work, now=hour.complete_by)
        assert [type(failure) for failure in told[1:3]] == [NotAllowed] * 2
        assert is_told_it_is_over(told[0])
    finish()
    assert ends_of(hours, tally) == {B.COMPLETED}
    assert untruths(shared_stripe) == []


def test_an_event_that_comes_a_hundred_times_at_once_is_one_row(crowd: Crowd, shared_stripe: Stripe):
    (hour,) = rivals.reserved(shared_stripe, 1)
    shared_stripe.pay(the(hour))
    body = json.dumps(shared_stripe.simulator.events_since(None)[-1]).encode()
    knock = partial(rivals.hear, body, shared_stripe.simulator.sign(body, shared_stripe.now().timestamp()))
    assert crowd.at_once(*[knock] * 100, now=shared_stripe.now()) == [None] * 100
    db.session.rollback()
    assert db.session.query(StripeEvent).count() == 1
    finish()
    assert the(hour).state == B.CONFIRMED
    assert untruths(shared_stripe) == []
