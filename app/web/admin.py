"""What an operator sees: what needs a person, every booking, the books, and how they compare with Stripe."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.actions import alarms, books, cancellations, decisions, inbox, refunds
from app.extensions import db
from app.kit import clock
from app.kit.errors import IllegalMove, Invalid
from app.kit.money import Money
from app.models.base import all_of
from app.models.booking import Booking
from app.models.listings import all_listed, listed
from app.models.payment import Payment
from app.models.reconciliation import Reconciliation
from app.models.states import ObjectionState, Party
from app.web import attention, live, outcomes
from app.web.access import Audience, audience
from app.web.forms import DecisionForm, RefundForm, show_on
from app.web.pages import page_of
from app.web.stories import story_of

bp = Blueprint("admin", __name__, url_prefix="/operator")


@bp.get("/")
@audience(Audience.OPERATOR)
def dashboard() -> str:
    """What is not settled or not right, every booking, and what every account adds up to."""
    return render_template(
        "admin/dashboard.html",
        unsettled=attention.unsettled_operations(),
        alarms=attention.open_alarms(),
        objections=attention.objections_waiting(ObjectionState.WITH_OPERATOR),
        compared=db.session.scalar(
            select(Reconciliation).order_by(Reconciliation.started_at.desc(), Reconciliation.id.desc()).limit(1)
        ),
        stuck=attention.stuck_events(),
        quarantined=inbox.quarantined_lately(clock.now()),
        page=page_of(listed(), Booking.starts_at, Booking.id, read=all_listed),
        trial_balances=books.trial_balances(),
    )


@bp.get("/bookings/<booking_id>")
@audience(Audience.OPERATOR)
def booking(booking_id: str) -> ResponseReturnValue:
    """One booking and the story of its money."""
    now, shown = clock.now(), Booking.one(Booking.id == booking_id)
    free = shown.is_trial or (shown.payment is not None and shown.payment.is_free)
    return live.answer(
        "admin/booking.html",
        booking=shown,
        now=now,
        story=story_of(shown, now=now),
        can_cancel=free and cancellations.can(shown, by=Party.OPERATOR, now=now),
        can_refund=free and bool(shown.payment and shown.payment.left),
    )


@bp.get("/bookings/<booking_id>/cancellation")
@audience(Audience.OPERATOR)
def cancellation(booking_id: str) -> str:
    """What cancelling would do to the money, before it is done."""
    shown = Booking.one(Booking.id == booking_id)
    return render_template(
        "admin/cancellation.html", booking=shown, quote=cancellations.quote(shown, by=Party.OPERATOR, now=clock.now())
    )


@bp.post("/bookings/<booking_id>/cancellation")
@audience(Audience.OPERATOR)
def cancel(booking_id: str) -> ResponseReturnValue:
    """Cancel, if the facts are still those of the quote."""
    cancellations.cancel(
        Booking.one(Booking.id == booking_id), by=Party.OPERATOR, quoted=request.form.get("quoted", ""), now=clock.now()
    )
    outcomes.tell(Booking.one(Booking.id == booking_id), now=clock.now())
    return redirect(url_for(".booking", booking_id=booking_id))


@bp.get("/bookings/<booking_id>/refund")
@audience(Audience.OPERATOR)
def refund(booking_id: str) -> ResponseReturnValue:
    """Some or all of what was charged can be given back."""
    shown, payment = _charged(booking_id)
    form = RefundForm(data={"amount": str(payment.left.decimal), "refunded": payment.refunded_minor})
    return render_template("admin/refund.html", booking=shown, payment=payment, form=form)


@bp.post("/bookings/<booking_id>/refund")
@audience(Audience.OPERATOR)
def give_back(booking_id: str) -> ResponseReturnValue:
    """Refund, if what had been refunded before is still what the page said."""
    shown, payment = _charged(booking_id)
    form = RefundForm()
    if form.validate_on_submit():
        try:
            refunds.give_back(
                payment,
                Money.parse(form.amount.data, payment.currency),
                by=Party.OPERATOR,
                because=form.because.data,
                refunded=Money(form.refunded.data, payment.currency),
                now=clock.now(),
            )
        except Invalid as failure:
            show_on(form, Invalid(failure.message, field="amount"))
        else:
            return _told(booking_id)
    return render_template("admin/refund.html", booking=shown, payment=payment, form=form), 422


@bp.post("/operations/<operation_id>/look-up")
@audience(Audience.OPERATOR)
def look_again(operation_id: str) -> ResponseReturnValue:
    """Ask Stripe once more about a money action that was parked."""
    decisions.look_again(operation_id, now=clock.now())
    flash("We have asked again. What came of it stands in the booking.", "done")
    return redirect(url_for(".dashboard"))


@bp.post("/operations/<operation_id>/refusal")
@audience(Audience.OPERATOR)
def give_up(operation_id: str) -> ResponseReturnValue:
    """Let go of a money action that was parked: it is not tried any more."""
    form = DecisionForm()
    if not form.validate_on_submit():
        raise Invalid("Please say in a few words why nothing more should be tried.")
    decisions.give_up(operation_id, because=form.because.data, now=clock.now())
    flash("It is not tried any more, and another action is possible.", "done")
    return redirect(url_for(".dashboard"))


@bp.post("/events/<stripes:event_id>/another-try")
@audience(Audience.OPERATOR)
def try_again(event_id: str) -> ResponseReturnValue:
    """Have an event that is stuck tried as if it had just come."""
    decisions.try_again(event_id, now=clock.now())
    flash("It is tried again within seconds. Should it keep failing, it comes back here.", "done")
    return redirect(url_for(".dashboard"))


@bp.post("/events/<stripes:event_id>/dismissal")
@audience(Audience.OPERATOR)
def dismiss(event_id: str) -> ResponseReturnValue:
    """Take the operator's word that nothing need be done about an event that is stuck."""
    form = DecisionForm()
    if not form.validate_on_submit():
        raise Invalid("Please say in a few words why nothing need be done.")
    decisions.dismiss(event_id, because=form.because.data, now=clock.now())
    flash("It is dismissed.", "done")
    return redirect(url_for(".dashboard"))


@bp.post("/alarms/<alarm_id>/settlement")
@audience(Audience.OPERATOR)
def settle_alarm(alarm_id: str) -> ResponseReturnValue:
    """Take the operator's word that nothing more need be done about an alarm."""
    form = DecisionForm()
    if not form.validate_on_submit():
        raise Invalid("Please say in a few words why nothing more need be done.")
    alarms.settle(alarm_id, because=form.because.data, now=clock.now())
    flash("It is settled. Should anything about it change, it is raised again.", "done")
    return redirect(url_for(".dashboard"))


@bp.get("/reconciliations")
@audience(Audience.OPERATOR)
def reconciliations() -> str:
    """How our books and bookings compared with Stripe's, time after time."""
    page = page_of(select(Reconciliation), Reconciliation.started_at, Reconciliation.id, read=all_of)
    return render_template("admin/reconciliations.html", page=page)


def _charged(booking_id: str) -> tuple[Booking, Payment]:
    shown = Booking.one(Booking.id == booking_id)
    if shown.payment is None or not shown.payment.left:
        raise IllegalMove("There is nothing (left) to refund: nothing was charged, or all of it was given back.")
    return shown, shown.payment


def _told(booking_id: str) -> ResponseReturnValue:
    payment = Booking.one(Booking.id == booking_id).payment
    if payment is not None and payment.is_busy:
        flash("We are confirming this with our payment provider. It goes on by itself.", "info")
    else:
        flash("The refund is on its way. Banks take 5 to 10 days to show it.", "done")
    return redirect(url_for(".booking", booking_id=booking_id))
