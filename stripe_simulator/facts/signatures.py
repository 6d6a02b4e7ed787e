"""How deliveries are signed, and what the official library makes of it.

Source: https://docs.stripe.com/webhooks/signature
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import stripe

from .registry import documented, recorded
from .world import Unlike, World, same

_BODY, _SECRET = '{"id":"evt_1","object":"event"}', "whsec_one"


def _signed(at: int, *secrets: str, body: str = _BODY) -> str:
    macs = [hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={mac}" for mac in macs)])


def _believed(header: str, body: str = _BODY) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(body, header, _SECRET, 300))
    except stripe.SignatureVerificationError:
        return False


@documented()
def a_signature_is_hmac_sha256_over_the_time_and_the_raw_body(_: World) -> None:
    now = int(time.time())
    same(stripe.WebhookSignature.generate_signature_header(_BODY, _SECRET, now), _signed(now, _SECRET))
    same(_believed(_signed(now, _SECRET)), True)
    same(_believed(_signed(now, _SECRET), _BODY + " "), False)


@documented()
def any_of_several_signatures_may_match_while_a_secret_rotates(_: World) -> None:
    same(_believed(_signed(int(time.time()), "whsec_other", _SECRET)), True)


@documented()
def a_signature_by_another_secret_is_refused(_: World) -> None:
    same(_believed(_signed(int(time.time()), "whsec_other")), False)


@recorded()
def the_tolerance_is_300_seconds_of_the_past_and_a_future_time_passes(_: World) -> None:
    now = int(time.time())
    same([_believed(_signed(now + off, _SECRET)) for off in (-310, -290, 86_400)], [False, True, True])


@recorded()
def a_signature_that_is_not_ascii_raises_a_type_error(_: World) -> None:
    try:
        _believed(f"t={int(time.time())},v1=é")
    except TypeError:
        return
    raise Unlike("expected a TypeError, saw none")


@recorded()
def bad_json_with_a_good_signature_raises_a_json_error(_: World) -> None:
    body = "{"
    try:
        stripe.Webhook.construct_event(body, _signed(int(time.time()), _SECRET, body=body), _SECRET)
    except json.JSONDecodeError:
        return
    raise Unlike("expected a JSONDecodeError, saw none")
