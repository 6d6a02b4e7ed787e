"""Which Stripe account, mode and environment the database speaks of: noted at the first contact, and held to.

A key of another account, or a test key on a live database, would make every row a lie: whoever is about to believe or
to change anything at large asks here first.
"""

from datetime import datetime

from app.actions.orders import environment
from app.actions.transactions import atomically, outside
from app.extensions import db, upsert
from app.gateways.stripe_gateway import stripe_gateway
from app.kit.errors import WrongAccount
from app.models.installation import ONLY, Installation


def ensure(*, now: datetime) -> Installation:
    """Ask Stripe whose key we have; the first time, tie the database to that account.

    Raises: WrongAccount, and nothing was written; GatewayDown if Stripe does not answer.
    """
    refuse(problem())
    outside()
    account_id = stripe_gateway().account_id()
    if pinned() is None:
        _pin(account_id, now=now)
    refuse(problem() or problem_with(account_id))
    found = pinned()
    assert found is not None
    return found


def pinned() -> Installation | None:
    """What the database is tied to; None before the first contact with Stripe."""
    return db.session.get(Installation, ONLY, populate_existing=True)


def problem() -> str | None:
    """What is wrong with the key's mode or the environment's name, as a sentence; Stripe is not asked."""
    found, livemode, name = pinned(), stripe_gateway().livemode, environment()
    if found is None:
        return None
    if found.livemode != livemode:
        return (
            f"The database belongs to {mode(found.livemode)}, and STRIPE_SECRET_KEY is a key of {mode(livemode)}. "
            "Each needs a database of its own."
        )
    if found.environment != name:
        return (
            f"The database belongs to the environment {found.environment!r}, and ENVIRONMENT is {name!r}. "
            "What was made at Stripe carries the old name: set it back, or use another database."
        )
    return None


def problem_with(account_id: str) -> str | None:
    """What is wrong with the account that the key is of, as a sentence; None if nothing is."""
    found = pinned()
    if found is None or found.account_id == account_id:
        return None
    return (
        f"The database belongs to the Stripe account {found.account_id}, and STRIPE_SECRET_KEY is a key of "
        f"{account_id}. Set the right key, or use another database."
    )


def refuse(problem: str | None) -> None:
    """Raises: WrongAccount if there is a problem."""
    if problem is not None:
        raise WrongAccount(problem)


def mode(livemode: bool) -> str:
    return "live mode" if livemode else "test mode"


def _pin(account_id: str, *, now: datetime) -> None:
    """Of two processes that come first, one is; what it wrote is what the other one is held to."""
    with atomically():
        db.session.execute(
            upsert(Installation)
            .values(
                id=ONLY,
                account_id=account_id,
                livemode=stripe_gateway().livemode,
                environment=environment(),
                since=now,
            )
            .on_conflict_do_nothing()
        )
