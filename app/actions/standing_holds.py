"""The hold that stands for a payment: what is known of it, when a newer one takes its place, and which do not count."""

from collections.abc import Collection

from sqlalchemy import select

from app.actions import deadlines
from app.actions.holds import release_at
from app.actions.labels import REPLACES
from app.extensions import db
from app.gateways.stripe_objects import SUPERSEDED, Intent
from app.models.booking import Booking
from app.models.operation import Operation
from app.models.payment import Payment
from app.models.states import PaymentState

VOID_OTHER = "void_other_hold"  # the kind of operation that lets go of an intent which is not its payment's any more
STATUSES = ("requires_capture", "succeeded")  # of an intent that the bank has said yes to


def replaces(newer: Intent, older_id: str | None) -> bool:
    """Whether the one is held in the place of the other."""
    return newer.metadata.get(REPLACES) == older_id and newer.status in STATUSES


def take_the_place(payment: Payment, intent: Intent) -> bool:
    """Whether a newer hold stands for ``payment`` from now on; the older one is let go by whoever made the newer."""
    if payment.state != PaymentState.AUTHORIZED or not replaces(intent, payment.intent_id):
        return False
    booking = Booking.locked(payment.booking_id)
    payment.intent_id = intent.id
    note(payment, booking, intent)
    deadlines.lift(deadlines.RELEASE, payment.id)
    deadlines.put(deadlines.RELEASE, payment.id, payment.release_at or booking.complete_by)
    return True


def go_back_to(payment: Payment, intent: Intent) -> None:
    """The older hold stands for ``payment`` (locked) again; whoever says so lets go of the newer one."""
    payment.intent_id = intent.id
    note(payment, Booking.locked(payment.booking_id), intent)


def given_up(intent_ids: Collection[str]) -> set[str]:
    """Those of them in whose place we have put something else."""
    found = select(Operation.subject).where(Operation.subject.in_(intent_ids), Operation.kind == VOID_OTHER)
    return set(db.session.scalars(found))


def is_past(payment: Payment, intent: Intent) -> bool:
    """Whether ``intent`` was held for ``payment`` once and tells nothing of it any more. A charge always does, as
    long as nothing else was made for the payment: the money has moved, whatever we had planned."""
    if payment.intent_id == intent.id or payment.setup_id is None:
        return False
    if intent.status == "succeeded" and payment.intent_id is None:
        return False
    return intent.cancellation_reason == SUPERSEDED or intent.id in given_up([intent.id])


def note(payment: Payment, booking: Booking, intent: Intent) -> None:
    """Keep what the bank has said of it: until when it stands, and so until when we keep it."""
    if intent.charge is not None:
        payment.charge_id = intent.charge.id
        payment.card_brand, payment.card_last4 = intent.charge.card_brand, intent.charge.card_last4
        payment.capture_before = intent.charge.capture_before
    payment.release_at = release_at(booking.complete_by, payment.capture_before)
