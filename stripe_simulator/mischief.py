"""Trouble on order for webhooks: lost, twice, late, out of order, wrongly signed; for one event, a type, or all."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from .faults import Order, Orders

KINDS = {
    "drop": "this attempt never arrives; it is tried again as after any failure",
    "lose": "the event never arrives at this endpoint, unless it is resent",
    "duplicate": "arrives twice",
    "delay": "arrives `seconds` later",
    "reorder": "arrives after the delivery that follows it, or after `seconds` if none does",
    "lose_answer": "arrives, but the endpoint's answer is lost; so it arrives again",
    "wrong_secret": "is signed with a secret that is not the endpoint's",
    "rotated_secret": "carries two signatures: by another secret, and by the endpoint's",
}


@dataclass
class Trick(Order):
    """What to do to which deliveries. `seconds` count on the simulated clock."""

    event: str = "*"

    def meets(self, event_id: str, type: str) -> bool:
        return self.event == event_id or fnmatchcase(type, self.event)


class Mischief(Orders[Trick]):
    """The tricks still to come, and whether all deliveries are held back."""

    def __init__(self) -> None:
        super().__init__()
        self.paused = False

    def add(
        self,
        kind: str,
        *,
        event: str = "*",
        count: int | None = 1,
        seconds: float = 60.0,
        probability: float = 1.0,
        seed: int | None = None,
    ) -> None:
        """Play a trick on the next `count` (None: all) deliveries of an event id or type pattern (fnmatch).

        Raises: ValueError for an unknown kind, a count below one or a probability beyond 0…1.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown trick {kind!r}: one of {', '.join(KINDS)}")
        self.put(Trick(kind, count, seconds, probability, seed, event=event))

    def take(self, event_id: str, type: str) -> Trick | None:
        """The trick this delivery meets, used up by one."""
        return self.first(lambda trick: trick.meets(event_id, type))
