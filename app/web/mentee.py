"""What a mentee does: book, pay, follow, cancel."""

from datetime import datetime

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import and_, or_

from app.actions import (
    absences,
    availability,
    bookings,
    cancellations,
    card_forms,
    check_ins,
    holds,
    objections,
    reschedules,
    wallets,
)
from app.actions.claims import Slot
from app.actions.wishes import Wish
from app.extensions import limiter
from app.kit import clock, policy
from app.kit.errors import GatewayDown, Invalid, LookedInto, NotFound, SlotTaken
from app.kit.ids import is_id
from app.kit.money import Money
from app.models.booking import Booking
from app.models.listings import all_listed, listed
from app.models.mentor import Mentor
from app.models.states import ENDED_BOOKING, BookingState, ObjectionState, Party
from app.web import attention, drafts, live, outcomes
from app.web.access import Audience, audience, me
from app.web.forms import BookingForm, parse_instant, show_on
from app.web.headers import allow_stripe
from app.web.pages import page_of
from app.web.stories import story_of

bp = Blueprint("mentee", __name__, url_prefix="/mentee")

MOST_UPCOMING = 50
TEST_CARDS = (
    ("4242 4242 4242 4242", "Works"),
    ("4000 0000 0000 0002", "Is declined"),
    ("4000 0000 0000 9995", "Is declined: not enough money"),
    ("4000 0000 0000 3220", "Asks for 3-D Secure"),
    ("4000 0000 0000 0341", "Can be saved, and is declined when we reserve"),
)


@bp.get("/")
@audience(Audience.MEMBER)
def dashboard() -> str:
    """My bookings: what needs me, what comes, what was."""
    now = clock.now()
    mine = listed().where(Booking.mentee_id == me().id)
    live = all_listed(
        mine.where(
            or_(
                and_(Booking.state == BookingState.PENDING_PAYMENT, Booking.pay_by > now),
                Booking.state.in_((BookingState.REQUESTED, BookingState.CONFIRMED)),
            )
        )
        .order_by(Booking.starts_at)
        .limit(MOST_UPCOMING)
    )
    booked = [booking for booking in live if booking.state != BookingState.PENDING_PAYMENT]
    return render_template(
        "mentee/dashboard.html",
        objections=attention.objections_waiting(ObjectionState.WITH_MENTEE, Booking.mentee_id == me().id),
        needs_me=[booking for booking in live if booking.state == BookingState.PENDING_PAYMENT],
        over=[booking for booking in booked if booking.ends_at <= now],
        upcoming=[booking for booking in booked if booking.ends_at > now],
        proposals=reschedules.proposed_for([booking.id for booking in live], to=Party.MENTEE, now=now),
        page=page_of(mine.where(Booking.state.in_(ENDED_BOOKING)), Booking.starts_at, Booking.id, read=all_listed),
    )


@bp.get("/bookings/new")
@audience(Audience.MEMBER)
def new_booking() -> ResponseReturnValue:
    """The form for a time that was picked on a mentor's page."""
    form = BookingForm(None, data={**request.args, **drafts.take()})
    if not form.starts_at.data:
        flash("Please pick a time first.", "problem")
        return redirect(
            url_for("public.mentor", mentor_id=form.mentor.data, minutes=form.minutes.data)
            if form.mentor.data
            else url_for("public.mentors")
        )
    mentor, minutes, starts_at = _picked(form)
    try:
        slot = availability.check_open(mentor, starts_at, minutes, now=clock.now(), viewer=me())
    except SlotTaken as failure:
        return _taken(form, mentor, minutes, starts_at, failure), failure.status
    return _form(form, mentor, slot)


@bp.post("/bookings")
@limiter.limit("30 per minute")
@audience(Audience.MEMBER)
def book() -> ResponseReturnValue:
    """Reserve the time, then go to the card."""
    form = BookingForm()
    mentor, minutes, starts_at = _picked(form)
    slot = Slot.of(starts_at, minutes)
    if not form.validate():
        return _form(form, mentor, slot), 422
    wish = Wish(
        starts_at,
        minutes,
        form.title.data,
        form.description.data or "",
        form.request_key.data,
        consent=form.consent.data,
        is_trial=form.is_trial,
    )
    try:
        booking = bookings.book(me(), mentor, wish, now=clock.now())
    except SlotTaken as failure:
        return _taken(form, mentor, minutes, starts_at, failure), failure.status
    except GatewayDown as failure:  # Stripe does not know the mentee yet: nothing is reserved
        form.form_errors.append("Our payment provider does not answer, so nothing is reserved. Please try again soon.")
        return _form(form, mentor, slot), failure.status
    except LookedInto as failure:
        form.form_errors.append(f"{failure.message} So nothing is reserved.")
        return _form(form, mentor, slot), failure.status
    except Invalid as failure:
        show_on(form, failure)
        return _form(form, mentor, slot), failure.status
    if booking.is_trial:
        flash(story_of(booking, now=clock.now()).headline, "done")
        return redirect(url_for(".booking", booking_id=booking.id))
    return redirect(url_for(".payment", booking_id=booking.id))


@bp.get("/bookings/<booking_id>")
@audience(Audience.MEMBER)
def booking(booking_id: str) -> ResponseReturnValue:
    """One booking and the story of its money."""
    now, mine = clock.now(), Booking.of_mentee(me(), booking_id)
    proposal = reschedules.open_one(mine, now=now)
    return live.answer(
        "mentee/booking.html",
        booking=mine,
        now=now,
        story=story_of(mine, now=now),
        proposal=proposal,
        does=reschedules.consequence(mine, proposal, now=now),
        can_move=reschedules.can(mine, now=now),
        can_cancel=cancellations.can(mine, by=Party.MENTEE, now=now),
        can_check_in=check_ins.is_open(mine, now=now),
        can_report_absence=absences.cannot_report(mine, now=now) is None,
        object_by=objections.object_by(mine) if objections.cannot_object(mine, now=now) is None else None,
    )


@bp.get("/bookings/<booking_id>/payment")
@audience(Audience.MEMBER)
def payment(booking_id: str) -> ResponseReturnValue:
    """Where the card goes: straight to Stripe, from the browser."""
    mine = Booking.of_mentee(me(), booking_id)
    asked = mine.payment
    if not _waits_for_a_card(mine) or asked is None:
        return redirect(url_for(".booking", booking_id=booking_id))
    settings, card = current_app.extensions["settings"], card_forms.of(asked)
    if card is not None and card.is_answered:
        return redirect(url_for(".payment_return", booking_id=booking_id))
    allow_stripe()
    kept = wallets.offered_to(me()) if card is not None else []
    mine = Booking.of_mentee(me(), booking_id)
    return render_template(
        "mentee/payment.html",
        booking=mine,
        payment=mine.payment,
        client_secret=card.client_secret if card else None,
        kept_cards=kept,
        problem=card.problem if card else None,
        give_up_at=holds.give_up_at(mine.starts_at),
        only_saves=card.only_saves if card else False,
        publishable_key=settings.stripe_publishable_key,
        stripe_js=settings.stripe_js,
        test_cards=TEST_CARDS,
        return_url=url_for(".payment_return", booking_id=booking_id, _external=True),
    )


@bp.get("/bookings/<booking_id>/payment/return")
@audience(Audience.MEMBER)
def payment_return(booking_id: str) -> ResponseReturnValue:
    """Where a bank's own page leads back to: the look at Stripe that follows is a POST, because it changes things."""
    mine = Booking.of_mentee(me(), booking_id)
    if not _waits_for_a_card(mine):
        return redirect(url_for(".booking", booking_id=booking_id))
    return render_template("mentee/payment_return.html", booking=mine, payment=mine.payment)


@bp.post("/bookings/<booking_id>/payment/check")
@audience(Audience.MEMBER)
def check_payment(booking_id: str) -> ResponseReturnValue:
    """Ask Stripe how the payment stands, without waiting for the webhook."""
    mine = Booking.of_mentee(me(), booking_id)
    if mine.payment is not None:
        card_forms.check(mine.payment, now=clock.now())
    mine = Booking.of_mentee(me(), booking_id)
    if _waits_for_a_card(mine):
        return redirect(url_for(".payment", booking_id=booking_id))
    if mine.state == BookingState.REQUESTED:
        flash(f"{mine.mentor.name} has been asked. {_secured(mine)}; nothing is charged.", "done")
    elif mine.payment is not None and mine.payment.is_ready_to_move:
        flash("Your card is saved. The reservation stays as it is until you both agree on another time.", "done")
        if reschedules.open_one(mine, now=clock.now()) is None:
            return redirect(url_for("reschedules_of_mentee.choose", booking_id=booking_id))
    elif mine.payment is not None and mine.payment.waits_for_its_day:
        flash("Your session is confirmed and your card is saved. Nothing is reserved on it yet.", "done")
    elif mine.state == BookingState.CONFIRMED:
        flash(f"Your session is confirmed. {mine.price} is reserved; you are charged only after the session.", "done")
    return redirect(url_for(".booking", booking_id=booking_id))


@bp.post("/bookings/<booking_id>/agreement")
@audience(Audience.MEMBER)
def agree_done(booking_id: str) -> ResponseReturnValue:
    """Say that the session is done, before its planned end."""
    mine = Booking.of_mentee(me(), booking_id)
    bookings.agree_done(mine, now=clock.now())
    flash(f"Thank you. {mine.mentor.name} can complete the session now.", "done")
    return redirect(url_for(".booking", booking_id=booking_id))


@bp.get("/bookings/<booking_id>/cancellation")
@audience(Audience.MEMBER)
def cancellation(booking_id: str) -> str:
    """What cancelling would do to the money, before it is done."""
    mine = Booking.of_mentee(me(), booking_id)
    return render_template(
        "mentee/cancellation.html", booking=mine, quote=cancellations.quote(mine, by=Party.MENTEE, now=clock.now())
    )


@bp.post("/bookings/<booking_id>/cancellation")
@audience(Audience.MEMBER)
def cancel(booking_id: str) -> ResponseReturnValue:
    """Cancel, if the facts are still those of the quote."""
    cancellations.cancel(
        Booking.of_mentee(me(), booking_id), by=Party.MENTEE, quoted=request.form.get("quoted", ""), now=clock.now()
    )
    outcomes.tell(Booking.of_mentee(me(), booking_id), now=clock.now())
    return redirect(url_for(".booking", booking_id=booking_id))


def _waits_for_a_card(booking: Booking) -> bool:
    """Whether the mentee can do something about the card: it has yet to come, or the bank has declined it; or another
    one is to be saved, so that the session can move further."""
    asked = booking.payment is not None and (booking.payment.is_declined or booking.payment.is_saving_a_card)
    return booking.state == BookingState.PENDING_PAYMENT or (booking.state == BookingState.CONFIRMED and asked)


def _secured(booking: Booking) -> str:
    saved = booking.payment is not None and booking.payment.waits_for_its_day
    return "Your card is saved" if saved else f"{booking.price} is reserved"


def _picked(form: BookingForm) -> tuple[Mentor, int, datetime]:
    """The mentor, length and start that the form is about. Raises: NotFound, Invalid."""
    if not is_id(form.mentor.data or ""):
        raise NotFound
    mentor = Mentor.one(Mentor.id == form.mentor.data, Mentor.published)
    minutes = form.minutes.data or ""
    if not (minutes.isascii() and minutes.isdigit() and len(minutes) <= 3):
        raise Invalid("A session has a length in minutes.", field="minutes")
    return mentor, int(minutes), parse_instant(form.starts_at.data)


def _taken(form: BookingForm, mentor: Mentor, minutes: int, starts_at: datetime, why: SlotTaken) -> str:
    free = availability.openings(mentor, minutes, now=clock.now(), viewer=me())
    slot = Slot.of(starts_at, minutes)
    return _form(form, mentor, slot, nearest=availability.nearest(free, starts_at), taken=why.message)


def _form(
    form: BookingForm,
    mentor: Mentor,
    slot: Slot,
    *,
    nearest: list[Slot] | None = None,
    taken: str | None = None,
) -> str:
    price = Money(0, mentor.currency) if form.is_trial else mentor.price_for(int(form.minutes.data))
    now = clock.now()
    return render_template(
        "mentee/book.html",
        form=form,
        mentor=mentor,
        price=price,
        late_fee=mentor.terms.late_fee(price),
        free_until=policy.current().free_until(slot.starts_at, now),
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        plan=holds.plan(slot.starts_at, slot.ends_at, now=now),
        answer_by=policy.current().answer_by(slot.starts_at, now),
        nearest=nearest or [],
        taken=taken,
    )
