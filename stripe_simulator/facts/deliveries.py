"""How events are delivered; only where deliveries can be watched. Source: https://docs.stripe.com/webhooks"""

from __future__ import annotations

import json
from typing import Any

import stripe

from .registry import documented
from .world import DAY, World, same


def _told(world: World, intent: Any, status: int) -> tuple[str, str]:
    """Answer what is due with a status; the one delivery about an intent. Raises: Unlike unless it is one."""
    about = [each for each in world.deliver(status) if intent.id in each[0]]
    same(len(about), 1)
    return about[0]


@documented(needs="deliveries")
def any_answer_but_a_2xx_is_tried_again(world: World) -> None:
    for status in (199, 302, 400, 500):
        intent = world.intent()
        _told(world, intent, status)
        world.let_pass(DAY)
        _told(world, intent, 200)


@documented(needs="deliveries")
def a_retry_carries_a_new_timestamp_and_signature_over_the_same_event(world: World) -> None:
    intent = world.intent()
    body, first = _told(world, intent, 500)
    world.let_pass(DAY)
    again, second = _told(world, intent, 200)
    same((json.loads(again)["id"], first == second), (json.loads(body)["id"], False))


@documented(needs="deliveries")
def a_rotated_secret_signs_beside_the_old_one_for_a_day(world: World) -> None:
    old, new = world.rotate()
    body, header = _told(world, world.intent(), 200)
    same(header.count("v1="), 2)
    for secret in (old, new):
        same(bool(stripe.WebhookSignature.verify_header(body, header, secret)), True)
    world.let_pass(DAY + 3600)
    same(_told(world, world.intent(), 200)[1].count("v1="), 1)


@documented()
def the_time_of_an_event_has_the_precision_of_seconds(world: World) -> None:
    world.intent()
    same(type(world.api.events.list({"limit": 1}).data[0].created), int)
