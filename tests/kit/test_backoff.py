"""What does not work is tried later and later, and never everything at the same moment."""

from app.kit import backoff


def pauses(tries: int, *, longest: int = 900) -> set[int]:
    return {backoff.pause(tries, longest=longest) for _ in range(2_000)}


def test_each_try_doubles_the_pause_by_chance():
    assert pauses(1) == {2}
    assert pauses(2) == {3, 4}
    assert pauses(4) == set(range(9, 17))


def test_a_pause_has_a_longest_however_often_something_was_tried():
    assert pauses(7, longest=60) == set(range(31, 61))
    assert max(pauses(5_000)) <= 900


def test_a_clock_of_whole_seconds_cannot_end_a_pause_by_ticking_once():
    assert min(pauses(1) | pauses(2) | pauses(3)) > 1
