"""Which events an action brings, in which order, and the state behind them. Source: https://docs.stripe.com/api/events/types"""

from __future__ import annotations

from .registry import documented, recorded, unverified
from .world import World, same


@recorded()
def creating_an_intent_tells_payment_intent_created(world: World) -> None:
    same(world.told(world.intent, wanted=1), ["payment_intent.created"])


@recorded()
def updating_an_intent_tells_nothing(world: World) -> None:
    intent = world.intent()
    world.told(lambda: None, intent.id, wanted=1)  # let its creation be told first
    change = lambda: world.api.payment_intents.update(intent.id, {"amount": 6000})  # noqa: E731
    same([each for each in world.told(change, wanted=1) if each != "payment_intent.created"], [])


@recorded()
def authorizing_tells_the_charge_and_then_the_intent(world: World) -> None:
    intent = world.intent()
    confirm = lambda: world.api.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})  # noqa: E731
    told = world.told(confirm, wanted=2)
    same(_later(told), ["charge.succeeded", "payment_intent.amount_capturable_updated"])
    held = world.api.payment_intents.retrieve(intent.id)
    charge = world.charge_of(held)
    same((held.status, charge.paid, charge.captured), ("requires_capture", True, False))
    same(charge.amount_captured, 0)


@recorded()
def three_d_secure_on_session_asks_before_any_charge(world: World) -> None:
    told = world.told(lambda: world.hold("pm_card_authenticationRequired"), wanted=2)
    same(told, ["payment_intent.created", "payment_intent.requires_action"])


@recorded()
def a_decline_tells_the_failed_charge_and_then_the_failed_payment(world: World) -> None:
    told = world.told(lambda: world.hold("pm_card_chargeDeclined"), wanted=3)
    same(_later(told), ["charge.failed", "payment_intent.payment_failed"])


@recorded()
def a_full_capture_tells_the_charge_and_then_the_intent(world: World) -> None:
    hold = world.hold()
    told = world.told(lambda: world.api.payment_intents.capture(hold.id), wanted=2)
    same(_of_capture(told), ["charge.captured", "payment_intent.succeeded"])


@recorded()
def a_partial_capture_tells_the_same_and_releases_the_rest(world: World) -> None:
    hold = world.hold()
    part = lambda: world.api.payment_intents.capture(hold.id, {"amount_to_capture": 2000})  # noqa: E731
    same(_of_capture(world.told(part, wanted=2)), ["charge.captured", "payment_intent.succeeded"])
    paid = world.api.payment_intents.retrieve(hold.id)
    same((paid.amount, paid.amount_received, paid.amount_capturable), (5000, 2000, 0))


@recorded()
def canceling_tells_payment_intent_canceled_only(world: World) -> None:
    hold = world.hold()
    told = world.told(lambda: world.api.payment_intents.cancel(hold.id), wanted=1)
    same(
        [each for each in told if "created" not in each and "capturable" not in each][-1:], ["payment_intent.canceled"]
    )
    same("refund.created" in told or "charge.refunded" in told, False)


@recorded()
def a_refund_tells_itself_and_then_the_charge(world: World) -> None:
    paid = world.payment()
    refund = lambda: world.api.refunds.create({"payment_intent": paid.id, "amount": 1000})  # noqa: E731
    told = world.told(refund, paid.id, wanted=2)
    same([each for each in told if "refund" in each][:2], ["refund.created", "charge.refunded"])


@unverified()
def paying_at_once_tells_the_charge_before_the_intent(world: World) -> None:
    told = world.told(world.payment, wanted=3)
    wanted = ["charge.succeeded", "payment_intent.succeeded"]
    same([each for each in told if each in wanted], wanted)


@documented(needs="clock")
def a_pending_refund_succeeds_later_and_tells_it_twice(world: World) -> None:
    paid = world.payment("pm_card_pendingRefund")
    refund = world.api.refunds.create({"payment_intent": paid.id})
    same(refund.status, "pending")
    told = world.told(lambda: world.advance(3600), refund.id, wanted=2)
    same(told, ["refund.updated", "charge.refund.updated"])
    same(world.api.refunds.retrieve(refund.id).status, "succeeded")


@unverified(needs="clock")
def a_failing_refund_gives_the_money_back_to_the_platform(world: World) -> None:
    paid = world.payment("pm_card_refundFail")
    refund = world.api.refunds.create({"payment_intent": paid.id})
    told = world.told(lambda: world.advance(3600), refund.id, wanted=3)
    same(told, ["refund.updated", "charge.refund.updated", "refund.failed"])
    same(world.charge_of(paid).amount_refunded, 0)


def _later(told: list[str]) -> list[str]:
    return [each for each in told if each != "payment_intent.created"]


def _of_capture(told: list[str]) -> list[str]:
    return [each for each in told if each in ("charge.captured", "payment_intent.succeeded", "refund.created")]
