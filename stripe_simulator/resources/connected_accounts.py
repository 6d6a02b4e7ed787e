"""The life of a connected account: what it lacks, what it may do, and what it tells of that.

Source: https://docs.stripe.com/connect/handling-api-verification
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..callers import no_access
from ..errors import ApiError, invalid
from ..extras import control
from ..ids import new_id
from ..lists import as_list
from ..shapes import Object
from ..work import Work

_EURO = "AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK".split()
CURRENCIES = {
    **dict.fromkeys(_EURO, "eur"), "US": "usd", "GB": "gbp", "CH": "chf", "CA": "cad", "AU": "aud", "NZ": "nzd",
    "JP": "jpy", "SE": "sek", "NO": "nok", "DK": "dkk", "PL": "pln", "CZ": "czk", "SG": "sgd", "HK": "hkd",
    "MX": "mxn", "BR": "brl", "IN": "inr",
}  # fmt: skip
# What a person must tell before money can be paid to them; the onboarding page asks for all of it.
_WANTED = """
    business_type external_account individual.dob.day individual.dob.month individual.dob.year
    individual.first_name individual.id_number individual.last_name tos_acceptance.date tos_acceptance.ip
""".split()
# Source: https://docs.stripe.com/connect/testing (identity numbers and dates of birth)
_BAD_ID_NUMBER, _LISTED_BIRTH = "111111111", (1900, 1, 1)
_WRONG_IDENTITY: Object = {
    "due": ["individual.verification.document"],
    "code": "verification_failed_keyed_identity",
    "reason": "The person's keyed-in identity information could not be verified. Correct any errors or upload a "
    "document that matches the identity fields (e.g., name and date of birth) that you entered.",
    "disabled_reason": "requirements.past_due",
}
DISABLED_REASONS = (
    *("action_required.requested_capabilities", "listed", "other", "platform_paused", "rejected.fraud"),
    *("rejected.listed", "rejected.other", "rejected.terms_of_service", "requirements.past_due"),
    *("requirements.pending_verification", "under_review"),
)


def connected(work: Work, account_id: str) -> Object:
    """A connected account, for the platform or for itself. Raises: ApiError 403 `account_invalid`."""
    found = work.of(work.platform).find("account", account_id)
    if found is None or found.get("deleted") or work.account not in (work.platform, account_id):
        raise no_access("sk_test_", account_id)
    return found


def new_account(work: Work, country: str, kind: str, controller: Object) -> Object:
    """An account that nobody has told anything about yet."""
    account_id = new_id("acct")[:21]
    return {
        "id": account_id,
        "object": "account",
        "business_profile": {
            **dict.fromkeys(("annual_revenue", "estimated_worker_count", "mcc", "name", "product_description")),
            **dict.fromkeys(("support_address", "support_email", "support_phone", "support_url", "url")),
        },
        "business_type": None,
        "capabilities": {},
        "charges_enabled": False,
        "controller": {"type": "application", "is_controller": True, **controller},
        "country": country,
        "created": work.moment,
        "default_currency": CURRENCIES[country],
        "details_submitted": False,
        "email": None,
        "external_accounts": as_list([], f"/v1/accounts/{account_id}/external_accounts"),
        "future_requirements": _requirements([]),
        "metadata": {},
        "payouts_enabled": False,
        "requirements": _requirements(_WANTED, "requirements.past_due"),
        "settings": _settings(country),
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": kind,
        "_banks": [],
        "_former_banks": [],
        "_person": {},
        "_restriction": None,
    }


def review(work: Work, account: Object) -> None:
    """Look at the account anew, keep it, and tell: new banks, capabilities that changed, then the account.

    Events belong to the connected account; Connect endpoints get them with its id.
    """
    before = work.of(work.platform).get("account", account["id"])
    _judge(account)
    work.of(work.platform).save(account)
    own = work.of(account["id"])
    for bank_account in account["external_accounts"]["data"]:
        if bank_account not in before["external_accounts"]["data"]:
            own.emit("account.external_account.created", bank_account)
    for name, status in account["capabilities"].items():
        if before["capabilities"].get(name, "inactive") != status:
            own.emit("capability.updated", capability(account, name))
    changed = {name: value for name, value in before.items() if name[0] != "_" and account[name] != value}
    if changed:
        own.emit("account.updated", account, previous=changed)


def capability(account: Object, name: str) -> Object:
    """One capability as an object of its own. Source: https://docs.stripe.com/api/capabilities"""
    status = account["capabilities"].get(name)
    due = [] if status == "active" else account["requirements"]["currently_due"]
    reason = "requirements.fields_needed" if due else None
    return {
        "id": name,
        "object": "capability",
        "account": account["id"],
        "future_requirements": _requirements([]),
        "requested": status is not None,
        "requested_at": account["created"] if status else None,
        "requirements": _requirements(due, reason),
        "status": status or "unrequested",
    }


@control("POST", "accounts/restrict")
def restrict(work: Work, given: Mapping[str, Any]) -> Object:
    """Have the account lack a `requirement` or be disabled for a `disabled_reason`. Raises: ValueError."""
    account = connected(work, str(given.get("account")))
    reason = given.get("disabled_reason", "requirements.past_due")
    if reason not in DISABLED_REASONS:
        raise ValueError(f"disabled_reason must be one of {', '.join(DISABLED_REASONS)}")
    due = [str(given["requirement"])] if given.get("requirement") else []
    account["_restriction"] = {"due": due, "disabled_reason": reason}
    review(work, account)
    return account


@control("POST", "accounts/clear")
def clear(work: Work, given: Mapping[str, Any]) -> Object:
    """Lift every restriction; what was never told is still due."""
    account = connected(work, str(given.get("account")))
    account["_restriction"] = None
    account["_person"] |= {"id_number": "000000000"} if "id_number" in account["_person"] else {}
    review(work, account)
    return account


def check_country(country: str) -> str:
    """Raises: ApiError 400 for a country whose accounts are not simulated."""
    if country not in CURRENCIES:
        raise invalid(
            f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code instead, such as "
            "'US', 'EG', or 'GB'. A full list of country codes is available at https://stripe.com/global",
            param="country",
        )
    return country


def check_capability(account: Object, name: str) -> None:
    """Raises: ApiError 400 `insufficient_capabilities_for_transfer` if money may not be transferred there."""
    if account["capabilities"].get(name) != "active":
        raise ApiError(
            400,
            "Your destination account needs to have at least one of the following capabilities enabled: "
            "transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
            saved=True,
        )


def _judge(account: Object) -> None:
    due = [name for name in _WANTED if not _told(account, name)]
    restriction = account["_restriction"] or _found_out(account)
    account["details_submitted"] = account["details_submitted"] or not due
    if restriction and not due:
        account["requirements"] = _requirements(restriction["due"], restriction["disabled_reason"])
        if restriction.get("code"):
            error = {"code": restriction["code"], "reason": restriction["reason"]}
            account["requirements"]["errors"] = [{**error, "requirement": name} for name in restriction["due"]]
    else:
        account["requirements"] = _requirements(due, "requirements.past_due" if due else None)
    enabled = not account["requirements"]["disabled_reason"]
    for name in account["capabilities"]:
        account["capabilities"][name] = "active" if enabled else "inactive"
    account["payouts_enabled"] = enabled
    account["charges_enabled"] = enabled and "card_payments" in account["capabilities"]


def _told(account: Object, name: str) -> bool:
    if name == "external_account":
        return bool(account["_banks"])
    if name.startswith("tos_acceptance."):
        return account["tos_acceptance"].get("date") is not None
    if name == "business_type":
        return account["business_type"] is not None
    return name.removeprefix("individual.") in account["_person"]


def _found_out(account: Object) -> Object | None:
    """What the identity check says of the test values."""
    person = account["_person"]
    if person.get("id_number") == _BAD_ID_NUMBER:
        return _WRONG_IDENTITY
    if tuple(person.get(f"dob.{part}") for part in ("year", "month", "day")) == _LISTED_BIRTH:
        return {"due": [], "disabled_reason": "listed"}
    return None


def _requirements(due: list[str], disabled_reason: str | None = None) -> Object:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": list(due),
        "disabled_reason": disabled_reason,
        "errors": [],
        "eventually_due": list(due),
        "past_due": list(due) if disabled_reason else [],
        "pending_verification": [],
    }


def _settings(country: str) -> Object:
    japanese = ("statement_descriptor_prefix", "statement_descriptor_prefix_kana", "statement_descriptor_prefix_kanji")
    return {
        "branding": dict.fromkeys(("icon", "logo", "primary_color", "secondary_color")),
        "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            **dict.fromkeys(japanese),
        },
        "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
        "payments": dict.fromkeys(("statement_descriptor", "statement_descriptor_kana", "statement_descriptor_kanji")),
        "payouts": {
            "debit_negative_balances": country == "US",
            "schedule": {"delay_days": 2, "interval": "daily"},
            "statement_descriptor": None,
        },
        "sepa_debit_payments": {},
    }
