"""How often each rule was played, and how often it did something real."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.faults.histories.model import Hour
from tests.faults.histories.ours import Ours
from tests.faults.histories.theirs import Theirs


@dataclass
class Tally:
    histories: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    real: Counter[str] = field(default_factory=Counter)  # something changed: at Stripe, in our tables, or what is due
    refused: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)  # those that really struck
    lengths: Counter[int] = field(default_factory=Counter)  # histories by their number of steps
    seen: Counter[str] = field(default_factory=Counter)  # what is rare
    ends: Counter[str] = field(default_factory=Counter)  # how the hours of all histories ended

    def count(self, rule: str, *, real: bool, refused: bool) -> None:
        self.steps[rule] += 1
        self.real[rule] += real
        self.refused[rule] += refused

    def add(self, others: Iterable["Tally"]) -> "Tally":
        for other in others:
            self.histories += other.histories
            for name in ("steps", "real", "refused", "troubles", "lengths", "seen", "ends"):
                getattr(self, name).update(getattr(other, name))
        return self

    @property
    def effective(self) -> float:
        """The share of steps that did something real."""
        return self.real.total() / max(1, self.steps.total())

    def table(self) -> str:
        lines = [f"{'rule':<22}{'played':>9}{'real':>9}{'refused':>9}"]
        for rule, played in self.steps.most_common():
            lines.append(f"{rule:<22}{played:>9}{self.real[rule]:>9}{self.refused[rule]:>9}")
        lines.append(f"{self.histories} histories, {self.steps.total()} steps, {self.effective:.0%} of them real")
        lines.append("lengths: " + ", ".join(f"{name} {count}" for name, count in sorted(self.lengths.items())))
        lines.append("struck: " + ", ".join(f"{name} {count}" for name, count in sorted(self.troubles.items())))
        lines.append("seen: " + ", ".join(f"{name} {count}" for name, count in sorted(self.seen.items())))
        lines.append("ended: " + ", ".join(f"{name} {count}" for name, count in sorted(self.ends.items())))
        return "\n".join(lines)


def rare(hours: Iterable[Hour], ours: Ours, theirs: Theirs) -> Iterator[str]:
    """What became of requests, trials, proposals of another time and holds that were too short."""
    for hour in hours:
        row, newer = ours.rows.get(hour.form), [intent for intent in theirs.of(hour.id) if intent.replaces]
        if row is not None and row.answer_by is not None:
            yield f"request {'accepted' if hour.stood_at else row.state}"
        yield from ("hold renewed" if intent.held else "renewal declined" for intent in newer)
        yield from ("hold planned anew" for _ in hour.given_up)
    yield from (move.state.replace("_", " ") for moves in ours.moves.values() for move in moves.values())
    yield from (f"trial {row.state}" for row in ours.trials.values())
