"""Automatic payouts: every midnight (UTC) a connected account's available money goes to its bank.

Source: https://docs.stripe.com/payouts#payout-schedule
"""

from __future__ import annotations

from ..clock import on_time
from ..work import Work
from .balance import available, currencies
from .balance_transactions import AUTOMATIC
from .external_accounts import bank_for
from .payouts import send


@on_time(AUTOMATIC)
def pay_out(work: Work, account_id: str) -> None:
    """Pay out each currency that has a usable bank account, and note what the payout is made of."""
    account = work.of(work.platform).find("account", account_id)
    if account is None or account.get("deleted") or not account["payouts_enabled"]:
        return
    if account["settings"]["payouts"]["schedule"]["interval"] != "daily":
        return
    for currency in currencies(work):
        bank_account, amount = bank_for(account, currency), available(work, currency)
        if bank_account and bank_account["status"] != "errored" and amount > 0:
            payout = send(work, amount, currency, bank_account["id"], told={}, automatic=True)
            _note(work, payout["id"], currency)


def _note(work: Work, payout_id: str, currency: str) -> None:
    for moved in work.all_where("balance_transaction", currency=currency, status="available"):
        if "_payout" not in moved:
            work.save({**moved, "_payout": payout_id})
