"""Requests to Stripe keep a budget that all processes share: batches wait for their turn, people never do."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import create_app, jobs
from app.actions import budget, cancellations
from app.actions.budget import IN_ALL, SECOND, Turnstile
from app.extensions import db
from app.gateways.guard import Guard
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from app.kit.breaker import Breaker
from app.kit.columns import database_microseconds
from app.models.budget import RequestBudget
from app.models.states import Party
from tests.conftest import settings_for
from tests.simulator.in_process import InProcessClient
from tests.statements import overheard
from tests.stripe_double import API, Stripe
from tests.test_crew import held_hours, written_down

CANCEL = "POST /v1/payment_intents/:id/cancel"
AGES = 50 * SECOND
PATIENCE = 10.0  # seconds in which even a busy machine has done what nobody waits for


def guarded(stripe: Stripe, turnstile: Turnstile) -> StripeGateway:
    """A way to Stripe as another process has it, on this or another host."""
    guard = Guard(Breaker(clock.steady), turnstile.turn)
    return StripeGateway("sk_test_platform", api=API, http_client=InProcessClient(stripe.simulator), guard=guard)


def side_by_side(app: Flask, *works: Callable[[], object]) -> None:
    """Do all of them at once, each as a batch in an application context of its own. Raises: what one of them raised."""
    problems: list[BaseException] = []

    def do(work: Callable[[], object]) -> None:
        try:
            with app.app_context(), budget.batch():
                work()
        except BaseException as problem:
            problems.append(problem)

    threads = [Thread(target=do, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


def booked_until(ahead: int, *endpoints: str) -> None:
    """So much is booked already, in microseconds of the database's clock from now."""
    for endpoint in endpoints:
        db.session.merge(RequestBudget(endpoint=endpoint, free_at=database_microseconds() + ahead))
    db.session.commit()


def booked(endpoint: str) -> int:
    """How far ahead, in microseconds."""
    ahead = db.session.scalar(
        select(RequestBudget.free_at - database_microseconds()).where(RequestBudget.endpoint == endpoint)
    )
    db.session.rollback()
    assert ahead is not None
    return ahead


@contextmanager
def arrivals(stripe: Stripe) -> Iterator[dict[str, list[float]]]:
    """When requests arrive at Stripe, in seconds from now, by what they ask for."""
    begun, arrived = time.monotonic(), dict[str, list[float]]()

    def note(request: Any, _answer: Any) -> None:
        arrived.setdefault(request.path, []).append(time.monotonic() - begun)

    stripe.simulator.watchers.append(note)
    try:
        yield arrived
    finally:
        stripe.simulator.watchers.remove(note)


def most_in(arrived: list[float]) -> float:
    """The highest rate, in requests a second, at which they came up to any moment; the first one is free."""
    return max((n / moment for n, moment in enumerate(sorted(arrived)) if n), default=0)


def test_batches_of_several_processes_keep_the_budget_together(app: Flask, stripe: Stripe):
    here, there = (guarded(stripe, Turnstile(in_all=40, per_endpoint=20)) for _ in range(2))
    asked = [
        work
        for gateway in (here, there)
        for work in (
            lambda g=gateway: [g.account_id() for _ in range(10)],
            lambda g=gateway: [g.account_id() for _ in range(5)],
            lambda g=gateway: [g.refunds_of("pi_1") for _ in range(15)],
            lambda g=gateway: [g.find_customer("ann@example.com", "op_1") for _ in range(15)],
        )
    ]
    with arrivals(stripe) as arrived:
        side_by_side(app, *asked)
    assert Counter({path: len(times) for path, times in arrived.items()}) == {
        "/v1/account": 30,
        "/v1/refunds": 30,
        "/v1/customers": 30,
    }
    for times in arrived.values():
        assert most_in(times) <= 20
    assert most_in([moment for times in arrived.values() for moment in times]) <= 40


def test_a_person_passes_at_once_however_much_is_booked(app: Flask, stripe: Stripe):
    booked_until(AGES, IN_ALL, "GET /v1/account")
    gateway, begun = guarded(stripe, Turnstile(in_all=80, per_endpoint=20)), time.monotonic()
    gateway.account_id()
    assert time.monotonic() - begun < PATIENCE


def test_batches_wait_for_the_longer_the_more_people_have_passed(app: Flask, stripe: Stripe):
    gateway = guarded(stripe, Turnstile(in_all=80, per_endpoint=2))
    for _ in range(2):
        gateway.account_id()
    with budget.batch():
        begun = time.monotonic()
        gateway.account_id()
    assert time.monotonic() - begun > 0.2, "it has let both go first"


def test_a_rush_of_people_is_not_made_up_for_for_ever(app: Flask, stripe: Stripe):
    gateway = guarded(stripe, Turnstile(in_all=80, per_endpoint=2))
    for _ in range(40):
        gateway.account_id()
    assert booked("GET /v1/account") <= 1.5 * SECOND


def test_a_moments_hesitation_is_made_up_for_and_no_more(app: Flask, stripe: Stripe):
    gateway = guarded(stripe, Turnstile(in_all=0, per_endpoint=1))
    booked_until(-budget.SLACK * 9 // 10, "GET /v1/account")
    gateway.account_id()
    assert booked("GET /v1/account") < 0.95 * SECOND, "it counts from when it could have been"
    booked_until(-AGES, "GET /v1/account")
    gateway.account_id()
    assert booked("GET /v1/account") > -PATIENCE * SECOND


@pytest.mark.parametrize("limits", [(0, 0), (0, 1_000_000), (1_000_000, 0)], ids=str)
def test_a_limit_of_nothing_is_no_limit(limits: tuple[int, int], app: Flask, stripe: Stripe):
    booked_until(AGES, *[name for name, limit in zip((IN_ALL, "GET /v1/account"), limits, strict=True) if not limit])
    gateway = guarded(stripe, Turnstile(in_all=limits[0], per_endpoint=limits[1]))
    begun = time.monotonic()
    with budget.batch():
        for _ in range(20):
            gateway.account_id()
    assert time.monotonic() - begun < PATIENCE


def test_when_the_databases_clock_was_put_back_nobody_waits_until_it_has_caught_up(app: Flask, stripe: Stripe):
    booked_until(3_600 * SECOND, IN_ALL, "GET /v1/account")
    begun = time.monotonic()
    with budget.batch():
        guarded(stripe, Turnstile(in_all=80, per_endpoint=20)).account_id()
    assert time.monotonic() - begun < PATIENCE
    assert booked(IN_ALL) < SECOND


def passes(turnstile: Turnstile, endpoint: str, times: int = 1) -> None:
    for _ in range(times):
        with turnstile.turn(endpoint):
            pass


def test_of_batches_so_many_are_under_way_at_once_and_a_person_beside_them(app: Flask, stripe: Stripe):
    turnstile, inside, most = Turnstile(in_all=0, per_endpoint=0, at_once=2), [0], [0]
    full = Barrier(2, timeout=PATIENCE)

    def stays_a_while() -> None:
        with turnstile.turn("GET /a"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            full.wait()  # for as many as may be inside
            inside[0] -= 1

    with ExitStack() as others:
        for _ in range(2):
            with budget.batch():
                others.enter_context(turnstile.turn("GET /a"))
        passes(turnstile, "GET /a")  # though all connections are taken
    side_by_side(app, *[stays_a_while] * 6)
    assert most == [2]


def test_to_count_takes_one_statement_and_nobody_is_in_anothers_way(app: Flask, stripe: Stripe):
    fast = [Turnstile(in_all=SECOND, per_endpoint=SECOND) for _ in range(2)]
    works = [
        lambda t=turnstile, e=endpoint: passes(t, e, 25)
        for turnstile in fast
        for endpoint in ("GET /a", "GET /b", "POST /a", "GET /a")
    ]
    with overheard(db.engine) as heard:
        side_by_side(app, *works)  # a deadlock or a database that is locked would be raised
    assert len([statement for statement in heard if statement.startswith("INSERT")]) == 200
    assert len(heard) == 200


@pytest.fixture
def counting_app(database_url: str, stripe: Stripe) -> Iterator[Flask]:
    """The application with the budget of production."""
    turnstile = Turnstile(in_all=80, per_endpoint=20)
    application = create_app(settings_for(database_url), gateway=guarded(stripe, turnstile))
    clock.use(stripe.now)
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


def test_what_a_person_does_passes_and_what_the_worker_does_waits(counting_app: Flask, stripe: Stripe):
    calls_off, is_called_off = held_hours(stripe, 2)
    written_down([is_called_off], stripe)
    booked_until(AGES, CANCEL)
    begun = time.monotonic()
    cancellations.cancel(calls_off, by=Party.MENTOR, quoted="4000-0-0", now=stripe.now())
    assert time.monotonic() - begun < PATIENCE
    booked_until(SECOND, CANCEL)
    begun = time.monotonic()
    assert jobs.run("finish_operations") == 1
    assert time.monotonic() - begun > 0.9


def test_the_crew_waits_like_the_worker_that_it_is(counting_app: Flask, stripe: Stripe):
    hours = held_hours(stripe, 6)
    written_down(hours, stripe)
    crew = jobs.Crew(counting_app, 4)
    with arrivals(stripe) as arrived:
        assert crew.work("finish_operations") == len(hours)
    crew.close()
    cancelled = [moment for path, times in arrived.items() if path.endswith("/cancel") for moment in times]
    assert len(cancelled) == len(hours)
    assert most_in(cancelled) <= 20


def test_no_budget_is_no_reason_to_refuse_a_person(app: Flask, stripe: Stripe):
    RequestBudget.__table__.drop(db.engine)
    try:
        assert guarded(stripe, Turnstile(in_all=80, per_endpoint=20)).account_id()
    finally:
        RequestBudget.__table__.create(db.engine)
