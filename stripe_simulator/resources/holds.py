"""What becomes of a hold: captured, canceled, or lapsed.

Source: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
"""

from __future__ import annotations

from ..clock import on_time
from ..errors import ApiError, refused
from ..money import display
from ..params import merge_metadata
from ..shapes import Object, public
from ..work import Work
from .charges import settle
from .confirmation import LAPSE

CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)


def capture(work: Work, intent: Object, amount: int | None, metadata: dict[str, str] | None) -> Object:
    """Take all of a hold, or `amount` (minor units) of it; the bank releases the rest, no refund is made.

    Raises: ApiError 400 `payment_intent_unexpected_state` or `amount_too_large`.
    """
    if intent["status"] != "requires_capture":
        raise unexpected_state(intent, "captured", ("requires_capture",))
    taken = intent["amount_capturable"] if amount is None else amount
    if taken > intent["amount_capturable"]:
        most = display(intent["amount_capturable"], intent["currency"])
        raise refused(
            f"The remaining amount you can capture for this PaymentIntent is {most}. Your requested capture "
            f"amount "
            f"of {display(taken, intent['currency'])} is too large.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    made = work.get("charge", intent["latest_charge"])
    settle(work, made, taken)
    intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": taken}
    if metadata is not None:
        intent["metadata"] = merge_metadata(intent["metadata"], metadata)
    work.save(made)
    work.save(intent)
    work.emit("charge.captured", made)
    work.emit("payment_intent.succeeded", intent)
    return intent


def cancel(work: Work, intent: Object, reason: str | None) -> Object:
    """End an intent that has not been paid; a hold is released, no refund is made.

    Raises: ApiError 400 `payment_intent_unexpected_state`.
    """
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(intent, "canceled", CANCELABLE)
    intent |= {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": work.moment,
        "cancellation_reason": reason,
        "next_action": None,
    }
    work.save(intent)
    work.emit("payment_intent.canceled", intent)
    return intent


@on_time(LAPSE)
def lapse(work: Work, intent_id: str) -> None:
    """Nobody captured in time: the bank lets go of the money. A timer of an earlier end does nothing."""
    intent = work.get("payment_intent", intent_id)
    if intent["status"] != "requires_capture":
        return
    work.emit("charge.expired", work.get("charge", intent["latest_charge"]))
    cancel(work, intent, "expired")


def unexpected_state(intent: Object, done: str, allowed: tuple[str, ...]) -> ApiError:
    """The refusal of a move that the intent's status forbids, with the intent as it is."""
    noun = "a PaymentIntent with one of the following statuses" if len(allowed) > 1 else "a PaymentIntent with status"
    verb = {"captured": "capture", "canceled": "cancel", "confirmed": "confirm"}.get(done, done)
    return refused(
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}. Only {noun} "
        f"may be {done}: {', '.join(allowed)}.",
        code="payment_intent_unexpected_state",
        extra={"payment_intent": public(intent)},
    )
