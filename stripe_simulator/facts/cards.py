"""What the test cards do. Source: https://docs.stripe.com/testing"""

from __future__ import annotations

from typing import Any

from .registry import documented
from .world import World, refused, same


def _decline(world: World, card: str) -> tuple[int, str, Any]:
    error = refused(lambda: world.hold(card))
    return error.http_status, error.code, error.error.decline_code if "decline_code" in error.error else None


@documented()
def card_4242_succeeds(world: World) -> None:
    same(world.payment().status, "succeeded")


@documented()
def card_0002_declines(world: World) -> None:
    same(_decline(world, "pm_card_chargeDeclined"), (402, "card_declined", "generic_decline"))


@documented()
def card_9995_has_insufficient_funds(world: World) -> None:
    same(_decline(world, "pm_card_chargeDeclinedInsufficientFunds"), (402, "card_declined", "insufficient_funds"))


@documented()
def card_0341_attaches_and_then_declines(world: World) -> None:
    customer = world.api.customers.create({})
    method = world.api.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    error = refused(lambda: world.hold(method.id, customer=customer.id))
    same((error.http_status, error.code), (402, "card_declined"))


@documented()
def card_3155_authenticates_unless_set_up(world: World) -> None:
    same(world.hold("pm_card_authenticationRequiredOnSetup").status, "requires_action")


@documented()
def card_3184_always_authenticates(world: World) -> None:
    same(world.hold("pm_card_authenticationRequired").status, "requires_action")


@documented()
def card_3178_authenticates_first(world: World) -> None:
    card = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    same(world.hold(card).status, "requires_action")


@documented()
def card_3220_requires_three_d_secure(world: World) -> None:
    same(world.hold("pm_card_threeDSecure2Required").status, "requires_action")


@documented()
def card_7726_refunds_later(world: World) -> None:
    paid = world.payment("pm_card_pendingRefund")
    same(world.api.refunds.create({"payment_intent": paid.id}).status, "pending")


@documented()
def card_5126_refunds_at_first(world: World) -> None:
    paid = world.payment("pm_card_refundFail")
    same(world.api.refunds.create({"payment_intent": paid.id}).status in ("succeeded", "pending"), True)


@documented()
def card_0077_goes_straight_to_the_available_balance(world: World) -> None:
    charge = world.charge_of(world.payment("pm_card_bypassPending"))
    same(world.api.balance_transactions.retrieve(str(charge.balance_transaction)).status, "available")
