"""What may be true of our books, and of what is Stripe's in them; each lie is a sentence."""

from collections import Counter
from collections.abc import Iterator, Mapping

from tests.faults.histories.model import commission_of
from tests.faults.histories.ours import Ours, Row
from tests.faults.histories.theirs import Theirs

COMMISSION = "platform:commission"


def of_shares(row: Row, ours: Ours) -> Iterator[str]:
    """Mentor and platform share what is left of the charge, to the last minor unit; the mentor's is in one place."""
    commission = commission_of(row.captured, row.refunded)
    pending, available = f"mentor:{row.mentor_id}:pending", f"mentor:{row.mentor_id}:available"
    due = {COMMISSION: commission, pending: row.captured - row.refunded - commission, available: 0}
    if row.cleared_at is not None:
        due[pending], due[available] = 0, due[pending]
    have = {account: ours.shares[row.payment, account] for account in due}
    if due != have:
        yield f"of {row.captured} captured and {row.refunded} refunded, the shares are {have} instead of {due}"


def of_books(ours: Ours) -> Iterator[str]:
    """Every currency's journal adds up to nothing, and every balance is what its entries add up to."""
    for currency in {currency for _, currency in ours.sums}:
        if total := sum(minor for (_, of), minor in ours.sums.items() if of == currency):
            yield f"the journal of {currency} adds up to {total}"
    kept = {key: minor for key, minor in ours.balances.items() if minor}
    if kept != {key: minor for key, minor in ours.sums.items() if minor}:
        yield f"the balances {kept} are not the sums {dict(ours.sums)}"


def of_alarms(ours: Ours, theirs: Theirs) -> Iterator[str]:
    """An operator is told of every refund that came back, and of nothing else."""
    came_back = [
        refund_id
        for intent in theirs.intents.values()
        for refund_id, refund in intent.refunds.items()
        if refund.status in ("failed", "canceled")
    ]
    about = {op.id: op.stripe_id for op in ours.operations}
    refused = {("refund_refused", op.id) for op in ours.operations if op.kind == "refund" and op.state == "refused"}
    told = Counter((kind, about.get(subject)) for kind, subject in ours.alarms - refused)
    if told != Counter(("refund_failure", refund_id) for refund_id in came_back):
        yield f"the alarms are {told} instead of {came_back}"


def of_totals(ours: Ours, theirs: Theirs) -> Iterator[str]:
    """What mentors and platform have is what Stripe took less what it gave back, to the cent."""
    left: Counter[str] = Counter()
    for intent in theirs.intents.values():
        left[intent.currency] += intent.captured - intent.refunded
    for (account, currency), minor in ours.balances.items():
        if account.startswith(("mentor:", COMMISSION)):
            left[currency] -= minor
    if any(left.values()):
        yield f"what Stripe took less what it gave back is not what was shared; left are {dict(left)}"


def of_stripes_books(ours: Ours, balance: Mapping[str, int]) -> Iterator[str]:
    """Our account ``stripe`` is what Stripe says, to the cent, and nothing is in between."""
    here = {currency: -minor for (account, currency), minor in ours.balances.items() if account == "stripe"}
    if {c: minor for c, minor in here.items() if minor} != {c: minor for c, minor in balance.items() if minor}:
        yield f"our books say {here} is at Stripe, Stripe says {balance}"
    for (account, currency), minor in ours.balances.items():
        if minor and account.startswith(("clearing:", "suspense", "elsewhere")):
            yield f"{minor} {currency} are left in {account}"
