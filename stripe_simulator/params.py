"""Types of request parameters: an endpoint declares them, nothing undeclared or ill-typed gets through.

Every `read` raises ApiError 400 that names the parameter the way Stripe does (`card[exp_year]`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import UnknownParameters, empty_parameter, invalid, missing_parameter, not_simulated

_INTEGER = re.compile(r"^-?[0-9]{1,18}$", re.ASCII)
_URL = re.compile(r"^https?://[^/?#\s]+[^\s]*$", re.IGNORECASE)
_RANGE_BOUNDS = ("gt", "gte", "lt", "lte")


class Type(Protocol):
    """Turns a decoded form value into a typed one."""

    def read(self, value: Any, name: str) -> Any: ...


@dataclass(frozen=True)
class Text:
    """A string; "" unsets it to None where that is allowed."""

    most: int = 5_000
    unsettable: bool = False

    def read(self, value: Any, name: str) -> str | None:
        if not isinstance(value, str):
            raise invalid("Invalid string: a hash or an array was given.", param=name)
        if value == "":
            if self.unsettable:
                return None
            raise empty_parameter(name)
        if len(value) > self.most:
            raise invalid(
                f"Invalid string: {value[:20]}…; must be at most {self.most} characters",
                param=name,
                code="parameter_invalid_string_too_long",
            )
        return value


@dataclass(frozen=True)
class Integer:
    """A whole number written with ASCII digits."""

    least: int | None = None
    most: int | None = None

    def read(self, value: Any, name: str) -> int:
        if value == "":
            raise empty_parameter(name)
        if not isinstance(value, str) or not _INTEGER.match(value):
            raise invalid(f"Invalid integer: {str(value)[:50]}", param=name, code="parameter_invalid_integer")
        number = int(value)
        if self.least is not None and number < self.least:
            raise invalid(
                f"This value must be greater than or equal to {self.least}.",
                param=name,
                code="parameter_invalid_integer",
            )
        if self.most is not None and number > self.most:
            raise invalid(
                f"This value must be less than or equal to {self.most}.",
                param=name,
                code="parameter_invalid_integer",
            )
        return number


@dataclass(frozen=True)
class Flag:
    """`true` or `false`."""

    def read(self, value: Any, name: str) -> bool:
        if value not in ("true", "false"):
            raise invalid(f"Invalid boolean: {str(value)[:50]}", param=name)
        return bool(value == "true")


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]
    unsettable: bool = False

    def read(self, value: Any, name: str) -> str | None:
        if value == "" and self.unsettable:
            return None
        if value == "":
            raise empty_parameter(name)
        if value not in self.options:
            raise invalid(f"Invalid {name}: must be one of {', '.join(self.options)}", param=name)
        return str(value)


def one_of(*options: str, unsettable: bool = False) -> Choice:
    return Choice(options, unsettable)


@dataclass(frozen=True)
class SomeOf:
    """One of a few words; `others` are Stripe's too and refused as not simulated."""

    options: tuple[str, ...]
    others: tuple[str, ...]

    def read(self, value: Any, name: str) -> str:
        chosen = Choice((*self.options, *self.others)).read(value, name)
        if chosen in self.others:
            raise not_simulated(f"{name}={chosen}")
        return str(chosen)


@dataclass(frozen=True)
class Url:
    """An absolute http or https address."""

    most: int = 5_000

    def read(self, value: Any, name: str) -> str:
        text = Text(self.most).read(value, name)
        if text is None or not _URL.match(text):
            raise invalid("Not a valid URL", param=name, code="url_invalid")
        return text


@dataclass(frozen=True)
class Hash:
    """Named fields with types of their own."""

    fields: Mapping[str, Type]
    unsettable: bool = False

    def read(self, value: Any, name: str) -> dict[str, Any] | None:
        if value == "" and self.unsettable:
            return None
        if not isinstance(value, dict):
            raise invalid("Invalid object", param=name)
        return read(self.fields, value, within=name)


@dataclass(frozen=True)
class Array:
    """`a[]=…` or `a[0]=…`."""

    of: Type
    most: int = 100

    def read(self, value: Any, name: str) -> list[Any]:
        if isinstance(value, dict) and all(key.isdecimal() for key in value):
            value = [value[key] for key in sorted(value, key=int)]
        if not isinstance(value, list):
            raise invalid("Invalid array", param=name)
        if len(value) > self.most:
            raise invalid(f"Invalid array: at most {self.most} elements", param=name)
        return [self.of.read(item, f"{name}[{index}]") for index, item in enumerate(value)]


@dataclass(frozen=True)
class Metadata:
    """At most 50 keys of 40 characters, values of 500; "" deletes a key, `metadata=` deletes all.

    Source: https://docs.stripe.com/metadata
    """

    def read(self, value: Any, name: str) -> dict[str, str] | None:
        if value == "":
            return None
        if not isinstance(value, dict):
            raise invalid("Invalid metadata: must be a hash", param=name)
        for key, text in value.items():
            if not isinstance(text, str):
                raise invalid("Metadata values must be strings.", param=f"{name}[{key}]")
            if len(key) > 40:
                raise invalid(
                    f"Metadata keys can have up to 40 characters, but you passed in a key '{key}'.",
                    param=name,
                )
            if len(text) > 500:
                raise invalid(
                    "Metadata values can have up to 500 characters, but you passed in a value that is "
                    f"{len(text)} characters.",
                    param=f"{name}[{key}]",
                )
        return value


@dataclass(frozen=True)
class Range:
    """A Unix time, or bounds on it: `created=1` or `created[gte]=1`."""

    def read(self, value: Any, name: str) -> dict[str, int]:
        whole = Integer(least=0)
        if not isinstance(value, dict):
            exact = whole.read(value, name)
            return {"gte": exact, "lte": exact}
        return read(dict.fromkeys(_RANGE_BOUNDS, whole), value, within=name)


@dataclass(frozen=True)
class Required:
    """Marks a parameter that must be given."""

    of: Type

    def read(self, value: Any, name: str) -> Any:
        return self.of.read(value, name)


@dataclass(frozen=True)
class NotSimulated:
    """Marks a parameter of Stripe's that the simulator does not have."""

    def read(self, value: Any, name: str) -> Any:
        raise not_simulated(name)


@dataclass(frozen=True)
class Retired:
    """Marks a parameter that Stripe has taken away, with the error code it answers since."""

    code: str
    instead: str

    def read(self, value: Any, name: str) -> Any:
        raise invalid(f"{name} is no longer supported in this API version. {self.instead}", param=name, code=self.code)


def not_simulated_here(names: str) -> dict[str, Type]:
    """Declarations for parameters (blank-separated) that are refused by name."""
    return dict.fromkeys(names.split(), NotSimulated())


def read(declared: Mapping[str, Type], given: Mapping[str, Any], *, within: str = "") -> dict[str, Any]:
    """Check a form against its declaration; absent optional parameters stay absent.

    Raises: ApiError 400 for a missing or ill-typed one, UnknownParameters for names that are not declared.
    """
    spell = (lambda name: f"{within}[{name}]") if within else str
    strangers = [spell(name) for name in given if name not in declared]
    if strangers:
        raise UnknownParameters(strangers)
    taken = {name: declared[name].read(value, spell(name)) for name, value in given.items()}
    for name, kind in declared.items():
        if isinstance(kind, Required) and name not in given:
            raise missing_parameter(spell(name))
    return taken


def merge_metadata(before: Mapping[str, str], change: Mapping[str, str] | None) -> dict[str, str]:
    """Metadata after an update: keys merge, empty values delete, None (`metadata=`) clears.

    Raises: ApiError 400 beyond 50 keys.
    """
    if change is None:
        return {}
    merged = {key: text for key, text in {**before, **change}.items() if text != ""}
    if len(merged) > 50:
        raise invalid(
            f"You can only have up to 50 metadata keys, but this object would have {len(merged)}.",
            param="metadata",
        )
    return merged
