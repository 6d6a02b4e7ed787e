"""What a key remembers. Source: https://docs.stripe.com/api/idempotent_requests"""

from __future__ import annotations

import uuid
from typing import Any

import stripe

from .registry import documented, recorded, unverified
from .world import HOUR, World, refused, same

_WISH = {"amount": 5000, "currency": "usd"}


def _create(world: World, key: str, **given: Any) -> Any:
    return world.api.payment_intents.create({**_WISH, **given}, {"idempotency_key": key})  # type: ignore[typeddict-item]


def _key() -> str:
    return f"fact-{uuid.uuid4()}"


@documented()
def the_same_key_gives_the_first_answer_marked_as_replayed(world: World) -> None:
    key = _key()
    first, again = _create(world, key), _create(world, key)
    same((again.id, again.last_response.headers.get("Idempotent-Replayed")), (first.id, "true"))
    same(first.last_response.headers.get("Idempotent-Replayed"), None)


@recorded()
def the_same_key_with_other_parameters_is_an_idempotency_error(world: World) -> None:
    key = _key()
    _create(world, key)
    error = refused(lambda: _create(world, key, amount=6000))
    same((type(error), error.http_status), (stripe.IdempotencyError, 400))


@documented()
def a_decline_is_saved_so_a_retry_needs_a_new_key(world: World) -> None:
    intent, key = world.intent(), _key()

    def pay(with_key: str) -> Any:
        card: Any = {"payment_method": "pm_card_chargeDeclined"}
        return refused(
            lambda: world.api.payment_intents.confirm(intent.id, card, {"idempotency_key": with_key})
        ).error.charge

    first, again, new = pay(key), pay(key), pay(_key())
    same((again == first, new == first), (True, False))


@documented()
def a_validation_failure_is_not_saved(world: World) -> None:
    key = _key()
    refused(lambda: _create(world, key, amount=-5))
    same(_create(world, key).object, "payment_intent")


@unverified()
def a_refusal_by_state_is_saved(world: World) -> None:
    hold, key = world.hold(), _key()

    def take() -> Any:
        too_much: Any = {"amount_to_capture": 9000}
        return refused(lambda: world.api.payment_intents.capture(hold.id, too_much, {"idempotency_key": key}))

    take()
    same(take().headers.get("Idempotent-Replayed"), "true")


@documented(needs="faults")
def a_500_after_execution_began_is_saved(world: World) -> None:
    key = _key()
    world.fault("error_500_saved_with_effect")
    for _ in range(2):
        same(refused(lambda: _create(world, key)).http_status, 500)


@recorded(needs="faults")
def a_key_in_flight_is_a_409_and_a_plain_api_error(world: World) -> None:
    world.fault("conflict_409")
    error = refused(lambda: _create(world, _key()))
    same((type(error), error.http_status, error.error.code), (stripe.APIError, 409, "idempotency_key_in_use"))


@documented(needs="clock")
def a_key_is_kept_for_a_day(world: World) -> None:
    key = _key()
    first = _create(world, key)
    world.advance(23 * HOUR)
    same(_create(world, key).id, first.id)


@documented()
def a_key_is_at_most_255_characters(world: World) -> None:
    same(_create(world, _key().ljust(255, "x")).object, "payment_intent")
    same(refused(lambda: _create(world, _key().ljust(256, "x"))).http_status, 400)


@documented()
def a_key_on_a_get_means_nothing(world: World) -> None:
    intent, key = world.intent(), _key()
    before = world.api.payment_intents.retrieve(intent.id, {}, {"idempotency_key": key}).status
    world.api.payment_intents.cancel(intent.id)
    after = world.api.payment_intents.retrieve(intent.id, {}, {"idempotency_key": key}).status
    same((before, after), ("requires_payment_method", "canceled"))
