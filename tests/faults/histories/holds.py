"""What may be true of holds, and of those that are made anew: never two charges, never nothing held; lies are told."""

from collections.abc import Iterator
from datetime import datetime

from tests.faults.histories.model import ASKED, SAFETY, Hour
from tests.faults.histories.ours import Ours, Row
from tests.faults.histories.theirs import Intent, Theirs


def of_renewals(hour: Hour, row: Row, intents: list[Intent], ours: Ours) -> Iterator[str]:
    known = {intent.id: intent for intent in intents}
    if sum(intent.captured > 0 for intent in intents) > 1:
        yield f"{hour} was charged {[intent.captured for intent in intents]}"
    for newer in intents[1:]:
        older = known.get(newer.replaces or "")
        if older is None or not hour.is_far:
            yield f"{hour} has {len(intents)} PaymentIntents"
        else:
            yield from _of_two(hour, row, older, newer, ours)


def is_superseded(intent: Intent, row: Row | None, theirs: Theirs) -> bool:
    """Whether we could give up one of several: it is held elsewhere, never came to be, or came when all was over."""
    intents = theirs.of(intent.booking)
    if any(newer.replaces == intent.id and newer.held for newer in intents):
        return True
    return intent.replaces is not None and (not intent.held or row is None or not row.is_live)


def is_let_go_in_vain(hour: Hour, before: Row, standing: Intent | None, ours: Ours) -> bool:
    """Whether we let go of what could have been held on with the card that was saved, and did not even try."""
    if standing is None or not standing.canceled_by_us or standing.canceled_at is None or not hour.is_far:
        return False
    tried = any(op.kind == "renew_hold" and op.subject == before.payment for op in ours.operations)
    return before.payment_state == "authorized" and standing.canceled_at < hour.complete_by and not tried


def left_over(hour: Hour, row: Row, theirs: Theirs, now: datetime) -> Iterator[str]:
    """One is held at most, nobody holds longer than was said, and whose day has come was asked for."""
    intents, standing = theirs.of(row.id), theirs.standing(row.id, row.intent)
    others = [intent for intent in intents if intent is not standing and not intent.is_over]
    if others:
        yield f"{hour} is held with {standing}, and beside it there are {others}"
    if row.state == "confirmed" and row.payment_state == "authorized":
        until = hour.lets_go_at(row.capture_before)
        if until <= now:
            yield f"{hour} was to be let go of at {until}, and is still held"
    asked_at = hour.starts_at - ASKED[0]
    waits = row.state == "confirmed" and row.payment_state == "card_saved" and hour.can_be_charged
    if waits and not intents and asked_at <= now:
        yield f"{hour} was to be reserved at {asked_at}, and nobody has asked the bank"


def _of_two(hour: Hour, row: Row, older: Intent, newer: Intent, ours: Ours) -> Iterator[str]:
    """The newer one is made when the older one would soon be let go, and is there before that is."""
    if older.capture_before is None or newer.created_at < older.capture_before - SAFETY:
        yield f"{hour}: {newer} was made while there was time enough on {older}"
    if newer.held_at and older.canceled_by_us and older.canceled_at and older.canceled_at < newer.held_at:
        yield f"{hour}: between {older.canceled_at} and {newer.held_at} nothing was held"
    given_up = any(op.kind == "void_other_hold" and op.subject == older.id for op in ours.operations)
    if row.intent == newer.id and not given_up and row.busy != "renew_hold":
        yield f"{hour} is held by {newer}, and nobody gives up {older}"
