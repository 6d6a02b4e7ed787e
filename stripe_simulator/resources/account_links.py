"""Account links and login links: how a person gets to the pages about their own account.

Source: https://docs.stripe.com/api/account_links and https://docs.stripe.com/api/accounts/login_link
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import invalid, no_such, refused
from ..ids import token
from ..params import Choice, Hash, Required, Text, Type, one_of
from ..routing import Call, endpoint
from ..shapes import Object
from .connected_accounts import connected

_LIFE_SECONDS = 300
_DUE: Choice = one_of("currently_due", "eventually_due")
_COLLECTION: dict[str, Type] = {"fields": _DUE, "future_requirements": one_of("include", "omit")}


@endpoint(
    "POST",
    "/v1/account_links",
    {
        "account": Required(Text()),
        "type": Required(one_of("account_onboarding", "account_update")),
        "refresh_url": Required(Text()),
        "return_url": Required(Text()),
        "collect": _DUE,
        "collection_options": Hash(_COLLECTION),
    },
)
def create(call: Call) -> Object:
    """A link to the onboarding page that opens once, within five minutes.

    Raises: ApiError 400 `url_invalid`, `resource_missing`, or for a type that the account cannot have.
    """
    work, params = call.work, call.params
    account = work.of(work.platform).find("account", params["account"])
    if account is None or account.get("deleted") or work.account != work.platform:
        raise no_such("account", params["account"], param="account", status=400)
    for name in ("refresh_url", "return_url"):
        _check_url(params[name], name)
    if params["type"] == "account_update" and account["controller"]["requirement_collection"] == "stripe":
        raise invalid(
            "You cannot create `account_update` type Account Links for this account. Valid types are "
            "['account_onboarding'].",
            param="type",
        )
    link_id = token(16)
    link = work.add(
        {
            "id": link_id,
            "object": "account_link",
            "created": work.moment,
            "expires_at": work.moment + _LIFE_SECONDS,
            "url": f"{call.base_url}/connect/onboarding/{account['id']}/{link_id}",
            "_account": account["id"],
            "_opened": False,
            "_refresh_url": params["refresh_url"],
            "_return_url": params["return_url"],
            "_session": None,
        }
    )
    return _nameless(link)


@endpoint("POST", "/v1/accounts/<id>/login_links")
def create_login_link(call: Call) -> Object:
    """A link to the account's own dashboard. Raises: ApiError 400 unless it has that, and was onboarded."""
    work, account = call.work, connected(call.work, call.id)
    if account["controller"]["stripe_dashboard"]["type"] != "express":
        raise refused(f"Cannot create a login link for an account that has no Express Dashboard: {account['id']}.")
    if not account["details_submitted"]:
        raise refused("Cannot create a login link for an account that has not completed onboarding.")
    link_id = token(16)
    link = work.of(work.platform).add(
        {
            "id": link_id,
            "object": "login_link",
            "created": work.moment,
            "url": f"{call.base_url}/connect/express/{account['id']}/{link_id}",
            "_account": account["id"],
            "_expires_at": work.moment + _LIFE_SECONDS,
        }
    )
    return _nameless(link)


def _nameless(link: Object) -> Object:
    """Links have no id: whoever has the URL has the link."""
    return {name: value for name, value in link.items() if name != "id"}


def _check_url(url: str, name: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise invalid("Not a valid URL", param=name, code="url_invalid")
