"""Where Stripe knocks."""

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from app.actions import inbox
from app.extensions import csrf
from app.gateways.stripe_webhooks import verified_event
from app.kit import clock
from app.web.access import Audience, audience

bp = Blueprint("webhook", __name__, url_prefix="/webhooks")


@bp.post("/stripe")
@csrf.exempt  # type: ignore[untyped-decorator]
@audience(Audience.STRIPE)
def stripe() -> ResponseReturnValue:
    """Verify, store once, answer; the worker acts. Whatever is wrong with a request is a 400 and leaves nothing."""
    settings, now = current_app.extensions["settings"], clock.now()
    body = request.get_data(cache=False)
    knock = verified_event(
        body, request.headers.get("Stripe-Signature", ""), secrets=settings.stripe_webhook_secrets, now=now
    )
    receipt = inbox.receive(knock, body.decode(), livemode=settings.livemode, now=now)
    return jsonify(status=receipt)
