"""Who calls: test keys only, as a bearer token or as the user of Basic auth.

Source: https://docs.stripe.com/api/authentication
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.wrappers import Request

from .errors import ApiError, unauthorized

_SECRET = re.compile(r"^(sk|rk)_test_[A-Za-z0-9_]+$")
_PUBLISHABLE = re.compile(r"^pk_test_[A-Za-z0-9_]+$")
_LIVE = re.compile(r"^[a-z]{2}_live_")


@dataclass(frozen=True)
class Caller:
    """A key that was let in. `publishable`: it comes from a browser and may do little."""

    key: str
    publishable: bool
    account: str

    @property
    def scope(self) -> str:
        """What idempotency keys belong to."""
        return f"{self.key} {self.account}"


def identify(request: Request, platform: str, connected: Callable[[str], bool]) -> Caller:
    """Check the key and the `Stripe-Account` header against the platform and its connected accounts.

    Raises: ApiError 401 without a usable test key, 403 for another account.
    """
    given = request.authorization
    key = (given.token or given.username) if given else None
    if not key:
        raise unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if _LIVE.match(key):
        raise unauthorized(
            "This is a simulator: it refuses live keys, so that nothing real is ever mistaken for a test. "
            "Use any key that starts with sk_test_. Consider the key you sent exposed if this was not your "
            "machine."
        )
    publishable = bool(_PUBLISHABLE.match(key))
    if not publishable and not _SECRET.match(key):
        raise unauthorized(f"Invalid API Key provided: {key[:8]}****{key[-4:] if len(key) > 16 else ''}")
    wanted = request.headers.get("Stripe-Account", platform)
    if wanted != platform and not connected(wanted):
        raise no_access(key, wanted)
    return Caller(key, publishable, wanted)


def no_access(key: str, account: str) -> ApiError:
    """The refusal of an account that does not exist, or is not connected."""
    return ApiError(
        403,
        f"The provided key '{key[:8]}****' does not have access to account '{account}' (or that account does not "
        "exist). Application access may have been revoked.",
        code="account_invalid",
    )


def secret_key_required() -> ApiError:
    return ApiError(
        401,
        "This API call cannot be made with a publishable API key. Please use a secret API key. You can find "
        "a list "
        "of your API keys at https://dashboard.stripe.com/account/apikeys.",
        code="secret_key_required",
    )
