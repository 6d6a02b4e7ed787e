"""Calling the application as from outside."""

from collections.abc import Callable
from contextvars import Context
from typing import Any


def apart(call: Callable[..., Any], *args: Any, **rest: Any) -> Any:
    """Run ``call`` without the test's own application context, which a request would share otherwise."""
    return Context().run(call, *args, **rest)
