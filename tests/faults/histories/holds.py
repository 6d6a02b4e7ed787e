"""What may be true of holds, and of those that are made anew: never two charges, never nothing held; lies are told."""

from collections.abc import Iterator
from datetime import datetime

from tests.faults.histories.model import ASKED, SAFETY, Hour
from tests.faults.histories.ours import Ours, Row
from tests.faults.histories.theirs import Intent, Theirs


def standing(hour: Hour, row: Row | None, theirs: Theirs) -> Intent | None:
    """The PaymentIntent that counts: the latest that a bank holds, or was charged; if none is, the one that we know.

    What was given up for a plan does not count any more, unless somebody has charged it.
    """
    intents = [intent for intent in theirs.of(hour.id) if intent.id not in hour.given_up or intent.captured]
    live = [intent for intent in intents if intent.held and not intent.canceled_at]
    known = [intent for intent in intents if row is not None and intent.id == row.intent]
    return [*intents[:1], *known, *live][-1] if intents else None


def of_plans(hour: Hour, before: Row | None, row: Row, ours: Ours) -> Iterator[str]:
    """What is held for a session that goes beyond it is given up, and only then."""
    was_held = before is not None and before.payment_state == "authorized"
    if before is not None and was_held and row.intent is None and before.intent not in hour.given_up:
        yield f"{hour} was held with {before.intent} until {before.capture_before}, and is only planned"
    if row.payment_state == "authorized" and row.capture_before and hour.ends_at > hour.reach(row.capture_before):
        yield f"{hour} is held until {row.capture_before}, which it outlives"
    begun = {op.subject for op in ours.operations if op.kind == "void_other_hold"}
    if hour.given_up - begun:
        yield f"{hour} is planned anew, and nobody gives up {hour.given_up - begun}"


def of_renewals(hour: Hour, row: Row, intents: list[Intent], ours: Ours) -> Iterator[str]:
    known = {intent.id: intent for intent in intents}
    if sum(intent.captured > 0 for intent in intents) > 1:
        yield f"{hour} was charged {[intent.captured for intent in intents]}"
    for n, newer in enumerate(intents[1:], start=1):
        older = known.get(newer.replaces or "")
        if older is not None and hour.is_far:
            yield from _of_two(hour, row, older, newer, ours)
        elif not any(intent.id in hour.given_up for intent in intents[:n]):
            yield f"{hour} has {len(intents)} PaymentIntents"


def is_superseded(hour: Hour, intent: Intent, row: Row | None, theirs: Theirs) -> bool:
    """Whether we could give up one of several: it is planned or held elsewhere, never came to be, or came too late."""
    intents = theirs.of(intent.booking)
    if intent.id in hour.given_up or any(newer.replaces == intent.id and newer.held for newer in intents):
        return True
    return intent.replaces is not None and (not intent.held or row is None or not row.is_live)


def is_let_go_in_vain(hour: Hour, before: Row, held: Intent | None, ours: Ours) -> bool:
    """Whether we let go of what could have been held on with the card that was saved, and did not even try."""
    if held is None or not held.canceled_by_us or held.canceled_at is None or not hour.is_far:
        return False
    tried = any(op.kind == "renew_hold" and op.subject == before.payment for op in ours.operations)
    return before.payment_state == "authorized" and held.canceled_at < hour.complete_by and not tried


def left_over(hour: Hour, row: Row, theirs: Theirs, now: datetime) -> Iterator[str]:
    """One is held at most, nobody holds longer than was said, and whose day has come was asked for."""
    counts = standing(hour, row, theirs)
    others = [intent for intent in theirs.of(row.id) if intent is not counts and not intent.is_over]
    if others:
        yield f"{hour} is held with {counts}, and beside it there are {others}"
    if row.state == "confirmed" and row.payment_state == "authorized":
        until = hour.lets_go_at(row.capture_before)
        if until <= now:
            yield f"{hour} was to be let go of at {until}, and is still held"
    asked_at = hour.starts_at - ASKED[0]
    waits = row.state == "confirmed" and row.payment_state == "card_saved" and hour.can_be_charged
    if waits and counts is None and asked_at <= now:
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
