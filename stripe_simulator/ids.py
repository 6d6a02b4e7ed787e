"""Random identifiers in Stripe's style."""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.digits + string.ascii_letters


def token(length: int) -> str:
    """Random letters and digits, safe in URLs."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_id(prefix: str) -> str:
    """A fresh id such as `pi_3Qx…`: the prefix, an underscore and 24 characters."""
    return f"{prefix}_{token(24)}"


def client_secret(object_id: str) -> str:
    """The secret that lets a browser act on one intent. Source: https://docs.stripe.com/payments/paymentintents/lifecycle"""
    return f"{object_id}_secret_{token(25)}"
