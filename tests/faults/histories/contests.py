"""What may be true of objections, and of earnings that can be objected to; each lie is a sentence."""

from collections.abc import Iterator
from datetime import datetime

from tests.faults.histories.model import CLEARING, Answer, Hour
from tests.faults.histories.ours import Ours, Quarrel, Row
from tests.faults.histories.theirs import Intent


def of_clearing(hour: Hour, row: Row, intents: list[Intent], quarrel: Quarrel | None) -> Iterator[str]:
    """Nothing is cleared that can still be objected to, or is objected to."""
    charged_at = [intent.captured_at for intent in intents if intent.captured_at is not None]
    over = bool(charged_at and row.cleared_at and row.cleared_at >= charged_at[0] + CLEARING)
    over = over or (quarrel is not None and not quarrel.is_live)
    if row.cleared_at is not None and (not over or (quarrel is not None and quarrel.is_live)):
        yield f"{hour} was charged at {charged_at}, and cleared at {row.cleared_at}: {quarrel}"


def of_quarrels(hour: Hour, row: Row, intents: list[Intent], before: Ours, ours: Ours, now: datetime) -> Iterator[str]:
    """Each end of an objection was somebody's doing, or silence, and what was decided is what was proposed."""
    quarrel, was = ours.quarrels.get(hour.form), before.quarrels.get(hour.form)
    if quarrel is None:
        return
    if not {"object", "miss"} & set(hour.said):
        yield f"{hour}: nobody objected, and there is {quarrel}"
    silence = was is not None and was.answer_by is not None and was.answer_by <= now
    # There is nothing left to object to, or there was nothing until the bank sent a refund back.
    moot = row.captured == row.refunded or any(intent.came_back for intent in intents)
    causes = {
        "ruled": "rule" in hour.said,
        "withdrawn": "withdraw" in hour.said,
        "agreed": silence or bool({"accept", "kept"} & set(hour.said)) or moot,
        "promised": silence or "accept" in hour.said,
        "with_operator": bool({"appeal", "kept"} & set(hour.said)) or bool(hour.asked("complete", *Answer)),
    }
    contested = bool(hour.asked("no_show", *Answer))
    if (was is None or was.state != quarrel.state) and not causes.get(quarrel.state, True) and not contested:
        yield f"{hour}: nobody had {was} become {quarrel}"
    for amount in decided(hour, ours):
        most = {"part_refund": quarrel.refund, "full_refund": row.captured}.get(quarrel.remedy, 0)
        if quarrel.state == "agreed" and not 0 < amount <= most:
            yield f"{hour}: {quarrel} was agreed, and {amount} went back of {row.captured}"


def decided(hour: Hour, ours: Ours) -> list[int]:
    """What an objection has given back, in minor units."""
    quarrel = ours.quarrels.get(hour.form)
    operation = quarrel.operation if quarrel is not None else None
    return [op.amount_minor for op in ours.operations if op.id == operation]
