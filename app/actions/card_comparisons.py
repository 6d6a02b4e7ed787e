"""Stripe's SetupIntents beside our saved cards: what is the same, what can be mended, what only a person can decide.

No money hangs on them: what differs is learned like any news, and what cannot be put back is told.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from app.actions import alarms, labels, rebuilding, saved_cards, strays
from app.actions.comparisons import DIFFERS, Findings
from app.actions.orders import is_elsewhere
from app.actions.transactions import atomically, outside
from app.extensions import db
from app.gateways.stripe_gateway import stripe_gateway
from app.gateways.stripe_objects import SAVED, Setup
from app.kit.errors import Busy, Failure, GatewayDown, IllegalMove, Unexplained
from app.models.payment import Payment
from app.models.states import LIVE_PAYMENT, PaymentState

PREFIX = "seti_"  # of a SetupIntent's id


def compare(page: Sequence[Setup], *, now: datetime) -> Findings:
    """Compare a page of Stripe's SetupIntents with our payments; learn what we have missed. Raises: GatewayDown."""
    found, ours = Findings(), _payments_of(page)
    for setup in page:
        payment = ours.get(setup.id) or ours.get(setup.metadata.get("payment", ""))
        if payment is None and labels.is_ours(setup.metadata):
            found.strays.append(setup.id)
        elif payment is None or is_elsewhere(setup.metadata):
            found.not_ours += 1
        else:
            found.compared += 1
            if not _differs(setup, *payment):
                found.right.append(setup.id)
            else:
                _mend(setup.id, found, now=now)
    return found


def adopt(setup_id: str, *, now: datetime) -> Findings:
    """Make the rows of one again that no payment here has; one that cannot be ours is told. Raises: GatewayDown."""
    outside()
    found, setup = Findings(compared=1), stripe_gateway().setup(setup_id)
    try:
        if not rebuilding.rebuild_saved(setup, now=now):
            return compare([setup], now=now)
    except Busy:
        return found  # somebody else is putting it back
    except (Unexplained, IllegalMove) as failure:
        if setup.status == SAVED and labels.cause_of_giving_up(setup) is None:
            told = (
                f"At Stripe, a card was saved for a booking that is not here and cannot be put back ({setup.id}). "
                f"Nothing is held on it, and nothing will be. {failure}"
            )
            _raise(strays.KIND, setup.id, told, now=now)
        return found
    found.mended += 1
    found.right.append(setup_id)
    return found


def _mend(setup_id: str, found: Findings, *, now: datetime) -> None:
    try:
        found.mended += saved_cards.learn(setup_id, now=now)
    except GatewayDown:
        raise
    except Failure as failure:
        _raise(DIFFERS, setup_id, str(failure), now=now)
    else:
        found.right.append(setup_id)


def _raise(kind: str, setup_id: str, sentence: str, *, now: datetime) -> None:
    with atomically():
        alarms.raise_about(kind, setup_id, sentence, now=now)


def _payments_of(page: Sequence[Setup]) -> dict[str, tuple[str | None, PaymentState]]:
    """SetupIntent and state of our payments, by the SetupIntent that they know and by their own id."""
    named = [setup.metadata["payment"] for setup in page if "payment" in setup.metadata]
    query = select(Payment.id, Payment.setup_id, Payment.state).where(
        Payment.setup_id.in_([setup.id for setup in page]) | Payment.id.in_(named)
    )
    rows = db.session.execute(query).all()
    outside()
    by_setup = {row.setup_id: (row.setup_id, row.state) for row in rows if row.setup_id}
    return {row.id: (row.setup_id, row.state) for row in rows} | by_setup


def _differs(setup: Setup, known: str | None, state: PaymentState) -> bool:
    ended = setup.status == "canceled" or labels.cause_of_giving_up(setup) is not None
    if known is None or (ended and state in LIVE_PAYMENT):
        return True
    return setup.status == SAVED and state == PaymentState.NEEDS_CARD
