"""What may be true of hours whose mentor wants to be asked; each lie is a sentence."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.faults.histories.model import Hour, answer_by
from tests.faults.histories.ours import Row
from tests.faults.histories.theirs import Intent

SLOWEST = timedelta(seconds=61)  # between two looks, if a step takes long


def of_requests(hour: Hour, row: Row, intents: list[Intent]) -> Iterator[str]:
    """Nothing stands without the mentor's word, who has as long for it as was said."""
    if not hour.needs_answer:
        if row.state == "requested" or row.answer_by is not None:
            yield f"{hour} waits for an answer of {hour.mentor}, who does not want to be asked"
    elif row.state in ("confirmed", "completed", "no_show") and not _is_accepted(hour, row, intents):
        yield f"{hour} is {row.state}, and {hour.mentor} never said yes"
    if row.answer_by is not None and hour.asked_at is not None:
        # What we learn of when all is over counts from when the bank said yes.
        asked = [hour.asked_at, *(intent.held_at for intent in intents if intent.is_over and intent.held_at)]
        due = [(answer_by(hour.promised_at, at - SLOWEST), answer_by(hour.promised_at, at)) for at in asked]
        if not any(earliest <= row.answer_by <= latest for earliest, latest in due):
            yield f"{hour} is to be answered by {row.answer_by}, and not between {due}"


def is_unanswered(hour: Hour, row: Row, at: datetime) -> bool:
    """Whether it could lapse at that moment, because nobody had said yes."""
    return row.answer_by is not None and hour.stood_at is None and at >= row.answer_by


def left_over(hour: Hour, row: Row, now: datetime) -> Iterator[str]:
    if row.state == "requested" and is_unanswered(hour, row, now):
        yield f"{hour} was not answered until {row.answer_by}, and still waits"


def _is_accepted(hour: Hour, row: Row, intents: list[Intent]) -> bool:
    """That somebody has charged it in the dashboard is an answer, too."""
    charged = any(intent.captured and not intent.captured_by_us for intent in intents)
    return charged or any(row.answer_by is not None and wish.at < row.answer_by for wish in hour.asked("accept"))
