"""The line to PostgreSQL breaks while a commit is asked for: it may have been done or not, and nobody knows.

The application is told that the connection is lost. Whoever comes next reads how things stand, and goes on from there.
By default at every commit of a third of the flows; COMMITS=all takes all flows.
"""

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.extensions import db
from app.kit.errors import GatewayDown, IllegalMove
from app.web.errors import DATABASES_TROUBLE
from tests.conftest import migrate
from tests.databases import postgresql_url
from tests.faults.every_flow import FLOWS
from tests.faults.flows import Flow
from tests.faults.lines import Line
from tests.faults.recovery import deliver, finish, let_leases_run_out
from tests.faults.trials import Trials
from tests.faults.truths import untruths
from tests.faults.worlds import World
from tests.stripe_double import Stripe

JOBS = ("hear", "read", "follow", "expire", "finish")
SAMPLE = FLOWS if os.environ.get("COMMITS") == "all" else FLOWS[::3]

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def line(worker_id: str) -> Iterator[Line]:
    url = postgresql_url(worker_id)
    migrate(url)
    made = Line(url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def trials(line: Line) -> Iterator[Trials]:
    world = World(line.url)
    yield Trials(world)
    world.close()


@pytest.mark.parametrize("flow", SAMPLE, ids=lambda flow: flow.name.replace(" ", "_"))
def test_whether_a_commit_was_done_or_not_the_next_one_ends_it_right(flow: Flow, trials: Trials, line: Line):
    commits = commits_of(flow, trials, line)
    assert commits >= 1
    for commit in range(1, commits + 1):
        for arrives in (False, True):
            with trials.about_to(flow.name) as stripe:
                line.break_at(commit, arrives=arrives)
                was_told = act(flow, stripe)
                line.break_at(0, arrives=False)
                wrongs = recovered(flow, stripe, trials)
            assert wrongs == [], f"commit {commit} of {commits}, {'done' if arrives else 'not done'}"
            is_a_jobs = flow.name.startswith(JOBS) or flow.act.__qualname__.startswith("job.")
            assert was_told or is_a_jobs, "only a job keeps it to itself"


def test_the_line_breaks_where_it_is_meant_to(trials: Trials, line: Line):
    with trials.world.alive(trials.world.empty):
        for arrives in (False, True):
            line.break_at(1, arrives=arrives)
            with pytest.raises(DATABASES_TROUBLE), db.engine.begin() as connection:
                connection.execute(text("INSERT INTO balance VALUES ('a', 'EUR', 1)"))
            line.break_at(0, arrives=False)
            with db.engine.begin() as connection:
                connection.execute(text("SELECT pg_sleep(0.05)"))
                assert connection.execute(text("SELECT count(*) FROM balance")).scalar_one() == arrives


def commits_of(flow: Flow, trials: Trials, line: Line) -> int:
    with trials.about_to(flow.name) as stripe:
        line.break_at(0, arrives=False)
        assert not act(flow, stripe)
        return line.commits


def act(flow: Flow, stripe: Stripe) -> bool:
    """Do it; whether one was told that the database is lost."""
    try:
        flow.act(stripe.now())
    except DATABASES_TROUBLE:
        db.session.remove()
        return True
    return False


def recovered(flow: Flow, stripe: Stripe, trials: Trials) -> list[str]:
    """The person tries again, the worker works, Stripe knocks; what is wrong then."""
    let_leases_run_out()
    try:
        flow.act(stripe.now())
    except (IllegalMove, GatewayDown):
        db.session.rollback()  # "it is done already", "it is being confirmed"
    finish()
    answers = [f"a webhook was answered {status}" for status in deliver(trials.world.app, stripe) if status != 200]
    finish()
    return answers + untruths(stripe) + flow.wrong_end()
