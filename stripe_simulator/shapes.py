"""The one data shape everything passes around: a Stripe object as plain JSON.

Keys that start with an underscore are the simulator's own notes (which test card it is, whether it was
authenticated). They are stored with the object and never shown.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

API_VERSION = "2026-10-28.endive"


def public(obj: Object) -> Object:
    """The object as an outsider sees it: without the simulator's own notes."""
    return {name: value for name, value in obj.items() if not name.startswith("_")}
