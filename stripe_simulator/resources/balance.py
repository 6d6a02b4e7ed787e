"""The balance: what an account may spend now, and what still clears. Source: https://docs.stripe.com/api/balance"""

from __future__ import annotations

from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work


def available(work: Work, currency: str) -> int:
    """What the account may pay out or transfer now, in minor units; negative when it owes."""
    return work.balances().get((currency, "available"), 0)


def pending(work: Work, currency: str) -> int:
    """What will clear later, in minor units."""
    return work.balances().get((currency, "pending"), 0)


def total(work: Work, currency: str) -> int:
    """Available and pending together, in minor units."""
    return available(work, currency) + pending(work, currency)


def currencies(work: Work) -> list[str]:
    """The currencies that the account has ever moved."""
    return sorted({currency for currency, _ in work.balances()})


def default_currency(work: Work) -> str:
    """The platform's is the dollar; a connected account's is that of its country."""
    account = work.of(work.platform).find("account", work.account)
    return str(account["default_currency"]) if account else "usd"


@endpoint("GET", "/v1/balance")
def retrieve(call: Call) -> Object:
    work, sums = call.work, call.work.balances()
    shown = sorted({currency for currency, _ in sums} | {default_currency(work)})
    return {
        "object": "balance",
        "available": [_amount(sums.get((currency, "available"), 0), currency) for currency in shown],
        "livemode": False,
        "pending": [_amount(sums.get((currency, "pending"), 0), currency) for currency in shown],
    }


def _amount(amount: int, currency: str) -> Object:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}
