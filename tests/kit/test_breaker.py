"""Who does not answer is left alone for a while, and tried out by one before everybody comes back."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from app.kit.breaker import Breaker

SECOND = timedelta(seconds=1)


class Hands:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.time = timedelta(days=3)

    def __call__(self) -> timedelta:
        return self.time


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def breaker(hands: Hands) -> Breaker:
    return Breaker(hands, limit=3, pause=10 * SECOND)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.lets_through()
        breaker.failed()


def test_a_few_failures_are_borne(breaker: Breaker):
    fail(breaker, 2)
    assert breaker.lets_through()
    assert not breaker.is_open


def test_only_failures_in_a_row_count(breaker: Breaker):
    for _ in range(5):
        fail(breaker, 2)
        breaker.succeeded()
    assert not breaker.is_open


def test_after_three_failures_in_a_row_nobody_is_let_through_for_ten_seconds(breaker: Breaker, hands: Hands):
    fail(breaker, 3)
    hands.time += 9 * SECOND
    assert breaker.is_open
    assert not breaker.lets_through()
    hands.time += SECOND
    assert not breaker.is_open


def test_after_the_pause_one_tries_it_out_while_the_others_wait_on(breaker: Breaker, hands: Hands):
    fail(breaker, 3)
    hands.time += 10 * SECOND
    assert [breaker.lets_through() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert all(breaker.lets_through() for _ in range(3))


def test_who_tries_it_out_in_vain_prolongs_the_pause(breaker: Breaker, hands: Hands):
    fail(breaker, 3)
    hands.time += 10 * SECOND
    assert breaker.lets_through()
    hands.time += 5 * SECOND
    breaker.failed()
    hands.time += 9 * SECOND
    assert not breaker.lets_through()
    hands.time += SECOND
    assert breaker.lets_through()


def test_who_tries_it_out_and_never_comes_back_keeps_the_others_for_one_more_pause_only(breaker: Breaker, hands: Hands):
    fail(breaker, 3)
    hands.time += 10 * SECOND
    assert breaker.lets_through()
    hands.time += 10 * SECOND
    assert breaker.lets_through()


def test_of_many_threads_that_come_after_the_pause_one_is_let_through(breaker: Breaker, hands: Hands):
    fail(breaker, 3)
    hands.time += 10 * SECOND
    together, answers = Barrier(16), list[bool]()

    def come() -> None:
        together.wait()
        answers.append(breaker.lets_through())

    threads = [Thread(target=come) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 15 + [True]
