"""The worker's timetable on the simulated clock: hours pass in seconds, and everything that is done has its time."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from app import jobs
from tests.faults.recovery import let_pass
from tests.stripe_double import Stripe

Act = Callable[[], object]


class Timetable:
    """The jobs at their own intervals (or a slower ``pace``), and whatever else is to happen at a moment.

    Leases and pauses, which are in the database's own time, get older as the simulated time passes.
    """

    def __init__(self, stripe: Stripe, *, pace: timedelta = timedelta()) -> None:
        self.runs = 0
        self._stripe, self._pace = stripe, pace
        self._order = count()
        self._coming: list[tuple[datetime, int, Act]] = []
        for name, job in jobs.JOBS.items():
            self.every(job.every, self._job(name))

    def hurry(self, pace: timedelta = timedelta()) -> None:
        """Change the pace for whatever is planned from now on."""
        self._pace = pace

    def at(self, when: datetime, act: Act) -> None:
        """Let something happen once."""
        heapq.heappush(self._coming, (when, next(self._order), act))

    def every(self, interval: timedelta, act: Act) -> None:
        """Let something happen again and again, from now on."""

        def again() -> None:
            self.at(self._stripe.now() + max(interval, self._pace), again)
            act()

        self.at(self._stripe.now(), again)

    def run_until(self, then: datetime) -> None:
        """Let time pass, at Stripe's, here and at the database, and do what is due on the way, in order."""
        while self._coming and self._coming[0][0] <= then:
            when, _, act = heapq.heappop(self._coming)
            self._pass_until(when)
            act()
        self._pass_until(then)

    def _pass_until(self, then: datetime) -> None:
        if then > self._stripe.now():
            let_pass(then - self._stripe.now())
            self._stripe.wait_until(then)

    def _job(self, name: str) -> Act:
        def run() -> None:
            self.runs += 1
            jobs.run(name)

        return run
