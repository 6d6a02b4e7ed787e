"""How long holds live, and what becomes of them.

Source: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
"""

from __future__ import annotations

from typing import Any

from .registry import documented, recorded, unverified
from .world import DAY, HOUR, World, refused, same


def _life(world: World, intent: Any) -> int:
    charge = world.charge_of(intent)
    return int(charge.payment_method_details.card.capture_before) - int(charge.created)


def _without_the_customer(world: World, card: str) -> Any:
    customer, method = world.customer_with(card)
    return world.hold(method, customer=customer, off_session=True)


@documented()
def a_customer_initiated_visa_hold_lives_seven_days(world: World) -> None:
    same(_life(world, world.hold()), 7 * DAY)


@documented()
def a_customer_initiated_mastercard_hold_lives_seven_days(world: World) -> None:
    same(_life(world, world.hold("pm_card_mastercard")), 7 * DAY)


@documented()
def a_merchant_initiated_visa_hold_lives_four_days_and_eighteen_hours(world: World) -> None:
    same(_life(world, _without_the_customer(world, "pm_card_visa")), 4 * DAY + 18 * HOUR)


@documented()
def a_merchant_initiated_mastercard_hold_lives_seven_days(world: World) -> None:
    same(_life(world, _without_the_customer(world, "pm_card_mastercard")), 7 * DAY)


@documented(needs="clock")
def a_hold_nobody_captures_is_canceled_as_expired(world: World) -> None:
    hold = world.hold()
    world.advance(7 * DAY + HOUR)
    lapsed = world.api.payment_intents.retrieve(hold.id)
    same((lapsed.status, lapsed.cancellation_reason), ("canceled", "expired"))


@unverified(needs="clock")
def a_lapse_tells_charge_expired_before_payment_intent_canceled(world: World) -> None:
    hold = world.hold()
    told = world.told(lambda: world.advance(7 * DAY + HOUR), hold.id, wanted=2)
    same(told, ["charge.expired", "payment_intent.canceled"])


@recorded(needs="clock")
def capturing_a_lapsed_hold_is_payment_intent_unexpected_state(world: World) -> None:
    hold = world.hold()
    world.advance(7 * DAY + HOUR)
    same(refused(lambda: world.api.payment_intents.capture(hold.id)).code, "payment_intent_unexpected_state")


@documented()
def a_partial_capture_makes_no_refund(world: World) -> None:
    hold = world.hold()
    paid = world.api.payment_intents.capture(hold.id, {"amount_to_capture": 2000})
    same((paid.status, paid.amount_received, paid.amount_capturable), ("succeeded", 2000, 0))
    same(list(world.api.refunds.list({"payment_intent": hold.id}).data), [])


@documented()
def canceling_a_hold_makes_no_refund(world: World) -> None:
    hold = world.hold()
    same(world.api.payment_intents.cancel(hold.id).status, "canceled")
    same(list(world.api.refunds.list({"payment_intent": hold.id}).data), [])


@documented(needs="clock")
def a_lapse_makes_no_refund(world: World) -> None:
    hold = world.hold()
    world.advance(7 * DAY + HOUR)
    same(list(world.api.refunds.list({"payment_intent": hold.id}).data), [])


@documented()
def the_default_capture_method_is_automatic_async(world: World) -> None:
    made = world.api.payment_intents.create({"amount": 5000, "currency": "usd"})
    same(made.capture_method, "automatic_async")


@unverified()
def retrieves_and_lists_see_what_was_just_written(world: World) -> None:
    hold = world.hold()
    world.api.payment_intents.cancel(hold.id)
    same(world.api.payment_intents.retrieve(hold.id).status, "canceled")
    newest = world.intent()
    same(newest.id in [each.id for each in world.api.payment_intents.list({"limit": 20}).data], True)
