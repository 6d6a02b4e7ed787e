"""While a Checkout Session is open its page alone moves the intent it made.

Source: https://docs.stripe.com/api/checkout/sessions/object#checkout_session_object-payment_intent
"""

from __future__ import annotations

from ..errors import refused
from ..shapes import Object
from ..work import Work

_NOUN = {"payment_intent": "PaymentIntent", "setup_intent": "SetupIntent"}


def refuse_while_in_checkout(work: Work, intent: Object, verb: str) -> None:
    """Raises: ApiError 400 for an intent whose Checkout Session is still open."""
    session = work.find("checkout.session", intent.get("_checkout_session", ""))
    if session and session["status"] == "open":
        raise refused(
            f"You cannot {verb} this {_NOUN[intent['object']]} because it was created by the Checkout Session "
            f"{session['id']}. Expire the Checkout Session instead, or let its page complete it."
        )
