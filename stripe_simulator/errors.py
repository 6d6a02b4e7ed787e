"""Every refusal the API can give, with Stripe's words for it.

Source: https://docs.stripe.com/error-codes and https://docs.stripe.com/api/errors
"""

from __future__ import annotations

from collections.abc import Mapping

from .shapes import Object


class ApiError(Exception):
    """An answer that is an error.

    `saved`: the endpoint had begun to run, so the answer is remembered under the idempotency key.
    `effect`: what the endpoint wrote before raising is kept too (a declined charge leaves traces).
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        saved: bool = False,
        effect: bool = False,
        extra: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.saved = saved or effect
        self.effect = effect
        self.headers = dict(headers or {})
        self._error: Object = {"message": message, "type": type, **(extra or {})}
        if code:
            self._error |= {
                "code": code,
                "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
            }
        if param:
            self._error["param"] = param

    def body(self) -> Object:
        """The JSON answer."""
        return {"error": self._error}


class ConnectionLost(Exception):
    """The caller gets no answer at all: the server adapter closes the socket."""


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """A parameter is wrong; nothing was begun, so the idempotency key stays free."""
    return ApiError(400, message, param=param, code=code)


def refused(
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    extra: Mapping[str, object] | None = None,
) -> ApiError:
    """The request was understood and begun, but the state of things forbids it."""
    return ApiError(400, message, code=code, param=param, saved=True, extra=extra)


class UnknownParameters(Exception):
    """Names that an endpoint does not take, as the request spells them. See `known.explain`."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def unknown_parameters(names: list[str]) -> ApiError:
    plural = "s" if len(names) > 1 else ""
    return invalid(f"Received unknown parameter{plural}: {', '.join(names)}", param=names[0], code="parameter_unknown")


def not_simulated(name: str) -> ApiError:
    """A parameter, or a value of one, that Stripe has and this simulator does not: said, never ignored."""
    return invalid(f"'{name}' exists in Stripe's API but is not simulated here.", param=name)


def missing_parameter(name: str) -> ApiError:
    return invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")


def empty_parameter(name: str) -> ApiError:
    return invalid(
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a "
        f"parameter; "
        f"however '{name}' cannot be unset. You should remove '{name}' from your request or supply a "
        "non-empty value.",
        param=name,
        code="parameter_invalid_empty",
    )


def no_such(kind: str, object_id: str, *, param: str = "id", status: int = 404) -> ApiError:
    """404 for the object of the path, 400 for an object that a parameter names."""
    noun = {"payment_method": "PaymentMethod"}.get(kind, kind)
    return ApiError(status, f"No such {noun}: '{object_id}'", code="resource_missing", param=param)


def no_such_route(method: str, path: str) -> ApiError:
    return ApiError(
        404,
        f"Unrecognized request URL ({method}: {path}). This simulator may not know the endpoint, or the path "
        f"is "
        "misspelt. Its README lists what it knows.",
    )


def wrong_key_parameters(key: str) -> ApiError:
    return ApiError(
        400,
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
        type="idempotency_error",
    )


def wrong_key_endpoint(key: str, path: str, first: str) -> ApiError:
    return ApiError(
        400,
        "Keys for idempotent requests can only be used for the same endpoint they were first used for "
        f"('{path}' vs '{first}'). Try using a key other than '{key}' if you meant to execute a different "
        f"request.",
        type="idempotency_error",
    )


def key_in_use(key: str) -> ApiError:
    return ApiError(
        409,
        f"There is currently another in-progress request using this Idempotency Key ({key}). Please try again later.",
        type="idempotency_error",
        code="idempotency_key_in_use",
    )


def lock_timeout() -> ApiError:
    return ApiError(
        429,
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request.",
        code="lock_timeout",
        headers={"Stripe-Should-Retry": "true"},
    )


def rate_limited() -> ApiError:
    return ApiError(
        429, "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        code="rate_limit",
    )  # fmt: skip


def server_error(*, saved: bool) -> ApiError:
    """A 500. The library is told not to retry one that its key would only replay."""
    return ApiError(
        500,
        "An unknown error occurred.",
        type="api_error",
        saved=saved,
        headers={"Stripe-Should-Retry": "false"} if saved else None,
    )


def unauthorized(message: str) -> ApiError:
    return ApiError(401, message, headers={"WWW-Authenticate": 'Bearer realm="Stripe"'})
