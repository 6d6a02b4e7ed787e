"""Stripe's hour of absence after three days without webhooks: a sample of the proof, at a slower pace than real."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.databases import postgresql_url
from tests.faults.outage import PATIENCE, Outage, at_work
from tests.faults.outages import STORIES

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_when_stripe_is_back_everything_comes_to_its_right_end_by_itself(database: str, tmp_path: Path, worker_id: str):
    url = f"sqlite:///{tmp_path / 'test.db'}" if database == "sqlite" else postgresql_url(worker_id)
    with at_work(url) as (app, stripe):
        outage = Outage(app, stripe, crowd=1, seed=1, quiet_pace=timedelta(minutes=10), pace=timedelta(seconds=30))
        outcome = outage.prove()
    assert outcome.wrong == [], outcome
    assert outcome.right_after is not None
    assert outcome.right_after <= PATIENCE
    assert outcome.stories == len(STORIES)
    assert outcome.failed_calls > 100
    assert outcome.lost_webhooks > 50
