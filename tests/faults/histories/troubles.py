"""What goes wrong while something is done: the network lies, whoever does it dies, or others do something meanwhile.

A death is not a signal here (that is the kill sweep's, one process each): it is an exception that none of our code
catches, raised where the world is touched. It comes to the same, because of the two things that a dead process does
differently neither happens: its connection is gone without a commit, which is what the rollback on the way out does to
the rows as well; and it does nothing more, for which every later touch of the database or the network is noted as
``afterlife`` and fails the history. Leases that the dead one took stay taken until time has passed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from stripe_simulator import Simulator
from stripe_simulator.faults import KINDS
from tests.simulator.in_process import InProcessClient

KINDS_OF_STEPS = {"sql": ("sql",), "commit": ("commit",), "http": ("before", "after", "without")}


class Killed(BaseException):
    """Nothing of ours may catch this."""


@dataclass(frozen=True)
class Fault:
    """The simulator's fault ``kind``, on ``count`` requests in a row after the next ``skipped`` ones."""

    kind: str
    skipped: int
    count: int


@dataclass(frozen=True)
class Death:
    """At the ``nth`` SQL statement, commit or HTTP step; if there are fewer, when all is done but not answered."""

    at: str
    nth: int


@dataclass(frozen=True)
class Meanwhile:
    """While the ``nth`` request is under way, before or after it reaches Stripe, something else happens."""

    what: str
    when: str
    nth: int


@dataclass(frozen=True)
class Trouble:
    """What is about to go wrong. All of it None: fine weather."""

    fault: Fault | None = None
    death: Death | None = None
    meanwhile: Meanwhile | None = None

    @property
    def is_none(self) -> bool:
        return self.fault is None and self.death is None and self.meanwhile is None

    def __str__(self) -> str:
        told = [part for part in (self.fault, self.death, self.meanwhile) if part is not None]
        return "".join(f" [{part}]" for part in told)


MEANWHILE = (
    "post",
    "worker",
    "slow",
    "capture",
    "part",
    "cancel",
    "refund",
    "mentee",
    "mentor",
    "return",
    "accept",
    "agree",
)
_WEATHER = ("fine",) * 9 + ("fault",) * 4 + ("death",) * 4 + ("meanwhile",) * 4 + ("fault death", "fault meanwhile")
# A delay is a lost answer that costs real time; what else it does needs threads, and is tried among the races.
_faults = st.builds(
    Fault,
    st.sampled_from(sorted(set(KINDS) - {"delay"})),
    st.sampled_from((0, 0, 0, 1, 2)),
    st.sampled_from((1, 1, 2, 3, 12)),
)
_deaths = st.one_of(
    st.builds(Death, st.just("http"), st.integers(1, 6)),
    st.builds(Death, st.just("commit"), st.integers(1, 4)),
    st.builds(Death, st.just("sql"), st.integers(1, 25)),
)
_meanwhiles = st.builds(
    Meanwhile, st.sampled_from(MEANWHILE), st.sampled_from(("after", "before")), st.sampled_from((1, 1, 1, 2, 3))
)


@st.composite
def troubles(draw: Any) -> Trouble:
    weather = draw(st.sampled_from(_WEATHER))
    return Trouble(
        draw(_faults) if "fault" in weather else None,
        draw(_deaths) if "death" in weather else None,
        draw(_meanwhiles) if "meanwhile" in weather else None,
    )


class Deaths:
    """Counts the steps of whoever is to die, and kills."""

    def __init__(self) -> None:
        self.afterlife: list[str] = []
        self.steps = 0
        self._planned: Death | None = None
        self._left = 0
        self._dead = False

    @contextmanager
    def planned(self, death: Death | None) -> Iterator[None]:
        """Inside, one dies as planned, at the latest when all is done; and stays dead. Raises: Killed."""
        self._planned, self._left, self._dead = death, death.nth if death else 0, False
        try:
            yield
            if death is not None:
                raise Killed
        finally:
            self._planned, self._dead = None, False

    @contextmanager
    def spared(self) -> Iterator[None]:
        """Inside, others act, who are not to die."""
        kept, self._planned = (self._planned, self._left), None
        try:
            yield
        finally:
            self._planned, self._left = kept

    def step(self, name: str) -> None:
        """Somebody touches the database or the network."""
        self.steps += 1
        if self._planned is None:
            return
        if self._dead:
            self.afterlife.append(name)
            raise Killed
        if name.split()[0] in KINDS_OF_STEPS[self._planned.at]:
            self._left -= 1
            if self._left == 0:
                self._dead = True
                raise Killed


class Line(InProcessClient):
    """The application's way to Stripe."""

    def __init__(self, simulator: Simulator, deaths: Deaths) -> None:
        super().__init__(simulator)
        self.requests = 0
        self.struck = 0
        self._simulator, self._deaths = simulator, deaths
        self._faults: list[str | None] = []
        self._meanwhile: tuple[Meanwhile, Callable[[], None]] | None = None
        self._nth = 0

    @property
    def is_well(self) -> bool:
        return not self._faults

    def order(self, fault: Fault) -> None:
        self._faults = [None] * fault.skipped + [fault.kind] * fault.count

    def clear(self) -> None:
        self._faults = []

    @contextmanager
    def interrupted(self, meanwhile: Meanwhile | None, act: Callable[[], None]) -> Iterator[None]:
        """Inside, ``act`` happens once, while the request meant by ``meanwhile`` is under way."""
        self._meanwhile, self._nth = (meanwhile, act) if meanwhile else None, 0
        try:
            yield
        finally:
            self._meanwhile = None

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **rest: Any) -> Any:
        self.requests += 1
        self._nth += 1
        nth = self._nth
        self._deaths.step(f"before {method} {url}")
        self._happens("before", nth)
        fault = self._faults.pop(0) if self._faults else None
        if fault is not None:
            self.struck += 1
            self._simulator.faults.add(fault, method="*")
        answer = super().request(method, url, headers, post_data, **rest)
        self._happens("after", nth)
        self._deaths.step(f"after {method} {url}")
        return answer

    def _happens(self, when: str, nth: int) -> None:
        if self._meanwhile is None or (self._meanwhile[0].when, self._meanwhile[0].nth) != (when, nth):
            return
        _, act = self._meanwhile
        self._meanwhile = None
        faults, self._faults = self._faults, []
        with self._deaths.spared():
            act()
        self._faults = faults
