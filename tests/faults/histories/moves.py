"""What may be true of when hours are held, and of proposals to hold them at another time; each lie is a sentence."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.faults.histories.model import ASKED, Hour
from tests.faults.histories.ours import Move, Ours, Row
from tests.faults.histories.theirs import Theirs

ANSWERS = {"move_agreed": "agree", "move_declined": "decline", "move_withdrawn": "withdraw"}


def of_time(hour: Hour, row: Row, theirs: Theirs) -> Iterator[str]:
    """It is held when both have agreed to, and what is to happen to the money then goes by that."""
    if (row.starts_at, row.ends_at) != (hour.starts_at, hour.ends_at):
        yield f"{hour} was to be held at {hour.starts_at}, and is at {row.starts_at}"
    if row.complete_by != hour.complete_by:
        yield f"{hour} can be completed until {hour.complete_by}, and we say {row.complete_by}"
    if row.state == "confirmed" and row.free_until != hour.free_until(row.pay_by):
        yield f"{hour} is free to cancel until {hour.free_until(row.pay_by)}, and we say {row.free_until}"
    if row.payment_state == "authorized":
        intent = theirs.intents.get(row.intent or "")
        until = intent.capture_before if intent is not None else None
        if row.capture_before != until:
            yield f"{hour} is held until {until}, and we say {row.capture_before}"
        if row.release_at != hour.lets_go_at(row.capture_before):
            yield f"{hour} is to be let go of at {hour.lets_go_at(row.capture_before)}, and we say {row.release_at}"
    if hour.was_asked_for_early:
        yield f"{hour} was to be paid {ASKED[0]} before it, and a bank was asked earlier"


def of_proposals(hour: Hour, before: Ours, ours: Ours, now: datetime) -> Iterator[str]:
    """Each was somebody's, is open until one of the two times comes, and ends as somebody said, or in silence."""
    was = before.moves.get(hour.form, {})
    for move in ours.moves.get(hour.form, {}).values():
        if move.id not in was and not _was_said(hour, "propose", move.by, move.starts_at):
            yield f"{hour}: nobody proposed {move}"
        if (move.until, move.ends_at - move.starts_at) != (
            min(move.came_from, move.starts_at),
            timedelta(minutes=hour.minutes),
        ):
            yield f"{hour}: {move} can be answered until {move.until}, and was to take {hour.minutes} minutes"
        if not move.is_open and (move.id not in was or was[move.id].is_open) and not _has_cause(hour, move, now):
            yield f"{hour}: nobody had {move} end like this"


def left_over(hour: Hour, ours: Ours, now: datetime) -> Iterator[str]:
    for move in ours.moves.get(hour.form, {}).values():
        if move.is_open and move.until <= now:
            yield f"{hour}: nobody has answered {move}"


def _has_cause(hour: Hour, move: Move, now: datetime) -> bool:
    if move.state == "move_unanswered":
        return now >= move.until
    other = {"mentee": "mentor", "mentor": "mentee"}[move.by]
    by = move.by if move.state == "move_withdrawn" else other
    return _was_said(hour, ANSWERS[move.state], by, move.id)


def _was_said(hour: Hour, what: str, by: str, about: str | datetime) -> bool:
    return any((word.what, word.by, word.about) == (what, by, about) for word in hour.words)
