"""PostgreSQL is killed under load: a sample of the proof, and of the control that has to lose something."""

from collections.abc import Iterator

import pytest

from tests.faults.crash import BUSY, prove
from tests.faults.postmasters import Postmaster

pytestmark = pytest.mark.faults


@pytest.fixture
def postmaster() -> Iterator[Postmaster]:
    made = Postmaster()
    yield made
    made.close()


def test_whatever_was_acknowledged_survives_the_death_of_the_server(postmaster: Postmaster):
    outcome = prove(postmaster, kills=2, seed=1)
    assert (outcome.lost, outcome.wrong) == ([], []), outcome
    assert outcome.kills == 2
    assert len(outcome.notes) > 2 * BUSY[0], "hardly anybody did anything"
    assert outcome.interrupted


def test_a_server_that_acknowledges_before_it_has_written_loses_something(postmaster: Postmaster):
    assert prove(postmaster, kills=1, seed=1, careless=True).lost
