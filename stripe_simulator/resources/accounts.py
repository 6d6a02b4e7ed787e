"""Accounts: the platform's own, and the connected ones of the people it pays.

Source: https://docs.stripe.com/api/accounts
"""

from __future__ import annotations

from typing import Any

from ..errors import invalid, missing_parameter, refused
from ..lists import CREATED, as_list, listing
from ..params import Flag, Hash, Integer, Metadata, Required, Text, Type, merge_metadata, one_of
from ..routing import Call, endpoint
from ..shapes import Object
from .balance import currencies, total
from .balance_transactions import plan_payout
from .connected_accounts import capability, check_country, connected, new_account, review
from .external_accounts import EXTERNAL_ACCOUNT, make_bank_account, use
from .payment_methods import ADDRESS

_CAPABILITIES = ("card_payments", "transfers")
_REQUESTED = Hash({"requested": Required(Flag())})
_DATE: dict[str, Type] = {name: Required(Integer(least=1)) for name in ("day", "month", "year")}
_PERSON: dict[str, Type] = {
    **{name: Text() for name in ("first_name", "last_name", "email", "phone", "id_number", "ssn_last_4")},
    "address": Hash(ADDRESS),
    "dob": Hash(_DATE),
}
_SCHEDULE = Hash({"interval": one_of("daily", "manual")})
_PAYOUTS = Hash({"schedule": _SCHEDULE, "debit_negative_balances": Flag(), "statement_descriptor": Text(most=22)})
_PROFILE = {
    name: Text() for name in ("mcc", "name", "product_description", "support_email", "support_phone", "support_url")
}
FIELDS: dict[str, Type] = {
    "business_profile": Hash({**_PROFILE, "url": Text()}),
    "business_type": one_of("individual", "company", "non_profit", "government_entity"),
    "capabilities": Hash(dict.fromkeys(_CAPABILITIES, _REQUESTED)),
    "email": Text(most=512),
    "external_account": EXTERNAL_ACCOUNT,
    "individual": Hash(_PERSON),
    "metadata": Metadata(),
    "settings": Hash({"payouts": _PAYOUTS}),
    "tos_acceptance": Hash({"date": Integer(), "ip": Text(), "user_agent": Text()}),
}
_CONTROLLER = Hash(
    {
        "fees": Hash({"payer": one_of("account", "application")}),
        "losses": Hash({"payments": one_of("application", "stripe")}),
        "requirement_collection": one_of("application", "stripe"),
        "stripe_dashboard": Hash({"type": one_of("express", "full", "none")}),
    }
)


def _control(fees: str, losses: str, collection: str, dashboard: str) -> Object:
    return {
        "fees": {"payer": fees},
        "losses": {"payments": losses},
        "requirement_collection": collection,
        "stripe_dashboard": {"type": dashboard},
    }


# Source: https://docs.stripe.com/connect/migrate-to-controller-properties
_TYPES = {
    "standard": _control("account", "stripe", "stripe", "full"),
    "express": _control("application_express", "application", "stripe", "express"),
    "custom": _control("application_custom", "application", "application", "none"),
}


@endpoint(
    "POST",
    "/v1/accounts",
    {**FIELDS, "type": one_of(*_TYPES), "controller": _CONTROLLER, "country": Text(), "default_currency": Text()},
)
def create(call: Call) -> Object:
    """A connected account. Raises: ApiError 400 for a country not known, or both `type` and `controller`."""
    work, params = call.work, call.params
    if work.account != work.platform:
        raise refused(
            "You can only create new accounts if you've signed up for Connect.", code="platform_account_required"
        )
    kind, controller = _kind(params)
    account = new_account(work, check_country(params.get("country", "US")), kind, controller)
    currency = params.get("default_currency", account["default_currency"])
    if currency != account["default_currency"]:
        raise invalid(f"{currency} is not the currency of {account['country']}.", param="default_currency")
    _apply(account, params)
    work.add(account)
    review(work, account)
    return account


@endpoint("GET", "/v1/account")
def retrieve_own(call: Call) -> Object:
    work = call.work
    return _platform(work.account) if work.account == work.platform else connected(work, work.account)


@endpoint("GET", "/v1/accounts/<id>")
def retrieve(call: Call) -> Object:
    own = call.id == call.work.account == call.work.platform
    return _platform(call.id) if own else connected(call.work, call.id)


@endpoint("POST", "/v1/accounts/<id>", FIELDS)
def update(call: Call) -> Object:
    work = call.work
    account = connected(work, call.id)
    _apply(account, call.params)
    review(work, account)
    if "settings" in call.params:
        plan_payout(work.of(account["id"]), work.moment)
    return account


@endpoint("GET", "/v1/accounts", CREATED)
def list_all(call: Call) -> Object:
    return listing(call, "account")


@endpoint("DELETE", "/v1/accounts/<id>")
def delete(call: Call) -> Object:
    """Delete a connected account for good. Raises: ApiError 400 while it has or owes money."""
    account = connected(call.work, call.id)
    own = call.work.of(account["id"])
    if any(total(own, currency) for currency in currencies(own)):
        raise refused("This account cannot be deleted: its balance is not zero.")
    return call.work.of(call.work.platform).save({"id": account["id"], "object": "account", "deleted": True})


# Source: https://docs.stripe.com/api/account/reject
_FRAUD = "fraud_no_intent_to_fulfill fraud_other fraud_payment_method_casher fraud_payment_method_tester".split()


@endpoint(
    "POST",
    "/v1/accounts/<id>/reject",
    {"reason": Required(one_of(*_FRAUD, "credit", "terms_of_service", "other"))},
)
def reject(call: Call) -> Object:
    """Refuse to do business with an account; it stays disabled."""
    account = connected(call.work, call.id)
    reason = call.params["reason"]
    word = "fraud" if reason in _FRAUD else "other" if reason == "credit" else reason
    account["_restriction"] = {"due": [], "disabled_reason": f"rejected.{word}"}
    review(call.work, account)
    return account


@endpoint("GET", "/v1/accounts/<id>/capabilities")
def list_capabilities(call: Call) -> Object:
    account = connected(call.work, call.id)
    return as_list([capability(account, name) for name in account["capabilities"]], call.path)


@endpoint("GET", "/v1/accounts/<id>/external_accounts")
def list_external_accounts(call: Call) -> Object:
    shown: Object = connected(call.work, call.id)["external_accounts"]
    return shown


def _kind(params: dict[str, Any]) -> tuple[str, Object]:
    """The type and who controls it. Raises: ApiError 400 if both were given."""
    if "controller" not in params:
        kind = params.get("type", "standard")
        return kind, _TYPES[kind]
    if "type" in params:
        raise invalid("You may only specify one of these parameters: type, controller.", param="type")
    given = params["controller"]
    return "none", {**_TYPES["standard"], **given}


def _apply(account: Object, params: dict[str, Any]) -> None:
    """Write what was told into the account. Raises: ApiError 400."""
    account |= {name: params[name] for name in ("email", "business_type") if name in params}
    account["business_profile"] |= params.get("business_profile") or {}
    if "metadata" in params:
        account["metadata"] = merge_metadata(account["metadata"], params["metadata"])
    for name, wish in (params.get("capabilities") or {}).items():
        if wish["requested"]:
            account["capabilities"].setdefault(name, "inactive")
        else:
            account["capabilities"].pop(name, None)
    payouts = dict((params.get("settings") or {}).get("payouts") or {})
    account["settings"]["payouts"]["schedule"] |= payouts.pop("schedule", {})
    account["settings"]["payouts"] |= payouts
    if "external_account" in params:
        use(account, make_bank_account(account, params["external_account"]))
    _accept_terms(account, params.get("tos_acceptance"))
    person = dict(params.get("individual") or {})
    birth = person.pop("dob", {})
    account["_person"] |= person | {f"dob.{part}": value for part, value in birth.items()}


def _accept_terms(account: Object, accepted: dict[str, Any] | None) -> None:
    if accepted is None:
        return
    if account["controller"]["requirement_collection"] == "stripe":
        raise invalid(
            "You cannot accept the Terms of Service on behalf of Standard and Express connected accounts.",
            param="tos_acceptance[date]",
        )
    if not {"date", "ip"} <= set(accepted):
        raise missing_parameter("tos_acceptance[ip]" if "date" in accepted else "tos_acceptance[date]")
    account["tos_acceptance"] |= accepted


def _platform(account_id: str) -> Object:
    return {
        "id": account_id,
        "object": "account",
        "business_profile": {
            "mcc": None,
            "name": "Simulated platform",
            "product_description": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": "platform@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_payments": {
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": "Simulated platform", "timezone": "Etc/UTC"},
            "payments": {
                "statement_descriptor": "SIMULATED PLATFORM",
                "statement_descriptor_kana": None,
                "statement_descriptor_kanji": None,
            },
        },
        "type": "standard",
    }
