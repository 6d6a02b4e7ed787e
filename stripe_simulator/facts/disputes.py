"""Disputes by test card. Source: https://docs.stripe.com/testing#disputes"""

from __future__ import annotations

from typing import Any

from .registry import documented, recorded
from .world import World, refused, same


def _disputed(world: World) -> Any:
    """A payment whose dispute is open."""
    paid = world.payment("pm_card_createDispute")
    world.eventually(lambda: len(world.api.disputes.list({"payment_intent": paid.id}).data), 1)
    return world.api.disputes.list({"payment_intent": paid.id}).data[0]


def _submit(world: World, dispute: Any, text: str) -> None:
    world.api.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}, "submit": True})
    world.let_pass(3600)


@recorded()
def card_0259_is_disputed_when_charged_and_the_funds_are_withdrawn(world: World) -> None:
    told = world.told(lambda: world.payment("pm_card_createDispute"), wanted=5)
    told = [each for each in told if "dispute" in each]
    same(told, ["charge.dispute.created", "charge.dispute.funds_withdrawn"])


@recorded()
def an_uncaptured_hold_is_not_disputed(world: World) -> None:
    hold = world.hold("pm_card_createDispute")
    same(list(world.api.disputes.list({"payment_intent": hold.id}).data), [])
    world.api.payment_intents.capture(hold.id)
    world.eventually(lambda: len(world.api.disputes.list({"payment_intent": hold.id}).data), 1)


@recorded()
def a_dispute_has_an_id_that_begins_with_du(world: World) -> None:
    same(_disputed(world).id[:3], "du_")


@recorded()
def a_disputed_charge_is_not_refunded(world: World) -> None:
    charge = str(_disputed(world).charge)
    same(refused(lambda: world.api.refunds.create({"charge": charge})).code, "charge_disputed")


@documented()
def winning_evidence_wins_and_the_funds_come_back(world: World) -> None:
    dispute = _disputed(world)
    told = world.told(lambda: _submit(world, dispute, "winning_evidence"), dispute.id, wanted=5)
    wanted = ["charge.dispute.updated", "charge.dispute.funds_reinstated", "charge.dispute.closed"]
    same([each for each in told if each in wanted], wanted)
    world.eventually(lambda: world.api.disputes.retrieve(dispute.id).status, "won")


@documented()
def losing_evidence_loses(world: World) -> None:
    dispute = _disputed(world)
    told = world.told(lambda: _submit(world, dispute, "losing_evidence"), dispute.id, wanted=4)
    wanted = ["charge.dispute.updated", "charge.dispute.closed"]
    same([each for each in told if each in wanted], wanted)
    world.eventually(lambda: world.api.disputes.retrieve(dispute.id).status, "lost")
