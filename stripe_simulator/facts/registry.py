"""Facts and what each rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .world import World


class Mark(StrEnum):
    """What a fact rests on: Stripe's documentation, somebody's recording of it, or nothing yet."""

    DOCUMENTED = "documented"
    RECORDED = "recorded"
    UNVERIFIED = "unverified"


@dataclass(frozen=True)
class Fact:
    """One sentence about Stripe, and the function that sees whether it holds.

    `needs` says what only a simulator has: a clock to move, faults on order, deliveries to watch. Without needs it
    runs anywhere.
    """

    run: Callable[[World], None]
    mark: Mark
    needs: str = ""

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def sentence(self) -> str:
        return self.name.replace("_", " ")

    @property
    def area(self) -> str:
        return self.run.__module__.rsplit(".", 1)[1]


FACTS: list[Fact] = []
Register = Callable[[Callable[["World"], None]], Callable[["World"], None]]


def _marked(mark: Mark, needs: str) -> Register:
    def register(function: Callable[[World], None]) -> Callable[[World], None]:
        FACTS.append(Fact(function, mark, needs))
        return function

    return register


def documented(*, needs: str = "") -> Register:
    """Stripe's documentation says so."""
    return _marked(Mark.DOCUMENTED, needs)


def recorded(*, needs: str = "") -> Register:
    """Somebody saw the live API, or the library, do so."""
    return _marked(Mark.RECORDED, needs)


def unverified(*, needs: str = "") -> Register:
    """Plausible, and nobody has looked."""
    return _marked(Mark.UNVERIFIED, needs)
