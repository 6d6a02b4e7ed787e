"""Billing portal sessions: a link that lets one customer see to their own subscriptions.

Source: https://docs.stripe.com/api/customer_portal/sessions
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from ..errors import ApiError
from ..ids import new_id, token
from ..params import Required, SomeOf, Text
from ..routing import Call, endpoint
from ..shapes import Object
from ..work import Work
from .customers import chargeable

# A link must be opened within five minutes, and then lives for an hour after the last use.
UNOPENED_SECONDS = 300
IDLE_SECONDS = 3600
_PREFIX = "test_"
_ID_LENGTH = 24
_OTHER_LOCALES = """
    bg cs da de el en-AU en-CA en-GB en-IE en-IN en-NZ en-SG es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt
    nb nl pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW
"""


def check_url(url: str, param: str) -> None:
    """Raises: ApiError 400 `url_invalid` for anything but an http(s) address."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise ApiError(
            400, "Not a valid URL. URLs must begin with http or https.", code="url_invalid", param=param
        )  # fmt: skip


def find_open(work: Work, secret: str) -> tuple[Work, Object] | None:
    """The session of a link and work in its account, kept alive by this use; None if its time is over."""
    session_id = f"bps_{secret.removeprefix(_PREFIX)[:_ID_LENGTH]}"
    account = work.owner(session_id)
    theirs = work.of(account or work.account)
    session = theirs.find("billing_portal.session", session_id)
    if session is None or not hmac.compare_digest(session["_secret"].encode(), secret.encode()):
        return None
    if session["_expires"] <= work.moment:
        return None
    return theirs, theirs.save(session | {"_expires": work.moment + IDLE_SECONDS})


@endpoint(
    "POST",
    "/v1/billing_portal/sessions",
    {
        "customer": Required(Text()),
        "return_url": Text(),
        "locale": SomeOf(("auto", "en"), tuple(_OTHER_LOCALES.split())),
    },
)
def create(call: Call) -> Object:
    work, params = call.work, call.params
    if "return_url" in params:
        check_url(params["return_url"], "return_url")
    session_id = new_id("bps")
    # The link names its session, and ends with what nobody can guess.
    secret = f"{_PREFIX}{session_id.removeprefix('bps_')}{token(32)}"
    return work.add(
        {
            "id": session_id,
            "object": "billing_portal.session",
            "after_expiration": None,
            "configuration": f"bpc_{work.account.removeprefix('acct_')}",
            "created": work.moment,
            "customer": chargeable(work, params["customer"])["id"],
            "customer_account": None,
            "flow": None,
            "livemode": False,
            "locale": params.get("locale"),
            "on_behalf_of": None,
            "return_url": params.get("return_url"),
            "url": f"{call.base_url}/p/session/{secret}",
            "_secret": secret,
            "_expires": work.moment + UNOPENED_SECONDS,
        }
    )
