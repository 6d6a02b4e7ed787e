"""A person's saved cards."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.actions import wallets
from app.extensions import limiter
from app.kit.errors import GatewayDown
from app.web.access import Audience, audience, me

bp = Blueprint("wallets", __name__, url_prefix="/account/cards")


@bp.get("/")
@audience(Audience.MEMBER)
def cards() -> str:
    """The cards that Stripe keeps for me; the page stands also while Stripe does not answer."""
    try:
        return render_template("account/cards.html", cards=wallets.cards_of(me()), is_known=True)
    except GatewayDown:
        return render_template("account/cards.html", cards=[], is_known=False)


@bp.post("/<stripes:method_id>/removal")
@limiter.limit("30 per minute")
@audience(Audience.MEMBER)
def remove(method_id: str) -> ResponseReturnValue:
    """Have a card forgotten."""
    card = wallets.remove(me(), method_id)
    flash(f"{card.name} is removed. Stripe has forgotten it, too.", "done")
    return redirect(url_for(".cards"))
