"""Readable ids: the same string in URLs, logs, idempotency keys and Stripe's metadata."""

import re
import secrets

# Lower case and digits without look-alikes (0/o, 1/l/i), so that an id survives being read out on the phone.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
LENGTH = 18  # 18 × log2(31) ≈ 89 bits

# What a look-up by id is tried with at all. A NUL, for one, is a question that PostgreSQL does not even understand.
PATTERN = "[a-z]{2,4}_[a-z0-9]{1,36}"


def new_id(prefix: str) -> str:
    """A random id such as ``bk_7h2m…``; unguessable, though never a substitute for a scoped look-up."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(LENGTH))}"


def is_id(text: str) -> bool:
    """Whether this could be an id at all."""
    return re.fullmatch(PATTERN, text) is not None
