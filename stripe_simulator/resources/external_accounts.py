"""External accounts: the bank account that a connected account is paid out to.

Source: https://docs.stripe.com/api/external_account_bank_accounts
"""

from __future__ import annotations

from typing import Any

from ..banks import TestBank, check_routing, read_bank
from ..errors import not_simulated
from ..ids import new_id
from ..lists import as_list
from ..money import Currency
from ..params import Hash, Required, Text, Type, one_of
from ..shapes import Object, public
from ..work import Work

_BANK_ACCOUNT: dict[str, Type] = {
    "object": Required(one_of("bank_account", "card")),
    "account_holder_name": Text(),
    "account_holder_type": one_of("company", "individual"),
    "account_number": Required(Text()),
    "country": Required(Text(most=2)),
    "currency": Currency(),
    "routing_number": Text(),
}


class ExternalAccount(Hash):
    """A parameter type: bank details. A token or a card is Stripe's too, and refused by name."""

    def read(self, value: Any, name: str) -> dict[str, Any] | None:
        if isinstance(value, str) or (isinstance(value, dict) and value.get("object") == "card"):
            raise not_simulated(name)
        return super().read(value, name)


EXTERNAL_ACCOUNT = ExternalAccount(_BANK_ACCOUNT)


def make_bank_account(account: Object, given: dict[str, Any], *, param: str = "external_account") -> Object:
    """A bank account of a connected account. Raises: ApiError 400 for a number that is no test number."""
    bank = read_bank(given["account_number"], f"{param}[account_number]")
    country = given["country"].upper()
    check_routing(country, bank.number, given.get("routing_number"), f"{param}[routing_number]")
    return {
        "id": new_id("ba"),
        "object": "bank_account",
        "account": account["id"],
        "account_holder_name": given.get("account_holder_name"),
        "account_holder_type": given.get("account_holder_type"),
        "account_type": None,
        "available_payout_methods": ["standard"],
        "bank_name": "STRIPE TEST BANK",
        "country": country,
        "currency": given.get("currency") or account["default_currency"],
        "default_for_currency": True,
        "fingerprint": bank.fingerprint,
        "future_requirements": _nothing_due(),
        "last4": bank.last4,
        "metadata": {},
        "requirements": _nothing_due(),
        "routing_number": given.get("routing_number"),
        "status": "new",
        "_number": bank.number,
    }


def use(account: Object, bank_account: Object) -> None:
    """Pay out to this bank account from now on, in place of another in the same currency."""
    others: list[Object] = []
    for each in account["_banks"]:
        (others if each["currency"] != bank_account["currency"] else account["_former_banks"]).append(each)
    account["_banks"] = [bank_account, *others]
    _show(account)


def _show(account: Object) -> None:
    url = f"/v1/accounts/{account['id']}/external_accounts"
    account["external_accounts"] = as_list([public(each) for each in account["_banks"]], url)


def bank_for(account: Object, currency: str) -> Object | None:
    """The bank account that takes a currency."""
    return next((each for each in account["_banks"] if each["currency"] == currency), None)


def bank_account_of(work: Work, bank_id: str | None, currency: str) -> Object:
    """The bank account of the account at work, by id. The platform has one for every currency."""
    account = work.of(work.platform).find("account", work.account)
    if account is None:
        mine: Object = {"id": work.account, "default_currency": currency}
        number = {"account_number": "000123456789", "routing_number": "110000000", "country": "US"}
        return make_bank_account(mine, number) | {"id": f"ba_{work.account.removeprefix('acct_')}{currency}"}
    known = [*account["_banks"], *account["_former_banks"]]
    return next(each for each in known if each["id"] == bank_id)


def mark_unusable(work: Work, bank_id: str) -> None:
    """After a failed payout nothing is paid out by itself to that bank, until another is named."""
    account = work.of(work.platform).find("account", work.account)
    if account is None:
        return
    for each in account["_banks"]:
        if each["id"] == bank_id:
            each["status"] = "errored"
            _show(account)
            work.of(work.platform).save(account)
            work.emit("account.external_account.updated", public(each), previous={"status": "new"})


def bank_behind(bank_account: Object) -> TestBank:
    """What the test number does."""
    return read_bank(bank_account["_number"], "")


def _nothing_due() -> Object:
    return {"currently_due": [], "errors": [], "past_due": [], "pending_verification": []}
