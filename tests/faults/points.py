"""Where and how one may die: each flow, database, trouble at Stripe and step, at once or late, and a second time."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stripe_simulator.faults import KINDS

DATABASES = ("sqlite", "postgresql")
NO_TROUBLE = "no trouble"
_AN_ID = re.compile(r"/[a-z]{2,}_\w{8,}")


@dataclass(frozen=True, order=True)
class Point:
    """One trial. Steps count from 1; ``second`` is that of the recovery at which it is killed too (0: at none)."""

    flow: str
    database: str
    trouble: str
    step: int
    late: bool
    second: int = 0

    def __str__(self) -> str:
        words = [self.flow, self.database, self.trouble, f"step {self.step}", "late" if self.late else "at once"]
        return "/".join([*words, f"again at {self.second}"] if self.second else words)

    @classmethod
    def parse(cls, text: str) -> "Point":
        """Raises: ValueError unless it is what str() gives."""
        flow, database, trouble, step, when, *again = text.split("/")
        if database not in DATABASES or when not in ("late", "at once"):
            raise ValueError(f"not a point: {text}")
        second = int(again[0].removeprefix("again at ")) if again else 0
        return cls(flow, database, trouble, int(step.removeprefix("step ")), when == "late", second)


@dataclass(frozen=True)
class Call:
    """A kind of request to Stripe: its method, and its path with a star for each id."""

    method: str
    path: str


def calls_of(steps: Sequence[str]) -> list[Call]:
    """What is asked of Stripe on the way, each kind once, in order."""
    asked = (step.split()[1:] for step in steps if step.startswith("before "))
    return list(dict.fromkeys(Call(method.upper(), _AN_ID.sub("/*", path)) for method, path in asked))


def troubles_of(steps: Sequence[str]) -> list[str]:
    """Every fault of the simulator at every kind of call on the way, besides none."""
    return [NO_TROUBLE, *(f"{kind} at call {n}" for n in range(1, len(calls_of(steps)) + 1) for kind in KINDS)]


def fault_of(trouble: str, steps: Sequence[str]) -> tuple[str, Call] | None:
    """The kind of fault and the call that it strikes; None if there is no trouble."""
    if trouble == NO_TROUBLE:
        return None
    kind, _, n = trouble.partition(" at call ")
    return kind, calls_of(steps)[int(n) - 1]


def points_of(flow: str, database: str, trouble: str, steps: Sequence[str]) -> Iterator[Point]:
    """At every step, which ends with the answer being lost, and recovered at once or late."""
    for n in range(1, len(steps) + 1):
        for late in (False, True):
            yield Point(flow, database, trouble, n, late)
