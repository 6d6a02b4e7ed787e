"""Readable ids: the same string in URLs, logs, idempotency keys and Stripe's metadata."""

import secrets

# Lower case and digits without look-alikes (0/o, 1/l/i), so that an id survives being read out on the phone.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
LENGTH = 18  # 18 × log2(31) ≈ 89 bits


def new_id(prefix: str) -> str:
    """A random id such as ``bk_7h2m…``; unguessable, though never a substitute for a scoped look-up."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(LENGTH))}"
