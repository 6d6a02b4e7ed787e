"""What may be true after any step, and what must be true once everything has settled; each lie is a sentence."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from tests.faults.histories import books, consents, contests, holds, moves
from tests.faults.histories.model import GIVEN_UP, NEXT, UNPAID_ENDS, Answer, Hour
from tests.faults.histories.ours import Free, Ours, Row
from tests.faults.histories.theirs import Intent, Setup, Theirs

CELL = 300  # seconds
STANDS_FOR = {
    "authorized": lambda intent: intent.is_held,
    "captured": lambda intent: intent.captured > 0,
    "voided": lambda intent: intent.canceled_at is not None and not intent.captured,
    "lapsed": lambda intent: intent.lapsed,
    "needs_card": lambda intent: not intent.held and not intent.is_over,
    "card_saved": lambda intent: not intent.held and not intent.is_over,
    "failed": lambda intent: intent.canceled_at is not None and not intent.held,
}


def lies(hours: Iterable[Hour], before: Ours, ours: Ours, theirs: Theirs, now: datetime) -> Iterator[str]:
    """What can never be true, not even for a moment."""
    yield from theirs.twice
    yield from (f"{email} is {count} customers" for email, count in theirs.customers.items() if count > 1)
    known = {hour.form: hour for hour in hours}
    yield from (f"{row.id} was booked by nobody" for form, row in ours.rows.items() if form not in known)
    for hour in known.values():
        row = ours.rows.get(hour.form)
        yield from _of_booking(hour, row)
        if row is not None:
            intents, was = theirs.of(row.id), before.rows.get(hour.form)
            yield from _of_money(hour, row, intents)
            yield from _of_states(hour, was, row, theirs, ours, now)
            yield from consents.of_requests(hour, row, intents)
            yield from moves.of_time(hour, row, theirs)
            yield from moves.of_proposals(hour, before, ours, now)
            yield from holds.of_plans(hour, was, row, ours)
            yield from holds.of_renewals(hour, row, intents, ours)
            yield from books.of_shares(row, ours)
            yield from contests.of_clearing(hour, row, intents, ours.quarrels.get(hour.form))
            yield from contests.of_quarrels(hour, row, intents, before, ours, now)
        for intent in theirs.of(hour.id):
            yield from _of_effects(hour, row, intent, theirs, contests.decided(hour, ours))
    yield from books.of_books(ours)
    yield from _of_time(ours)


def left_over(
    hours: Iterable[Hour], ours: Ours, theirs: Theirs, balance: Mapping[str, int], now: datetime
) -> Iterator[str]:
    """What must not be so any more once nothing is left to do: the network is well, and the worker has worked.

    ``balance`` is what Stripe says is on the account, by currency, in minor units.
    """
    for op in ours.unsettled:
        yield f"{op.kind} of {op.subject} is {op.state} after {op.tries} tries: {op.error}"
    if ours.waiting:
        yield f"{ours.waiting} events wait"
    for hour in hours:
        row = ours.rows.get(hour.form)
        if row is not None:
            standing = holds.standing(hour, row, theirs)
            intents = [standing] if standing is not None else []
            yield from _of_agreement(hour, row, intents)
            yield from _of_adoption(hour, row, intents, ours)
            yield from consents.left_over(hour, row, now)
            yield from moves.left_over(hour, ours, now)
            yield from holds.left_over(hour, row, theirs, now)
            yield from _of_saved_card(hour, row, theirs.setups.get(row.id))
            for wish in hour.wishes:
                if wish.answer == Answer.CONFIRMING and not _is_kept(wish.kind, wish.amount, hour, row, intents):
                    yield f"{hour}: {wish.by} was told that {wish.kind} is being confirmed, and it never was"
    yield from books.of_alarms(ours, theirs)
    yield from books.of_totals(ours, theirs)
    yield from books.of_stripes_books(ours, balance)


def _of_booking(hour: Hour, row: Row | None) -> Iterator[str]:
    if row is None:
        if hour.id is not None or hour.booked == Answer.DONE:
            yield f"{hour} was booked, and is gone"
    elif hour.booked in (Answer.REFUSED, Answer.CONFIRMING) and not _was_refused_by_stripe(hour, row):
        yield f"{hour} was not to be had ({hour.booked}), and is booked"
    elif (row.price, row.currency, row.amount) != (hour.price, hour.currency, hour.price):
        yield f"{hour} costs {row.price} {row.currency}, {row.amount} of it on the card, instead of {hour.price}"
    else:
        for wish in hour.wishes:
            if wish.answer == Answer.DONE and not _is_so(wish.kind, hour, row):
                yield f"{hour}: {wish.by} was told that {wish.kind} is done, and finds {row}"


def _was_refused_by_stripe(hour: Hour, row: Row) -> bool:
    return not hour.can_be_charged and (row.state, row.payment_state) == ("cancelled", "failed")


def _is_so(kind: str, hour: Hour, row: Row) -> bool:
    """Whether who was told that it is done finds it done."""
    match kind:
        case "complete":
            charged = row.captured == hour.price or (row.captured > 0 and "part" in hour.dashboard)
            return charged and row.state in ("completed", "cancelled")
        case "cancel":
            return row.state == "cancelled"
        case "no_show":
            return row.state == "no_show"
        case "accept":
            return row.state not in ("pending_payment", "requested")
    return row.captured > 0  # what was refunded is counted by itself, for a bank can send it back


def _is_kept(kind: str, amount: int, hour: Hour, row: Row, intents: list[Intent]) -> bool:
    """Whether what was to be confirmed has come; a change made at Stripe, or by the bank, may have come first."""
    if hour.dashboard or any(intent.lapsed for intent in intents):
        return True
    if amount:
        return sum(r.amount == amount and r.by_us for i in intents for r in i.refunds.values()) > 0
    return _is_so(kind, hour, row)


def _of_money(hour: Hour, row: Row, intents: list[Intent]) -> Iterator[str]:
    if not 0 <= row.refunded <= row.captured <= row.authorized <= row.amount:
        yield f"{hour}: refunded ≤ captured ≤ authorized ≤ price is not so: {row}"
    held, captured = (sum(getattr(i, name) for i in intents) for name in ("held", "captured"))
    given_back = sum(refund.amount for intent in intents for refund in intent.refunds.values())
    if row.authorized > held or row.captured not in (0, captured) or row.refunded > given_back:
        yield f"{hour}: our books are ahead of Stripe's ({held} held, {captured} captured, {given_back} back): {row}"


def _of_states(hour: Hour, before: Row | None, row: Row, theirs: Theirs, ours: Ours, now: datetime) -> Iterator[str]:
    if before is None or before.state == row.state:
        return
    if not _leads(before.state, row.state):
        yield f"{hour} was {before.state} and is {row.state} again"
    setup = theirs.setups.get(row.id)
    stands = row.state in ("requested", "confirmed") and setup is not None and setup.is_saved
    if stands or (row.state == "expired" and consents.is_unanswered(hour, row, now)):
        return
    standing = holds.standing(hour, row, theirs)
    if not _has_cause(hour, row, [standing] if standing is not None else [], now):
        yield f"{hour} is {row.state}, and nobody asked for it"
    if row.state == "expired" and holds.is_let_go_in_vain(hour, before, standing, ours):
        yield f"{hour} is expired, and nobody has tried to hold it anew"


def _leads(one: str, other: str) -> bool:
    ways = NEXT.get(one, set())
    return other in ways or any(_leads(way, other) for way in ways)


def _has_cause(hour: Hour, row: Row, intents: list[Intent], now: datetime) -> bool:
    match row.state:
        case "requested" | "confirmed":
            return any(intent.held for intent in intents)
        case "completed":
            return any(i.captured and (bool(hour.asked("complete")) or not i.captured_by_us) for i in intents)
        case "no_show":
            silent = hour.missed_at is not None and now >= hour.lets_go_at(row.capture_before)
            return bool(hour.asked("no_show")) or silent
        case "cancelled":
            outside = any((i.canceled_at and not i.canceled_by_us and not i.lapsed) or i.refunds for i in intents)
            return bool(hour.asked("cancel")) or outside or not hour.can_be_charged
        case "expired":
            lapsed = any(intent.lapsed for intent in intents)
            unpaid = not hour.was_secured and now >= row.pay_by
            given_up = _can_be_given_up(hour, intents, now)
            return lapsed or unpaid or given_up or now >= hour.lets_go_at(row.capture_before)
    return False


def _can_be_given_up(hour: Hour, intents: Iterable[Intent], at: datetime) -> bool:
    """Whether nothing could be held with a card that was saved, and there is no time left for it."""
    return hour.is_far and not any(intent.held for intent in intents) and at >= hour.starts_at - GIVEN_UP


def _of_effects(hour: Hour, row: Row | None, intent: Intent, theirs: Theirs, decided: list[int]) -> Iterator[str]:
    """Everything that our key did at Stripe was asked for by somebody who could, or fell due."""
    if (intent.amount, intent.currency) != (hour.price, hour.currency):
        yield f"{hour} costs {hour.price} {hour.currency}, and {intent.amount} {intent.currency} were asked for"
    if intent.captured_by_us:
        whole = any(hour.could_complete(wish.at) for wish in hour.asked("complete"))
        due = hour.fees_asked() | ({hour.price} if whole else set())
        if intent.captured not in due:
            yield f"{hour}: {intent.captured} of {hour.price} was captured, and what could be asked for is {due}"
    if intent.canceled_by_us and intent.canceled_at is not None:
        at, unpaid = intent.canceled_at, row is None or not hour.was_secured
        due = (unpaid and row is not None and at >= row.pay_by) or at >= hour.lets_go_at(intent.capture_before)
        due = due or _can_be_given_up(hour, [intent], at) or holds.is_superseded(hour, intent, row, theirs)
        due = due or (row is not None and consents.is_unanswered(hour, row, at))
        if not (due or hour.asked("cancel") or hour.asked("no_show")):
            yield f"{hour}: its hold was canceled at {at}, and nobody asked for it"
    asked, told = (
        Counter(wish.amount for kind in ("cancel", "refund") for wish in hour.asked(kind, *answers) if wish.amount)
        for answers in ((), (Answer.DONE,))
    )
    done = Counter(refund.amount for one in theirs.of(hour.id) for refund in one.refunds.values() if refund.by_us)
    if done - asked - Counter(decided) or told - done:
        yield f"{hour}: refunded {dict(done)}, asked for {dict(asked)}, told that it is done {dict(told)}"
    if intent.refunded > intent.captured:
        yield f"{hour}: {intent.refunded} refunded of {intent.captured}"


def _of_time(ours: Ours) -> Iterator[str]:
    """Nobody is in two places at once, and who is anywhere has claimed every five minutes of it."""
    live: list[Row | Free] = [row for row in (*ours.rows.values(), *ours.trials.values()) if row.is_live]
    for n, one in enumerate(live):
        for other in live[n + 1 :]:
            if one.people & other.people and one.starts_at < other.ends_at and other.starts_at < one.ends_at:
                yield f"{one.id} and {other.id} are at the same time"
    due = {
        row.id: {who: int((row.ends_at - row.starts_at).total_seconds()) // CELL for who in row.people} for row in live
    }
    if due != ours.claims:
        yield f"the claims {ours.claims} are not of the live bookings {due}"


def _of_agreement(hour: Hour, row: Row, intents: list[Intent]) -> Iterator[str]:
    """Our row says what Stripe says, and nothing is held for an hour that has ended."""
    for intent in intents:
        if row.intent != intent.id or (row.captured, row.refunded) != (intent.captured, intent.refunded):
            yield f"Stripe says {intent}, we say {row}"
        if not STANDS_FOR.get(row.payment_state, lambda _: False)(intent):
            yield f"{row.payment} is {row.payment_state}, Stripe says {intent}"
        if intent.is_held and not row.is_live:
            yield f"{row.id} is {row.state}, and {intent.held} are still held for it"
        if row.state == "completed" and not intent.captured:
            yield f"{row.id} is completed, and nothing was captured"
        given_back = intent.refunded == intent.captured or intent.came_back
        kept = intent.captured in hour.fees_asked()
        if row.state in UNPAID_ENDS and intent.captured_by_us and not given_back and not kept:
            yield f"{row.id} is {row.state}, and {intent.captured - intent.refunded} were charged for it"
    if not intents and not hour.is_far and row.payment_state != "failed" and row.state != "pending_payment":
        yield f"{row.id} is {row.state} and Stripe has never heard of it: {row}"


def _of_saved_card(hour: Hour, row: Row, setup: Setup | None) -> Iterator[str]:
    """A card was asked for where nothing can be held yet, and our row says what came of it."""
    if hour.is_far != (setup is not None):
        if row.payment_state != "failed":
            yield f"{hour} is {'far' if hour.is_far else 'near'}, and its card is kept with {setup}"
    elif setup is not None:
        told = {"needs_card": setup.is_open, "voided": True, "failed": True}.get(row.payment_state, setup.is_saved)
        if not told or (setup.is_open and not row.is_live):
            yield f"{row.payment} is {row.payment_state} and {hour} is {row.state}, and its card is kept with {setup}"


def _of_adoption(hour: Hour, row: Row, intents: list[Intent], ours: Ours) -> Iterator[str]:
    """What was done in Stripe's dashboard is marked so; what was taken and given back has one operation each."""
    done = [op for op in ours.operations if op.subject == row.payment and op.state == "done"]
    for intent in intents:
        captures = [(op.amount_minor, op.by) for op in done if op.kind == "capture"]
        if [amount for amount, _ in captures] != [intent.captured] * bool(intent.captured):
            yield f"{hour}: {intent.captured} was captured, by {captures}"
        as_much = hour.asked("complete") or intent.captured in hour.fees_asked()  # our own, for all that one can see
        if intent.captured and not intent.captured_by_us and not as_much and captures[0][1] != "stripe":
            yield f"{hour}: captured in the dashboard, and said to be by {captures}"
        refunds = Counter((op.amount_minor, op.by == "stripe") for op in done if op.kind == "refund")
        if refunds != Counter((refund.amount, not refund.by_us) for refund in intent.refunds.values()):
            yield f"{hour}: refunds are {refunds} instead of {intent.refunds}"
